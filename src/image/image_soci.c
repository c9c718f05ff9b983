/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image_soci.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "flow/layer.h"
#include "image/blob_ensure.h"
#include "image/blob_spool.h"
#include "image/soci_find.h"
#include "oci/json_write.h"
#include "registry/client.h"
#include "toc/toc_keys.h"
#include "toc/ztoc.h"

#define ZTOC_MEDIA_TYPE "application/octet-stream"
#define BUILD_TOOL "layerpipe"
#define CONFIG_TEXT "{}"

struct soci {
    lpipe_image *image;
    const struct push_target *target;
    uint64_t bytes_min;
    struct fetched base;         /* the index of the base, or empty */
    struct manifest_item *items; /* the zTOCs */
    struct string_map *maps;     /* annotations of the items that were made here */
    size_t count;
};

void image_soci_record(lpipe_image *image)
{
    for (size_t i = 0; i < image->layer_count; i++) {
        if (image->layers[i].kind == IMAGE_LAYER_UNREAD) {
            layer_record_ztoc(image->layers[i].unread);
        }
    }
}

static struct blob_job job_of(const struct soci *soci, const char *name)
{
    return (struct blob_job){ .client = soci->image->client,
                              .store = soci->target->store,
                              .index = (uint32_t)(soci->image->layer_count + 1 + soci->count),
                              .name = name };
}

static int annotate(struct string_map *map, const struct lpipe_layer_result *layer,
                    struct lpipe_error *err)
{
    char span[24];
    (void)snprintf(span, sizeof span, "%d", ZTOC_SPAN_BYTES);
    int status = string_map_set(map, KEY_SOCI_LAYER_TYPE, layer->media_type, err);
    status = status == 0 ? string_map_set(map, KEY_SOCI_LAYER_DIGEST, layer->digest, err) : status;
    return status == 0 ? string_map_set(map, KEY_SOCI_SPAN_SIZE, span, err) : status;
}

/* The zTOC that was recorded while the layer was made. */
static int add_recorded(struct soci *soci, const struct image_layer *layer, size_t number,
                        struct lpipe_error *err)
{
    const struct ztoc *ztoc = layer_ztoc(layer->unread != NULL ? layer->unread : layer->made);
    struct manifest_item *item = &soci->items[soci->count];
    struct string_map *map = &soci->maps[soci->count];
    if (layer->result.size < soci->bytes_min) {
        return 0;
    }
    if (ztoc == NULL || ztoc_refusal(ztoc) != NULL) {
        context_notice(&soci->image->client->context, "layer %zu gets no zTOC: %s", number + 1,
                       ztoc == NULL ? "it is not gzip that was compressed here"
                                    : ztoc_refusal(ztoc));
        return 0;
    }
    *item = (struct manifest_item){ .descriptor = { .media_type = ZTOC_MEDIA_TYPE,
                                                    .size = spool_size(ztoc_spool(ztoc)) },
                                    .annotations = map };
    memcpy(item->descriptor.digest, ztoc_digest(ztoc), sizeof item->descriptor.digest);
    int status = annotate(map, &layer->result, err);
    const struct blob_job job = job_of(soci, "zTOC");
    status = status == 0 ? blob_put_spool(&job, &item->descriptor, ztoc_spool(ztoc), err) : status;
    soci->count += status == 0;
    return status;
}

/* The zTOC of a base's layer, if the base's index has one. */
static int add_of_base(struct soci *soci, const struct image_layer *layer, struct lpipe_error *err)
{
    const struct manifest *index = soci->base.manifest;
    for (size_t i = 0; index != NULL && i < index->item_count; i++) {
        const struct manifest_item *item = &index->items[i];
        const struct json_t *annotations = json_member(item->source, "annotations");
        const char *digest = json_member_text(annotations, KEY_SOCI_LAYER_DIGEST);
        if (digest == NULL || strcmp(digest, layer->result.digest) != 0 ||
            strcmp(item->descriptor.media_type, ZTOC_MEDIA_TYPE) != 0) {
            continue;
        }
        const struct image_base *base = &soci->image->base;
        const struct blob_job job = job_of(soci, "zTOC");
        struct blob_sources sources = { .from = base->store };
        enum lpipe_blob_origin origin = LPIPE_ORIGIN_COPIED;
        soci->items[soci->count] = *item;
        int status = blob_ensure(&job, &item->descriptor, &sources, &origin, err);
        soci->count += status == 0;
        return status;
    }
    return 0;
}

