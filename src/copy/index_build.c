/* SPDX-License-Identifier: Apache-2.0 */
#include "copy/index_build.h"

#include <string.h>

#include "base/mem.h"
#include "oci/json_write.h"

struct entry {
    struct manifest_item item;
    size_t part; /* number of the part; PART_OLD = of the old index; PART_REMOVED = left out */
};
#define PART_OLD SIZE_MAX
#define PART_REMOVED (SIZE_MAX - 1)

struct entries {
    struct entry *list;
    size_t count;
};

static bool names_platform(const struct manifest_item *item)
{
    return item->platform.os[0] != '\0' && strcmp(item->platform.os, "unknown") != 0;
}

static bool is_same_image(const struct manifest_item *a, const struct manifest_item *b)
{
    return strcmp(a->descriptor.digest, b->descriptor.digest) == 0 &&
           platform_equal(&a->platform, &b->platform);
}

static bool is_same_platform(const struct manifest_item *a, const struct manifest_item *b)
{
    return names_platform(a) && names_platform(b) && platform_equal(&a->platform, &b->platform);
}

/* Removes the old index's attestations about an image that is replaced. */
static void remove_attestations(struct entries *entries, const char *image_digest)
{
    for (size_t i = 0; i < entries->count; i++) {
        struct entry *entry = &entries->list[i];
        const char *about =
            json_member_text(json_member(entry->item.source, "annotations"), INDEX_KEY_ATTESTED);
        if (entry->part == PART_OLD && about != NULL && strcmp(about, image_digest) == 0) {
            entry->part = PART_REMOVED;
        }
    }
}

static int fail_two_images(const struct manifest_item *a, const struct manifest_item *b,
                           struct lpipe_error *err)
{
    char platform[PLATFORM_TEXT_SIZE];
    return fail(err, LPIPE_INVALID_ARGUMENT,
                "two images are for the platform %s: %s and %s; `platform` before a reference "
                "says for which platform its image is",
                platform_text(&a->platform, platform), a->descriptor.digest, b->descriptor.digest);
}

/* Removes the old images for the item's platform. *ret_place: the entry of the first of them;
 * untouched when there is none. */
static int remove_replaced(struct entries *entries, const struct manifest_item *item, size_t part,
                           struct entry **ret_place, struct lpipe_error *err)
{
    struct entry *place = NULL;
    for (size_t i = 0; i < entries->count; i++) {
        struct entry *entry = &entries->list[i];
        if (entry->part == part || entry->part == PART_REMOVED ||
            !is_same_platform(&entry->item, item)) {
            continue;
        }
        if (entry->part != PART_OLD) {
            return fail_two_images(&entry->item, item, err);
        }
        entry->part = PART_REMOVED;
        remove_attestations(entries, entry->item.descriptor.digest);
        place = place == NULL ? entry : place;
    }
    if (place != NULL) {
        *ret_place = place;
    }
    return 0;
}

/* A new image gets the place of the old one that it replaces, else the end of the list. */
static int add_entry(struct entries *entries, const struct manifest_item *item, size_t part,
                     struct lpipe_error *err)
{
    for (size_t i = 0; i < entries->count; i++) {
        struct entry *entry = &entries->list[i];
        if (entry->part != PART_REMOVED && is_same_image(&entry->item, item)) {
            entry->part = entry->part == PART_OLD ? part : entry->part;
            return 0;
        }
    }
    struct entry *place = &entries->list[entries->count];
    int status = remove_replaced(entries, item, part, &place, err);
    if (status == 0) {
        entries->count += place == &entries->list[entries->count];
        *place = (struct entry){ *item, part };
    }
    return status;
}

