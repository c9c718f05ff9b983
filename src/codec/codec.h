/* SPDX-License-Identifier: Apache-2.0 */
/* Compression by named recipes: a recipe is the library, block size and parameters behind
 * "gzip:1".
 *
 * A codec has one of three shapes. COPY: the output is the input. BLOCKS: the input is divided
 * into blocks of fixed size, any thread compresses a block, and the output is the compressed
 * blocks in order. STREAM: one ordered stream in, one out (the library may use its own threads).
 *
 * Guarantee: the output depends on the recipe and the input only, never on the number of
 * workers, on the thread that compresses a block, or on timing. Nothing is allocated after
 * codec_new() except by the zstd library, and that within the state_bytes of codec_plan(). */
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
/* The codec with this name, which need not end with NUL; false for an unknown one. */
bool codec_find(const char *name, size_t size, enum codec_kind *ret_kind);
#define CODEC_RECOGNISE_BYTES 4
/* Which codec has compressed these first bytes (CODEC_RECOGNISE_BYTES are enough); NONE: none that
 * is known. ret_skipped (may be NULL): whether they begin with a skippable frame of zstd, as pzstd
 * writes it. */
enum codec_kind codec_recognise(const void *data, size_t size, bool *ret_skipped);

/* The recipe's name, "gzip-6:1 libdeflate 1.14": it changes whenever bytes may change. Level -1 is
 * level 6; level -2 is "gzip-huffman". */
#define CODEC_RECIPE_BYTES 64
void codec_recipe(const struct codec_spec *spec, char ret_name[CODEC_RECIPE_BYTES]);
/* Text lines: the libraries of this build and what they are used for. */
const char *codec_build_info(void);

enum codec_shape { CODEC_SHAPE_COPY = 0, CODEC_SHAPE_BLOCKS, CODEC_SHAPE_STREAM };

struct codec_plan {
    enum codec_shape shape;
    size_t block_bytes;   /* input of a block; for STREAM the best input size */
    size_t output_bytes;  /* a compressed block may need this much; for STREAM a good size */
    uint64_t state_bytes; /* memory of the codec itself for that many workers */
};

void codec_plan(const struct codec_spec *spec, unsigned workers, struct codec_plan *ret_plan);

struct codec;

/* workers >= 1: how many threads may call codec_compress() at a time. Not for CODEC_NONE. */
MUST_CHECK int codec_new(const struct codec_spec *spec, unsigned workers, struct codec **ret_codec,
                         struct lpipe_error *err);
struct codec *codec_free(struct codec *codec);

/* The sizes and checksum of one compressed block, for the trailer. */
struct codec_block {
    size_t in_size;
    size_t out_size;
    uint32_t crc;
};

/* BLOCKS. Compresses one block (block_bytes long, except for the last) into out, which has
 * output_bytes. worker < workers selects the state; one thread at a time for each state. */
void codec_compress(struct codec *codec, unsigned worker, bool first, const void *in, size_t size,
                    void *out, struct codec_block *ret_block);
/* BLOCKS, in order, one thread at a time: adds a compressed block to the trailer's sums. */
void codec_add_block(struct codec *codec, const struct codec_block *block);
/* BLOCKS: the bytes after the last block; for an empty stream the whole output. */
#define CODEC_TRAILER_BYTES_MAX 32
size_t codec_trailer(struct codec *codec, unsigned char out[CODEC_TRAILER_BYTES_MAX]);

/* BLOCKS: compresses a unit, a stream of its own, into out, which has
 * unit_codec_output_bytes(size, 1). worker as for codec_compress(). Returns the size of the output.
 * The bytes are those of another recipe, because most units are short and no block follows. */
size_t codec_compress_unit(struct codec *codec, unsigned worker, const void *in, size_t size,
                           void *out);

/* STREAM, before the first codec_stream(): the whole input is one block, so the library needs
 * only one thread. The bytes are the same. */
void codec_expect_one_block(struct codec *codec);
/* STREAM, one thread at a time: compresses bytes from in to out and advances both positions;
 * returns when the input is used up or the output is full. end: there is no more input; then
 * *ret_done tells whether the last byte was written. 0, NO_MEMORY or NO_RESOURCES. */
struct codec_span {
    unsigned char *data;
    size_t size;
    size_t position;
};
MUST_CHECK int codec_stream(struct codec *codec, struct codec_span *in, struct codec_span *out,
                            bool end, bool *ret_done, struct lpipe_error *err);

#endif
