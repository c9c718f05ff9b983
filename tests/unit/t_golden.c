/* SPDX-License-Identifier: Apache-2.0 */
/* The digests of what every recipe makes of one stream. A row holds for the library version that
 * its recipe names; with another version, or on a processor that a recipe is not promised for,
 * it is skipped and says why. A row that fails with its own version means that everybody's
 * digests change: raise the recipe's version, or put back what made the difference. */
#include "support/tar_make.h"

#include "base/limits.h"
#include "codec/codec.h"
#include "codec/digest.h"

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
    struct codec_spec spec;
    char recipe[CODEC_RECIPE_BYTES];
    char digest[DIGEST_TEXT_SIZE];
    assert_int_equal(codec_parse(row->compress, &spec, NULL), 0);
    codec_recipe(&spec, recipe);
    const char *reason = skip_reason(row, recipe);
    if (reason != NULL) {
        print_message("the digest is that of %s; here is %s\n", row->recipe, reason);
        skip();
    }
    digest_of_recipe(&spec, digest);
    assert_string_equal(digest, row->digest);
}

/* For the table, when a recipe or a library has changed: t_golden --write > support/golden.h */
static void write_row(const char *compress)
{
    struct codec_spec spec;
    char recipe[CODEC_RECIPE_BYTES];
    char digest[DIGEST_TEXT_SIZE];
    assert_int_equal(codec_parse(compress, &spec, NULL), 0);
    codec_recipe(&spec, recipe);
    digest_of_recipe(&spec, digest);
    printf("{ \"%s\", \"%s\",\n  \"%s\" },\n", compress, recipe, digest);
}

static int write_rows(void)
{
    char compress[16];
    printf("/* SPDX-License-Identifier: Apache-2.0 */\n"
           "/* Rows of t_golden.c, made by t_golden --write. */\n/* clang-format off */\n");
    for (int level = -2; level <= 12; level++) {
        (void)snprintf(compress, sizeof compress, "gzip:%d", level);
        write_row(compress);
    }
    for (int level = 1; level <= 19; level++) {
        (void)snprintf(compress, sizeof compress, "zstd:%d", level);
        write_row(compress);
    }
    return 0;
}

/* Every level of every codec has its row. */
static void test_rows_are_complete(void **state)
{
    (void)state;
    assert_int_equal(ARRAY_LEN(ROWS), 15 + 19);
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
