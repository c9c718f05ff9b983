/* SPDX-License-Identifier: Apache-2.0 */
/* Public functions of images under construction. */
#include "base/opts.h"
#include "flow/layer.h"
#include "image/image.h"
#include "image/image_descriptor.h"
#include "registry/client.h"

int lpipe_image_new(lpipe_client *client, const lpipe_ref *base,
                    const struct lpipe_image_options *options, lpipe_image **ret_image,
                    struct lpipe_error *err)
{
    struct lpipe_image_options known;
    int status = opts_take(options, &known, sizeof known, "lpipe_image_options", err);
    if (status != 0) {
        return status;
    }
    if (client == NULL || ret_image == NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "lpipe_image_new: client and ret_image are required");
    }
    if ((unsigned)known.format > LPIPE_FORMAT_DOCKER) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "lpipe_image_options: unknown format %d",
                    (int)known.format);
    }
    status = client_check(client, err);
    return status == 0 ? image_new(client, base, &known, ret_image, err) : status;
}

int lpipe_image_add_layer(lpipe_image *image, lpipe_layer *layer, const char *history,
                          struct lpipe_error *err)
{
    if (image == NULL || layer == NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "lpipe_image_add_layer: image and layer are required");
    }
    return image_add_layer(image, layer, history, err);
}

int lpipe_image_add_descriptor(lpipe_image *image, const struct lpipe_layer_result *layer,
                               const char *history, struct lpipe_error *err)
{
    struct lpipe_layer_result known;
    if (image == NULL || layer == NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "lpipe_image_add_descriptor: image and layer are required");
    }
    int status = opts_take(layer, &known, sizeof known, "lpipe_layer_result", err);
    known.struct_size = sizeof known;
    return status == 0 ? image_add_descriptor(image, &known, history, err) : status;
}

int lpipe_image_add_descriptor_json(lpipe_image *image, const char *json, size_t size,
                                    const char *history, struct lpipe_error *err)
{
    struct lpipe_layer_result layer;
    if (image == NULL || json == NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "lpipe_image_add_descriptor_json: image and json are required");
    }
    int status = image_descriptor_parse(json, size, &layer, err);
    return status == 0 ? image_add_descriptor(image, &layer, history, err) : status;
}

int lpipe_image_edit(lpipe_image *image, enum lpipe_edit edit, const char *value,
                     struct lpipe_error *err)
{
    if (image == NULL || value == NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "lpipe_image_edit: image and value are required");
    }
    return image_edit(image, edit, value, err);
}

int lpipe_image_set_config(lpipe_image *image, const char *json, size_t size,
                           struct lpipe_error *err)
{
    if (image == NULL || json == NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "lpipe_image_set_config: image and json are required");
    }
    return image_set_config(image, json, size, err);
}

lpipe_image *lpipe_image_free(lpipe_image *image)
{
    return image_free(image);
}