/* The index of the base, if it has one. */
static int load_base(struct soci *soci, struct lpipe_error *err)
{
    const struct image_base *base = &soci->image->base;
    if (base->store == NULL) {
        return 0;
    }
    const char *named = string_map_get(&base->fetched.manifest->annotations, KEY_SOCI_INDEX);
    int status = soci_index_find(base->store, &base->fetched, true, &soci->base, err);
    if (status == 0 && soci->base.manifest == NULL && named != NULL && digest_valid(named)) {
        context_notice(&soci->image->client->context,
                       "the base names the SOCI index %s, which is missing", named);
    }
    return status;
}

static int collect(struct soci *soci, struct lpipe_error *err)
{
    int status = load_base(soci, err);
    for (size_t i = 0; i < soci->image->layer_count && status == 0; i++) {
        const struct image_layer *layer = &soci->image->layers[i];
        if (layer->unread != NULL || layer->made != NULL) {
            status = add_recorded(soci, layer, i, err);
        } else if (layer->kind == IMAGE_LAYER_BASE) {
            status = add_of_base(soci, layer, err);
        }
    }
    return status;
}

static int write_index(const struct soci *soci, const struct descriptor *subject,
                       struct document *ret_index, struct lpipe_error *err)
{
    enum lpipe_soci version = subject != NULL ? LPIPE_SOCI_V1 : LPIPE_SOCI_V2;
    struct string_map annotations AUTO_STRING_MAP = STRING_MAP_INIT;
    struct descriptor config = { .size = strlen(CONFIG_TEXT) };
    const struct blob_job job = job_of(soci, "config of the SOCI index");
    (void)snprintf(config.media_type, sizeof config.media_type, "%s", soci_index_type(version));
    (void)snprintf(config.digest, sizeof config.digest, "%s", EMPTY_JSON_DIGEST);
    const struct manifest_spec spec = { .family = MEDIA_FAMILY_OCI,
                                        .config = &config,
                                        .layers = soci->items,
                                        .layer_count = soci->count,
                                        .annotations = &annotations,
                                        .subject = subject };
    int status = string_map_set(&annotations, KEY_SOCI_BUILD_TOOL, BUILD_TOOL, err);
    status = status == 0 ? blob_ensure_bytes(&job, &config, CONFIG_TEXT, err) : status;
    return status == 0 ? manifest_write(&spec, ret_index, err) : status;
}

int image_soci_index(lpipe_image *image, const struct push_target *target, uint64_t bytes_min,
                     const struct descriptor *subject, struct document *ret_index,
                     struct lpipe_error *err)
{
    struct soci soci = { .image = image,
                         .target = target,
                         .bytes_min = bytes_min,
                         .base = FETCHED_INIT,
                         .items = mem_new_array(image->layer_count + 1, sizeof *soci.items),
                         .maps = mem_new_array(image->layer_count + 1, sizeof *soci.maps) };
    int status = soci.items == NULL || soci.maps == NULL ? fail_memory(err) : collect(&soci, err);
    if (status == 0 && soci.count == 0) {
        context_notice(&image->client->context,
                       "no SOCI index is made: no layer with at least %" PRIu64
                       " bytes has a zTOC (`soci_bytes_min` sets this size)",
                       bytes_min);
    } else if (status == 0) {
        status = write_index(&soci, subject, ret_index, err);
    }
    int result = status != 0 ? status : soci.count > 0;
    for (size_t i = 0; soci.maps != NULL && i <= image->layer_count; i++) {
        string_map_dispose(&soci.maps[i]);
    }
    free(soci.items);
    free(soci.maps);
    fetched_dispose(&soci.base);
    return result;
}

int image_soci_item(const lpipe_image *image, const struct descriptor *manifest,
                    const struct descriptor *soci_index, struct string_map *annotations,
                    struct manifest_item *ret_item, struct lpipe_error *err)
{
    *ret_item = (struct manifest_item){ .descriptor = *soci_index,
                                        .artifact_type = soci_index_type(LPIPE_SOCI_V2),
                                        .annotations = annotations };
    image_config_platform(image->config, &ret_item->platform);
    return string_map_set(annotations, KEY_SOCI_MANIFEST_DIGEST, manifest->digest, err);
}

int image_soci_wrap(const lpipe_image *image, const struct descriptor *manifest,
                    const struct descriptor *soci_index, struct document *ret_document,
                    struct lpipe_error *err)
{
    struct string_map annotations AUTO_STRING_MAP = STRING_MAP_INIT;
    struct manifest_item items[2] = { { .descriptor = *manifest } };
    const struct index_spec spec = { .family = MEDIA_FAMILY_OCI,
                                     .items = items,
                                     .item_count = ARRAY_LEN(items) };
    image_config_platform(image->config, &items[0].platform);
    int status = image_soci_item(image, manifest, soci_index, &annotations, &items[1], err);
    return status == 0 ? manifest_write_index(&spec, ret_document, err) : status;
}
