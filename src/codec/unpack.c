/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/unpack.h"

#include <inttypes.h>
#define ZLIB_CONST /* input pointers are const */
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/limits.h"
#include "base/mem.h"

struct unpack {
    enum codec_kind kind;
    uint64_t offset; /* packed bytes seen */
    bool within;     /* a member or frame has begun and not ended */
    bool started;
    bool inflating; /* zlib's state exists */
    bool scarce;    /* the window is bounded by the caller, not by the maximum */
    z_stream inflate;
    ZSTD_DCtx *zstd;
    unsigned char out[UNPACK_BYTES];
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

static bool begin_gzip(struct unpack *unpack)
{
    unpack->inflate.zalloc = zlib_alloc;
    unpack->inflate.zfree = zlib_free;
    unpack->inflating = inflateInit2(&unpack->inflate, 15 + 16) == Z_OK;
    return unpack->inflating;
}

static bool begin_zstd(struct unpack *unpack, uint64_t window_bytes_max)
{
    int window_log = 10;
    while (window_log < ZSTD_INPUT_WINDOW_LOG_MAX &&
           UINT64_C(2) << window_log <= window_bytes_max) {
        window_log++;
    }
    unpack->scarce = window_log < ZSTD_INPUT_WINDOW_LOG_MAX;
    unpack->zstd = ZSTD_createDCtx();
    return unpack->zstd != NULL &&
           !ZSTD_isError(ZSTD_DCtx_setParameter(unpack->zstd, ZSTD_d_windowLogMax, window_log));
}

int unpack_new(enum codec_kind kind, uint64_t window_bytes_max, struct unpack **ret_unpack,
               struct lpipe_error *err)
{
    struct unpack *unpack = NEW(struct unpack);
    if (unpack == NULL) {
        return fail_memory(err);
    }
    unpack->kind = kind;
    bool good = kind == CODEC_GZIP ? begin_gzip(unpack) : begin_zstd(unpack, window_bytes_max);
    if (!good) {
        unpack_free(unpack);
        return fail_memory(err);
    }
    *ret_unpack = unpack;
    return 0;
}

struct unpack *unpack_free(struct unpack *unpack)
{
    if (unpack != NULL) {
        if (unpack->inflating) {
            (void)inflateEnd(&unpack->inflate);
        }
        (void)ZSTD_freeDCtx(unpack->zstd);
        free(unpack);
    }
    return NULL;
}

static int damaged(const struct unpack *unpack, const char *why, struct lpipe_error *err)
{
    int status =
        fail(err, LPIPE_NOT_TAR, "the compressed input is damaged near byte %" PRIu64 ": %s (%s)",
             unpack->offset, why, codec_name(unpack->kind));
    if (err != NULL) {
        err->offset = unpack->offset;
    }
    return status;
}

/* What is too little may be raised; the maximum may not. */
static int fail_window(const struct unpack *unpack, struct lpipe_error *err)
{
    return unpack->scarce
               ? fail(err, LPIPE_NO_RESOURCES,
                      "the compressed input needs a larger window than the memory limit leaves; "
                      "raise it (--memory), or decompress it first (zstd -dc)")
               : fail(
                     err, LPIPE_NOT_TAR,
                     "the compressed input needs a window of more than %d MiB; decompress it first "
                     "(zstd -dc --long=31)",
                     1 << (ZSTD_INPUT_WINDOW_LOG_MAX - 20));
}

static int fail_zstd(const struct unpack *unpack, size_t code, struct lpipe_error *err)
{
    switch ((int)ZSTD_getErrorCode(code)) {
    case ZSTD_error_memory_allocation:
        return fail_memory(err);
    case ZSTD_error_frameParameter_windowTooLarge:
        return fail_window(unpack, err);
    default:
        return damaged(unpack, ZSTD_getErrorName(code), err);
    }
}

/* One call of zlib: packed bytes used, unpacked bytes made. */
static int step_gzip(struct unpack *unpack, const unsigned char *data, size_t size,
                     size_t *ret_used, size_t *ret_made, struct lpipe_error *err)
{
    z_stream *stream = &unpack->inflate;
    if (!unpack->within && unpack->started && data[0] != 0x1f) {
        return damaged(unpack, "something else follows its end", err);
    }
    stream->next_in = (z_const Bytef *)data;
    stream->avail_in = (uInt)size;
    stream->next_out = unpack->out;
    stream->avail_out = sizeof unpack->out;
    unpack->started = true;
    unpack->within = true;
    int code = inflate(stream, Z_NO_FLUSH);
    *ret_used = size - stream->avail_in;
    *ret_made = sizeof unpack->out - stream->avail_out;
    unpack->offset += *ret_used;
    if (code == Z_STREAM_END) {
        unpack->within = false;
        code = inflateReset(stream);
    }
    if (code == Z_MEM_ERROR) {
        return fail_memory(err);
    }
    return code == Z_OK || code == Z_BUF_ERROR
               ? 0
               : damaged(unpack, stream->msg != NULL ? stream->msg : "unreadable", err);
}

static int step_zstd(struct unpack *unpack, const unsigned char *data, size_t size,
                     size_t *ret_used, size_t *ret_made, struct lpipe_error *err)
{
    ZSTD_inBuffer from = { data, size, 0 };
    ZSTD_outBuffer to = { unpack->out, sizeof unpack->out, 0 };
    size_t left = ZSTD_decompressStream(unpack->zstd, &to, &from);
    unpack->started = true;
    unpack->offset += from.pos;
    unpack->within = ZSTD_isError(left) || left != 0;
    *ret_used = from.pos;
    *ret_made = to.pos;
    return ZSTD_isError(left) ? fail_zstd(unpack, left, err) : 0;
}

int unpack_bytes(struct unpack *unpack, const void *data, size_t size, unpack_taker *taker,
                 void *ctx, struct lpipe_error *err)
{
    const unsigned char *next = data;
    size_t made = 0;
    /* A full output buffer may hide more output that needs no more input. */
    while (size > 0 || made == sizeof unpack->out) {
        size_t used = 0;
        if (size == 0 && !unpack->within) {
            break;
        }
        int status = unpack->kind == CODEC_GZIP ? step_gzip(unpack, next, size, &used, &made, err)
                                                : step_zstd(unpack, next, size, &used, &made, err);
        if (status == 0 && made > 0) {
            status = taker(ctx, unpack->out, made, err);
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

uint64_t unpack_memory_bytes(const struct unpack *unpack)
{
    return sizeof *unpack +
           (unpack->kind == CODEC_GZIP ? INFLATE_BYTES : ZSTD_sizeof_DCtx(unpack->zstd));
}

int unpack_end(const struct unpack *unpack, struct lpipe_error *err)
{
    if (!unpack->within && unpack->started) {
        return 0;
    }
    int status =
        fail(err, LPIPE_TRUNCATED, "the compressed input ends too early, at byte %" PRIu64 " (%s)",
             unpack->offset, codec_name(unpack->kind));
    if (err != NULL) {
        err->offset = unpack->offset;
    }
    return status;
}
