/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of tables of contents: the spool, the log and its reader, CRC-64, the set of paths, JSON
 * texts, and units. */
#include "support/tar_make.h"

#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>

#include "base/limits.h"
#include "base/spool.h"
#include "codec/crc64.h"
#include "codec/unit_codec.h"
#include "layerpipe/push.h"
#include "toc/json_text.h"
#include "toc/path_set.h"
#include "toc/toc.h"

static void test_spool_goes_to_a_file(void **state)
{
    (void)state;
    static const size_t maxima[] = { 1, 10, 100, 100000, 1000000 };
    for (size_t m = 0; m < ARRAY_LEN(maxima); m++) {
        struct spool spool;
        struct spool_cursor cursor;
        struct bytes expected = { 0 };
        spool_init(&spool, "/tmp", maxima[m]);
        for (unsigned i = 0; i < 12000; i++) {
            unsigned char data[40];
            memset(data, (int)i, sizeof data);
            bytes_put(&expected, data, i % sizeof data);
            assert_int_equal(spool_append(&spool, data, i % sizeof data, NULL), 0);
        }
        assert_int_equal(spool_size(&spool), expected.size);
        assert_true(spool.fd >= 0 || maxima[m] > expected.size);
        spool_cursor_init(&cursor, &spool);
        unsigned char *read = malloc(expected.size);
        assert_non_null(read);
        for (size_t at = 0; at < expected.size;) {
            size_t part = MIN_OF((size_t)777, expected.size - at);
            assert_int_equal(spool_read(&cursor, read + at, part, NULL), 0);
            at += part;
        }
        assert_memory_equal(read, expected.data, expected.size);
        free(read);
        bytes_dispose(&expected);
        spool_dispose(&spool);
    }
}

static void test_spool_names_its_directory(void **state)
{
    (void)state;
    struct spool spool;
    struct lpipe_error err = { 0 };
    spool_init(&spool, "/nonexistent", 1);
    assert_int_equal(spool_append(&spool, "ab", 2, &err), LPIPE_OUTPUT_IO);
    assert_non_null(strstr(err.message, "/nonexistent"));
    spool_dispose(&spool);
}

static void test_crc64(void **state)
{
    (void)state;
    AUTO_BYTES struct bytes data = { 0 };
    bytes_random(&data, 100000);
    assert_true(crc64_iso(0, "123456789", 9) == UINT64_C(0xb90956c775a41001));
    assert_true(crc64_iso_portable(0, "123456789", 9) == UINT64_C(0xb90956c775a41001));
    uint64_t pieces = 0;
    for (size_t at = 0; at < data.size; at += 1009) {
        pieces = crc64_iso(pieces, data.data + at, MIN_OF((size_t)1009, data.size - at));
    }
    assert_true(pieces == crc64_iso_portable(0, data.data, data.size));
    assert_true(pieces == crc64_iso(0, data.data, data.size));
}

static void test_paths(void **state)
{
    (void)state;
    static const char *const same[] = { "a/b", "./a/b", "a/b/", "a//b", "/a/b", "././a/./b" };
    struct path_set set = { 0 };
    char path[32];
    assert_false(path_set_has_file(&set, "a/b"));
    assert_int_equal(path_set_add(&set, same[0], false, NULL), PATH_NEW);
    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        assert_int_equal(path_set_add(&set, same[i], false, NULL), PATH_AGAIN);
        assert_true(path_set_has_file(&set, same[i]));
    }
    assert_int_equal(path_set_add(&set, "ab", false, NULL), PATH_NEW);
    assert_int_equal(path_set_add(&set, "a", true, NULL), PATH_NEW);
    assert_int_equal(path_set_add(&set, "./", true, NULL), PATH_NEW);
    assert_int_equal(path_set_add(&set, ".", true, NULL), PATH_AGAIN);
    for (unsigned i = 0; i < 100000; i++) {
        snprintf(path, sizeof path, "dir/%u", i);
        assert_int_equal(path_set_add(&set, path, false, NULL), PATH_NEW);
    }
    assert_int_equal(path_set_add(&set, "dir/77777", false, NULL), PATH_AGAIN);
    path_set_dispose(&set);
}

