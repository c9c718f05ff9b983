/* SPDX-License-Identifier: Apache-2.0 */
/* ISA-L: several times the speed of the others. Its output differs between processors with and
 * without SSE4.2, and between architectures. It also depends on how the input is cut into calls,
 * which is why a block is always given whole. */
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

static size_t pack(void *opaque, const void *in, size_t size, void *out, size_t capacity)
{
    struct isal_state *state = opaque;
    struct isal_zstream *stream = &state->stream;
    isal_deflate_init(stream);
    stream->level = (uint32_t)state->level;
    stream->level_buf = state->level_buf;
    stream->level_buf_size = state->level_bytes;
    stream->flush = SYNC_FLUSH;
    stream->next_in = (uint8_t *)(uintptr_t)in; /* not const in its header, but only read */
    stream->avail_in = (uint32_t)size;
    stream->next_out = out;
    stream->avail_out = (uint32_t)capacity;
    int code = isal_deflate(stream);
    /* Room left over tells that the flush is complete. */
    return code == COMP_OK && stream->avail_in == 0 && stream->avail_out > 0
               ? capacity - stream->avail_out
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
    .pack = pack,
    .crc = crc,
};
const struct deflate_backend *const deflate_isal = &backend;
#else
const struct deflate_backend *const deflate_isal = NULL;
#endif
