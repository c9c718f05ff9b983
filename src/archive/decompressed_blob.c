/* SPDX-License-Identifier: Apache-2.0 */
#include "archive/decompressed_blob.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "codec/decompress.h"
#include "oci/media_type.h"

/* Compressed bytes are decompressed in small steps, because the uncompressed bytes of a step are
 * kept: at most 64 blocks of 128 KiB with zstd. */
#define STEP_BYTES 256
#define PLAIN_BYTES_MAX (16 * MIB)

struct decompressed_blob {
    struct blob_reader base;
    struct blob_reader *from;
    struct decompressor *decompressor; /* NULL: the blob is not compressed */
    unsigned char input[4096];
    size_t input_size;
    size_t input_done;
    bool ended;
    struct buf plain;
    size_t plain_done;
    uint64_t left; /* bytes that may be given */
};

static int take_plain(void *ctx, const void *data, size_t size, struct lpipe_error *err)
{
    int status = buf_append(ctx, data, size);
    return status == LPIPE_TOO_LARGE ? fail(err, LPIPE_TOO_LARGE, "a block is too large")
           : status != 0             ? fail_memory(err)
                                     : 0;
}

/* Decompresses until there are bytes, or to the end. */
static int decompress_step(struct decompressed_blob *self, struct lpipe_error *err)
{
    int status = 0;
    if (self->input_done == self->input_size) {
        self->input_done = 0;
        status = self->from->ops->read(self->from, self->input, sizeof self->input,
                                       &self->input_size, err);
        self->ended = status == 0 && self->input_size == 0;
    }
    size_t step = MIN_OF((size_t)STEP_BYTES, self->input_size - self->input_done);
    if (status == 0 && step > 0) {
        status = decompress_bytes(self->decompressor, self->input + self->input_done, step,
                                  take_plain, &self->plain, err);
        self->input_done += step;
    }
    return status == 0 && self->ended ? decompress_end(self->decompressor, err) : status;
}

static int blob_read(struct blob_reader *reader, void *buf, size_t size, size_t *ret_size,
                     struct lpipe_error *err)
{
    struct decompressed_blob *self = (struct decompressed_blob *)reader;
    if (self->decompressor == NULL) {
        return self->from->ops->read(self->from, buf, size, ret_size, err);
    }
    while (self->plain_done == self->plain.size && !self->ended && self->left > 0) {
        buf_clear(&self->plain);
        self->plain_done = 0;
        int status = decompress_step(self, err);
        if (status != 0) {
            return status;
        }
    }
    size_t part = MIN_OF(size, self->plain.size - self->plain_done);
    part = (size_t)MIN_OF((uint64_t)part, self->left);
    if (part > 0) {
        memcpy(buf, self->plain.data + self->plain_done, part);
    }
    self->plain_done += part;
    self->left -= part;
    *ret_size = part;
    return 0;
}

static void blob_free(struct blob_reader *reader)
{
    struct decompressed_blob *self = (struct decompressed_blob *)reader;
    (void)blob_reader_free(self->from);
    (void)decompress_free(self->decompressor);
    buf_dispose(&self->plain);
    free(self);
}

static int choose_codec(struct decompressed_blob *self, const char *media_type,
                        struct lpipe_error *err)
{
    const char *compression = media_type_compression(media_type);
    enum codec_kind kind = CODEC_NONE;
    bool compressed = compression != NULL && codec_find(compression, strlen(compression), &kind) &&
                      kind != CODEC_NONE;
    return compressed ? decompress_new(kind, (uint64_t)1 << ZSTD_INPUT_WINDOW_LOG_MAX,
                                       &self->decompressor, err)
                      : 0;
}

int decompressed_blob_open(struct store *store, const struct descriptor *blob, uint64_t size_max,
                           struct blob_reader **ret_reader, struct lpipe_error *err)
{
    static const struct blob_reader_ops ops = { .read = blob_read, .free = blob_free };
    struct decompressed_blob *self = NEW(struct decompressed_blob);
    if (self == NULL) {
        return fail_memory(err);
    }
    struct blob_reader *reader AUTO_BLOB_READER = &self->base;
    self->base.ops = &ops;
    self->left = size_max;
    self->plain = (struct buf)BUF_INIT(PLAIN_BYTES_MAX);
    int status = choose_codec(self, blob->media_type, err);
    status = status == 0 ? store->ops->blob_open(store, blob, &self->from, err) : status;
    if (status == 0) {
        *ret_reader = TAKE(reader);
    }
    return status;
}
