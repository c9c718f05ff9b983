/* SPDX-License-Identifier: Apache-2.0 */
/* Parses codec names and calls the functions of the chosen codec. */
#include "codec/codec.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "codec/codec_internal.h"

struct codec {
    const struct codec_ops *ops;
    void *state;
};

static const struct {
    const char *name;
    int level_min;
    int level_max;
    int level_default;
    const struct codec_ops *ops;
    const char *magic; /* its streams begin with these bytes */
} kinds[] = {
    [CODEC_NONE] = { "none", 0, 0, 0, NULL, NULL },
    [CODEC_GZIP] = { "gzip", -2, 12, 1, &codec_gzip_ops, "\x1f\x8b\x08" },    /* RFC 1952 */
    [CODEC_ZSTD] = { "zstd", 1, 19, 3, &codec_zstd_ops, "\x28\xb5\x2f\xfd" }, /* RFC 8878 */
};

const char *codec_name(enum codec_kind kind)
{
    return kinds[kind].name;
}

bool codec_find(const char *name, size_t size, enum codec_kind *ret_kind)
{
    for (size_t kind = 0; kind < ARRAY_LEN(kinds); kind++) {
        if (strlen(kinds[kind].name) == size && memcmp(kinds[kind].name, name, size) == 0) {
            *ret_kind = (enum codec_kind)kind;
            return true;
        }
    }
    return false;
}

/* RFC 8878, section 3.1.2. */
static bool is_skippable_frame(const unsigned char *data, size_t size)
{
    return size >= 4 && (data[0] & 0xf0) == 0x50 && memcmp(data + 1, "\x2a\x4d\x18", 3) == 0;
}

enum codec_kind codec_recognise(const void *data, size_t size, bool *ret_skipped)
{
    bool skipped = is_skippable_frame(data, size);
    enum codec_kind found = skipped ? CODEC_ZSTD : CODEC_NONE;
    for (size_t kind = CODEC_NONE + 1; kind < ARRAY_LEN(kinds); kind++) {
        size_t magic_size = strlen(kinds[kind].magic);
        if (size >= magic_size && memcmp(data, kinds[kind].magic, magic_size) == 0) {
            found = (enum codec_kind)kind;
        }
    }
    if (ret_skipped != NULL) {
        *ret_skipped = skipped;
    }
    return found;
}

static bool parse_level(const char *text, int *ret_level)
{
    bool negative = text[0] == '-';
    uint64_t value = 0;
    if (!text_to_u64(text + negative, strlen(text + negative), 99, &value)) {
        return false;
    }
    *ret_level = negative ? -(int)value : (int)value;
    return true;
}

static int parse_known(const char *text, size_t kind, struct codec_spec *ret_spec,
                       struct lpipe_error *err)
{
    const char *rest = text + strlen(kinds[kind].name);
    int level = kinds[kind].level_default;
    bool good = *rest == '\0' || (kind != CODEC_NONE && parse_level(rest + 1, &level));
    if (!good || level < kinds[kind].level_min || level > kinds[kind].level_max) {
        char shown[64];
        text_printable(shown, sizeof shown, text, strlen(text));
        if (kind == CODEC_NONE) {
            return fail(err, LPIPE_INVALID_ARGUMENT, "compression %s: \"none\" has no level",
                        shown);
        }
        return fail(err, LPIPE_INVALID_ARGUMENT, "compression %s: the level must be %d to %d",
                    shown, kinds[kind].level_min, kinds[kind].level_max);
    }
    *ret_spec = (struct codec_spec){ (enum codec_kind)kind, level };
    return 0;
}

int codec_parse(const char *text, struct codec_spec *ret_spec, struct lpipe_error *err)
{
    enum codec_kind kind = CODEC_NONE;
    if (codec_find(text, strcspn(text, ":"), &kind)) {
        return parse_known(text, kind, ret_spec, err);
    }
    char shown[64];
    text_printable(shown, sizeof shown, text, strlen(text));
    return fail(
        err, LPIPE_INVALID_ARGUMENT,
        "compression %s is not known; use gzip[:LEVEL], zstd[:LEVEL], zstd-chunked[:LEVEL], "
        "estargz[:LEVEL] or none",
        shown);
}

void codec_recipe(const struct codec_spec *spec, char ret_name[CODEC_RECIPE_BYTES])
{
    if (kinds[spec->kind].ops == NULL) {
        (void)snprintf(ret_name, CODEC_RECIPE_BYTES, "%s", kinds[spec->kind].name);
    } else {
        kinds[spec->kind].ops->recipe(spec, ret_name);
    }
}

void codec_plan(const struct codec_spec *spec, unsigned workers, struct codec_plan *ret_plan)
{
    if (kinds[spec->kind].ops == NULL) {
        *ret_plan = (struct codec_plan){ CODEC_SHAPE_COPY, PLAIN_BLOCK_BYTES, 0, 0 };
    } else {
        kinds[spec->kind].ops->plan(spec, MAX_OF(workers, 1u), ret_plan);
    }
}

int codec_new(const struct codec_spec *spec, unsigned workers, struct codec **ret_codec,
              struct lpipe_error *err)
{
    assert(kinds[spec->kind].ops != NULL && workers >= 1);
    AUTO_FREE struct codec *codec = NEW(struct codec);
    if (codec == NULL) {
        return fail_memory(err);
    }
    codec->ops = kinds[spec->kind].ops;
    int status = codec->ops->create(spec, workers, &codec->state, err);
    if (status == 0) {
        *ret_codec = TAKE(codec);
    }
    return status;
}

struct codec *codec_free(struct codec *codec)
{
    if (codec != NULL) {
        codec->ops->destroy(codec->state);
        free(codec);
    }
    return NULL;
}

void codec_compress(struct codec *codec, unsigned worker, bool first, const void *in, size_t size,
                    void *out, struct codec_block *ret_block)
{
    codec->ops->compress(codec->state, worker, first, in, size, out, ret_block);
}

void codec_add_block(struct codec *codec, const struct codec_block *block)
{
    codec->ops->add_block(codec->state, block);
}

size_t codec_trailer(struct codec *codec, unsigned char out[CODEC_TRAILER_BYTES_MAX])
{
    return codec->ops->trailer(codec->state, out);
}

size_t codec_compress_unit(struct codec *codec, unsigned worker, const void *in, size_t size,
                           void *out)
{
    return codec->ops->compress_unit(codec->state, worker, in, size, out);
}

void codec_expect_one_block(struct codec *codec)
{
    codec->ops->expect_one_block(codec->state);
}

int codec_stream(struct codec *codec, struct codec_span *in, struct codec_span *out, bool end,
                 bool *ret_done, struct lpipe_error *err)
{
    return codec->ops->stream(codec->state, in, out, end, ret_done, err);
}
