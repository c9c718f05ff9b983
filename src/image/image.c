/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/limits.h"
#include "base/mem.h"
#include "flow/layer.h"
#include "image/source_date.h"
#include "oci/image_edit.h"
#include "oci/json_write.h"
#include "registry/client.h"

lpipe_image *image_free(lpipe_image *image)
{
    if (image == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < image->layer_count; i++) {
        lpipe_layer_free(image->layers[i].unread);
        free(image->layers[i].history);
    }
    free(image->layers);
    free(image->artifact_type);
    string_map_dispose(&image->annotations);
    image_config_free(image->config);
    free(image->base.repository);
    fetched_dispose(&image->base.fetched);
    store_free(image->base.store);
    free(image);
    return NULL;
}

static void cleanup_image(lpipe_image **image)
{
    image_free(*image);
}

static int check_artifact(const lpipe_ref *base, const struct lpipe_image_options *options,
                          struct lpipe_error *err)
{
    const char *type = options->artifact_type;
    if (type == NULL) {
        return 0;
    }
    if (base != NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "an artifact has no base image");
    }
    if (options->format == LPIPE_FORMAT_DOCKER) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "Docker's manifest format has no place for an artifact type; use the OCI "
                    "format");
    }
    if (!media_type_valid(type, strlen(type))) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "the artifact type is not a media type");
    }
    return 0;
}

static int set_created(lpipe_image *image, const char *created, struct lpipe_error *err)
{
    int64_t when = time(NULL);
    if (created != NULL) {
        return time_parse(created, image->created, err);
    }
    int status = source_date(&when, err);
    if (status == 0 && !time_format(when, image->created)) {
        status = fail(err, LPIPE_NO_RESOURCES, "this machine's clock is not set");
    }
    return status;
}

static int make_config(lpipe_image *image, const char *platform_text_given, struct lpipe_error *err)
{
    struct platform platform;
    if (platform_text_given == NULL) {
        platform_host(&platform);
    } else {
        int status = platform_parse(platform_text_given, &platform, err);
        if (status != 0) {
            return status;
        }
    }
    return image_config_new(&platform, &image->config, err);
}

int image_new(lpipe_client *client, const lpipe_ref *base,
              const struct lpipe_image_options *options, lpipe_image **ret_image,
              struct lpipe_error *err)
{
    int status = check_artifact(base, options, err);
    if (status != 0) {
        return status;
    }
    lpipe_image *image CLEANUP(cleanup_image) = NEW(lpipe_image);
    if (image == NULL) {
        return fail_memory(err);
    }
    image->client = client;
    image->family = options->format == LPIPE_FORMAT_DOCKER ? MEDIA_FAMILY_DOCKER : MEDIA_FAMILY_OCI;
    status = set_created(image, options->created, err);
    if (status == 0 && options->artifact_type != NULL) {
        image->artifact_type = mem_strdup(options->artifact_type);
        status = image->artifact_type == NULL ? fail_memory(err) : 0;
    } else if (status == 0) {
        status = base != NULL ? image_base_load(image, base, options, err)
                              : make_config(image, options->platform, err);
    }
    if (status == 0) {
        *ret_image = TAKE(image);
    }
    return status;
}

static int grow(lpipe_image *image, struct lpipe_error *err)
{
    if (image->layer_count == LAYERS_MAX) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "an image has at most %d layers", LAYERS_MAX);
    }
    if (image->layer_count < image->layer_capacity) {
        return 0;
    }
    size_t room = MAX_OF((size_t)16, image->layer_capacity * 2);
    struct image_layer *layers = mem_realloc(image->layers, room * sizeof *layers);
    if (layers == NULL) {
        return fail_memory(err);
    }
    image->layers = layers;
    image->layer_capacity = room;
    return 0;
}

int image_append(lpipe_image *image, const struct image_layer *layer, const char *history,
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

static int check_open(const lpipe_image *image, struct lpipe_error *err)
{
    return image->pushed ? fail(err, LPIPE_INVALID_STATE, "the image has been pushed") : 0;
}

int image_add_layer(lpipe_image *image, lpipe_layer *layer, const char *history,
                    struct lpipe_error *err)
{
    struct image_layer added = { .kind = IMAGE_LAYER_UNREAD, .unread = layer };
    int status = check_open(image, err);
    status =
        status == 0 ? layer_set_docker(layer, image->family == MEDIA_FAMILY_DOCKER, err) : status;
    return status == 0 ? image_append(image, &added, history, err) : status;
}

static int check_known(const lpipe_image *image, const struct lpipe_layer_result *layer,
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

int image_add_known(lpipe_image *image, const struct lpipe_layer_result *layer, const char *history,
                    struct lpipe_error *err)
{
    struct image_layer added = { .kind = IMAGE_LAYER_KNOWN, .result = *layer };
    int status = check_open(image, err);
    status = status == 0 ? check_known(image, layer, err) : status;
    if (status != 0) {
        return status;
    }
    const char *type = media_type_in_family(layer->media_type, image->family);
    if (type == NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "the layer %s, %s, has no counterpart in Docker's format; use the OCI format",
                    layer->digest, layer->media_type);
    }
    memmove(added.result.media_type, type, strlen(type) + 1);
    return image_append(image, &added, history, err);
}

static int edit_annotation(lpipe_image *image, const char *value, struct lpipe_error *err)
{
    if (image->family == MEDIA_FAMILY_DOCKER) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "Docker's manifest format has no place for annotations; use the OCI format");
    }
    return string_map_set_text(&image->annotations, value, "annotation", err);
}

static int edit_history(lpipe_image *image, const char *value, struct lpipe_error *err)
{
    const struct image_history entry = { .created = image->created, .created_by = value };
    return json_text_valid(value, strlen(value))
               ? image_config_add_history(image->config, &entry, err)
               : fail(err, LPIPE_INVALID_ARGUMENT, "the history is not valid UTF-8");
}

int image_edit(lpipe_image *image, enum lpipe_edit edit, const char *value, struct lpipe_error *err)
{
    int status = check_open(image, err);
    if (status != 0) {
        return status;
    }
    if (edit == LPIPE_EDIT_ANNOTATION) {
        return edit_annotation(image, value, err);
    }
    if (image->config == NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "an artifact has no config to edit");
    }
    return edit == LPIPE_EDIT_HISTORY ? edit_history(image, value, err)
                                      : image_edit_apply(image->config, edit, value, err);
}
