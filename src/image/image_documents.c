/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image_documents.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define EMPTY_JSON "{}"

void image_documents_dispose(struct image_documents *documents)
{
    document_dispose(&documents->config);
    document_dispose(&documents->manifest);
}

static int add_layers(lpipe_image *image, struct lpipe_error *err)
{
    int status = 0;
    for (size_t i = 0; i < image->layer_count && status == 0; i++) {
        const struct image_layer *layer = &image->layers[i];
        const struct image_history history = { .created = image->created,
                                               .created_by = layer->history };
        if (layer->kind != IMAGE_LAYER_BASE) { /* the base's config has those already */
            status = image_config_add_layer(image->config, layer->result.diff_id, &history, err);
        }
    }
    return status;
}

static int make_config(lpipe_image *image, struct document *ret_config, struct lpipe_error *err)
{
    int status = image_config_set_created(image->config, image->created, err);
    status = status == 0 ? add_layers(image, err) : status;
    return status == 0 ? image_config_write(image->config, image->family, ret_config, err) : status;
}

/* The config of the base keeps its bytes if all layers keep their diff IDs. */
static int copy_config(lpipe_image *image, struct document *ret_config, struct lpipe_error *err)
{
    const struct document *old = &image->base.config;
    bool is_changed = false;
    int status = 0;
    for (size_t i = 0; i < image->layer_count && status == 0; i++) {
        const char *diff_id = image->layers[i].result.diff_id;
        if (strcmp(image_config_diff_id(image->config, i), diff_id) != 0) {
            is_changed = true;
            status = image_config_set_diff_id(image->config, i, diff_id, err);
        }
    }
    if (status != 0 || is_changed) {
        return status != 0 ? status
                           : image_config_write(image->config, image->family, ret_config, err);
    }
    AUTO_BUF struct buf bytes = BUF_INIT(old->bytes.size);
    if (buf_append(&bytes, old->bytes.data, old->bytes.size) != 0) {
        return fail_memory(err);
    }
    return document_make(&bytes, media_type_name(image->family, MEDIA_ROLE_CONFIG),
                         old->descriptor.digest, ret_config, err);
}

static int make_empty(struct document *ret_config, struct lpipe_error *err)
{
    AUTO_BUF struct buf bytes = BUF_INIT(EMPTY_JSON_SIZE);
    if (buf_append_text(&bytes, EMPTY_JSON) != 0) {
        return fail_memory(err);
    }
    return document_make(&bytes, media_type_name(MEDIA_FAMILY_OCI, MEDIA_ROLE_EMPTY),
                         EMPTY_JSON_DIGEST, ret_config, err);
}

int image_documents_config(lpipe_image *image, struct document *ret_config, struct lpipe_error *err)
{
    return image->is_copy          ? copy_config(image, ret_config, err)
           : image->config != NULL ? make_config(image, ret_config, err)
                                   : make_empty(ret_config, err);
}

/* For a layer of the base, source keeps all other fields of its descriptor. */
static struct manifest_item item_of(const struct image_layer *layer)
{
    struct manifest_item item = { .descriptor = { .size = layer->result.size } };
    (void)snprintf(item.descriptor.digest, sizeof item.descriptor.digest, "%s",
                   layer->result.digest);
    (void)snprintf(item.descriptor.media_type, sizeof item.descriptor.media_type, "%s",
                   layer->result.media_type);
    item.source = layer->source != NULL ? layer->source->source : NULL;
    return item;
}

/* The annotations of a layer that was read, as a map. */
static int add_annotations(const struct image_layer *layer, struct string_map *map,
                           struct manifest_item *item, struct lpipe_error *err)
{
    int status = 0;
    for (size_t i = 0; i < layer->result.annotation_count && status == 0; i++) {
        const struct lpipe_annotation *annotation = &layer->result.annotations[i];
        status = string_map_set(map, annotation->key, annotation->value, err);
    }
    item->annotations = map->count > 0 ? map : NULL;
    return status;
}

int image_documents_manifest(const lpipe_image *image, const struct descriptor *subject,
                             struct image_documents *documents, struct lpipe_error *err)
{
    AUTO_FREE struct manifest_item *items = mem_new_array(image->layer_count + 1, sizeof *items);
    AUTO_FREE struct string_map *maps = mem_new_array(image->layer_count + 1, sizeof *maps);
    int status = items == NULL || maps == NULL ? fail_memory(err) : 0;
    for (size_t i = 0; i < image->layer_count && status == 0; i++) {
        items[i] = item_of(&image->layers[i]);
        status = add_annotations(&image->layers[i], &maps[i], &items[i], err);
    }
    const struct manifest_spec spec = {
        .family = image->family,
        .artifact_type = image->artifact_type,
        .config = image->config != NULL ? &documents->config.descriptor : NULL,
        .layers = items,
        .layer_count = image->layer_count,
        .annotations = &image->annotations,
        .subject = subject,
    };
    status = status == 0 ? manifest_write(&spec, &documents->manifest, err) : status;
    for (size_t i = 0; maps != NULL && i < image->layer_count; i++) {
        string_map_dispose(&maps[i]);
    }
    return status;
}
