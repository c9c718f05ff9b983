/* SPDX-License-Identifier: Apache-2.0 */
/* libdeflate: the smallest output for its time, the same on every processor. It makes only
 * complete streams, so each block's stream is opened at its end (deflate_splice.h) for the next
 * block. */
#include "codec/deflate.h"

#ifdef HAVE_LIBDEFLATE
#include <libdeflate.h>

#include "base/limits.h"
#include "base/mem.h"
#include "codec/deflate_splice.h"

struct libdeflate_state {
    struct libdeflate_compressor *compressor;
    struct deflate_splice splice;
};

static const char *version(void)
{
    return LIBDEFLATE_VERSION_STRING;
}

/* The library does not report its memory: upper bounds for version 1.14, by level. */
static uint64_t state_bytes(int level)
{
    uint64_t compressor = level >= 10 ? 9200 * KIB : 672 * KIB;
    return sizeof(struct libdeflate_state) + compressor;
}

static void *state_new(int level)
{
    struct libdeflate_state *state = NEW(struct libdeflate_state);
    if (state == NULL) {
        return NULL;
    }
    state->compressor = libdeflate_alloc_compressor(level);
    if (state->compressor == NULL) {
        free(state);
        return NULL;
    }
    return state;
}

static void state_free(void *opaque)
{
    struct libdeflate_state *state = opaque;
    if (state != NULL) {
        libdeflate_free_compressor(state->compressor);
        free(state);
    }
}

static size_t compress(void *opaque, const void *in, size_t size, void *out, size_t capacity)
{
    struct libdeflate_state *state = opaque;
    size_t made = libdeflate_deflate_compress(state->compressor, in, size, out,
                                              capacity - DEFLATE_SPLICE_BYTES);
    return made == 0 ? 0 : deflate_splice_unfinish(&state->splice, out, made);
}

/* Nothing follows, so nobody needs to find the end. */
static size_t compress_final(void *opaque, const void *in, size_t size, void *out, size_t capacity)
{
    struct libdeflate_state *state = opaque;
    return libdeflate_deflate_compress(state->compressor, in, size, out, capacity);
}

static uint32_t crc(uint32_t before, const void *data, size_t size)
{
    return libdeflate_crc32(before, data, size);
}

static const struct deflate_backend backend = {
    .name = "libdeflate",
    .version = version,
    .state_bytes = state_bytes,
    .state_new = state_new,
    .state_free = state_free,
    .compress = compress,
    .compress_final = compress_final,
    .crc = crc,
};
const struct deflate_backend *const deflate_libdeflate = &backend;
#else
const struct deflate_backend *const deflate_libdeflate = NULL;
#endif