/* Directories that have no entry are no reason: many archives have only some. */
static void test_paths_below_files(void **state)
{
    (void)state;
    static const char *const below[] = { "link/x", "./link//x", "link/x/y/z", "/link/./x/" };
    struct path_set set = { 0 };
    assert_int_equal(path_set_add(&set, "d", true, NULL), PATH_NEW);
    assert_int_equal(path_set_add(&set, "d/e/f/file", false, NULL), PATH_NEW);
    assert_int_equal(path_set_add(&set, "d/e/f/more", false, NULL), PATH_NEW);
    assert_int_equal(path_set_add(&set, "link", false, NULL), PATH_NEW);
    for (size_t i = 0; i < ARRAY_LEN(below); i++) {
        assert_int_equal(path_set_add(&set, below[i], false, NULL), PATH_BELOW_FILE);
    }
    assert_int_equal(path_set_add(&set, "d/e/f/file/x", false, NULL), PATH_BELOW_FILE);
    assert_int_equal(path_set_add(&set, "d/e/f/file/x/y", true, NULL), PATH_BELOW_FILE);
    assert_false(path_set_has_file(&set, "d"));
    assert_false(path_set_has_file(&set, "link/x"));
    assert_int_equal(path_set_add(&set, "link", true, NULL), PATH_AGAIN);
    assert_int_equal(path_set_add(&set, "link/x", false, NULL), PATH_NEW);
    path_set_dispose(&set);
}

static void test_json_texts(void **state)
{
    (void)state;
    AUTO_BUF struct buf buf = BUF_INIT(1000);
    assert_int_equal(json_text_member(&buf, "a", "q\"b\\n\nt\x01", 8), 0);
    assert_int_equal(json_text_number(&buf, "n", -5), 0);
    assert_int_equal(json_text_time(&buf, "t", 1, 500000000), 0);
    assert_int_equal(json_text_time(&buf, "u", -1, 0), 0);
    assert_int_equal(json_text_base64(&buf, "b\"\\\n", "abc", 3), 0);
    assert_string_equal(buf.data, "\"a\":\"q\\u0022b\\u005cn\\u000at\\u0001\",\"n\":-5,"
                                  "\"t\":\"1970-01-01T00:00:01.5Z\",\"u\":\"1969-12-31T23:59:59Z\","
                                  "\"b\\u0022\\u005c\\u000a\":\"YWJj\"");
    assert_int_equal(json_text_time(&buf, "t", INT64_C(300000000000), 0), LPIPE_TOO_LARGE);
    assert_int_equal(json_text_time(&buf, "t", INT64_MAX, 0), LPIPE_TOO_LARGE);
}

/* Entries and chunks come back in order, with the places of their units. */
static void test_log(void **state)
{
    (void)state;
    static const uint32_t sizes[] = { 100, 20, 3, 4000, 50 };
    struct toc_log log;
    struct toc_log_reader *reader = calloc(1, sizeof *reader);
    struct toc_chunk chunk = { .size = 7, .unit = 1, .digest = "sha256:aa" };
    struct toc_entry entry = { .text = "\"name\":\"x\",1", .text_size = 12, .name_size = 10 };
    assert_non_null(reader);
    toc_log_init(&log, "/tmp");
    assert_int_equal(toc_log_entry(&log, &entry, NULL), 0);
    assert_int_equal(toc_log_chunk(&log, &chunk, NULL), 0);
    chunk.unit = 3;
    chunk.offset = 7;
    chunk.is_zeros = true;
    assert_int_equal(toc_log_chunk(&log, &chunk, NULL), 0);
    entry.chunk_count = 2;
    entry.end_unit = 4;
    assert_int_equal(toc_log_entry(&log, &entry, NULL), 0);
    assert_int_equal(toc_log_units(&log, sizes, ARRAY_LEN(sizes), NULL), 0);

    toc_log_reader_init(reader, &log);
    assert_int_equal(toc_log_next(reader, &entry, NULL), 1);
    assert_int_equal(entry.chunk_count, 0);
    assert_int_equal(entry.name_size, 10);
    assert_int_equal(toc_log_next(reader, &entry, NULL), 1);
    assert_int_equal(entry.blob_end, 4123);
    assert_int_equal(toc_log_next_chunk(reader, &chunk, NULL), 0);
    assert_int_equal(chunk.blob_offset, 100);
    assert_false(chunk.is_zeros);
    assert_int_equal(toc_log_next_chunk(reader, &chunk, NULL), 0);
    assert_int_equal(chunk.blob_offset, 123);
    assert_true(chunk.is_zeros);
    assert_int_equal(chunk.offset, 7);
    assert_int_equal(toc_log_next(reader, &entry, NULL), 0);
    toc_log_reader_dispose(reader);
    free(reader);
    toc_log_dispose(&log);
}

