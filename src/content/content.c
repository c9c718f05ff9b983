/* SPDX-License-Identifier: Apache-2.0 */
#include "content/content.h"

#include <string.h>

#include "base/cancel.h"
#include "base/mem.h"
#include "base/process.h"
#include "content/blob_stream.h"
#include "content/content_compress.h"
#include "content/content_hold.h"
#include "content/content_image.h"
#include "content/flatten_stream.h"
#include "content/layer_tar.h"
#include "image/store_open.h"
#include "oci/image_config.h"
#include "oci/reference.h"
#include "registry/client.h"

struct lpipe_content {
    pid_t process;           /* that made it: it has threads */
    struct context *context; /* of the client, which outlives the content */
    struct store *store;
    struct content_image image;
    struct content_stream *stream;
    struct content_hold hold;
    struct content_compress *compress; /* NULL: as it is */
    bool ended;
    int status; /* of the failure that ended the reading */
    struct lpipe_error why;
};

static int open_blob(lpipe_content *content, const struct descriptor *blob, struct lpipe_error *err)
{
    return blob_stream_open(content->store, blob, &content->stream, err);
}

/* The blob that the reference's digest names. Its size and type are not known. */
static int open_named_blob(lpipe_content *content, const lpipe_ref *ref, struct lpipe_error *err)
{
    struct descriptor blob = { .size = DESCRIPTOR_SIZE_UNKNOWN };
    memcpy(blob.digest, ref->digest, strlen(ref->digest) + 1);
    return open_blob(content, &blob, err);
}

/* The reference's digest is that of a layer that no image has. */
static int open_bare_layer(lpipe_content *content, const lpipe_ref *ref, struct lpipe_error *err)
{
    struct layer_spec layer = { .blob.size = DESCRIPTOR_SIZE_UNKNOWN };
    memcpy(layer.blob.digest, ref->digest, strlen(ref->digest) + 1);
    content->hold.is_tar = true;
    return layer_tar_open(content->store, &layer, false, &content->stream, err);
}

/* Whether the reference's digest names a blob that is no manifest: it begins with another byte than
 * JSON, because some stores keep manifests as blobs too. The blob is looked at before a manifest is
 * asked for: for a layer's digest docker-registry answers that with 500. */
static bool names_bare_layer(const lpipe_content *content, const lpipe_ref *ref)
{
    const struct store_ops *ops = content->store->ops;
    struct descriptor blob = { .size = DESCRIPTOR_SIZE_UNKNOWN };
    struct blob_reader *reader AUTO_BLOB_READER = NULL;
    char first = '{';
    size_t got = 0;
    if (ref->digest == NULL) {
        return false;
    }
    memcpy(blob.digest, ref->digest, strlen(ref->digest) + 1);
    return ops->blob_open(content->store, &blob, &reader, NULL) == 0 &&
           reader->ops->read(reader, &first, sizeof first, &got, NULL) == 0 && got == 1 &&
           first != '{';
}

static int open_layer(lpipe_content *content, const struct lpipe_content_options *options,
                      struct lpipe_error *err)
{
    struct layer_spec layer;
    size_t index = 0;
    int status = content_image_find(&content->image, options->layer, &index, err);
    if (status != 0) {
        return status;
    }
    if ((options->flags & LPIPE_CONTENT_BLOB) != 0) {
        return open_blob(content, &content->image.fetched.manifest->items[index].descriptor, err);
    }
    content->hold.is_tar = true;
    status = content_image_layer(&content->image, index, &layer, err);
    return status == 0 ? layer_tar_open(content->store, &layer, false, &content->stream, err)
                       : status;
}

static int open_flattened(lpipe_content *content, struct lpipe_error *err)
{
    if (content->image.config == NULL) {
        return fail_with_advice(err, LPIPE_UNSUPPORTED,
                                "the manifest is an artifact, not an image, so it has no file "
                                "system; `layer` N and `LPIPE_CONTENT_BLOB` read its blobs (%zu)",
                                content_image_layers(&content->image));
    }
    content->hold.is_tar = true;
    return flatten_stream_open(content->store, &content->image, &content->stream, err);
}

