/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/decompress.h"

#include <inttypes.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/limits.h"
#include "base/mem.h"
#include "codec/inflate_isal.h"
#include "codec/zlib_memory.h"

struct decompressor {
    enum codec_kind kind;
    uint64_t offset; /* compressed bytes read */
    bool within;     /* inside a member or frame */
    bool started;
    bool inflating;            /* zlib's state exists */
    bool limited_by_caller;    /* the caller's limit for the window is below the maximum */
    struct inflate_isal *isal; /* in place of zlib */
    z_stream inflate;
    ZSTD_DCtx *zstd;
    unsigned char out[DECOMPRESS_BYTES];
};

static bool begin_gzip(struct decompressor *decompressor)
{
    zlib_use_mem(&decompressor->inflate);
    decompressor->inflating = inflateInit2(&decompressor->inflate, 15 + 16) == Z_OK;
    return decompressor->inflating;
}

static bool begin_zstd(struct decompressor *decompressor, uint64_t window_bytes_max)
{
    int window_log = 10;
    while (window_log < ZSTD_INPUT_WINDOW_LOG_MAX &&
           UINT64_C(2) << window_log <= window_bytes_max) {
        window_log++;
    }
    decompressor->limited_by_caller = window_log < ZSTD_INPUT_WINDOW_LOG_MAX;
    decompressor->zstd = ZSTD_createDCtx();
    return decompressor->zstd != NULL && !ZSTD_isError(ZSTD_DCtx_setParameter(
                                             decompressor->zstd, ZSTD_d_windowLogMax, window_log));
}

int decompress_new(enum codec_kind kind, uint64_t window_bytes_max,
                   struct decompressor **ret_decompress, struct lpipe_error *err)
{
    struct decompressor *decompressor = NEW(struct decompressor);
    if (decompressor == NULL) {
        return fail_memory(err);
    }
    decompressor->kind = kind;
    bool good =
        kind == CODEC_GZIP ? begin_gzip(decompressor) : begin_zstd(decompressor, window_bytes_max);
    if (!good) {
        decompress_free(decompressor);
        return fail_memory(err);
    }
    *ret_decompress = decompressor;
    return 0;
}

int decompress_new_verified(enum codec_kind kind, uint64_t window_bytes_max,
                            struct decompressor **ret_decompress, struct lpipe_error *err)
{
    int status = decompress_new(kind, window_bytes_max, ret_decompress, err);
    if (status == 0 && kind == CODEC_GZIP) {
        (*ret_decompress)->isal = inflate_isal_new(); /* else zlib does it */
    }
    return status;
}

struct decompressor *decompress_free(struct decompressor *decompressor)
{
    if (decompressor != NULL) {
        if (decompressor->inflating) {
            (void)inflateEnd(&decompressor->inflate);
        }
        inflate_isal_free(decompressor->isal);
        (void)ZSTD_freeDCtx(decompressor->zstd);
        free(decompressor);
    }
    return NULL;
}

static int damaged(const struct decompressor *decompressor, const char *why,
                   struct lpipe_error *err)
{
    int status =
        fail(err, LPIPE_NOT_TAR, "the compressed input is damaged near byte %" PRIu64 ": %s (%s)",
             decompressor->offset, why, codec_name(decompressor->kind));
    if (err != NULL) {
        err->offset = decompressor->offset;
    }
    return status;
}

/* The caller's limit can be raised, the maximum cannot. */
static int fail_window(const struct decompressor *decompressor, struct lpipe_error *err)
{
    return decompressor->limited_by_caller
               ? fail_with_advice(
                     err, LPIPE_NO_RESOURCES,
                     "the compressed input needs a larger window than the memory limit leaves; "
                     "raise the limit (`memory_bytes_max`), or decompress it first (zstd -dc)")
               : fail_with_advice(
                     err, LPIPE_NOT_TAR,
                     "the compressed input needs a window of more than %d MiB; decompress it first "
                     "(zstd -dc --long=31)",
                     1 << (ZSTD_INPUT_WINDOW_LOG_MAX - 20));
}

static int fail_zstd(const struct decompressor *decompressor, size_t code, struct lpipe_error *err)
{
    switch ((int)ZSTD_getErrorCode(code)) {
    case ZSTD_error_memory_allocation:
        return fail_memory(err);
    case ZSTD_error_frameParameter_windowTooLarge:
        return fail_window(decompressor, err);
    default:
        return damaged(decompressor, ZSTD_getErrorName(code), err);
    }
}

