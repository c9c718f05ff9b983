/* SPDX-License-Identifier: Apache-2.0 */
/* The digests of what every recipe makes of one stream. A row holds for the library version that
 * its recipe names; with another version, or on a processor that a recipe is not promised for,
 * it is skipped and says why. A row that fails with its own version means that everybody's
 * digests change: raise the recipe's version, or put back what made the difference. */
#include "support/tar_make.h"

#include "base/limits.h"
#include "codec/codec.h"
#include "codec/digest.h"
#include "codec/unit_codec.h"
#include "flow/layer_format.h"
#include "layerpipe/layer.h"

/* Several blocks of gzip; three jobs of zstd's lower levels. */
#define GZIP_INPUT_BYTES (4 * GZIP_BLOCK_BYTES + 4321)
#define ZSTD_INPUT_BYTES (9 * MIB / 2 + 4321)
#define LONG_INPUT_LEVEL_MAX 6 /* higher levels take too long over the long input */

struct row {
    const char *compress;
    const char *recipe;
    const char *digest;
};

static const struct row ROWS[] = {
#include "support/golden.h"
};

static void update(struct digest *digest, const struct bytes *plain, const struct codec_spec *spec,
                   struct codec *codec)
{
    struct codec_plan plan;
    unsigned char trailer[CODEC_TRAILER_BYTES_MAX];
    codec_plan(spec, 1, &plan);
    unsigned char *output = malloc(plan.output_bytes);
    assert_non_null(output);
    if (plan.shape == CODEC_SHAPE_BLOCKS) {
        for (size_t at = 0; at < plain->size; at += plan.block_bytes) {
            struct codec_block block;
            codec_compress(codec, 0, at == 0, plain->data + at,
                           MIN_OF(plain->size - at, plan.block_bytes), output, &block);
            codec_add_block(codec, &block);
            digest_update(digest, output, block.out_size);
        }
        digest_update(digest, trailer, codec_trailer(codec, trailer));
    } else {
        struct codec_span from = { plain->data, plain->size, 0 };
        bool done = false;
        while (!done) {
            struct codec_span to = { output, plan.output_bytes, 0 };
            assert_int_equal(
                codec_stream(codec, &from, &to, from.position == from.size, &done, NULL), 0);
            digest_update(digest, output, to.position);
        }
    }
    free(output);
}

static void digest_of_recipe(const struct codec_spec *spec, char ret_text[DIGEST_TEXT_SIZE])
{
    struct bytes plain AUTO_BYTES = { NULL, 0, 0 };
    struct digest *digest AUTO_DIGEST = NULL;
    struct codec *codec = NULL;
    bool is_long = spec->kind == CODEC_ZSTD && spec->level <= LONG_INPUT_LEVEL_MAX;
    bytes_mixed(&plain, is_long ? ZSTD_INPUT_BYTES : GZIP_INPUT_BYTES);
    assert_int_equal(digest_new(DIGEST_SHA256, &digest, NULL), 0);
    assert_int_equal(codec_new(spec, 1, &codec, NULL), 0);
    update(digest, &plain, spec, codec);
    codec_free(codec);
    assert_int_equal(digest_finish(digest, ret_text, NULL), 0);
}

static void digest_of_layer(const char *compress, char ret_text[DIGEST_TEXT_SIZE])
{
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
    struct lpipe_layer_result result = LPIPE_LAYER_RESULT_INIT;
    lpipe_layer *layer = NULL;
    lpipe_reader *reader = NULL;
    char part[4096];
    size_t got = 1;
    tar_put_mixed(&tar);
    struct bytes left = tar;
    struct lpipe_source source = { .read = bytes_read_part, .ctx = &left };
    options.compress = compress;
    options.threads = 2;
    assert_int_equal(lpipe_layer_new(&source, &options, &layer, NULL), 0);
    assert_int_equal(lpipe_layer_open(layer, &reader, NULL), 0);
    while (got > 0) {
        assert_int_equal(lpipe_reader_read(reader, part, sizeof part, &got, NULL), 0);
    }
    assert_int_equal(lpipe_layer_result(layer, &result, NULL), 0);
    assert_true(result.annotation_count > 0);
    memcpy(ret_text, result.digest, DIGEST_TEXT_SIZE);
    assert_int_equal(lpipe_reader_close(reader, NULL), 0);
    lpipe_layer_free(layer);
}

