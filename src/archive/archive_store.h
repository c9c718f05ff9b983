/* SPDX-License-Identifier: Apache-2.0 */
/* A new image archive as a store, which is only written: oci-archive: is an OCI layout as a tar.
 * docker-archive: has docker save's manifest.json, too, as docker save itself writes it since
 * Docker 25; manifests and digests are kept so. Layers keep their compression: Docker, podman
 * and containerd decompress what they load. The archive is complete with the store's finish
 * operation. */
#ifndef ARCHIVE_ARCHIVE_STORE_H
#define ARCHIVE_ARCHIVE_STORE_H

#include "layerpipe/observe.h"
#include "layerpipe/ref.h"
#include "oci/store.h"

/* ref: of kind OCI_ARCHIVE or DOCKER_ARCHIVE; borrowed for the call. spool_dir (copied) is for
 * blobs that cannot be written at once: see archive_write.h. cancel may be NULL.
 * INVALID_ARGUMENT, OUTPUT_IO. */
MUST_CHECK int archive_store_new(const lpipe_ref *ref, const char *spool_dir, lpipe_cancel *cancel,
                                 struct store **ret_store, struct lpipe_error *err);

#endif