static int step_isal(struct decompressor *decompressor, const unsigned char *data, size_t size,
                     size_t *ret_used, size_t *ret_made, struct lpipe_error *err)
{
    bool end = false;
    decompressor->started = true;
    const char *problem =
        inflate_isal_step(decompressor->isal, data, size, ret_used, decompressor->out,
                          sizeof decompressor->out, ret_made, &end);
    decompressor->offset += *ret_used;
    decompressor->within = !end;
    return problem == NULL ? 0 : damaged(decompressor, problem, err);
}

/* One call of zlib: returns the compressed bytes used and the decompressed bytes made. */
static int step_zlib(struct decompressor *decompressor, const unsigned char *data, size_t size,
                     size_t *ret_used, size_t *ret_made, struct lpipe_error *err)
{
    z_stream *stream = &decompressor->inflate;
    stream->next_in = (z_const Bytef *)data;
    stream->avail_in = (uInt)size;
    stream->next_out = decompressor->out;
    stream->avail_out = sizeof decompressor->out;
    decompressor->started = true;
    decompressor->within = true;
    int code = inflate(stream, Z_NO_FLUSH);
    *ret_used = size - stream->avail_in;
    *ret_made = sizeof decompressor->out - stream->avail_out;
    decompressor->offset += *ret_used;
    if (code == Z_STREAM_END) {
        decompressor->within = false;
        code = inflateReset(stream);
    }
    if (code == Z_MEM_ERROR) {
        return fail_memory(err);
    }
    return code == Z_OK || code == Z_BUF_ERROR
               ? 0
               : damaged(decompressor, stream->msg != NULL ? stream->msg : "unreadable", err);
}

static int step_gzip(struct decompressor *decompressor, const unsigned char *data, size_t size,
                     size_t *ret_used, size_t *ret_made, struct lpipe_error *err)
{
    if (!decompressor->within && decompressor->started && data[0] != 0x1f) {
        return damaged(decompressor, "other bytes follow its end", err);
    }
    return decompressor->isal != NULL
               ? step_isal(decompressor, data, size, ret_used, ret_made, err)
               : step_zlib(decompressor, data, size, ret_used, ret_made, err);
}

static int step_zstd(struct decompressor *decompressor, const unsigned char *data, size_t size,
                     size_t *ret_used, size_t *ret_made, struct lpipe_error *err)
{
    ZSTD_inBuffer from = { data, size, 0 };
    ZSTD_outBuffer to = { decompressor->out, sizeof decompressor->out, 0 };
    size_t left = ZSTD_decompressStream(decompressor->zstd, &to, &from);
    decompressor->started = true;
    decompressor->offset += from.pos;
    decompressor->within = ZSTD_isError(left) || left != 0;
    *ret_used = from.pos;
    *ret_made = to.pos;
    return ZSTD_isError(left) ? fail_zstd(decompressor, left, err) : 0;
}

int decompress_next(struct decompressor *decompressor, struct decompress_step *step,
                    struct lpipe_error *err)
{
    size_t used = 0;
    step->made_size = 0;
    step->more = false;
    if (step->size == 0 && !decompressor->within) {
        return 0;
    }
    int status =
        decompressor->kind == CODEC_GZIP
            ? step_gzip(decompressor, step->data, step->size, &used, &step->made_size, err)
            : step_zstd(decompressor, step->data, step->size, &used, &step->made_size, err);
    step->data += used;
    step->size -= used;
    step->made = decompressor->out;
    /* When the output buffer is full, there may be more output without more input. */
    step->more = step->made_size == sizeof decompressor->out;
    return status;
}

int decompress_bytes(struct decompressor *decompressor, const void *data, size_t size,
                     decompress_sink *taker, void *ctx, struct lpipe_error *err)
{
    struct decompress_step step = { .data = data, .size = size };
    int status = 0;
    while (status == 0 && (step.size > 0 || step.more)) {
        status = decompress_next(decompressor, &step, err);
        if (status == 0 && step.made_size > 0) {
            status = taker(ctx, step.made, step.made_size, err);
        }
    }
    return status;
}

/* zlib's formula for inflate: the window and its state. */
#define INFLATE_BYTES ((uint64_t)(44 * KIB))

uint64_t decompress_memory_bytes(const struct decompressor *decompressor)
{
    return sizeof *decompressor + (decompressor->kind == CODEC_GZIP
                                       ? INFLATE_BYTES
                                       : ZSTD_sizeof_DCtx(decompressor->zstd));
}

int decompress_end(const struct decompressor *decompressor, struct lpipe_error *err)
{
    if (!decompressor->within && decompressor->started) {
        return 0;
    }
    int status = fail_with_advice(err, LPIPE_TRUNCATED,
                                  "the compressed input (%s) ends too early, at byte %" PRIu64
                                  "; no reader could decompress such a layer",
                                  codec_name(decompressor->kind), decompressor->offset);
    if (err != NULL) {
        err->offset = decompressor->offset;
    }
    return status;
}
