/* SPDX-License-Identifier: Apache-2.0 */
#include "copy/image_convert.h"

#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "content/layer_source.h"
#include "copy/copy_result.h"
#include "copy/copy_soci.h"
#include "flow/layer.h"
#include "flow/layer_format.h"
#include "flow/layer_media.h"
#include "image/image.h"
#include "image/image_push.h"
#include "image/image_soci.h"
#include "image/push_target.h"
#include "oci/json_write.h"
#include "oci/reference.h"
#include "registry/client.h"

#define KEY_ESTARGZ "containerd.io/snapshot/stargz/toc.digest"
#define KEY_ZSTD_CHUNKED "io.github.containers.zstd-chunked.manifest-checksum"

struct convert {
    lpipe_client *client;
    const struct lpipe_copy_options *options;
    struct layer_format format; /* of the new layers */
    struct push_target target;
    lpipe_image *image;
    struct lpipe_push_result pushed;
};

static void convert_dispose(struct convert *convert)
{
    image_push_result_dispose(&convert->pushed);
    (void)image_free(convert->image);
    push_target_dispose(&convert->target);
}

bool image_convert_is_wanted(const struct lpipe_copy_options *options)
{
    return options->compress != NULL || options->soci != LPIPE_SOCI_NONE;
}

static int check_options(struct convert *convert, struct lpipe_error *err)
{
    int status = layer_format_parse(convert->options->compress, &convert->format, err);
    return status == 0 ? copy_soci_check(convert->options, &convert->format, err) : status;
}

/* What Docker's format cannot have makes an image in the OCI format, unless the user asks for
 * Docker's. */
static enum lpipe_format choose_format(const struct convert *convert)
{
    enum lpipe_format given = convert->options->format;
    bool needs_oci = convert->format.toc != 0 ||
                     layer_media_of(convert->format.codec.kind, true) == NULL ||
                     convert->options->soci != LPIPE_SOCI_NONE;
    return given == LPIPE_FORMAT_DEFAULT && needs_oci ? LPIPE_FORMAT_OCI : given;
}

static bool has_annotation(const struct image_layer *layer, const char *key)
{
    return json_member_text(json_member(layer->source->source, "annotations"), key) != NULL;
}

