/* SPDX-License-Identifier: Apache-2.0 */
#include "archive/archive_choose_oci.h"

#include <string.h>

#include "archive/archive_read_store.h"
#include "base/limits.h"
#include "base/text.h"
#include "oci/json_write.h"
#include "oci/manifest.h"

#define TAG_KEY "org.opencontainers.image.ref.name"
#define CONTAINERD_NAME_KEY "io.containerd.image.name"

static const char *name_of(const struct manifest_item *item, const char *key)
{
    const struct json_t *annotations = json_member(item->source, "annotations");
    return annotations != NULL ? json_member_text(annotations, key) : NULL;
}

static bool has_name(const struct manifest_item *item, const char *key, const char *name)
{
    const char *found = name_of(item, key);
    return found != NULL && strcmp(found, name) == 0;
}

/* containerd writes the tag alone into TAG_KEY, and the whole name into its own key. */
static bool is_wanted(const struct manifest_item *item, const char *image)
{
    return image == NULL || has_name(item, TAG_KEY, image) ||
           has_name(item, CONTAINERD_NAME_KEY, image);
}

static int list_images(const struct manifest *index, struct buf *text)
{
    int status = 0;
    for (size_t i = 0; i < index->item_count && status == 0; i++) {
        const struct manifest_item *item = &index->items[i];
        const char *name = name_of(item, CONTAINERD_NAME_KEY);
        name = name != NULL ? name : name_of(item, TAG_KEY);
        char shown[160];
        name = name != NULL ? name : item->descriptor.digest;
        status = buf_printf(text, "%s%s", i > 0 ? ", " : "",
                            text_printable(shown, sizeof shown, name, strlen(name)));
    }
    return status;
}

/* Names the images of the archive; a long list is cut. */
static int fail_images(const struct manifest *index, const char *image, struct lpipe_error *err)
{
    if (index->item_count == 0) {
        return fail_with_advice(err, LPIPE_NOT_FOUND,
                                "the image archive has no images; make it again");
    }
    AUTO_BUF struct buf list = BUF_INIT(600);
    if (list_images(index, &list) == LPIPE_NO_MEMORY) {
        return fail_memory(err);
    }
    const char *images = list.data != NULL ? list.data : "";
    return image != NULL
               ? fail_with_advice(err, LPIPE_NOT_FOUND,
                                  "the image archive has no image %s; it has: %s", image, images)
               : fail_with_advice(err, LPIPE_NOT_FOUND,
                                  "the image archive has %zu images; choose one with "
                                  "oci-archive:FILE:TAG (FILE is - for stdin): %s",
                                  index->item_count, images);
}

/* True where the entries are the platforms of one image that has no name of its own. */
static bool is_one_image(const struct manifest *index)
{
    for (size_t i = 0; i < index->item_count; i++) {
        const struct manifest_item *item = &index->items[i];
        if (item->platform.os[0] == '\0' || name_of(item, TAG_KEY) != NULL ||
            name_of(item, CONTAINERD_NAME_KEY) != NULL) {
            return false;
        }
    }
    return index->item_count > 1;
}

/* The entry with the wanted name; one image may have several names. */
static int find_entry(const struct manifest *index, const char *image,
                      const struct manifest_item **ret_item, struct lpipe_error *err)
{
    const struct manifest_item *found = NULL;
    for (size_t i = 0; i < index->item_count; i++) {
        const struct manifest_item *item = &index->items[i];
        if (!is_wanted(item, image)) {
            continue;
        }
        if (found != NULL && strcmp(found->descriptor.digest, item->descriptor.digest) != 0) {
            return fail_images(index, NULL, err);
        }
        found = item;
    }
    if (found == NULL) {
        return fail_images(index, image, err);
    }
    *ret_item = found;
    return 0;
}

/* The manifest of an entry, with the media type that the entry says. */
static int fetch_entry(struct store *documents, const struct descriptor *entry,
                       struct document *ret_root, struct lpipe_error *err)
{
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
    int status = documents->ops->manifest_get(documents, entry->digest, &document, err);
    status = status == 0 ? document_check(&document, entry, err) : status;
    if (status == 0) {
        memcpy(document.descriptor.media_type, entry->media_type, MEDIA_TYPE_SIZE);
        *ret_root = document;
        document = (struct document)DOCUMENT_INIT;
    }
    return status;
}

int archive_choose_oci(const struct archive_member *list, struct store *documents,
                       const struct archive_wish *wish, struct document *ret_root,
                       struct lpipe_error *err)
{
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
    AUTO_MANIFEST struct manifest *index = NULL;
    const struct manifest_item *item = NULL;
    int status = archive_member_document(list, "", &document, err);
    status = status == 0 ? manifest_parse(&document, &index, err) : status;
    if (status == 0 && index->kind != MANIFEST_KIND_INDEX) {
        status = fail(err, LPIPE_NOT_TAR, "it is not an index");
    }
    if (status != 0) {
        return fail_context(err, status, "index.json of the image archive");
    }
    if (wish->image == NULL && is_one_image(index)) {
        memcpy(document.descriptor.media_type, index->media_type, MEDIA_TYPE_SIZE);
        *ret_root = document;
        document = (struct document)DOCUMENT_INIT;
        return 0;
    }
    status = find_entry(index, wish->image, &item, err);
    return status == 0 ? fetch_entry(documents, &item->descriptor, ret_root, err) : status;
}
