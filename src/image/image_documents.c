/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image_documents.h"

#include <stdio.h>

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
        if (layer->kind != IMAGE_LAYER_BASE) { /* the base's config has them already */
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
    return image->config != NULL ? make_config(image, ret_config, err)
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

int image_documents_manifest(const lpipe_image *image, const struct descriptor *subject,
                             struct image_documents *documents, struct lpipe_error *err)
{
    AUTO_FREE struct manifest_item *items = mem_new_array(image->layer_count + 1, sizeof *items);
    if (items == NULL) {
        return fail_memory(err);
    }
    for (size_t i = 0; i < image->layer_count; i++) {
        items[i] = item_of(&image->layers[i]);
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
    return manifest_write(&spec, &documents->manifest, err);
}
