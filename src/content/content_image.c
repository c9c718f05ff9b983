/* SPDX-License-Identifier: Apache-2.0 */
#include "content/content_image.h"

#include <string.h>

#include "base/text.h"
#include "oci/json_read.h"
#include "toc/toc_keys.h"

void content_image_dispose(struct content_image *image)
{
    image->config = image_config_free(image->config);
    fetched_dispose(&image->fetched);
}

static int fetch_config(struct store *store, struct content_image *image, struct lpipe_error *err)
{
    const struct manifest *manifest = image->fetched.manifest;
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
    if (!image_has_config(manifest)) {
        return 0;
    }
    int status = image_fetch_config(store, manifest, &document, err);
    return status == 0 ? image_config_read(&document, manifest->item_count, &image->config, err)
                       : status;
}

int content_image_fetch(struct store *store, const lpipe_ref *ref, const struct platform *platform,
                        struct content_image *ret_image, struct lpipe_error *err)
{
    struct content_image image CLEANUP(content_image_dispose) = { FETCHED_INIT, NULL };
    int status = image_fetch_manifest(store, image_fetch_reference(ref), &image.fetched, err);
    status = status == 0 ? image_fetch_choose(store, platform, &image.fetched, err) : status;
    status = status == 0 ? fetch_config(store, &image, err) : status;
    if (status == 0) {
        *ret_image = image;
        image = (struct content_image){ FETCHED_INIT, NULL };
    }
    return status;
}

size_t content_image_layers(const struct content_image *image)
{
    return image->fetched.manifest->item_count;
}

static const struct descriptor *layer_of(const struct content_image *image, size_t index)
{
    return &image->fetched.manifest->items[index].descriptor;
}

int content_image_find(const struct content_image *image, const char *layer, size_t *ret_index,
                       struct lpipe_error *err)
{
    size_t count = content_image_layers(image);
    uint64_t number = 0;
    if (digest_valid(layer)) {
        for (size_t i = 0; i < count; i++) {
            if (strcmp(layer_of(image, i)->digest, layer) == 0) {
                *ret_index = i;
                return 0;
            }
        }
        return fail(err, LPIPE_NOT_FOUND, "no layer of the image has the digest %s", layer);
    }
    if (!text_to_u64(layer, strlen(layer), UINT64_MAX, &number)) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "a layer is named by its number from 1 or by a digest, not by \"%s\"", layer);
    }
    if (number == 0 || number > count) {
        return fail_with_advice(err, LPIPE_NOT_FOUND,
                                "the image has no layer %s: it has %zu layer%s, 1 is the lowest",
                                layer, count, count == 1 ? "" : "s");
    }
    *ret_index = (size_t)number - 1;
    return 0;
}

bool content_image_is_tar(const struct content_image *image, size_t index)
{
    return media_type_role(layer_of(image, index)->media_type, NULL) == MEDIA_ROLE_LAYER;
}

bool content_image_is_estargz(const struct content_image *image, size_t index)
{
    const struct json_node layer = { .value = image->fetched.manifest->items[index].source };
    struct json_node annotations = json_node_member(&layer, "annotations");
    struct json_node toc = json_node_member(&annotations, KEY_ESTARGZ_DIGEST);
    return json_node_text(&toc) != NULL;
}

int content_image_layer(const struct content_image *image, size_t index,
                        struct layer_spec *ret_layer, struct lpipe_error *err)
{
    const struct descriptor *blob = layer_of(image, index);
    if (media_type_role(blob->media_type, NULL) == MEDIA_ROLE_FOREIGN) {
        return fail_with_advice(
            err, LPIPE_UNSUPPORTED,
            "layer %zu (%s) is not distributable, so no registry has to have "
            "it; try to read its stored bytes with `layer` %zu and `LPIPE_CONTENT_BLOB`",
            index + 1, blob->media_type, index + 1);
    }
    if (text_ends(blob->media_type, "+encrypted")) {
        return fail_with_advice(err, LPIPE_UNSUPPORTED,
                                "layer %zu is encrypted (%s); decrypt the image first, or read the "
                                "stored bytes with `layer` %zu and `LPIPE_CONTENT_BLOB`",
                                index + 1, blob->media_type, index + 1);
    }
    if (!content_image_is_tar(image, index)) {
        return fail_with_advice(err, LPIPE_UNSUPPORTED,
                                "layer %zu is not known to be a tar (%s); read its bytes with "
                                "`layer` %zu and `LPIPE_CONTENT_BLOB`",
                                index + 1, blob->media_type, index + 1);
    }
    ret_layer->blob = *blob;
    ret_layer->diff_id = image->config == NULL ? NULL : image_config_diff_id(image->config, index);
    return 0;
}
