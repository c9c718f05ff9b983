/* SPDX-License-Identifier: Apache-2.0 */
/* Codecs by themselves: names, what decoders make of every level's output, and the memory they
 * promise to stay within. */
#include "support/inflate_check.h"

#include <malloc.h>
#include <zstd.h>

#include "base/limits.h"
#include "codec/codec.h"

static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int kind; /* -1 = refused */
        int level;
    } rows[] = {
        { "gzip", CODEC_GZIP, 1 },
        { "gzip:-2", CODEC_GZIP, -2 },
        { "gzip:-1", CODEC_GZIP, -1 },
        { "gzip:0", CODEC_GZIP, 0 },
        { "gzip:12", CODEC_GZIP, 12 },
        { "gzip:09", CODEC_GZIP, 9 },
        { "zstd", CODEC_ZSTD, 3 },
        { "zstd:1", CODEC_ZSTD, 1 },
        { "zstd:19", CODEC_ZSTD, 19 },
        { "none", CODEC_NONE, 0 },
        { "gzip:-3", -1, 0 },
        { "gzip:13", -1, 0 },
        { "gzip:99", -1, 0 },
        { "gzip:", -1, 0 },
        { "gzip:x", -1, 0 },
        { "gzip:1x", -1, 0 },
        { "gzip:--1", -1, 0 },
        { "gzip: 1", -1, 0 },
        { "gzip:+1", -1, 0 },
        { "gzip:4294967297", -1, 0 },
        { "zstd:0", -1, 0 },
        { "zstd:20", -1, 0 },
        { "zstd:-1", -1, 0 },
        { "none:1", -1, 0 },
        { "none:", -1, 0 },
        { "gzipp", -1, 0 },
        { "gzi", -1, 0 },
        { "GZIP", -1, 0 },
        { "", -1, 0 },
        { "xz", -1, 0 },
        { "gzip\n:1", -1, 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct codec_spec spec = { CODEC_NONE, 77 };
        struct lpipe_error err = { 0 };
        int status = codec_parse(rows[i].text, &spec, &err);
        if (rows[i].kind < 0) {
            assert_int_equal(status, LPIPE_INVALID_ARGUMENT);
            assert_int_equal(spec.level, 77);
            assert_null(strchr(err.message, '\n'));
        } else {
            assert_int_equal(status, 0);
            assert_int_equal(spec.kind, rows[i].kind);
            assert_int_equal(spec.level, rows[i].level);
        }
        assert_int_equal(codec_parse(rows[i].text, &spec, NULL), status);
    }
}

static void test_recipes_are_told_apart(void **state)
{
    (void)state;
    char names[64][CODEC_RECIPE_BYTES];
    size_t count = 0;
    for (int level = -2; level <= 12; level++) {
        codec_recipe(&(struct codec_spec){ CODEC_GZIP, level }, names[count++]);
    }
    for (int level = 1; level <= 19; level++) {
        codec_recipe(&(struct codec_spec){ CODEC_ZSTD, level }, names[count++]);
    }
    codec_recipe(&(struct codec_spec){ CODEC_NONE, 0 }, names[count++]);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            /* Go's -1 is its 6. */
            bool same = j == 1 && i == 8;
            assert_true((strcmp(names[i], names[j]) == 0) == same);
        }
    }
    assert_string_equal(names[count - 1], "none");
    assert_non_null(strstr(names[0], "gzip-huffman:1 "));
    assert_non_null(strstr(names[2], "gzip-0:1 stored"));
    assert_non_null(strstr(names[8], "gzip-6:1 "));
}

/* All of the input in blocks, one worker. */
static void pack_blocks(struct codec *codec, const struct codec_plan *plan, const struct bytes *in,
                        struct bytes *out)
{
    unsigned char trailer[CODEC_TRAILER_BYTES_MAX];
    unsigned char *output = malloc(plan->output_bytes);
    assert_non_null(output);
    for (size_t at = 0; at < in->size; at += plan->block_bytes) {
        struct codec_block block;
        size_t size = in->size - at < plan->block_bytes ? in->size - at : plan->block_bytes;
        codec_compress(codec, 0, at == 0, in->data + at, size, output, &block);
        assert_true(block.out_size <= plan->output_bytes);
        assert_int_equal(block.in_size, size);
        codec_add_block(codec, &block);
        bytes_put(out, output, block.out_size);
    }
    bytes_put(out, trailer, codec_trailer(codec, trailer));
    free(output);
}

