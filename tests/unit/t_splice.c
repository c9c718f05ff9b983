/* SPDX-License-Identifier: Apache-2.0 */
/* Finished deflate streams are opened at their end: another block can follow, nothing else changes,
 * and what is no finished stream is refused. */
#include "support/inflate_check.h"

#ifdef HAVE_LIBDEFLATE
#include <libdeflate.h>
#endif

#include "base/macros.h"
#include "codec/deflate_splice.h"

static struct deflate_splice splice;

/* A finished raw stream made by zlib. */
static void zlib_finish(const struct bytes *in, int level, int strategy, struct bytes *out)
{
    z_stream stream = { .next_in = in->data, .avail_in = (uInt)in->size };
    assert_int_equal(deflateInit2(&stream, level, Z_DEFLATED, -15, 8, strategy), Z_OK);
    size_t bound = deflateBound(&stream, in->size) + 64;
    out->data = malloc(bound);
    assert_non_null(out->data);
    stream.next_out = out->data;
    stream.avail_out = (uInt)bound;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out->size = bound - stream.avail_out;
    out->capacity = bound;
    deflateEnd(&stream);
}

/* Opens the stream twice over: its copy follows itself, then comes the end. */
static void expect_opens(const struct bytes *stream, const struct bytes *plain)
{
    struct bytes joined AUTO_BYTES = { NULL, 0, 0 };
    struct bytes twice AUTO_BYTES = { NULL, 0, 0 };
    struct bytes stream_copy AUTO_BYTES = { NULL, 0, 0 };
    bytes_put(&stream_copy, stream->data, stream->size);
    bytes_fill(&stream_copy, 0xee, DEFLATE_SPLICE_BYTES);
    size_t opened = deflate_splice_unfinish(&splice, stream_copy.data, stream->size);
    assert_true(opened >= stream->size && opened <= stream->size + 5);
    for (int i = 0; i < 2; i++) {
        bytes_put(&joined, stream_copy.data, opened);
        bytes_put(&twice, plain->data, plain->size);
    }
    bytes_put(&joined, "\x03\x00", 2);
    expect_inflates(&joined, &twice, INFLATE_RAW);
}

/* Every proper beginning, and the stream with a byte behind it, is refused. */
static void expect_refused(const struct bytes *stream)
{
    size_t step = stream->size / 300 + 1;
    for (size_t size = 0; size < stream->size; size += step) {
        struct bytes stream_copy AUTO_BYTES = { NULL, 0, 0 };
        bytes_put(&stream_copy, stream->data, size);
        bytes_fill(&stream_copy, 0, DEFLATE_SPLICE_BYTES);
        assert_int_equal(deflate_splice_unfinish(&splice, stream_copy.data, size), 0);
    }
    struct bytes longer AUTO_BYTES = { NULL, 0, 0 };
    bytes_put(&longer, stream->data, stream->size);
    bytes_fill(&longer, 0, 1 + DEFLATE_SPLICE_BYTES);
    assert_int_equal(deflate_splice_unfinish(&splice, longer.data, stream->size + 1), 0);
}

static void make_input(int kind, size_t size, struct bytes *ret)
{
    if (kind == 0) {
        bytes_mixed(ret, size);
    } else if (kind == 1) {
        bytes_random(ret, size);
    } else {
        bytes_fill(ret, 'a', size);
    }
}

static const size_t sizes[] = { 0, 1, 2, 3, 255, 4096, 65535, 65536, 300000 };

static void test_zlib_streams(void **state)
{
    (void)state;
    static const int strategies[] = { Z_DEFAULT_STRATEGY, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE };
    static const int levels[] = { 0, 1, 6, 9 };
    for (int kind = 0; kind < 3; kind++) {
        for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
            struct bytes plain AUTO_BYTES = { NULL, 0, 0 };
            make_input(kind, sizes[i], &plain);
            for (size_t j = 0; j < ARRAY_LEN(strategies) * ARRAY_LEN(levels); j++) {
                struct bytes stream AUTO_BYTES = { NULL, 0, 0 };
                zlib_finish(&plain, levels[j / ARRAY_LEN(strategies)],
                            strategies[j % ARRAY_LEN(strategies)], &stream);
                expect_opens(&stream, &plain);
                if (sizes[i] == 4096) {
                    expect_refused(&stream);
                }
            }
        }
    }
}

#ifdef HAVE_LIBDEFLATE
static void test_libdeflate_streams(void **state)
{
    (void)state;
    for (int level = 0; level <= 12; level++) {
        struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(level);
        assert_non_null(compressor);
        for (int kind = 0; kind < 3; kind++) {
            for (size_t i = 1; i < ARRAY_LEN(sizes); i++) {
                struct bytes plain AUTO_BYTES = { NULL, 0, 0 };
                struct bytes stream AUTO_BYTES = { malloc(sizes[i] + 1000), 0, 0 };
                make_input(kind, sizes[i], &plain);
                stream.size = libdeflate_deflate_compress(compressor, plain.data, plain.size,
                                                          stream.data, sizes[i] + 1000);
                assert_true(stream.size > 0);
                expect_opens(&stream, &plain);
                if (sizes[i] == 65535) {
                    expect_refused(&stream);
                }
            }
        }
        libdeflate_free_compressor(compressor);
    }
}
#endif

/* Blocks that no compressor makes: reserved type, lengths that do not agree, codes that cannot
 * be. */
static void test_broken_blocks(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
    } rows[] = {
        { "\x07", 1 }, /* reserved type */
        { "\x07\0\0\0\0\0\0\0\0\0", 10 },
        { "\x01\x01\0\0\0x", 6 },     /* stored: lengths disagree */
        { "\x01\x05\0\xfa\xffx", 6 }, /* stored: longer than the stream */
        { "\x01\0\0\xff", 4 },        /* stored: header cut */
        { "\x05\xe0\x81\x08\0\0\0\0\0\x20\x7f\xeb", 12 },
        { "\x05", 1 },
        { "\xfd\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12 }, /* over-full lengths */
        { "\x03", 1 }, /* fixed: end of block missing */
        { "\x63\x18\x03", 3 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        unsigned char stream_copy[64] = { 0 };
        memcpy(stream_copy, rows[i].bytes, rows[i].size);
        assert_int_equal(deflate_splice_unfinish(&splice, stream_copy, rows[i].size), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zlib_streams),
#ifdef HAVE_LIBDEFLATE
        cmocka_unit_test(test_libdeflate_streams),
#endif
        cmocka_unit_test(test_broken_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
