/* SPDX-License-Identifier: Apache-2.0 */
/* Compresses units: parts of a stream, each of which becomes a gzip member or a zstd frame of its
 * own, so that a reader can decompress it alone. All units one after the other are one stream that
 * every gzip or zstd decoder reads.
 *
 * Guarantee: a unit's output depends on the recipe and the unit only. Several threads may compress
 * at the same time, each with its own state. */
#ifndef CODEC_UNIT_CODEC_H
#define CODEC_UNIT_CODEC_H

#include "codec/codec.h"

struct unit_codec;

/* spec: gzip or zstd. workers >= 1. 0, NO_MEMORY, or UNSUPPORTED. */
MUST_CHECK int unit_codec_new(const struct codec_spec *spec, unsigned workers,
                              struct unit_codec **ret_codec, struct lpipe_error *err);
struct unit_codec *unit_codec_free(struct unit_codec *codec);

/* The recipe's name: see codec_recipe(). */
void unit_codec_recipe(const struct codec_spec *spec, char ret_name[CODEC_RECIPE_BYTES]);
/* Upper bound of the memory of that many states. */
uint64_t unit_codec_state_bytes(const struct codec_spec *spec, unsigned workers);
/* What `count` units with `size` bytes in all may need when they are compressed. */
size_t unit_codec_output_bytes(size_t size, size_t count);
/* Longest unit, bytes. */
#define UNIT_BYTES_MAX ((size_t)1024 * 1024)

/* Compresses one unit, 0 to UNIT_BYTES_MAX bytes, into out, which has unit_codec_output_bytes(size,
 * 1). worker < workers selects the state; one thread at a time for each state. 0 or NO_MEMORY. */
MUST_CHECK int unit_compress(struct unit_codec *codec, unsigned worker, const void *in, size_t size,
                             void *out, size_t *ret_size, struct lpipe_error *err);

#endif
