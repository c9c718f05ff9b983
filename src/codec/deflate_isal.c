/* SPDX-License-Identifier: Apache-2.0 */
/* ISA-L: several times as fast as the others. Its output differs between processors with and
 * without SSE4.2, and between architectures. It also depends on how the input is divided into
 * calls, so a block is always given in one call, and on the address of its state: see below. */
#include "codec/deflate.h"

#ifdef HAVE_ISAL
#include <isa-l.h>

#include "base/mem.h"

struct isal_state {
    struct isal_zstream stream;
    int level;
    uint32_t level_bytes;
    unsigned char level_buf[];
};

static const char *version(void)
{
    return TEXT_OF(ISAL_MAJOR_VERSION) "." TEXT_OF(ISAL_MINOR_VERSION) "." TEXT_OF(
        ISAL_PATCH_VERSION);
}

static uint32_t level_bytes(int level)
{
    static const uint32_t bytes[] = {
        ISAL_DEF_LVL0_LARGE,
        ISAL_DEF_LVL1_LARGE,
        ISAL_DEF_LVL2_LARGE,
        ISAL_DEF_LVL3_LARGE,
    };
    return bytes[level];
}

static uint64_t state_bytes(int level)
{
    return sizeof(struct isal_state) + level_bytes(level);
}

static void *state_new(int level)
{
    struct isal_state *state = mem_new((size_t)state_bytes(level));
    if (state != NULL) {
        state->level = level;
        state->level_bytes = level_bytes(level);
    }
    return state;
}

/* The block's first byte is written as a stored block and given to the library as history.
 * Without any history ISA-L 2.30 uses a register before it is set (it contains the address of
 * the state), so the output would differ between processes. With history that code is not
 * reached. */
#define HISTORY_BYTES 1

static size_t compress_rest(struct isal_zstream *stream, const unsigned char *in, size_t size,
                            unsigned char *out, size_t capacity)
{
    stream->flush = SYNC_FLUSH;
    /* The library's pointers are not const, but it only reads the bytes. */
    stream->next_in = (uint8_t *)(uintptr_t)in;
    stream->avail_in = (uint32_t)size;
    stream->next_out = out;
    stream->avail_out = (uint32_t)capacity;
    if (isal_deflate_set_dict(stream, stream->next_in - HISTORY_BYTES, HISTORY_BYTES) != COMP_OK ||
        isal_deflate(stream) != COMP_OK) {
        return 0;
    }
    /* The flush is complete when output space is left. */
    return stream->avail_in == 0 && stream->avail_out > 0 ? capacity - stream->avail_out : 0;
}

static size_t compress_block(struct isal_zstream *stream, const void *in, size_t size, void *out,
                             size_t capacity)
{
    size_t first = deflate_store(in, MIN_OF(size, (size_t)HISTORY_BYTES), out);
    if (size <= HISTORY_BYTES) {
        return first;
    }
    size_t rest =
        compress_rest(stream, (const unsigned char *)in + HISTORY_BYTES, size - HISTORY_BYTES,
                      (unsigned char *)out + first, capacity - first);
    return rest == 0 ? 0 : first + rest;
}

static size_t compress(void *opaque, const void *in, size_t size, void *out, size_t capacity)
{
    struct isal_state *state = opaque;
    isal_deflate_init(&state->stream);
    state->stream.level = (uint32_t)state->level;
    state->stream.level_buf = state->level_buf;
    state->stream.level_buf_size = state->level_bytes;
    return compress_block(&state->stream, in, size, out, capacity);
}

/* Level 0 is the only one that takes codes which are made already. */
static size_t compress_short(void *opaque, const void *in, size_t size, void *out, size_t capacity)
{
    struct isal_state *state = opaque;
    isal_deflate_init(&state->stream);
    return isal_deflate_set_hufftables(&state->stream, NULL, IGZIP_HUFFTABLE_STATIC) == COMP_OK
               ? compress_block(&state->stream, in, size, out, capacity)
               : 0;
}

static uint32_t crc(uint32_t before, const void *data, size_t size)
{
    return crc32_gzip_refl(before, data, size);
}

static const struct deflate_backend backend = {
    .name = "ISA-L",
    .version = version,
    .state_bytes = state_bytes,
    .state_new = state_new,
    .state_free = free,
    .compress = compress,
    .compress_short = compress_short,
    .crc = crc,
};
const struct deflate_backend *const deflate_isal = &backend;
#else
const struct deflate_backend *const deflate_isal = NULL;
#endif
