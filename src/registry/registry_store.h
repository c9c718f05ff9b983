/* SPDX-License-Identifier: Apache-2.0 */
/* A registry repository as a store (see oci/store.h). Any thread. */
#ifndef REGISTRY_REGISTRY_STORE_H
#define REGISTRY_REGISTRY_STORE_H

#include "layerpipe/client.h"
#include "layerpipe/ref.h"
#include "oci/store.h"

/* ref is used during the call only; client must stay valid as long as the store. With writes,
 * tokens for pull and push are requested from the start. ranges: see registry_blob_open(). */
MUST_CHECK int registry_store_open(lpipe_client *client, const lpipe_ref *ref, bool writes,
                                   unsigned ranges, struct store **ret_store,
                                   struct lpipe_error *err);

#endif