/* What the recipe is called here, and the digest of what it makes. */
static void recipe_of(const char *compress, char ret_recipe[CODEC_RECIPE_BYTES])
{
    struct layer_format format;
    assert_int_equal(layer_format_parse(compress, &format, NULL), 0);
    (format.toc != 0 ? unit_codec_recipe : codec_recipe)(&format.codec, ret_recipe);
}

static void digest_here(const char *compress, char ret_text[DIGEST_TEXT_SIZE])
{
    struct layer_format format;
    assert_int_equal(layer_format_parse(compress, &format, NULL), 0);
    if (format.toc != 0) {
        digest_of_layer(compress, ret_text);
    } else {
        digest_of_recipe(&format.codec, ret_text);
    }
}

/* The length of a recipe without the library and its version, the last two words. */
static size_t own_part(const char *recipe)
{
    size_t words = 0;
    size_t size = strlen(recipe);
    while (size > 0 && words < 2) {
        words += recipe[--size] == ' ';
    }
    return size;
}

/* A row of an earlier version of a recipe would always be skipped. */
static void assert_row_is_current(const struct row *row, const char *recipe)
{
    size_t size = own_part(recipe);
    assert_int_equal(own_part(row->recipe), size);
    assert_memory_equal(row->recipe, recipe, size);
}

/* Why a row of this recipe says nothing here; NULL where it does. */
static const char *skip_reason(const struct row *row, const char *recipe)
{
    if (strcmp(row->recipe, recipe) != 0) {
        return recipe;
    }
    if (strstr(recipe, "ISA-L") != NULL) {
#ifdef __x86_64__
        return __builtin_cpu_supports("sse4.2") != 0 ? NULL : "a processor without SSE4.2";
#else
        return "an architecture other than x86-64";
#endif
    }
    return NULL;
}

static void test_row(void **state)
{
    const struct row *row = *state;
    char recipe[CODEC_RECIPE_BYTES];
    char digest[DIGEST_TEXT_SIZE];
    recipe_of(row->compress, recipe);
    assert_row_is_current(row, recipe);
    const char *reason = skip_reason(row, recipe);
    if (reason != NULL) {
        print_message("the digest is that of %s; here is %s\n", row->recipe, reason);
        skip();
    }
    digest_here(row->compress, digest);
    assert_string_equal(digest, row->digest);
}

/* For the table, when a recipe or a library has changed: t_golden --write > support/golden.h */
static void write_row(const char *compress)
{
    char recipe[CODEC_RECIPE_BYTES];
    char digest[DIGEST_TEXT_SIZE];
    recipe_of(compress, recipe);
    digest_here(compress, digest);
    printf("{ \"%s\", \"%s\",\n  \"%s\" },\n", compress, recipe, digest);
}

static void write_levels(const char *name, int first, int last)
{
    char compress[24];
    for (int level = first; level <= last; level++) {
        (void)snprintf(compress, sizeof compress, "%s:%d", name, level);
        write_row(compress);
    }
}

static int write_rows(void)
{
    printf("/* SPDX-License-Identifier: Apache-2.0 */\n"
           "/* Rows of t_golden.c, made by t_golden --write. */\n/* clang-format off */\n");
    write_levels("gzip", -2, 12);
    write_levels("zstd", 1, 19);
    write_levels("estargz", -2, 12);
    write_levels("zstd-chunked", 1, 19);
    return 0;
}

/* Every level of every codec has its row. */
static void test_rows_are_complete(void **state)
{
    (void)state;
    assert_int_equal(ARRAY_LEN(ROWS), 2 * (15 + 19));
}

int main(int argc, char **argv)
{
    struct CMUnitTest tests[ARRAY_LEN(ROWS) + 1];
    if (argc == 2 && strcmp(argv[1], "--write") == 0) {
        return write_rows();
    }
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        tests[i] = (struct CMUnitTest){
            .name = ROWS[i].compress,
            .test_func = test_row,
            .initial_state = (void *)(uintptr_t)&ROWS[i],
        };
    }
    tests[ARRAY_LEN(ROWS)] = (struct CMUnitTest)cmocka_unit_test(test_rows_are_complete);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
