/* SPDX-License-Identifier: Apache-2.0 */
#include "image/soci_find.h"

#include <string.h>

#include "base/limits.h"
#include "image/image_referrers.h"
#include "oci/descriptor_list.h"
#include "toc/toc_keys.h"

const char *soci_index_type(enum lpipe_soci version)
{
    return version == LPIPE_SOCI_V1 ? "application/vnd.amazon.soci.index.v1+json"
                                    : "application/vnd.amazon.soci.index.v2+json";
}

/* A manifest that is missing leaves *ret_index empty. */
static int fetch_if_there(struct store *store, const char *digest, struct fetched *ret_index,
                          struct lpipe_error *err)
{
    struct lpipe_error failure = { 0 };
    int status = image_fetch_manifest(store, digest, ret_index, &failure);
    if (status != 0 && status != LPIPE_NOT_FOUND && err != NULL) {
        *err = failure;
    }
    return status == LPIPE_NOT_FOUND ? 0 : status;
}

/* Whether it is an index of version 1 for that image. */
static bool is_index_of(const struct manifest *manifest, const char *digest)
{
    return manifest != NULL && manifest->kind == MANIFEST_KIND_IMAGE &&
           strcmp(manifest->config.descriptor.media_type, soci_index_type(LPIPE_SOCI_V1)) == 0 &&
           manifest->has_subject && strcmp(manifest->subject.descriptor.digest, digest) == 0;
}

/* A list of referrers says no types that could be relied on, so the manifests are fetched. */
static int find_referrer(struct store *store, const char *digest, struct fetched *ret_index,
                         struct lpipe_error *err)
{
    struct descriptor_list list AUTO_DESCRIPTOR_LIST = { .count = 0 };
    int status = image_referrers_list(store, digest, &list, err);
    for (size_t i = 0; i < MIN_OF(list.count, (size_t)SOCI_REFERRERS_MAX) && status == 0; i++) {
        struct fetched found AUTO_FETCHED = FETCHED_INIT;
        status = fetch_if_there(store, list.items[i].digest, &found, err);
        if (status == 0 && is_index_of(found.manifest, digest)) {
            *ret_index = found;
            found = (struct fetched)FETCHED_INIT;
            return 0;
        }
    }
    return status;
}

int soci_index_find(struct store *store, const struct fetched *image, bool referrers,
                    struct fetched *ret_index, struct lpipe_error *err)
{
    const char *named = string_map_get(&image->manifest->annotations, KEY_SOCI_INDEX);
    int status = 0;
    if (named != NULL && digest_valid(named)) {
        status = fetch_if_there(store, named, ret_index, err);
    }
    if (status == 0 && ret_index->manifest == NULL && referrers) {
        status = find_referrer(store, image->document.descriptor.digest, ret_index, err);
    }
    return status;
}
