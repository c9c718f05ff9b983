/* SPDX-License-Identifier: Apache-2.0 */
/* A registry repository as a store (oci/store.h). Blobs are uploaded by upload/upload.h and read and
 * mounted by registry_blob.h; manifests are handled by registry_manifest.h. Any thread. */
#ifndef REGISTRY_REGISTRY_STORE_H
#define REGISTRY_REGISTRY_STORE_H

#include "layerpipe/client.h"
#include "layerpipe/ref.h"
#include "oci/store.h"

/* ref is borrowed for the call, client as long as the store lives. writes: tokens for "pull,push" are
 * requested from the start. */
MUST_CHECK int registry_store_open(lpipe_client *client, const lpipe_ref *ref, bool writes,
                                   struct store **ret_store, struct lpipe_error *err);

#endif