static bool wants_named_blob(const struct lpipe_content_options *options)
{
    return (options->flags & LPIPE_CONTENT_BLOB) != 0 && options->layer == NULL;
}

static int open_stream(lpipe_content *content, const lpipe_ref *ref,
                       const struct lpipe_content_options *options, const struct platform *platform,
                       struct lpipe_error *err)
{
    if (wants_named_blob(options)) {
        return open_named_blob(content, ref, err);
    }
    if (options->layer == NULL && names_bare_layer(content, ref)) {
        return open_bare_layer(content, ref, err);
    }
    int status = content_image_fetch(content->store, ref, platform, &content->image, err);
    if (status == 0 && options->platform != NULL && content->image.config != NULL) {
        status = image_config_check_platform(content->image.config, platform, err);
    }
    if (status != 0) {
        return status;
    }
    return options->layer != NULL ? open_layer(content, options, err)
                                  : open_flattened(content, err);
}

/* The next bytes that may be given; 0 at the end. */
static int next_bytes(void *ctx, void *buf, size_t size, size_t *ret_size, struct lpipe_error *err)
{
    lpipe_content *content = ctx;
    for (;;) {
        const unsigned char *data = NULL;
        size_t got = 0;
        *ret_size = content_hold_take(&content->hold, buf, size);
        if (*ret_size > 0 || content->ended) {
            return 0;
        }
        if (cancel_requested(content->context->cancel)) {
            return fail_cancelled(err);
        }
        int status = content->stream->ops->next(content->stream, &data, &got, err);
        if (status != 0) {
            return status;
        }
        if (got > 0) {
            content_hold_put(&content->hold, data, got);
        } else {
            content->ended = true;
            content_hold_verified(&content->hold);
        }
    }
}

static int check_reference(const lpipe_ref *ref, const struct lpipe_content_options *options,
                           struct lpipe_error *err)
{
    if (wants_named_blob(options) && ref->digest == NULL) {
        return fail_with_advice(err, LPIPE_INVALID_ARGUMENT,
                                "%s names no blob; add its digest (@sha256:...), or name a layer "
                                "of the image with `layer`",
                                ref->name);
    }
    return 0;
}

int content_open(lpipe_client *client, const lpipe_ref *ref,
                 const struct lpipe_content_options *options, const struct platform *platform,
                 lpipe_content **ret_content, struct lpipe_error *err)
{
    lpipe_content *content = NEW(lpipe_content);
    if (content == NULL) {
        return fail_memory(err);
    }
    content->process = process_self();
    content->context = context_call_begin(&client->context);
    content->image.fetched = (struct fetched)FETCHED_INIT;
    int status = check_reference(ref, options, err);
    status =
        status == 0 ? store_open(client, ref, STORE_READ_RANGES, &content->store, err) : status;
    if (status == 0) {
        status = open_stream(content, ref, options, platform, err);
        status = status == 0 ? 0 : fail_about(err, status, "", ref->name);
    }
    if (status == 0 && options->compress != NULL) {
        status = content_compress_new(next_bytes, content, options->compress, options->threads,
                                      &content->compress, err);
    }
    if (status != 0) {
        content_free(content);
        return status;
    }
    *ret_content = content;
    return 0;
}

int content_read(lpipe_content *content, void *buf, size_t size, size_t *ret_size,
                 struct lpipe_error *err)
{
    int status = process_check(content->process, "the content", err);
    if (status != 0) {
        return status;
    }
    if (content->status == 0) {
        content->status =
            content->compress == NULL
                ? next_bytes(content, buf, size, ret_size, &content->why)
                : content_compress_bytes(content->compress, buf, size, ret_size, &content->why);
    }
    if (content->status != 0 && err != NULL) {
        *err = content->why;
    }
    return content->status;
}

void content_free(lpipe_content *content)
{
    if (process_is_other(content->process)) {
        return; /* what it has belongs to threads of the other process */
    }
    content_compress_free(content->compress);
    content_stream_free(content->stream);
    content_image_dispose(&content->image);
    store_free(content->store);
    context_call_end(&content->context);
    free(content);
}
