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
        lpipe_layer_free(image->layers[i].made);
        free(image->layers[i].history);
    }
    free(image->layers);
    free(image->artifact_type);
    string_map_dispose(&image->annotations);
    image_config_free(image->config);
    free(image->base.repository);
    document_dispose(&image->base.config);
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
                    "Docker's manifest format has no artifact type; use the OCI format");
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
    int64_t now = when;
    int status = source_date_read(&when, err);
    image->is_dated_now = when == now;
    if (status == 0 && !time_format(when, image->created)) {
        status = fail(err, LPIPE_NO_RESOURCES,
                      "the clock of this machine is not set; set it, or SOURCE_DATE_EPOCH");
    }
    return status;
}

static int make_config(lpipe_image *image, const char *platform_option, struct lpipe_error *err)
{
    struct platform platform;
    if (platform_option == NULL) {
        platform_host(&platform);
    } else {
        int status = platform_parse(platform_option, &platform, err);
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
    CONTEXT_CALL(&client->context);
    int status = check_artifact(base, options, err);
    if (status != 0) {
        return status;
    }
    lpipe_image *image CLEANUP(cleanup_image) = NEW(lpipe_image);
    if (image == NULL) {
        return fail_memory(err);
    }
    image->client = client;
    image->platform_given = base != NULL || options->platform != NULL;
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

static int edit_annotation(lpipe_image *image, const char *value, struct lpipe_error *err)
{
    if (image->family == MEDIA_FAMILY_DOCKER) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "Docker's manifest format has no annotations; use the OCI format");
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
    int status = image_check_not_pushed(image, err);
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

int image_set_config(lpipe_image *image, const char *json, size_t size, struct lpipe_error *err)
{
    struct platform before, after;
    char before_text[PLATFORM_TEXT_SIZE], after_text[PLATFORM_TEXT_SIZE];
    int status = image_check_not_pushed(image, err);
    if (status != 0) {
        return status;
    }
    if (image->config == NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "an artifact has no config to replace");
    }
    image_config_platform(image->config, &before);
    status = image_config_replace(image->config, json, size, err);
    if (status != 0) {
        return status;
    }
    image_config_platform(image->config, &after);
    return image->platform_given && !platform_equal(&before, &after)
               ? fail(err, LPIPE_INVALID_ARGUMENT,
                      "the config is for %s, but the base or the `platform` of the image is %s",
                      platform_text(&after, after_text), platform_text(&before, before_text))
               : 0;
}
