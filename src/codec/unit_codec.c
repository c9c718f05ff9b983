/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/unit_codec.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <zstd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "codec/deflate.h"

/* Increased when the output of a unit changes, because then digests change. */
#define RECIPE_VERSION 3

/* A header, a checksum and the framing of blocks, of either format. */
#define UNIT_FRAMING_BYTES 64

/* When 128 frames in a row need less than a third of a context's memory, the library frees it, and
 * the next long frame allocates it again. In a layer this happens hundreds of times, so units of
 * different sizes have contexts of their own: within one the memory differs by a factor of two. */
#define CONTEXTS 4
static unsigned context_for(size_t size)
{
    return (size > 4 * KIB) + (size > 16 * KIB) + (size > 64 * KIB);
}

struct unit_codec {
    struct codec_spec spec;
    unsigned workers;
    struct codec *gzip;
    ZSTD_CCtx **contexts; /* zstd: CONTEXTS per worker */
};

void unit_codec_recipe(const struct codec_spec *spec, char ret_name[CODEC_RECIPE_BYTES])
{
    char plain[CODEC_RECIPE_BYTES];
    if (spec->kind == CODEC_ZSTD) {
        (void)snprintf(plain, sizeof plain, "zstd-%d zstd %s", spec->level, ZSTD_versionString());
    } else {
        codec_recipe(spec, plain); /* of the library that compresses the members */
    }
    (void)snprintf(ret_name, CODEC_RECIPE_BYTES, "units:%d %.48s", RECIPE_VERSION, plain);
}

/* From level 3 on the library searches with two tables. With units of a few KiB that takes a
 * quarter more time and makes the output 1.5 % smaller, so its levels begin one level later. */
static int zstd_library_level(int level)
{
    return level >= 3 && level <= 5 ? level - 1 : level;
}

/* Of the zstd contexts of a worker, measured with version 1.5.4. */
static uint64_t zstd_context_bytes(int level)
{
    return (level <= 2 ? 2 : level <= 5 ? 4 : level <= 8 ? 6 : 16) * MIB;
}

uint64_t unit_codec_state_bytes(const struct codec_spec *spec, unsigned workers)
{
    struct codec_plan plan = {
        .state_bytes = workers * (zstd_context_bytes(spec->level) + CONTEXTS * sizeof(void *)),
    };
    if (spec->kind == CODEC_GZIP) {
        codec_plan(spec, workers, &plan);
    }
    return sizeof(struct unit_codec) + plan.state_bytes;
}

size_t unit_codec_output_bytes(size_t size, size_t count)
{
    return MAX_OF(DEFLATE_BYTES(size), ZSTD_compressBound(size)) + count * UNIT_FRAMING_BYTES;
}

/* The level alone decides; the size of the unit is in the frame's header. */
static bool contexts_create(struct unit_codec *codec)
{
    codec->contexts = mem_new_array((size_t)CONTEXTS * codec->workers, sizeof(void *));
    for (size_t i = 0; codec->contexts != NULL && i < (size_t)CONTEXTS * codec->workers; i++) {
        codec->contexts[i] = ZSTD_createCCtx();
        if (codec->contexts[i] == NULL ||
            ZSTD_isError(ZSTD_CCtx_setParameter(codec->contexts[i], ZSTD_c_compressionLevel,
                                                zstd_library_level(codec->spec.level)))) {
            return false;
        }
    }
    return codec->contexts != NULL;
}

int unit_codec_new(const struct codec_spec *spec, unsigned workers, struct unit_codec **ret_codec,
                   struct lpipe_error *err)
{
    assert(spec->kind != CODEC_NONE && workers >= 1);
    struct unit_codec *codec = NEW(struct unit_codec);
    if (codec == NULL) {
        return fail_memory(err);
    }
    codec->spec = *spec;
    codec->workers = workers;
    int status = 0;
    if (spec->kind == CODEC_GZIP) {
        status = codec_new(spec, workers, &codec->gzip, err);
    } else if (!contexts_create(codec)) {
        status = fail_memory(err);
    }
    if (status != 0) {
        unit_codec_free(codec);
        return status;
    }
    *ret_codec = codec;
    return 0;
}

struct unit_codec *unit_codec_free(struct unit_codec *codec)
{
    if (codec == NULL) {
        return NULL;
    }
    for (size_t i = 0; codec->contexts != NULL && i < (size_t)CONTEXTS * codec->workers; i++) {
        (void)ZSTD_freeCCtx(codec->contexts[i]);
    }
    free(codec->contexts);
    codec_free(codec->gzip);
    free(codec);
    return NULL;
}

int unit_compress(struct unit_codec *codec, unsigned worker, const void *in, size_t size, void *out,
                  size_t *ret_size, struct lpipe_error *err)
{
    assert(worker < codec->workers && size <= UNIT_BYTES_MAX);
    if (codec->gzip != NULL) {
        *ret_size = codec_compress_unit(codec->gzip, worker, in, size, out);
        return 0;
    }
    ZSTD_CCtx *context = codec->contexts[(size_t)CONTEXTS * worker + context_for(size)];
    size_t made = ZSTD_compress2(context, out, unit_codec_output_bytes(size, 1), in, size);
    if (ZSTD_isError(made)) {
        return fail(err, LPIPE_NO_MEMORY, "zstd: %s", ZSTD_getErrorName(made));
    }
    *ret_size = made;
    return 0;
}
