/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/inflate_isal.h"

#ifdef HAVE_ISAL
#include <isa-l.h>

#include "base/mem.h"

struct inflate_isal {
    struct inflate_state state;
    struct isal_gzip_header header; /* what was read of it in earlier steps */
};

struct inflate_isal *inflate_isal_new(void)
{
    struct inflate_isal *inflate = NEW(struct inflate_isal);
    if (inflate != NULL) {
        isal_inflate_init(&inflate->state);
        isal_gzip_header_init(&inflate->header);
        inflate->state.crc_flag = ISAL_GZIP;
    }
    return inflate;
}

struct inflate_isal *inflate_isal_free(struct inflate_isal *inflate)
{
    free(inflate);
    return NULL;
}

static const char *problem_of(int code)
{
    switch (code) {
    case ISAL_DECOMP_OK:
    case ISAL_END_INPUT:
    case ISAL_OUT_OVERFLOW:
        return NULL;
    case ISAL_INVALID_BLOCK:
        return "invalid block";
    case ISAL_INVALID_SYMBOL:
        return "invalid code";
    case ISAL_INVALID_LOOKBACK:
        return "invalid distance too far back";
    case ISAL_INVALID_WRAPPER:
    case ISAL_UNSUPPORTED_METHOD:
        return "incorrect header";
    case ISAL_INCORRECT_CHECKSUM:
        return "incorrect checksum or length";
    default:
        return "unreadable";
    }
}

/* isal_inflate() reads headers too, but forgets between two calls which fields the header has: one
 * that comes in several parts is misread. */
static int read_header(struct inflate_isal *inflate)
{
    return inflate->state.wrapper_flag != 0
               ? ISAL_DECOMP_OK
               : isal_read_gzip_header(&inflate->state, &inflate->header);
}

const char *inflate_isal_step(struct inflate_isal *inflate, const unsigned char *data, size_t size,
                              size_t *ret_used, unsigned char *out, size_t out_size,
                              size_t *ret_made, bool *ret_end)
{
    struct inflate_state *state = &inflate->state;
    union {
        const unsigned char *given;
        unsigned char *wanted; /* the library does not write to it */
    } in = { data };
    state->next_in = in.wanted;
    state->avail_in = (uint32_t)size;
    state->next_out = out;
    state->avail_out = (uint32_t)out_size;
    int code = read_header(inflate);
    code = code == ISAL_DECOMP_OK ? isal_inflate(state) : code;
    const char *problem = problem_of(code);
    *ret_used = size - state->avail_in;
    *ret_made = out_size - state->avail_out;
    *ret_end = problem == NULL && state->block_state == ISAL_BLOCK_FINISH;
    if (*ret_end) {
        isal_inflate_reset(state);
        state->crc_flag = ISAL_GZIP;
    }
    return problem;
}

#else

struct inflate_isal *inflate_isal_new(void)
{
    return NULL;
}

struct inflate_isal *inflate_isal_free(struct inflate_isal *inflate)
{
    return inflate;
}

const char *inflate_isal_step(struct inflate_isal *inflate, const unsigned char *data, size_t size,
                              size_t *ret_used, unsigned char *out, size_t out_size,
                              size_t *ret_made, bool *ret_end)
{
    (void)inflate;
    (void)data;
    (void)size;
    (void)ret_used;
    (void)out;
    (void)out_size;
    (void)ret_made;
    (void)ret_end;
    return "no ISA-L";
}
#endif
