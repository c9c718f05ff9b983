/* SPDX-License-Identifier: Apache-2.0 */
#include "content/layer_stream.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "codec/decompress.h"
#include "content/blob_stream.h"
#include "content/block_digest.h"

struct layer_stream {
    struct content_stream base;
    struct layer_spec layer;
    struct content_stream *blob;
    struct decompressor *decompressor; /* NULL: the blob is the tar */
    struct block_digest *blocks;       /* of the tar; NULL without a diff ID */
    const unsigned char *input;        /* stored bytes that are not decompressed yet */
    size_t input_size;
    bool begun;      /* it is known whether the blob is compressed */
    bool blob_ended; /* and is verified */
    bool more;       /* the decompressor may give bytes without more input */
};

/* The next stored bytes. */
static int fill(struct layer_stream *stream, struct lpipe_error *err)
{
    int status = stream->blob->ops->next(stream->blob, &stream->input, &stream->input_size, err);
    stream->blob_ended = status == 0 && stream->input_size == 0;
    return status;
}

int layer_stream_blame(struct content_stream *base, int status, struct lpipe_error *err)
{
    struct layer_stream *stream = (struct layer_stream *)base;
    struct lpipe_error why = { 0 };
    while (!stream->blob_ended) {
        int drained = fill(stream, &why);
        if (drained != 0) {
            if (err != NULL) {
                *err = why;
            }
            return drained;
        }
    }
    return status;
}

/* A damaged layer is no fault of an input of the caller. */
static int fail_damaged(struct layer_stream *stream, int status, struct lpipe_error *err)
{
    if (status != LPIPE_NOT_TAR && status != LPIPE_TRUNCATED) {
        return status;
    }
    status = layer_stream_blame(&stream->base, status, err);
    return fail_context(err, status, "layer %s", stream->layer.blob.digest);
}

/* The first bytes of the blob are there: what they are decompressed with is known now. */
static int begin(struct layer_stream *stream, struct lpipe_error *err)
{
    enum codec_kind codec = codec_recognise(stream->input, stream->input_size, NULL);
    stream->begun = true;
    return codec == CODEC_NONE
               ? 0
               : decompress_new_verified(codec, UINT64_MAX, &stream->decompressor, err);
}

/* The next bytes of the tar, which need not be hashed yet. */
static int next_bytes(struct layer_stream *stream, const unsigned char **ret_data, size_t *ret_size,
                      struct lpipe_error *err)
{
    *ret_size = 0;
    while (*ret_size == 0) {
        int status = 0;
        if (stream->input_size == 0 && !stream->more && !stream->blob_ended) {
            status = fill(stream, err);
        }
        if (status == 0 && !stream->begun) {
            status = begin(stream, err);
        }
        if (status != 0 || (stream->blob_ended && !stream->more)) {
            return status;
        }
        if (stream->decompressor == NULL) {
            *ret_data = stream->input;
            *ret_size = stream->input_size;
            stream->input_size = 0;
            return 0;
        }
        struct decompress_step step = { .data = stream->input, .size = stream->input_size };
        status = decompress_next(stream->decompressor, &step, err);
        stream->input = step.data;
        stream->input_size = step.size;
        stream->more = step.more;
        *ret_data = step.made;
        *ret_size = step.made_size;
        if (status != 0) {
            return fail_damaged(stream, status, err);
        }
    }
    return 0;
}

static int verify(struct layer_stream *stream, struct lpipe_error *err)
{
    char diff_id[DIGEST_TEXT_SIZE];
    int status = stream->decompressor == NULL ? 0 : decompress_end(stream->decompressor, err);
    if (status != 0) {
        return fail_damaged(stream, status, err);
    }
    if (stream->blocks == NULL) {
        return 0;
    }
    status = block_digest_finish(stream->blocks, diff_id, err);
    if (status == 0 && strcmp(diff_id, stream->layer.diff_id) != 0) {
        return fail(err, LPIPE_INTEGRITY,
                    "layer %s: its tar has the diff ID %s, but the image config says %s",
                    stream->layer.blob.digest, diff_id, stream->layer.diff_id);
    }
    return status;
}

static int stream_next(struct content_stream *base, const unsigned char **ret_data,
                       size_t *ret_size, struct lpipe_error *err)
{
    struct layer_stream *stream = (struct layer_stream *)base;
    const unsigned char *data = NULL;
    int status = next_bytes(stream, &data, ret_size, err);
    if (status != 0) {
        return status;
    }
    if (*ret_size == 0) {
        return verify(stream, err);
    }
    *ret_data = data;
    if (stream->blocks != NULL) {
        unsigned char *block = block_digest_buffer(stream->blocks);
        memcpy(block, data, *ret_size);
        block_digest_add(stream->blocks, *ret_size);
        *ret_data = block;
    }
    return 0;
}

static void stream_free(struct content_stream *base)
{
    struct layer_stream *stream = (struct layer_stream *)base;
    content_stream_free(stream->blob);
    decompress_free(stream->decompressor);
    block_digest_free(stream->blocks);
    free(stream);
}

static int init(struct layer_stream *stream, struct store *store, struct lpipe_error *err)
{
    const struct layer_spec *layer = &stream->layer;
    int status = blob_stream_open(store, &layer->blob, &stream->blob, err);
    if (status == 0 && layer->diff_id != NULL) {
        status = block_digest_new(digest_alg_of(layer->diff_id), CONTENT_BLOCK_BYTES,
                                  &stream->blocks, err);
    }
    return status;
}

int layer_stream_open(struct store *store, const struct layer_spec *layer,
                      struct content_stream **ret_stream, struct lpipe_error *err)
{
    static const struct content_stream_ops ops = { .next = stream_next, .free = stream_free };
    struct layer_stream *stream = NEW(struct layer_stream);
    if (stream == NULL) {
        return fail_memory(err);
    }
    stream->base.ops = &ops;
    stream->layer = *layer;
    int status = init(stream, store, err);
    if (status != 0) {
        stream_free(&stream->base);
        return status;
    }
    *ret_stream = &stream->base;
    return 0;
}
