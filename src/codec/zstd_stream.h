/* SPDX-License-Identifier: Apache-2.0 */
/* A small zstd stream for data beside a layer: one frame, made by the calling thread. The same
 * bytes give the same output however they are divided into calls. One thread at a time. */
#ifndef CODEC_ZSTD_STREAM_H
#define CODEC_ZSTD_STREAM_H

#include "base/fail.h"

struct zstd_stream;

MUST_CHECK int zstd_stream_new(struct zstd_stream **ret_stream, struct lpipe_error *err);
struct zstd_stream *zstd_stream_free(struct zstd_stream *stream);

/* Takes compressed bytes; a failure is returned to the caller. */
typedef int zstd_stream_sink(void *ctx, const void *data, size_t size, struct lpipe_error *err);
/* Compresses all of data; end: the frame ends after it. 0, NO_MEMORY, or the sink's failure. */
MUST_CHECK int zstd_stream_write(struct zstd_stream *stream, const void *data, size_t size,
                                 bool end, zstd_stream_sink *sink, void *ctx,
                                 struct lpipe_error *err);

#endif