static int collect(const struct index_recipe *recipe, struct entries *entries,
                   struct lpipe_error *err)
{
    size_t capacity = recipe->old != NULL ? recipe->old->item_count : 0;
    for (size_t i = 0; i < recipe->part_count; i++) {
        capacity += recipe->parts[i].item_count;
    }
    entries->list = mem_new_array(capacity + 1, sizeof *entries->list);
    if (entries->list == NULL) {
        return fail_memory(err);
    }
    for (size_t i = 0; recipe->old != NULL && i < recipe->old->item_count; i++) {
        entries->list[entries->count++] = (struct entry){ recipe->old->items[i], PART_OLD };
    }
    int status = 0;
    for (size_t part = 0; part < recipe->part_count; part++) {
        for (size_t i = 0; i < recipe->parts[part].item_count && status == 0; i++) {
            status = add_entry(entries, &recipe->parts[part].items[i], part, err);
        }
    }
    return status;
}

/* Docker's list can name Docker's manifests only; an OCI index can name both. */
static enum media_family choose_family(const struct index_recipe *recipe,
                                       const struct manifest_item *items, size_t count)
{
    if (recipe->format != LPIPE_FORMAT_DEFAULT) {
        return recipe->format == LPIPE_FORMAT_DOCKER ? MEDIA_FAMILY_DOCKER : MEDIA_FAMILY_OCI;
    }
    if (recipe->annotation_count > 0 ||
        (recipe->old != NULL && recipe->old->family == MEDIA_FAMILY_OCI)) {
        return MEDIA_FAMILY_OCI;
    }
    for (size_t i = 0; i < count; i++) {
        enum media_family family = MEDIA_FAMILY_OCI;
        if (media_type_role(items[i].descriptor.media_type, &family) != MEDIA_ROLE_MANIFEST ||
            family == MEDIA_FAMILY_OCI) {
            return MEDIA_FAMILY_OCI;
        }
    }
    return MEDIA_FAMILY_DOCKER;
}

static int collect_annotations(const struct index_recipe *recipe, struct string_map *annotations,
                               struct lpipe_error *err)
{
    const struct string_map *old = recipe->old != NULL ? &recipe->old->annotations : NULL;
    int status = 0;
    for (size_t i = 0; old != NULL && i < old->count && status == 0; i++) {
        status = string_map_set(annotations, old->items[i].key, old->items[i].value, err);
    }
    for (size_t i = 0; i < recipe->annotation_count && status == 0; i++) {
        status = string_map_set_text(annotations, recipe->annotations[i], "annotation", err);
    }
    return status;
}

int index_build(const struct index_recipe *recipe, struct document *ret_document,
                struct lpipe_error *err)
{
    AUTO_STRING_MAP struct string_map annotations = STRING_MAP_INIT;
    struct entries entries = { NULL, 0 };
    int status = collect(recipe, &entries, err);
    AUTO_FREE struct entry *list = entries.list;
    status = status == 0 ? collect_annotations(recipe, &annotations, err) : status;
    if (status != 0) {
        return status;
    }
    AUTO_FREE struct manifest_item *items = mem_new_array(entries.count + 1, sizeof *items);
    if (items == NULL) {
        return fail_memory(err);
    }
    size_t count = 0;
    for (size_t i = 0; i < entries.count; i++) {
        if (list[i].part != PART_REMOVED) {
            items[count++] = list[i].item;
        }
    }
    const struct index_spec spec = { .family = choose_family(recipe, items, count),
                                     .items = items,
                                     .item_count = count,
                                     .annotations = &annotations,
                                     .old = recipe->old };
    return manifest_write_index(&spec, ret_document, err);
}

static bool has_item(const struct manifest *index, const struct manifest_item *item)
{
    for (size_t i = 0; i < index->item_count; i++) {
        if (is_same_image(&index->items[i], item)) {
            return true;
        }
    }
    return false;
}

bool index_has_parts(const struct manifest *index, const struct index_part *parts,
                     size_t part_count)
{
    for (size_t part = 0; part < part_count; part++) {
        for (size_t i = 0; i < parts[part].item_count; i++) {
            if (!has_item(index, &parts[part].items[i])) {
                return false;
            }
        }
    }
    return true;
}
