/* SPDX-License-Identifier: Apache-2.0 */
/* Compression by named recipes: which library, block size and parameters stand behind "gzip:1".
 *
 * A codec has one of three shapes. COPY: the output is the input. BLOCKS: the input is cut into
 * blocks of fixed size, each compressed on its own by any thread, and the results are joined in
 * order. STREAM: one ordered stream in, one out (the library may use threads of its own).
 *
 * Guarantee: the output depends on the recipe and the input alone, never on the number of workers,
 * on the thread that packs a block, or on timing. Nothing is allocated after codec_new() except by
 * the zstd library, within what codec_plan() told. */
#ifndef CODEC_CODEC_H
#define CODEC_CODEC_H

#include "base/fail.h"

enum codec_kind { CODEC_NONE = 0, CODEC_GZIP = 1, CODEC_ZSTD = 2 };

struct codec_spec {
    enum codec_kind kind;
    int level;
};

/* "gzip[:-2..12]", "zstd[:1..19]", "none". 0 or INVALID_ARGUMENT. */
MUST_CHECK int codec_parse(const char *text, struct codec_spec *ret_spec, struct lpipe_error *err);
const char *codec_name(enum codec_kind kind); /* "none", "gzip", "zstd" */

/* The recipe's name, "gzip-6:1 libdeflate 1.14": it changes whenever bytes may change. Level -1 is
 * level 6; level -2 is "gzip-huffman". */
#define CODEC_RECIPE_BYTES 64
void codec_recipe(const struct codec_spec *spec, char ret_name[CODEC_RECIPE_BYTES]);
/* Lines for people: the libraries of this build and what they are used for. */
const char *codec_build_info(void);

enum codec_shape { CODEC_SHAPE_COPY = 0, CODEC_SHAPE_BLOCKS, CODEC_SHAPE_STREAM };

struct codec_plan {
    enum codec_shape shape;
    size_t block_bytes;   /* input of a block; for STREAM the best size of pieces */
    size_t output_bytes;  /* room that a packed block may need; for STREAM a good size */
    uint64_t state_bytes; /* held by the codec itself for that many workers */
};

void codec_plan(const struct codec_spec *spec, unsigned workers, struct codec_plan *ret_plan);

struct codec;

/* workers >= 1: how many threads may call codec_compress() at a time. Not for CODEC_NONE. */
MUST_CHECK int codec_new(const struct codec_spec *spec, unsigned workers, struct codec **ret_codec,
                         struct lpipe_error *err);
struct codec *codec_free(struct codec *codec);

/* What one packed block contributes to the whole. */
struct codec_part {
    size_t in_size;
    size_t out_size;
    uint32_t crc;
};

/* BLOCKS. Packs one block (block_bytes long except the last of the stream) into out, which has
 * output_bytes. worker < workers names the state to use; one thread at a time each. */
void codec_compress(struct codec *codec, unsigned worker, bool first, const void *in, size_t size,
                    void *out, struct codec_part *ret_part);
/* BLOCKS, in order, one thread at a time: accounts for a packed block. */
void codec_join(struct codec *codec, const struct codec_part *part);
/* BLOCKS: what follows the last block; for an empty stream it is all there is. */
#define CODEC_TRAILER_BYTES_MAX 32
size_t codec_trailer(struct codec *codec, unsigned char out[CODEC_TRAILER_BYTES_MAX]);

/* STREAM, before the first call of codec_stream(): the whole input is a single block, so that one
 * thread of the library's is enough. The bytes are the same. */
void codec_expect_one_block(struct codec *codec);
/* STREAM, one thread at a time: moves bytes from in to out, advancing both positions; returns when
 * the input is used up or the output is full. With `end` (and all input given) *ret_done tells
 * whether the last byte is out. 0, NO_MEMORY or NO_RESOURCES. */
struct codec_span {
    unsigned char *data;
    size_t size;
    size_t position;
};
MUST_CHECK int codec_stream(struct codec *codec, struct codec_span *in, struct codec_span *out,
                            bool end, bool *ret_done, struct lpipe_error *err);

#endif
