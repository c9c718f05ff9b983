/* SPDX-License-Identifier: Apache-2.0 */
/* Loads the base of an image: fetches and verifies its manifest and config. Its layers are not
 * read here. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "image/image.h"
#include "image/store_open.h"
#include "oci/reference.h"
#include "toc/toc_keys.h"

#define KEY_BASE_DIGEST "org.opencontainers.image.base.digest"
#define KEY_BASE_NAME "org.opencontainers.image.base.name"

static int fetch(lpipe_image *image, const lpipe_ref *ref, const struct platform *platform,
                 struct lpipe_error *err)
{
    struct image_base *base = &image->base;
    int status = store_open(image->client, ref, STORE_READ, &base->store, err);
    if (status == 0) {
        status = image_fetch_manifest(base->store, image_fetch_reference(ref), &base->fetched, err);
    }
    if (status == 0) {
        status = image_fetch_choose(base->store, platform, &base->fetched, err);
    }
    if (status == 0 && ref->kind == LPIPE_REF_REGISTRY) {
        base->repository = mem_strdup(ref->repository);
        status = base->repository == NULL ? fail_memory(err) : 0;
    }
    return status;
}

static int load_config(lpipe_image *image, struct lpipe_error *err)
{
    const struct manifest *manifest = image->base.fetched.manifest;
    struct document *document = &image->base.config;
    if (!image_has_config(manifest)) {
        return fail(err, LPIPE_UNSUPPORTED, "the manifest is an artifact, not an image");
    }
    int status = image_fetch_config(image->base.store, manifest, document, err);
    return status == 0 ? image_config_parse(document, manifest->item_count, &image->config, err)
                       : status;
}

static int take_layers(lpipe_image *image, struct lpipe_error *err)
{
    const struct manifest *manifest = image->base.fetched.manifest;
    int status = 0;
    for (size_t i = 0; i < manifest->item_count && status == 0; i++) {
        const struct descriptor *from = &manifest->items[i].descriptor;
        struct image_layer layer = { .kind = IMAGE_LAYER_BASE, .source = &manifest->items[i] };
        layer.result = (struct lpipe_layer_result)LPIPE_LAYER_RESULT_INIT;
        layer.result.size = from->size;
        layer.result.uncompressed_size = LPIPE_SIZE_UNKNOWN;
        memcpy(layer.result.digest, from->digest, sizeof from->digest);
        (void)snprintf(layer.result.diff_id, sizeof layer.result.diff_id, "%s",
                       image_config_diff_id(image->config, i));
        const char *type = media_type_in_family(from->media_type, image->family);
        if (type == NULL && image->is_copy) {
            type = from->media_type; /* the layer may become another one */
        }
        if (type == NULL) {
            return fail(err, LPIPE_INVALID_ARGUMENT,
                        "layer %zu has the media type %s, which Docker's format does not have; use "
                        "the OCI format",
                        i + 1, from->media_type);
        }
        (void)snprintf(layer.result.media_type, sizeof layer.result.media_type, "%s", type);
        status = image_append_layer(image, &layer, NULL, err);
    }
    return status;
}

int image_base_annotations(lpipe_image *image, struct lpipe_error *err)
{
    const struct string_map *annotations = &image->base.fetched.manifest->annotations;
    int status = 0;
    string_map_dispose(&image->annotations);
    bool has_place = image->family == MEDIA_FAMILY_OCI;
    for (size_t i = 0; has_place && i < annotations->count && status == 0; i++) {
        if (strcmp(annotations->items[i].key, KEY_SOCI_INDEX) != 0) {
            status = string_map_set(&image->annotations, annotations->items[i].key,
                                    annotations->items[i].value, err);
        }
    }
    return status;
}

/* Copies the base's annotations and adds the base's digest and name. */
static int take_annotations(lpipe_image *image, const lpipe_ref *ref, struct lpipe_error *err)
{
    int status = image_base_annotations(image, err);
    if (status != 0 || image->family == MEDIA_FAMILY_DOCKER) {
        return status;
    }
    status = string_map_set(&image->annotations, KEY_BASE_DIGEST,
                            image->base.fetched.document.descriptor.digest, err);
    /* The name of a layout directory has no meaning on another machine. */
    if (status == 0 && ref->kind == LPIPE_REF_REGISTRY) {
        status = string_map_set(&image->annotations, KEY_BASE_NAME, ref->name, err);
    }
    return status;
}

int image_base_take(lpipe_image *image, struct store *store, struct fetched *fetched,
                    struct lpipe_error *err)
{
    assert(image->base.store == NULL && image->layer_count == 0);
    image->base.store = store;
    image->base.fetched = *fetched;
    *fetched = (struct fetched)FETCHED_INIT;
    image->is_copy = true;
    image->config = image_config_free(image->config);
    int status = load_config(image, err);
    status = status == 0 ? take_layers(image, err) : status;
    return status == 0 ? image_base_annotations(image, err) : status;
}

int image_base_load(lpipe_image *image, const lpipe_ref *ref,
                    const struct lpipe_image_options *options, struct lpipe_error *err)
{
    struct platform platform;
    int status = 0;
    if (options->platform != NULL) {
        status = platform_parse(options->platform, &platform, err);
    } else {
        platform_host(&platform);
    }
    if (status != 0) {
        return status;
    }
    status = fetch(image, ref, &platform, err);
    if (status == 0 && options->format == LPIPE_FORMAT_DEFAULT) {
        image->family = image->base.fetched.manifest->family;
    }
    status = status == 0 ? load_config(image, err) : status;
    if (status == 0 && options->platform != NULL) {
        status = image_config_check_platform(image->config, &platform, err);
    }
    status = status == 0 ? take_layers(image, err) : status;
    status = status == 0 ? take_annotations(image, ref, err) : status;
    return status == 0 ? 0 : fail_context(err, status, "base %s", ref->name);
}
