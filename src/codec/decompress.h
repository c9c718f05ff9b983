/* SPDX-License-Identifier: Apache-2.0 */
/* Reading compressed input on the side: gzip of any number of members, zstd of any number of frames,
 * nothing between or behind them. One thread at a time. */
#ifndef CODEC_DECOMPRESS_H
#define CODEC_DECOMPRESS_H

#include "codec/codec.h"

struct decompress;

/* window_bytes_max bounds what a zstd frame may ask for. */
MUST_CHECK int decompress_new(enum codec_kind kind, uint64_t window_bytes_max,
                              struct decompress **ret_decompress, struct lpipe_error *err);
struct decompress *decompress_free(struct decompress *decompress);

/* Takes unpacked bytes; a failure stops the unpacking and is returned. */
typedef int decompress_sink(void *ctx, const void *data, size_t size, struct lpipe_error *err);

/* 0, NOT_TAR when the data is damaged (err->offset in the packed stream) or a frame's window is over
 * the fixed maximum, NO_RESOURCES when it is over window_bytes_max, NO_MEMORY, or taker's failure. */
MUST_CHECK int decompress_bytes(struct decompress *decompress, const void *data, size_t size,
                                decompress_sink *taker, void *ctx, struct lpipe_error *err);
/* Bytes held at present, those of the library included. */
uint64_t decompress_memory_bytes(const struct decompress *decompress);
/* No more bytes: 0, or TRUNCATED when a member or frame is not complete. */
MUST_CHECK int decompress_end(const struct decompress *decompress, struct lpipe_error *err);

#endif