/* Whether the layer is compressed in the way that is asked for. */
static bool is_converted(const struct convert *convert, const struct image_layer *layer)
{
    const char *compression = media_type_compression(layer->result.media_type);
    if (compression == NULL || strcmp(compression, codec_name(convert->format.codec.kind)) != 0) {
        return false;
    }
    switch (convert->format.toc) {
    case TOC_ZSTD_CHUNKED:
        return has_annotation(layer, KEY_ZSTD_CHUNKED);
    case TOC_ESTARGZ:
        return has_annotation(layer, KEY_ESTARGZ);
    }
    /* The zTOC of a layer is made while it is compressed. */
    return convert->options->soci == LPIPE_SOCI_NONE ||
           layer->result.size < convert->target.soci_bytes_min;
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
static int replace_layer(struct convert *convert, struct image_layer *layer,
                         struct lpipe_error *err)
{
    struct layer_spec spec = { .blob = layer->source->descriptor,
                               .diff_id = layer->result.diff_id };
    struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
    struct source *source = NULL;
    options.compress = convert->options->compress;
    options.threads = convert->options->threads;
    options.spool_dir = convert->client->context.settings.spool_dir;
    /* The image exists with these entries, and runtimes accept a tar without an end. */
    options.flags = (uint32_t)LPIPE_LAYER_ALLOW_TRUNCATED | (uint32_t)LPIPE_LAYER_ALLOW_EMPTY |
                    (uint32_t)LPIPE_LAYER_ALLOW_ODD_ENTRIES;
    int status = layer_source_new(convert->image->base.store, &spec, &source, err);
    status = status == 0 ? layer_new_source(source, &options, &layer->unread, err) : status;
    if (status != 0) {
        return status;
    }
    layer->kind = IMAGE_LAYER_UNREAD;
    layer->source = NULL;
    layer->result = (struct lpipe_layer_result)LPIPE_LAYER_RESULT_INIT;
    return layer_set_docker(layer->unread, convert->image->family == MEDIA_FAMILY_DOCKER, err);
}

static int replace_layers(struct convert *convert, struct lpipe_error *err)
{
    int status = 0;
    for (size_t i = 0; i < convert->image->layer_count && status == 0; i++) {
        struct image_layer *layer = &convert->image->layers[i];
        enum media_role role = media_type_role(layer->result.media_type, NULL);
        if (role == MEDIA_ROLE_FOREIGN || is_converted(convert, layer)) {
            continue;
        }
        status = check_layer(layer, i + 1, err);
        status = status == 0 ? replace_layer(convert, layer, err) : status;
    }
    return status;
}

static int load_image(struct convert *convert, const lpipe_ref *source, struct lpipe_error *err)
{
    struct lpipe_image_options options = LPIPE_IMAGE_OPTIONS_INIT;
    options.format = choose_format(convert);
    options.platform = convert->options->platform;
    options.created = "0"; /* is not used: a copy keeps its time */
    int status = image_new(convert->client, source, &options, &convert->image, err);
    if (status != 0) {
        return status;
    }
    convert->image->is_copy = true;
    return image_base_annotations(convert->image, err);
}

static int open_target(struct convert *convert, const lpipe_ref *dest, struct lpipe_error *err)
{
    struct lpipe_push_options options = LPIPE_PUSH_OPTIONS_INIT;
    const struct manifest *manifest = convert->image->base.fetched.manifest;
    options.tags = convert->options->tags;
    options.tag_count = convert->options->tag_count;
    options.mount_from = convert->options->mount_from;
    options.soci = convert->options->soci;
    options.soci_bytes_min = convert->options->soci_bytes_min;
    int status = image_push_check(convert->image, &options, err);
    status = status == 0 ? push_target_open(convert->client, dest, &options, &convert->target, err)
                         : status;
    if (status == 0 && manifest->has_subject) {
        convert->target.has_subject = true;
        convert->target.subject = manifest->subject.descriptor;
    }
    return status;
}

static void count_blobs(const struct convert *convert, struct lpipe_copy_result *result)
{
    for (size_t i = 0; i < convert->pushed.layer_count; i++) {
        const struct lpipe_layer_result *layer = &convert->pushed.layers[i];
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

static int make_result(const struct convert *convert, struct lpipe_copy_result *result,
                       struct lpipe_error *err)
{
    struct descriptor manifest = { .size = convert->pushed.size };
    memcpy(manifest.media_type, convert->pushed.media_type, sizeof manifest.media_type);
    memcpy(manifest.digest, convert->pushed.digest, sizeof manifest.digest);
    result->manifest_count = copy_soci_manifests(&convert->pushed, convert->options->soci);
    count_blobs(convert, result);
    return copy_result_fill(&convert->target, &manifest, result, err);
}

int image_convert(lpipe_client *client, const lpipe_ref *source, const lpipe_ref *dest,
                  const struct lpipe_copy_options *options, struct lpipe_copy_result *ret_result,
                  struct lpipe_error *err)
{
    CONTEXT_CALL(&client->context);
    struct convert convert CLEANUP(convert_dispose) = { .client = client,
                                                        .options = options,
                                                        .pushed = LPIPE_PUSH_RESULT_INIT };
    struct lpipe_copy_result result AUTO_COPY_RESULT = LPIPE_COPY_RESULT_INIT;
    int status = check_options(&convert, err);
    status = status == 0 ? load_image(&convert, source, err) : status;
    status = status == 0 ? open_target(&convert, dest, err) : status;
    status = status == 0 ? replace_layers(&convert, err) : status;
    if (status == 0) {
        status = image_push_into(convert.image, &convert.target, &convert.pushed, err);
    }
    status = status == 0 ? make_result(&convert, &result, err) : status;
    if (status == 0) {
        *ret_result = result;
        result = (struct lpipe_copy_result)LPIPE_COPY_RESULT_INIT;
    }
    return status;
}
