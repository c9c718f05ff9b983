/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts and reads blobs that a repository already has. Any thread; a reader belongs to one thread. */
#ifndef REGISTRY_REGISTRY_BLOB_H
#define REGISTRY_REGISTRY_BLOB_H

#include "oci/store.h"
#include "request/repository.h"

/* 1 when mounted, 0 when the registry refused in any way. */
MUST_CHECK int registry_blob_mount(const struct repository *repository, const char *digest,
                                   const char *from_repository, struct lpipe_error *err);

/* Makes a reader of a blob. It follows redirects and continues at the same byte after a broken
 * connection. The first read sends the request. repository is borrowed as long as the reader lives. */
MUST_CHECK int registry_blob_open(const struct repository *repository,
                                  const struct descriptor *blob, struct blob_reader **ret_reader,
                                  struct lpipe_error *err);

#endif
