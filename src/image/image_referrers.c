/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image_referrers.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "image/image_fetch.h"

char *image_referrers_tag(const char *digest, char buf[REFERRERS_TAG_SIZE])
{
    const char *hex = strchr(digest, ':');
    (void)snprintf(buf, REFERRERS_TAG_SIZE, "%.*s-%.64s", (int)MIN_OF(hex - digest, 32), digest,
                   hex + 1);
    return buf;
}

/* Fetches the index. When there is none, *ret_list is untouched. */
static int fetch(struct store *store, const char *tag, struct fetched *ret_list,
                 struct lpipe_error *err)
{
    struct fetched list AUTO_FETCHED = FETCHED_INIT;
    struct lpipe_error failure = { 0 };
    int status = image_fetch_manifest(store, tag, &list, &failure);
    if (status == LPIPE_NOT_FOUND) {
        return 0;
    }
    if (status != 0) {
        if (err != NULL) {
            *err = failure;
        }
        return status;
    }
    if (list.manifest->kind != MANIFEST_KIND_INDEX) {
        return fail(err, LPIPE_PROTOCOL, "the referrers tag %s does not name an index", tag);
    }
    *ret_list = list;
    list = (struct fetched)FETCHED_INIT;
    return 0;
}

static bool has_entry(const struct manifest *list, const char *digest)
{
    for (size_t i = 0; list != NULL && i < list->item_count; i++) {
        if (strcmp(list->items[i].descriptor.digest, digest) == 0) {
            return true;
        }
    }
    return false;
}

static int put(struct store *store, const char *tag, const struct manifest *list,
               const struct manifest_item *item, struct lpipe_error *err)
{
    size_t count = list != NULL ? list->item_count : 0;
    AUTO_FREE struct manifest_item *items = mem_new_array(count + 1, sizeof *items);
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
    if (items == NULL) {
        return fail_memory(err);
    }
    if (count > 0) {
        memcpy(items, list->items, count * sizeof *items);
    }
    items[count] = *item;
    const struct index_spec spec = { .family = MEDIA_FAMILY_OCI,
                                     .items = items,
                                     .item_count = count + 1,
                                     .annotations = list != NULL ? &list->annotations : NULL };
    int status = manifest_write_index(&spec, &document, err);
    return status == 0 ? store->ops->manifest_put(store, &document, tag, err) : status;
}

int image_referrers_add(struct store *store, const char *subject_digest,
                        const struct manifest_item *item, struct lpipe_error *err)
{
    char tag[REFERRERS_TAG_SIZE];
    image_referrers_tag(subject_digest, tag);
    for (unsigned attempt = 0; attempt < REFERRERS_ATTEMPTS; attempt++) {
        struct fetched list AUTO_FETCHED = FETCHED_INIT;
        int status = fetch(store, tag, &list, err);
        if (status != 0 || has_entry(list.manifest, item->descriptor.digest)) {
            return status;
        }
        status = put(store, tag, list.manifest, item, err);
        if (status != 0) {
            return status;
        }
    }
    return fail_with_advice(
        err, LPIPE_SERVER,
        "the entry in the referrers tag %s was lost after each of %d attempts; try again", tag,
        REFERRERS_ATTEMPTS);
}

int image_referrers_list(struct store *store, const char *subject_digest,
                         struct descriptor_list *list, struct lpipe_error *err)
{
    char tag[REFERRERS_TAG_SIZE];
    struct fetched tagged AUTO_FETCHED = FETCHED_INIT;
    int listed = store->ops->referrers_list != NULL
                     ? store->ops->referrers_list(store, subject_digest, list, err)
                     : 0;
    if (listed != 0) {
        return MIN_OF(listed, 0);
    }
    int status = fetch(store, image_referrers_tag(subject_digest, tag), &tagged, err);
    for (size_t i = 0; status == 0 && tagged.manifest != NULL && i < tagged.manifest->item_count;
         i++) {
        status = descriptor_list_add(list, &tagged.manifest->items[i].descriptor, err);
    }
    return status;
}
