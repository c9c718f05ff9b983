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

struct unit_codec {
    struct codec_spec spec;
    unsigned workers;
    struct codec *gzip;
    ZSTD_CCtx **contexts; /* zstd: one per worker */
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

/* Of a zstd context for units of that size, measured with version 1.5.4. */
static uint64_t zstd_context_bytes(int level)
{
    return (level <= 2 ? 2 : level <= 8 ? 4 : 16) * MIB;
}

uint64_t unit_codec_state_bytes(const struct codec_spec *spec, unsigned workers)
{
    struct codec_plan plan = {
        .state_bytes = workers * (zstd_context_bytes(spec->level) + sizeof(void *)),
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
    codec->contexts = mem_new_array(codec->workers, sizeof(void *));
    for (unsigned i = 0; codec->contexts != NULL && i < codec->workers; i++) {
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
    for (unsigned i = 0; codec->contexts != NULL && i < codec->workers; i++) {
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
    size_t made =
        ZSTD_compress2(codec->contexts[worker], out, unit_codec_output_bytes(size, 1), in, size);
    if (ZSTD_isError(made)) {
        return fail(err, LPIPE_NO_MEMORY, "zstd: %s", ZSTD_getErrorName(made));
    }
    *ret_size = made;
    return 0;
}
