/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/decompress.h"

#include <inttypes.h>
#define ZLIB_CONST /* input pointers are const */
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/limits.h"
#include "base/mem.h"

struct decompress {
    enum codec_kind kind;
    uint64_t offset; /* packed bytes seen */
    bool within;     /* a member or frame has begun and not ended */
    bool started;
    bool inflating; /* zlib's state exists */
    bool scarce;    /* the window is bounded by the caller, not by the maximum */
    z_stream inflate;
    ZSTD_DCtx *zstd;
    unsigned char out[DECOMPRESS_BYTES];
};

static voidpf zlib_alloc(voidpf opaque, uInt items, uInt size)
{
    (void)opaque;
    return mem_new_array(items, size);
}

static void zlib_free(voidpf opaque, voidpf address)
{
    (void)opaque;
    free(address);
}

static bool begin_gzip(struct decompress *decompress)
{
    decompress->inflate.zalloc = zlib_alloc;
    decompress->inflate.zfree = zlib_free;
    decompress->inflating = inflateInit2(&decompress->inflate, 15 + 16) == Z_OK;
    return decompress->inflating;
}

static bool begin_zstd(struct decompress *decompress, uint64_t window_bytes_max)
{
    int window_log = 10;
    while (window_log < ZSTD_INPUT_WINDOW_LOG_MAX &&
           UINT64_C(2) << window_log <= window_bytes_max) {
        window_log++;
    }
    decompress->scarce = window_log < ZSTD_INPUT_WINDOW_LOG_MAX;
    decompress->zstd = ZSTD_createDCtx();
    return decompress->zstd != NULL &&
           !ZSTD_isError(ZSTD_DCtx_setParameter(decompress->zstd, ZSTD_d_windowLogMax, window_log));
}

int decompress_new(enum codec_kind kind, uint64_t window_bytes_max,
                   struct decompress **ret_decompress, struct lpipe_error *err)
{
    struct decompress *decompress = NEW(struct decompress);
    if (decompress == NULL) {
        return fail_memory(err);
    }
    decompress->kind = kind;
    bool good =
        kind == CODEC_GZIP ? begin_gzip(decompress) : begin_zstd(decompress, window_bytes_max);
    if (!good) {
        decompress_free(decompress);
        return fail_memory(err);
    }
    *ret_decompress = decompress;
    return 0;
}

struct decompress *decompress_free(struct decompress *decompress)
{
    if (decompress != NULL) {
        if (decompress->inflating) {
            (void)inflateEnd(&decompress->inflate);
        }
        (void)ZSTD_freeDCtx(decompress->zstd);
        free(decompress);
    }
    return NULL;
}

static int damaged(const struct decompress *decompress, const char *why, struct lpipe_error *err)
{
    int status =
        fail(err, LPIPE_NOT_TAR, "the compressed input is damaged near byte %" PRIu64 ": %s (%s)",
             decompress->offset, why, codec_name(decompress->kind));
    if (err != NULL) {
        err->offset = decompress->offset;
    }
    return status;
}

/* What is too little may be raised; the maximum may not. */
static int fail_window(const struct decompress *decompress, struct lpipe_error *err)
{
    return decompress->scarce
               ? fail(err, LPIPE_NO_RESOURCES,
                      "the compressed input needs a larger window than the memory limit leaves; "
                      "raise it (--memory), or decompress it first (zstd -dc)")
               : fail(
                     err, LPIPE_NOT_TAR,
                     "the compressed input needs a window of more than %d MiB; decompress it first "
                     "(zstd -dc --long=31)",
                     1 << (ZSTD_INPUT_WINDOW_LOG_MAX - 20));
}

static int fail_zstd(const struct decompress *decompress, size_t code, struct lpipe_error *err)
{
    switch ((int)ZSTD_getErrorCode(code)) {
    case ZSTD_error_memory_allocation:
        return fail_memory(err);
    case ZSTD_error_frameParameter_windowTooLarge:
        return fail_window(decompress, err);
    default:
        return damaged(decompress, ZSTD_getErrorName(code), err);
    }
}

/* One call of zlib: packed bytes used, unpacked bytes made. */
static int step_gzip(struct decompress *decompress, const unsigned char *data, size_t size,
                     size_t *ret_used, size_t *ret_made, struct lpipe_error *err)
{
    z_stream *stream = &decompress->inflate;
    if (!decompress->within && decompress->started && data[0] != 0x1f) {
        return damaged(decompress, "something else follows its end", err);
    }
    stream->next_in = (z_const Bytef *)data;
    stream->avail_in = (uInt)size;
    stream->next_out = decompress->out;
    stream->avail_out = sizeof decompress->out;
    decompress->started = true;
    decompress->within = true;
    int code = inflate(stream, Z_NO_FLUSH);
    *ret_used = size - stream->avail_in;
    *ret_made = sizeof decompress->out - stream->avail_out;
    decompress->offset += *ret_used;
    if (code == Z_STREAM_END) {
        decompress->within = false;
        code = inflateReset(stream);
    }
    if (code == Z_MEM_ERROR) {
        return fail_memory(err);
    }
    return code == Z_OK || code == Z_BUF_ERROR
               ? 0
               : damaged(decompress, stream->msg != NULL ? stream->msg : "unreadable", err);
}

static int step_zstd(struct decompress *decompress, const unsigned char *data, size_t size,
                     size_t *ret_used, size_t *ret_made, struct lpipe_error *err)
{
    ZSTD_inBuffer from = { data, size, 0 };
    ZSTD_outBuffer to = { decompress->out, sizeof decompress->out, 0 };
    size_t left = ZSTD_decompressStream(decompress->zstd, &to, &from);
    decompress->started = true;
    decompress->offset += from.pos;
    decompress->within = ZSTD_isError(left) || left != 0;
    *ret_used = from.pos;
    *ret_made = to.pos;
    return ZSTD_isError(left) ? fail_zstd(decompress, left, err) : 0;
}

int decompress_bytes(struct decompress *decompress, const void *data, size_t size,
                     decompress_sink *taker, void *ctx, struct lpipe_error *err)
{
    const unsigned char *next = data;
    size_t made = 0;
    /* A full output buffer may hide more output that needs no more input. */
    while (size > 0 || made == sizeof decompress->out) {
        size_t used = 0;
        if (size == 0 && !decompress->within) {
            break;
        }
        int status = decompress->kind == CODEC_GZIP
                         ? step_gzip(decompress, next, size, &used, &made, err)
                         : step_zstd(decompress, next, size, &used, &made, err);
        if (status == 0 && made > 0) {
            status = taker(ctx, decompress->out, made, err);
        }
        if (status != 0) {
            return status;
        }
        next += used;
        size -= used;
    }
    return 0;
}

/* zlib's formula for inflate: the window and its state. */
#define INFLATE_BYTES ((uint64_t)(44 * KIB))

uint64_t decompress_memory_bytes(const struct decompress *decompress)
{
    return sizeof *decompress +
           (decompress->kind == CODEC_GZIP ? INFLATE_BYTES : ZSTD_sizeof_DCtx(decompress->zstd));
}

int decompress_end(const struct decompress *decompress, struct lpipe_error *err)
{
    if (!decompress->within && decompress->started) {
        return 0;
    }
    int status =
        fail(err, LPIPE_TRUNCATED, "the compressed input ends too early, at byte %" PRIu64 " (%s)",
             decompress->offset, codec_name(decompress->kind));
    if (err != NULL) {
        err->offset = decompress->offset;
    }
    return status;
}
