/* SPDX-License-Identifier: Apache-2.0 */
/* A registry repository as a store (oci/store.h): blobs are uploaded by upload.h, read and mounted
 * here; manifests go in and out with their digests checked. Any thread. */
#ifndef REGISTRY_REGISTRY_STORE_H
#define REGISTRY_REGISTRY_STORE_H

#include "layerpipe/client.h"
#include "layerpipe/ref.h"
#include "oci/store.h"

/* ref is borrowed for the call, client as long as the store. A store that writes asks for tokens that
 * are good for pushing from the start. */
MUST_CHECK int registry_store_open(lpipe_client *client, const lpipe_ref *ref, bool writes,
                                   struct store **ret_store, struct lpipe_error *err);

#endif