static void pack_stream(struct codec *codec, const struct bytes *in, struct bytes *out)
{
    unsigned char output[10000];
    struct codec_span from = { in->data, in->size, 0 };
    bool done = false;
    while (!done) {
        struct codec_span to = { output, sizeof output, 0 };
        bool end = from.position == from.size;
        assert_int_equal(codec_stream(codec, &from, &to, end, &done, NULL), 0);
        bytes_put(out, output, to.position);
    }
}

static void compress_all(const struct codec_spec *spec, const struct bytes *in, struct bytes *out)
{
    struct codec_plan plan;
    struct codec *codec = NULL;
    codec_plan(spec, 1, &plan);
    assert_int_equal(codec_new(spec, 1, &codec, NULL), 0);
    if (plan.shape == CODEC_SHAPE_BLOCKS) {
        pack_blocks(codec, &plan, in, out);
    } else {
        pack_stream(codec, in, out);
    }
    assert_null(codec_free(codec));
}

/* One member with a constant header, that ends with the last byte. */
static void expect_gzip(const struct bytes *compressed, const struct bytes *plain)
{
    assert_memory_equal(compressed->data, "\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
    expect_inflates(compressed, plain, INFLATE_GZIP);
}

/* One frame with its magic first, no window over 8 MiB, ending with the last byte. */
static void expect_zstd(const struct bytes *compressed, const struct bytes *plain)
{
    struct bytes out AUTO_BYTES = { malloc(plain->size + 1), 0, 0 };
    ZSTD_DCtx *context = ZSTD_createDCtx();
    assert_non_null(out.data);
    assert_memory_equal(compressed->data, "\x28\xb5\x2f\xfd", 4);
    assert_int_equal(ZSTD_findFrameCompressedSize(compressed->data, compressed->size),
                     compressed->size);
    assert_false(ZSTD_isError(ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, 23)));
    ZSTD_inBuffer from = { compressed->data, compressed->size, 0 };
    ZSTD_outBuffer to = { out.data, plain->size + 1, 0 };
    assert_int_equal(ZSTD_decompressStream(context, &to, &from), 0);
    assert_int_equal(to.pos, plain->size);
    assert_memory_equal(out.data, plain->data, plain->size);
    ZSTD_freeDCtx(context);
}

static void check_round(const struct codec_spec *spec, const struct bytes *plain)
{
    struct bytes compressed AUTO_BYTES = { NULL, 0, 0 };
    struct bytes again AUTO_BYTES = { NULL, 0, 0 };
    compress_all(spec, plain, &compressed);
    compress_all(spec, plain, &again);
    assert_int_equal(compressed.size, again.size);
    assert_memory_equal(compressed.data, again.data, compressed.size);
    if (spec->kind == CODEC_GZIP) {
        expect_gzip(&compressed, plain);
    } else {
        expect_zstd(&compressed, plain);
    }
    /* What cannot be made smaller grows by no more than a thousandth. */
    assert_true(compressed.size <= plain->size + plain->size / 1000 + 64);
}

static void test_every_level_decodes(void **state)
{
    (void)state;
    static const size_t sizes[] = {
        0, 1, 2, 3, 1000, 65535, GZIP_BLOCK_BYTES - 1, GZIP_BLOCK_BYTES, GZIP_BLOCK_BYTES + 1,
    };
    for (int level = -2; level <= 12 + 19; level++) {
        struct codec_spec spec = { CODEC_GZIP, level };
        if (level > 12) {
            spec = (struct codec_spec){ CODEC_ZSTD, level - 12 };
        }
        for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
            if (level > 12 + 7 && sizes[i] != 65535) {
                continue; /* their tables take long to make */
            }
            struct bytes mixed AUTO_BYTES = { NULL, 0, 0 };
            struct bytes noise AUTO_BYTES = { NULL, 0, 0 };
            struct bytes zeros AUTO_BYTES = { NULL, 0, 0 };
            bytes_mixed(&mixed, sizes[i]);
            bytes_random(&noise, sizes[i]);
            bytes_fill(&zeros, 0, sizes[i]);
            check_round(&spec, &mixed);
            check_round(&spec, &noise);
            check_round(&spec, &zeros);
        }
    }
}

