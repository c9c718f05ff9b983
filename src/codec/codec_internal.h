/* SPDX-License-Identifier: Apache-2.0 */
/* The functions that each kind of codec provides to codec.c. For codec_*.c only. */
#ifndef CODEC_CODEC_INTERNAL_H
#define CODEC_CODEC_INTERNAL_H

#include "codec/codec.h"

struct codec_ops {
    int (*create)(const struct codec_spec *spec, unsigned workers, void **ret_state,
                  struct lpipe_error *err);
    void (*destroy)(void *state);
    void (*plan)(const struct codec_spec *spec, unsigned workers, struct codec_plan *ret_plan);
    void (*recipe)(const struct codec_spec *spec, char ret_name[CODEC_RECIPE_BYTES]);
    void (*compress)(void *state, unsigned worker, bool first, const void *in, size_t size,
                     void *out, struct codec_block *ret_block);
    void (*add_block)(void *state, const struct codec_block *block);
    size_t (*trailer)(void *state, unsigned char out[CODEC_TRAILER_BYTES_MAX]);
    size_t (*compress_unit)(void *state, unsigned worker, const void *in, size_t size, void *out);
    void (*expect_one_block)(void *state);
    int (*stream)(void *state, struct codec_span *in, struct codec_span *out, bool end,
                  bool *ret_done, struct lpipe_error *err);
};

extern const struct codec_ops codec_gzip_ops;
extern const struct codec_ops codec_zstd_ops;

#endif