/* Each unit is complete by itself, and no longer than promised. */
static void test_units(void **state)
{
    (void)state;
    static const size_t unit_sizes[] = { 0, 1, 511, 70000, UNIT_BYTES_MAX };
    static const struct codec_spec specs[] = {
        { CODEC_GZIP, 1 }, { CODEC_GZIP, 6 }, { CODEC_GZIP, 0 }, { CODEC_ZSTD, 3 }
    };
    AUTO_BYTES struct bytes data = { 0 };
    bytes_random(&data, UNIT_BYTES_MAX);
    unsigned char *out = malloc(unit_codec_output_bytes(UNIT_BYTES_MAX, 1));
    unsigned char *back = malloc(UNIT_BYTES_MAX + 1);
    assert_true(out != NULL && back != NULL);
    for (size_t s = 0; s < ARRAY_LEN(specs); s++) {
        struct unit_codec *codec = NULL;
        assert_int_equal(unit_codec_new(&specs[s], 1, &codec, NULL), 0);
        for (size_t i = 0; i < ARRAY_LEN(unit_sizes); i++) {
            size_t made = 0;
            size_t size = unit_sizes[i];
            assert_int_equal(unit_compress(codec, 0, data.data, size, out, &made, NULL), 0);
            assert_in_range(made, 1, unit_codec_output_bytes(size, 1));
            if (specs[s].kind == CODEC_ZSTD) {
                assert_int_equal(ZSTD_decompress(back, UNIT_BYTES_MAX + 1, out, made), size);
            } else {
                z_stream stream = { .next_in = out,
                                    .avail_in = (uInt)made,
                                    .next_out = back,
                                    .avail_out = UNIT_BYTES_MAX + 1 };
                assert_int_equal(inflateInit2(&stream, 31), Z_OK);
                assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
                assert_int_equal(stream.total_out, size);
                assert_int_equal(stream.avail_in, 0);
                inflateEnd(&stream);
            }
            assert_memory_equal(back, data.data, size);
        }
        unit_codec_free(codec);
    }
    free(out);
    free(back);
}

/* The layer is read from a source. */
static void push_read(lpipe_client *client, const lpipe_ref *dest, const struct bytes *tar,
                      const struct lpipe_layer_options *options,
                      struct lpipe_layer_result *ret_result)
{
    lpipe_layer *layer = NULL;
    struct bytes left = *tar;
    const struct lpipe_source source = { .read = bytes_read_part, .ctx = &left };
    assert_int_equal(lpipe_layer_new(&source, options, &layer, NULL), 0);
    assert_int_equal(lpipe_write_layer(client, dest, layer, ret_result, NULL), 0);
    lpipe_layer_free(layer);
}

/* The layer is written piece by piece. */
static void push_written(lpipe_client *client, const lpipe_ref *dest, const struct bytes *tar,
                         const struct lpipe_layer_options *options,
                         struct lpipe_layer_result *ret_result)
{
    lpipe_writer *writer = NULL;
    assert_int_equal(lpipe_writer_open(client, dest, options, &writer, NULL), 0);
    for (size_t at = 0; at < tar->size; at += 12345) {
        assert_int_equal(
            lpipe_writer_write(writer, tar->data + at, MIN_OF((size_t)12345, tar->size - at), NULL),
            0);
    }
    assert_int_equal(lpipe_writer_finish(writer, ret_result, NULL), 0);
    lpipe_writer_free(writer);
}

static void test_written_layers_are_the_same(void **state)
{
    (void)state;
    static const char *const formats[] = { "estargz:1", "estargz:6", "zstd-chunked:3" };
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    lpipe_client *client = NULL;
    lpipe_ref *dest = NULL;
    tar_put_mixed(&tar);
    assert_int_equal(lpipe_client_new(NULL, &client, NULL), 0);
    assert_int_equal(lpipe_ref_parse("null:", 0, &dest, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
        struct lpipe_layer_result read = LPIPE_LAYER_RESULT_INIT;
        struct lpipe_layer_result written = LPIPE_LAYER_RESULT_INIT;
        options.compress = formats[i];
        push_read(client, dest, &tar, &options, &read);
        push_written(client, dest, &tar, &options, &written);
        assert_true(read.annotation_count > 0);
        assert_string_equal(read.digest, written.digest);
    }
    lpipe_ref_free(dest);
    lpipe_client_free(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spool_goes_to_a_file),
        cmocka_unit_test(test_spool_names_its_directory),
        cmocka_unit_test(test_crc64),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_paths_below_files),
        cmocka_unit_test(test_json_texts),
        cmocka_unit_test(test_log),
        cmocka_unit_test(test_units),
        cmocka_unit_test(test_written_layers_are_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