/* More than one job and window of zstd's. */
static void test_long_zstd(void **state)
{
    (void)state;
    struct bytes plain AUTO_BYTES = { NULL, 0, 0 };
    bytes_mixed(&plain, 9 * MIB + 4321);
    for (int level = 1; level <= 7; level += 2) {
        check_round(&(struct codec_spec){ CODEC_ZSTD, level }, &plain);
    }
}

/* What codec_plan() says is held is not exceeded. Only where the allocator can be asked. */
/* Gives all input to the codec before it takes any output, or takes output at once. */
static void stream_feed(struct codec *codec, const struct bytes *in, bool late, struct bytes *out)
{
    static unsigned char output[64 * KIB];
    struct codec_span from = { in->data, in->size, 0 };
    bool done = false;
    while (from.position < from.size || !done) {
        bool end = from.position == from.size;
        struct codec_span to = { output, late && !end ? 0 : sizeof output, 0 };
        assert_int_equal(codec_stream(codec, &from, &to, end, &done, NULL), 0);
        bytes_put(out, output, to.position);
    }
}

/* The library's table of jobs is full when the last job is; the bytes are the same. */
static void test_end_of_full_job(void **state)
{
    (void)state;
    struct codec_spec spec;
    struct bytes in AUTO_BYTES = { NULL, 0, 0 };
    struct bytes outs[2] = { { NULL, 0, 0 }, { NULL, 0, 0 } };
    assert_int_equal(codec_parse("zstd:3", &spec, NULL), 0);
    bytes_mixed(&in, 5 * 2 * MIB);
    for (int late = 0; late < 2; late++) {
        struct codec *codec = NULL;
        assert_int_equal(codec_new(&spec, 1, &codec, NULL), 0);
        stream_feed(codec, &in, late == 1, &outs[late]);
        codec_free(codec);
    }
    assert_int_equal(outs[0].size, outs[1].size);
    assert_memory_equal(outs[0].data, outs[1].data, outs[0].size);
    bytes_dispose(&outs[0]);
    bytes_dispose(&outs[1]);
}

/* Bytes that repeat after 1.75 MiB: a job of the library finds the first of them again only in the
 * overlap with the job before, if it has all of its 2 MiB. */
static void test_zstd_overlap(void **state)
{
    (void)state;
    static const int levels[] = { 3, 4, 5, 7, 9 };
    const size_t period = 7 * MIB / 4;
    struct bytes plain AUTO_BYTES = { NULL, 0, 0 };
    bytes_random(&plain, period);
    while (plain.size < 13 * MIB) {
        struct bytes first AUTO_BYTES = { NULL, 0, 0 };
        bytes_put(&first, plain.data, period);
        bytes_put(&plain, first.data, first.size);
    }
    for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
        struct bytes blob AUTO_BYTES = { NULL, 0, 0 };
        compress_all(&(struct codec_spec){ CODEC_ZSTD, levels[i] }, &plain, &blob);
        assert_in_range(blob.size, period, period + period / 8);
    }
}

static void test_memory_is_bounded(void **state)
{
    (void)state;
    struct mallinfo2 probe = mallinfo2();
    if (probe.uordblks + probe.hblkhd == 0) {
        skip(); /* a sanitizer's allocator */
    }
    for (int level = -2; level <= 12; level++) {
        for (unsigned workers = 1; workers <= 3; workers += 2) {
            struct codec_spec spec = { CODEC_GZIP, level };
            struct codec_plan plan;
            struct codec *codec = NULL;
            codec_plan(&spec, workers, &plan);
            struct mallinfo2 before = mallinfo2();
            assert_int_equal(codec_new(&spec, workers, &codec, NULL), 0);
            struct mallinfo2 after = mallinfo2();
            uint64_t held = after.uordblks + after.hblkhd - before.uordblks - before.hblkhd;
            /* The allocator's own rounding: a page or so for each large block. */
            assert_in_range(held, 0, plan.state_bytes + (workers + 2) * 2 * 4096);
            codec_free(codec);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_recipes_are_told_apart),
        cmocka_unit_test(test_every_level_decodes),
        cmocka_unit_test(test_long_zstd),
        cmocka_unit_test(test_end_of_full_job),
        cmocka_unit_test(test_zstd_overlap),
        cmocka_unit_test(test_memory_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
