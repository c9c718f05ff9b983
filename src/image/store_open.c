/* SPDX-License-Identifier: Apache-2.0 */
#include "image/store_open.h"

#include <assert.h>

#include "layout/layout_store.h"
#include "oci/null_store.h"
#include "registry/client.h"
#include "registry/registry_store.h"

int store_open(lpipe_client *client, const lpipe_ref *ref, enum store_access access,
               struct store **ret_store, struct lpipe_error *err)
{
    switch (lpipe_ref_kind(ref)) {
    case LPIPE_REF_REGISTRY:
        return registry_store_open(client, ref, access == STORE_WRITE, ret_store, err);
    case LPIPE_REF_LAYOUT:
        return layout_store_open(lpipe_ref_repository(ref), access == STORE_WRITE,
                                 client->context.cancel, ret_store, err);
    case LPIPE_REF_NULL:
        return null_store_open(ret_store, err);
    }
    assert(false);
    return fail(err, LPIPE_INVALID_ARGUMENT, "a reference of unknown kind");
}
