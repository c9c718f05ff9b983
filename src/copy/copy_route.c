/* SPDX-License-Identifier: Apache-2.0 */
#include "copy/copy_route.h"

#include <string.h>

#include "oci/reference.h"

void copy_route_init(lpipe_client *client, const lpipe_ref *source, struct store *from,
                     const lpipe_ref *dest, const struct push_target *target,
                     struct copy_route *ret_route)
{
    bool same_id = source->kind == dest->kind && dest->kind != LPIPE_REF_NULL &&
                   strcmp(from->store_id, target->store->store_id) == 0;
    bool is_registry = dest->kind == LPIPE_REF_REGISTRY;
    *ret_route = (struct copy_route){
        .client = client,
        .from = from,
        .from_repository = same_id && is_registry ? source->repository : NULL,
        .to = target->store,
        .remote = target->remote,
        .is_same_store =
            same_id && (!is_registry || strcmp(source->repository, dest->repository) == 0),
    };
}
