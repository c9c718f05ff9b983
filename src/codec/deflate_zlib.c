/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/deflate.h"

#include "base/mem.h"
#include "codec/zlib_memory.h"

static const char *version(void)
{
    return zlibVersion();
}

/* zlib's formula for window bits 15 and memory level 8, plus its state and our struct. */
static uint64_t state_bytes(int level)
{
    (void)level;
    return (1u << (15 + 2)) + (1u << (8 + 9)) + 8192 + sizeof(z_stream);
}

static void *state_new(int level)
{
    z_stream *stream = NEW(z_stream);
    if (stream == NULL) {
        return NULL;
    }
    zlib_use_mem(stream);
    int strategy = level == -2 ? Z_HUFFMAN_ONLY : Z_DEFAULT_STRATEGY;
    int zlib_level = level == -2 ? 6 : level > 9 ? 9 : level;
    if (deflateInit2(stream, zlib_level, Z_DEFLATED, -15, 8, strategy) != Z_OK) {
        free(stream);
        return NULL;
    }
    return stream;
}

static void state_free(void *state)
{
    if (state != NULL) {
        (void)deflateEnd(state);
        free(state);
    }
}

static size_t compress_block(void *state, const void *in, size_t size, void *out, size_t capacity)
{
    z_stream *stream = state;
    (void)deflateReset(stream);
    stream->next_in = (z_const Bytef *)in;
    stream->avail_in = (uInt)size;
    stream->next_out = out;
    stream->avail_out = (uInt)capacity;
    int code = deflate(stream, Z_SYNC_FLUSH);
    /* The flush is complete when output space is left. */
    return code == Z_OK && stream->avail_in == 0 && stream->avail_out > 0
               ? capacity - stream->avail_out
               : 0;
}

static uint32_t crc(uint32_t before, const void *data, size_t size)
{
    return (uint32_t)crc32_z(before, data, size);
}

static const struct deflate_backend backend = {
    .name = "zlib",
    .version = version,
    .state_bytes = state_bytes,
    .state_new = state_new,
    .state_free = state_free,
    .compress = compress_block,
    .crc = crc,
};
const struct deflate_backend *const deflate_zlib = &backend;
