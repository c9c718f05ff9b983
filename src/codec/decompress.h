/* SPDX-License-Identifier: Apache-2.0 */
/* Decompresses gzip with any number of members, or zstd with any number of frames, and no other
 * bytes between or after them. One thread at a time. */
#ifndef CODEC_DECOMPRESS_H
#define CODEC_DECOMPRESS_H

#include "codec/codec.h"

struct decompressor;

/* window_bytes_max limits the window that a zstd frame may need. */
MUST_CHECK int decompress_new(enum codec_kind kind, uint64_t window_bytes_max,
                              struct decompressor **ret_decompress, struct lpipe_error *err);
/* For bytes that the caller verifies by a digest: gzip is decompressed by the fastest library,
 * which accepts some streams that others refuse. */
MUST_CHECK int decompress_new_verified(enum codec_kind kind, uint64_t window_bytes_max,
                                       struct decompressor **ret_decompress,
                                       struct lpipe_error *err);
struct decompressor *decompress_free(struct decompressor *decompressor);

/* Takes decompressed bytes; a failure ends the decompression and is returned. */
typedef int decompress_sink(void *ctx, const void *data, size_t size, struct lpipe_error *err);

/* 0, NOT_TAR when the data is damaged (err->offset in the compressed stream) or a frame's window
 * is above the fixed maximum, NO_RESOURCES when it is above window_bytes_max, NO_MEMORY, or the
 * sink's failure. */
MUST_CHECK int decompress_bytes(struct decompressor *decompressor, const void *data, size_t size,
                                decompress_sink *taker, void *ctx, struct lpipe_error *err);
/* One step, for a caller that takes the output as it comes. */
struct decompress_step {
    const unsigned char *data; /* compressed bytes; is moved after those that were used */
    size_t size;
    const unsigned char *made; /* decompressed bytes, borrowed until the next step */
    size_t made_size;
    bool more; /* the next step may make bytes without more input */
};
/* DECOMPRESS_BYTES at most are made. Failures as for decompress_bytes(). */
MUST_CHECK int decompress_next(struct decompressor *decompressor, struct decompress_step *step,
                               struct lpipe_error *err);
/* Bytes held at present, those of the library included. */
uint64_t decompress_memory_bytes(const struct decompressor *decompressor);
/* No more bytes: 0, or TRUNCATED when a member or frame is not complete. */
MUST_CHECK int decompress_end(const struct decompressor *decompressor, struct lpipe_error *err);

#endif
