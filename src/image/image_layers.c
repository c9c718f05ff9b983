/* SPDX-License-Identifier: Apache-2.0 */
/* Adds layers to an image under construction. */
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "flow/layer.h"
#include "image/image.h"
#include "oci/json_write.h"

static int grow(lpipe_image *image, struct lpipe_error *err)
{
    if (image->layer_count == LAYERS_MAX) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "an image has at most %d layers", LAYERS_MAX);
    }
    if (image->layer_count < image->layer_capacity) {
        return 0;
    }
    size_t capacity = MAX_OF((size_t)16, image->layer_capacity * 2);
    struct image_layer *layers = mem_realloc(image->layers, capacity * sizeof *layers);
    if (layers == NULL) {
        return fail_memory(err);
    }
    image->layers = layers;
    image->layer_capacity = capacity;
    return 0;
}

int image_append_layer(lpipe_image *image, const struct image_layer *layer, const char *history,
                       struct lpipe_error *err)
{
    if (history != NULL && !json_text_valid(history, strlen(history))) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "the history is not valid UTF-8");
    }
    AUTO_FREE char *text = mem_strdup(history);
    if (history != NULL && text == NULL) {
        return fail_memory(err);
    }
    int status = grow(image, err);
    if (status == 0) {
        image->layers[image->layer_count] = *layer;
        image->layers[image->layer_count++].history = TAKE(text);
    }
    return status;
}

int image_check_not_pushed(const lpipe_image *image, struct lpipe_error *err)
{
    return image->pushed ? fail(err, LPIPE_INVALID_STATE, "the image was pushed already") : 0;
}

int image_add_layer(lpipe_image *image, lpipe_layer *layer, const char *history,
                    struct lpipe_error *err)
{
    struct image_layer added = { .kind = IMAGE_LAYER_UNREAD, .unread = layer };
    int status = image_check_not_pushed(image, err);
    status =
        status == 0 ? layer_set_docker(layer, image->family == MEDIA_FAMILY_DOCKER, err) : status;
    return status == 0 ? image_append_layer(image, &added, history, err) : status;
}

static int check_descriptor(const lpipe_image *image, const struct lpipe_layer_result *layer,
                            struct lpipe_error *err)
{
    if (memchr(layer->digest, '\0', sizeof layer->digest) == NULL || !digest_valid(layer->digest)) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "the layer descriptor has no valid digest");
    }
    if (image->artifact_type == NULL &&
        (memchr(layer->diff_id, '\0', sizeof layer->diff_id) == NULL ||
         !digest_valid(layer->diff_id))) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "the layer descriptor of %s has no valid diff ID, which an image needs",
                    layer->digest);
    }
    const char *end = memchr(layer->media_type, '\0', sizeof layer->media_type);
    if (end == NULL || !media_type_valid(layer->media_type, (size_t)(end - layer->media_type))) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "the layer descriptor of %s has no valid media type", layer->digest);
    }
    return 0;
}

int image_add_descriptor(lpipe_image *image, const struct lpipe_layer_result *layer,
                         const char *history, struct lpipe_error *err)
{
    struct image_layer added = { .kind = IMAGE_LAYER_KNOWN, .result = *layer };
    int status = image_check_not_pushed(image, err);
    status = status == 0 ? check_descriptor(image, layer, err) : status;
    if (status != 0) {
        return status;
    }
    const char *type = media_type_in_family(layer->media_type, image->family);
    if (type == NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "the layer %s has the media type %s, which Docker's format does not have; use "
                    "the OCI format",
                    layer->digest, layer->media_type);
    }
    memmove(added.result.media_type, type, strlen(type) + 1);
    return image_append_layer(image, &added, history, err);
}
