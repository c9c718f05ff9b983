/* SPDX-License-Identifier: Apache-2.0 */
#include "archive/archive_lists.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "oci/json_write.h"

#define TAG_KEY "org.opencontainers.image.ref.name"
#define CONTAINERD_NAME_KEY "io.containerd.image.name"

static void image_dispose(struct archive_image *image)
{
    free(image->tag);
    free(image->full_name);
    free(image->layers);
}

static int keep_blobs(struct archive_image *image, const struct manifest *manifest)
{
    image->layers = mem_new_array(manifest->item_count + 1, sizeof *image->layers);
    if (image->layers == NULL) {
        return LPIPE_NO_MEMORY;
    }
    memcpy(image->config, manifest->config.descriptor.digest, sizeof image->config);
    for (size_t i = 0; i < manifest->item_count; i++) {
        memcpy(image->layers[i], manifest->items[i].descriptor.digest, sizeof image->layers[i]);
    }
    image->layer_count = manifest->item_count;
    return 0;
}

static int image_init(struct archive_image *image, const char *tag, const char *full_name,
                      const struct manifest *manifest)
{
    image->tag = mem_strdup(tag);
    image->full_name = mem_strdup(full_name);
    if ((tag != NULL && image->tag == NULL) || (full_name != NULL && image->full_name == NULL)) {
        return LPIPE_NO_MEMORY;
    }
    return manifest != NULL ? keep_blobs(image, manifest) : 0;
}

int archive_images_add(struct archive_images *images, const struct descriptor *descriptor,
                       const char *tag, const char *full_name, const struct manifest *manifest,
                       struct lpipe_error *err)
{
    struct archive_image image = { .manifest = *descriptor };
    struct archive_image *items =
        mem_realloc(images->items, (images->count + 1) * sizeof *images->items);
    if (items == NULL) {
        return fail_memory(err);
    }
    images->items = items;
    if (image_init(&image, tag, full_name, manifest) != 0) {
        image_dispose(&image);
        return fail_memory(err);
    }
    items[images->count++] = image;
    return 0;
}

void archive_images_dispose(struct archive_images *images)
{
    for (size_t i = 0; i < images->count; i++) {
        image_dispose(&images->items[i]);
    }
    free(images->items);
    *images = (struct archive_images){ .count = 0 };
}

static bool is_same_image(const struct archive_image *a, const struct archive_image *b)
{
    return strcmp(a->manifest.digest, b->manifest.digest) == 0;
}

static bool is_same_tag(const struct archive_image *a, const struct archive_image *b)
{
    return a->tag == NULL || b->tag == NULL ? a->tag == b->tag : strcmp(a->tag, b->tag) == 0;
}

/* False for a repeated entry, and for an entry without a tag beside one with a tag. */
static bool is_listed(const struct archive_images *images, size_t number)
{
    const struct archive_image *image = &images->items[number];
    for (size_t i = 0; i < images->count; i++) {
        const struct archive_image *other = &images->items[i];
        if (is_same_image(image, other) && i != number &&
            (is_same_tag(image, other) ? i < number : image->tag == NULL)) {
            return false;
        }
    }
    return true;
}

/* "1.4" of app:1.4 in a docker-archive. */
static const char *tag_of(const struct archive_image *image)
{
    return image->full_name != NULL ? strrchr(image->tag, ':') + 1 : image->tag;
}

static struct json_t *index_entry(const struct archive_image *image)
{
    struct json_t *entry AUTO_JSON = json_new_object();
    int status = json_set_text(entry, "mediaType", image->manifest.media_type);
    status |= json_set_text(entry, "digest", image->manifest.digest);
    status |= json_set_size(entry, "size", image->manifest.size);
    if (image->tag != NULL) {
        struct json_t *annotations AUTO_JSON = json_new_object();
        if (image->full_name != NULL) {
            status |= json_set_text(annotations, CONTAINERD_NAME_KEY, image->full_name);
        }
        status |= json_set_text(annotations, TAG_KEY, tag_of(image));
        status |= json_set_value(entry, "annotations", TAKE(annotations));
    }
    return status == 0 ? TAKE(entry) : NULL;
}

int archive_lists_index(const struct archive_images *images, struct buf *ret_text,
                        struct lpipe_error *err)
{
    struct json_t *root AUTO_JSON = json_new_object();
    struct json_t *entries AUTO_JSON = json_new_array();
    int status = json_set_size(root, "schemaVersion", 2);
    status |= json_set_text(root, "mediaType", media_type_name(MEDIA_FAMILY_OCI, MEDIA_ROLE_INDEX));
    for (size_t i = 0; i < images->count; i++) {
        if (is_listed(images, i)) {
            status |= json_add_value(entries, index_entry(&images->items[i]));
        }
    }
    status |= json_set_value(root, "manifests", TAKE(entries));
    return status != 0 || json_write(root, ret_text) != 0 ? fail_memory(err) : 0;
}

const char *archive_blob_path(const char *digest, char buf[ARCHIVE_BLOB_PATH_SIZE])
{
    (void)snprintf(buf, ARCHIVE_BLOB_PATH_SIZE, "blobs/%s/%s",
                   digest_alg_name(digest_alg_of(digest)), digest_hex_of(digest));
    return buf;
}

static int set_repo_tags(struct json_t *entry, const struct archive_images *images, size_t first)
{
    struct json_t *tags AUTO_JSON = json_new_array();
    int status = tags == NULL ? LPIPE_NO_MEMORY : 0;
    for (size_t i = first; i < images->count; i++) {
        if (is_same_image(&images->items[i], &images->items[first]) && is_listed(images, i) &&
            images->items[i].tag != NULL) {
            status |= json_add_text(tags, images->items[i].tag);
        }
    }
    return status | json_set_value(entry, "RepoTags", TAKE(tags));
}

static struct json_t *docker_entry(const struct archive_images *images, size_t first)
{
    const struct archive_image *image = &images->items[first];
    struct json_t *entry AUTO_JSON = json_new_object();
    struct json_t *layers AUTO_JSON = json_new_array();
    char path[ARCHIVE_BLOB_PATH_SIZE];
    int status = json_set_text(entry, "Config", archive_blob_path(image->config, path));
    status |= set_repo_tags(entry, images, first);
    for (size_t i = 0; i < image->layer_count; i++) {
        status |= json_add_text(layers, archive_blob_path(image->layers[i], path));
    }
    status |= json_set_value(entry, "Layers", TAKE(layers));
    return status == 0 ? TAKE(entry) : NULL;
}

static bool is_first(const struct archive_images *images, size_t number)
{
    size_t i = 0;
    while (!is_same_image(&images->items[i], &images->items[number])) {
        i++;
    }
    return i == number;
}

int archive_lists_docker(const struct archive_images *images, struct buf *ret_text,
                         struct lpipe_error *err)
{
    struct json_t *root AUTO_JSON = json_new_array();
    int status = root == NULL ? LPIPE_NO_MEMORY : 0;
    for (size_t i = 0; i < images->count; i++) {
        if (is_first(images, i)) {
            status |= json_add_value(root, docker_entry(images, i));
        }
    }
    return status != 0 || json_write(root, ret_text) != 0 ? fail_memory(err) : 0;
}
