/* SPDX-License-Identifier: Apache-2.0 */
#include "copy/convert_layers.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "content/layer_source.h"
#include "copy/copy_soci.h"
#include "flow/layer.h"
#include "flow/layer_media.h"
#include "oci/json_write.h"
#include "oci/reference.h"
#include "registry/client.h"
#include "toc/toc_keys.h"

int convert_rules_read(lpipe_client *client, const struct lpipe_copy_options *options,
                       struct convert_rules *ret_rules, struct lpipe_error *err)
{
    *ret_rules = (struct convert_rules){ .client = client, .options = options };
    int status = layer_format_parse(options->compress, &ret_rules->format, err);
    return status == 0 ? copy_soci_check(options, &ret_rules->format, err) : status;
}

/* What Docker's format cannot have makes an image in the OCI format, unless the user asks for
 * Docker's. */
enum lpipe_format convert_format(const struct convert_rules *rules)
{
    enum lpipe_format given = rules->options->format;
    bool needs_oci = rules->format.toc != 0 ||
                     layer_media_of(rules->format.codec.kind, true) == NULL ||
                     rules->options->soci != LPIPE_SOCI_NONE;
    return given == LPIPE_FORMAT_DEFAULT && needs_oci ? LPIPE_FORMAT_OCI : given;
}

int convert_load(const struct convert_rules *rules, const lpipe_ref *source, struct store *store,
                 struct fetched *fetched, lpipe_image **ret_image, struct lpipe_error *err)
{
    struct lpipe_image_options options = LPIPE_IMAGE_OPTIONS_INIT;
    struct store *owned AUTO_STORE = store;
    options.created = "0"; /* is not used: a copy keeps its time */
    options.format = convert_format(rules);
    if (options.format == LPIPE_FORMAT_DEFAULT) {
        options.format = fetched->manifest->family == MEDIA_FAMILY_DOCKER ? LPIPE_FORMAT_DOCKER
                                                                          : LPIPE_FORMAT_OCI;
    }
    int status = image_new(rules->client, NULL, &options, ret_image, err);
    status = status == 0 ? image_base_take(*ret_image, TAKE(owned), fetched, err) : status;
    if (status == 0 && source->kind == LPIPE_REF_REGISTRY) {
        (*ret_image)->base.repository = mem_strdup(source->repository);
        status = (*ret_image)->base.repository == NULL ? fail_memory(err) : 0;
    }
    return status;
}

static bool has_annotation(const struct image_layer *layer, const char *key)
{
    return json_member_text(json_member(layer->source->source, "annotations"), key) != NULL;
}

/* Whether the layer is compressed in the way that is asked for. */
static bool is_converted(const struct convert_rules *rules, const struct image_layer *layer,
                         uint64_t soci_bytes_min)
{
    const char *compression = media_type_compression(layer->result.media_type);
    if (compression == NULL || strcmp(compression, codec_name(rules->format.codec.kind)) != 0) {
        return false;
    }
    switch (rules->format.toc) {
    case TOC_ZSTD_CHUNKED:
        return has_annotation(layer, KEY_ZSTD_DIGEST);
    case TOC_ESTARGZ:
        return has_annotation(layer, KEY_ESTARGZ_DIGEST);
    }
    /* The zTOC of a layer is made while it is compressed. */
    return rules->options->soci == LPIPE_SOCI_NONE || layer->result.size < soci_bytes_min;
}

static int check_kept(const lpipe_image *image, const struct image_layer *layer, size_t number,
                      struct lpipe_error *err)
{
    return media_type_in_family(layer->result.media_type, image->family) != NULL
               ? 0
               : fail(err, LPIPE_INVALID_ARGUMENT,
                      "layer %zu keeps the media type %s, which Docker's format does not have; use "
                      "the OCI format",
                      number, layer->result.media_type);
}

static int check_layer(const struct image_layer *layer, size_t number, struct lpipe_error *err)
{
    if (text_ends(layer->result.media_type, "+encrypted") ||
        media_type_role(layer->result.media_type, NULL) != MEDIA_ROLE_LAYER) {
        return fail(err, LPIPE_UNSUPPORTED,
                    "layer %zu (%s) cannot be read as a tar, so it cannot be compressed again",
                    number, layer->result.media_type);
    }
    return 0;
}

/* The layer becomes one that is read from the base's store. */
static int replace_layer(const struct convert_rules *rules, lpipe_image *image,
                         struct image_layer *layer, struct lpipe_error *err)
{
    struct layer_spec spec = { .blob = layer->source->descriptor,
                               .diff_id = layer->result.diff_id };
    struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
    struct source *source = NULL;
    options.compress = rules->options->compress;
    options.threads = rules->options->threads;
    options.spool_dir = rules->client->context.settings.spool_dir;
    /* The image exists with these entries, and runtimes accept a tar without an end. */
    options.flags = (uint32_t)LPIPE_LAYER_ALLOW_TRUNCATED | (uint32_t)LPIPE_LAYER_ALLOW_EMPTY |
                    (uint32_t)LPIPE_LAYER_ALLOW_ODD_ENTRIES;
    int status = layer_source_new(image->base.store, &spec,
                                  has_annotation(layer, KEY_ESTARGZ_DIGEST), &source, err);
    status = status == 0 ? layer_new_source(source, &options, &layer->unread, err) : status;
    if (status != 0) {
        return status;
    }
    layer->kind = IMAGE_LAYER_UNREAD;
    layer->source = NULL;
    layer->result = (struct lpipe_layer_result)LPIPE_LAYER_RESULT_INIT;
    return layer_set_docker(layer->unread, image->family == MEDIA_FAMILY_DOCKER, err);
}

int convert_layers(const struct convert_rules *rules, lpipe_image *image, uint64_t soci_bytes_min,
                   struct lpipe_error *err)
{
    int status = 0;
    for (size_t i = 0; i < image->layer_count && status == 0; i++) {
        struct image_layer *layer = &image->layers[i];
        enum media_role role = media_type_role(layer->result.media_type, NULL);
        if (role == MEDIA_ROLE_FOREIGN || is_converted(rules, layer, soci_bytes_min)) {
            status = check_kept(image, layer, i + 1, err);
            continue;
        }
        status = check_layer(layer, i + 1, err);
        status = status == 0 ? replace_layer(rules, image, layer, err) : status;
    }
    return status;
}

void convert_count(const struct lpipe_push_result *pushed, struct lpipe_copy_result *result)
{
    for (size_t i = 0; i < pushed->layer_count; i++) {
        const struct lpipe_layer_result *layer = &pushed->layers[i];
        switch (layer->origin) {
        case LPIPE_ORIGIN_MOUNTED:
            result->blobs_mounted++;
            break;
        case LPIPE_ORIGIN_EXISTING:
            result->blobs_existing++;
            break;
        case LPIPE_ORIGIN_STREAMED:
        case LPIPE_ORIGIN_COPIED:
            result->blobs_copied++;
            result->bytes_copied += layer->size;
            break;
        }
    }
}
