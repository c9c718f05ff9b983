/* SPDX-License-Identifier: Apache-2.0 */
#include "content/blob_stream.h"

#include <inttypes.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "codec/codec.h"
#include "content/block_digest.h"

struct blob_stream {
    struct content_stream base;
    struct descriptor blob;
    struct blob_reader *reader;
    struct block_digest *blocks;
    uint64_t size; /* bytes so far */
    bool ended;
};

static int verify(struct blob_stream *stream, struct lpipe_error *err)
{
    char digest[DIGEST_TEXT_SIZE];
    int status = block_digest_finish(stream->blocks, digest, err);
    if (status != 0) {
        return status;
    }
    if (stream->blob.size != DESCRIPTOR_SIZE_UNKNOWN && stream->size != stream->blob.size) {
        return fail(err, LPIPE_INTEGRITY,
                    "blob %s has %" PRIu64 " bytes, but its descriptor says %" PRIu64,
                    stream->blob.digest, stream->size, stream->blob.size);
    }
    if (strcmp(digest, stream->blob.digest) != 0) {
        return fail(err, LPIPE_INTEGRITY, "blob %s: the bytes received have the digest %s",
                    stream->blob.digest, digest);
    }
    return 0;
}

/* A read may give a single byte. The first block has at least what shows a codec, unless the blob
 * is shorter. */
static int fill(struct blob_stream *stream, unsigned char *block, size_t *ret_size,
                struct lpipe_error *err)
{
    size_t wanted = stream->size == 0 ? CODEC_RECOGNISE_BYTES : 1;
    size_t size = 0;
    while (size < wanted && !stream->ended) {
        size_t got = 0;
        int status = stream->reader->ops->read(stream->reader, block + size,
                                               CONTENT_BLOCK_BYTES - size, &got, err);
        if (status != 0) {
            return status;
        }
        stream->ended = got == 0;
        size += got;
    }
    *ret_size = size;
    return 0;
}

static int stream_next(struct content_stream *base, const unsigned char **ret_data,
                       size_t *ret_size, struct lpipe_error *err)
{
    struct blob_stream *stream = (struct blob_stream *)base;
    unsigned char *block = block_digest_buffer(stream->blocks);
    size_t size = 0;
    int status = fill(stream, block, &size, err);
    if (status != 0) {
        return status;
    }
    if (size == 0) {
        *ret_size = 0;
        return verify(stream, err);
    }
    block_digest_add(stream->blocks, size);
    stream->size += size;
    *ret_data = block;
    *ret_size = size;
    return 0;
}

static void stream_free(struct content_stream *base)
{
    struct blob_stream *stream = (struct blob_stream *)base;
    block_digest_free(stream->blocks);
    blob_reader_free(stream->reader);
    free(stream);
}

int blob_stream_open(struct store *store, const struct descriptor *blob,
                     struct content_stream **ret_stream, struct lpipe_error *err)
{
    static const struct content_stream_ops ops = { .next = stream_next, .free = stream_free };
    struct blob_stream *stream = NEW(struct blob_stream);
    if (stream == NULL) {
        return fail_memory(err);
    }
    stream->base.ops = &ops;
    stream->blob = *blob;
    int status = store->ops->blob_open(store, blob, &stream->reader, err);
    if (status == 0) {
        status = block_digest_new(digest_alg_of(blob->digest), CONTENT_BLOCK_BYTES, &stream->blocks,
                                  err);
    }
    if (status != 0) {
        stream_free(&stream->base);
        return status;
    }
    *ret_stream = &stream->base;
    return 0;
}
