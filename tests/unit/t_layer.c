/* SPDX-License-Identifier: Apache-2.0 */
/* Layers in all their states: which values there are when, what is refused, what is
 * closed. */
#include "support/inflate_check.h"
#include "support/layer_run.h"

#include <dirent.h>
#include <limits.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "flow/layer.h"
#include "flow/source_fd.h"

#define OF_NOTHING "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define OF_HELLO "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

static struct lpipe_layer_options raw_options(int threads)
{
    struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
    options.threads = threads;
    options.flags = (uint32_t)LPIPE_LAYER_RAW | (uint32_t)LPIPE_LAYER_ALLOW_EMPTY;
    return options;
}

static void check_run(const struct bytes *plain, const char *compress, int threads, uint32_t flags,
                      const char *diff_id)
{
    struct lpipe_layer_options options = raw_options(threads);
    struct memory_source memory = memory_of(plain);
    struct bytes out AUTO_BYTES = { NULL, 0, 0 };
    struct lpipe_error err = { 0 };
    options.compress = compress;
    options.flags = flags;
    lpipe_layer *layer = layer_of(&memory, &options);
    expect_no_values(layer, LPIPE_NOT_COMPUTED);
    if (layer_drain(layer, 70000, &out, &err) != 0) {
        fail_msg("%s", err.message);
    }
    expect_values(layer, &out, diff_id);
    assert_true(out.size > 0);
    expect_inflates(&out, plain, INFLATE_GZIP);
    assert_null(lpipe_layer_free(layer));
    assert_int_equal(memory.closes, 1);
}

/* Diff IDs that other implementations found, at every level. */
static void test_known_diff_ids(void **state)
{
    (void)state;
    struct {
        struct bytes plain;
        const char *diff_id;
    } rows[] = {
        { { NULL, 0, 0 }, OF_NOTHING },
        { { NULL, 0, 0 }, OF_HELLO },
        { { NULL, 0, 0 },
          "sha256:8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4" },
        { { NULL, 0, 0 },
          "sha256:27dd1f61b867b6a0f6e9d8a41c43231de52107e53ae424de8f847b821db4b711" },
        { { NULL, 0, 0 },
          "sha256:30e14955ebf1352266dc2ff8067e68104607e750abb9d3b36582b8af909fcb58" },
        { { NULL, 0, 0 },
          "sha256:fbbab289f7f94b25736c58be46a994c441fd02552cc6022352e3d86d2fab7c83" },
        { { NULL, 0, 0 },
          "sha256:0220e93a5c8387e77bd33d020b30ee1cd4cf49d376f158813aedc80a4e102201" },
    };
    bytes_put(&rows[1].plain, "hello", 5);
    bytes_put(&rows[2].plain, "hi", 2);
    bytes_fill(&rows[3].plain, 'a', 10000);
    bytes_fill(&rows[4].plain, 0, 1 << 20);
    for (int i = 0; i < 1 << 20; i++) {
        unsigned char byte = (unsigned char)i;
        bytes_put(&rows[5].plain, &byte, 1);
    }
    tar_thousand(&rows[6].plain);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int level = -2; level <= 12; level++) {
            char compress[16];
            snprintf(compress, sizeof compress, "gzip:%d", level);
            check_run(&rows[i].plain, compress, LPIPE_THREADS_INLINE,
                      LPIPE_LAYER_RAW | LPIPE_LAYER_ALLOW_EMPTY, rows[i].diff_id);
        }
        check_run(&rows[i].plain, NULL, 2, LPIPE_LAYER_RAW | LPIPE_LAYER_ALLOW_EMPTY,
                  rows[i].diff_id);
        bytes_dispose(&rows[i].plain);
    }
}

static void test_known_tar(void **state)
{
    (void)state;
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    tar_thousand(&tar);
    check_run(&tar, NULL, LPIPE_THREADS_DEFAULT, 0,
              "sha256:0220e93a5c8387e77bd33d020b30ee1cd4cf49d376f158813aedc80a4e102201");
}

static void test_random_bytes(void **state)
{
    (void)state;
    struct bytes plain AUTO_BYTES = { NULL, 0, 0 };
    char diff_id[DIGEST_TEXT_SIZE];
    bytes_random(&plain, 10000000);
    assert_int_equal(digest_of(DIGEST_SHA256, plain.data, plain.size, diff_id, NULL), 0);
    struct lpipe_layer_options options = raw_options(2);
    struct memory_source memory = memory_of(&plain);
    struct bytes out AUTO_BYTES = { NULL, 0, 0 };
    lpipe_layer *layer = layer_of(&memory, &options);
    assert_int_equal(layer_drain(layer, 70000, &out, NULL), 0);
    expect_values(layer, &out, diff_id);
    assert_in_range(out.size, plain.size, plain.size + plain.size / 1000);
    expect_inflates(&out, &plain, INFLATE_GZIP);
    lpipe_layer_free(layer);
}

static void test_no_values_before_the_end(void **state)
{
    (void)state;
    struct bytes plain AUTO_BYTES = { NULL, 0, 0 };
    bytes_random(&plain, 3000000);
    for (int threads = LPIPE_THREADS_INLINE; threads <= 3; threads++) {
        struct lpipe_layer_options options = raw_options(threads);
        struct memory_source memory = memory_of(&plain);
        lpipe_reader *reader = NULL;
        unsigned char buf[1000];
        size_t got = 1;
        lpipe_layer *layer = layer_of(&memory, &options);
        expect_no_values(layer, LPIPE_NOT_COMPUTED);
        assert_string_equal(lpipe_layer_media_type(layer),
                            "application/vnd.oci.image.layer.v1.tar+gzip");
        assert_int_equal(memory.reads, 0);
        assert_int_equal(lpipe_layer_open(layer, &reader, NULL), 0);
        expect_no_values(layer, LPIPE_NOT_COMPUTED);
        for (int i = 0; got > 0; i++) {
            assert_int_equal(lpipe_reader_read(reader, buf, sizeof buf, &got, NULL), 0);
            if (got > 0 && i % 100 == 0) {
                expect_no_values(layer, LPIPE_NOT_COMPUTED);
            }
        }
        struct lpipe_layer_result result;
        layer_values(layer, &result);
        /* The end can be read again. */
        assert_int_equal(lpipe_reader_read(reader, buf, sizeof buf, &got, NULL), 0);
        assert_int_equal(got, 0);
        assert_int_equal(lpipe_reader_close(reader, NULL), 0);
        layer_values(layer, &result);
        lpipe_layer_free(layer);
        assert_int_equal(memory.closes, 1);
    }
}

/* A second reader, also while one is open, is refused. */
static void test_one_reader(void **state)
{
    (void)state;
    struct bytes plain AUTO_BYTES = { NULL, 0, 0 };
    bytes_put(&plain, "hello", 5);
    struct lpipe_layer_options options = raw_options(LPIPE_THREADS_INLINE);
    struct memory_source memory = memory_of(&plain);
    struct lpipe_error err = { 0 };
    lpipe_reader *reader = NULL;
    lpipe_reader *second = NULL;
    unsigned char buf[100];
    size_t got = 0;
    lpipe_layer *layer = layer_of(&memory, &options);
    assert_int_equal(lpipe_layer_open(layer, &reader, NULL), 0);
    assert_int_equal(lpipe_layer_open(layer, &second, &err), LPIPE_IN_USE);
    assert_int_equal(err.status, LPIPE_IN_USE);
    do {
        assert_int_equal(lpipe_reader_read(reader, buf, sizeof buf, &got, NULL), 0);
    } while (got > 0);
    assert_int_equal(lpipe_layer_open(layer, &second, &err), LPIPE_CONSUMED);
    assert_int_equal(lpipe_reader_close(reader, NULL), 0);
    assert_int_equal(lpipe_layer_open(layer, &second, &err), LPIPE_CONSUMED);
    assert_null(second);
    assert_int_equal(lpipe_layer_uncompressed(layer, &second, &err), LPIPE_UNSUPPORTED);
    lpipe_layer_free(layer);
    assert_int_equal(memory.closes, 1);
}

/* A caller that has read to the end can get the values at once. */
static void test_values_come_before_the_end(void **state)
{
    (void)state;
    struct bytes small AUTO_BYTES = { NULL, 0, 0 };
    struct bytes large AUTO_BYTES = { NULL, 0, 0 };
    bytes_put(&small, "hello", 5);
    bytes_mixed(&large, 600000);
    for (int i = 0; i < 10000; i++) {
        bool threads = i % 100 == 0;
        struct lpipe_layer_options options = raw_options(threads ? 3 : LPIPE_THREADS_INLINE);
        struct memory_source memory = memory_of(threads ? &large : &small);
        const char *digest = NULL;
        options.compress = "gzip:0";
        lpipe_layer *layer = layer_of(&memory, &options);
        assert_int_equal(layer_drain(layer, 65536, NULL, NULL), 0);
        assert_int_equal(lpipe_layer_digest(layer, &digest, NULL), 0);
        assert_true(digest_valid(digest));
        lpipe_layer_free(layer);
        assert_int_equal(memory.closes, 1);
    }
}

/* A reader that is closed before the end: there are no values, and the layer has failed. */
static void test_closed_before_the_end(void **state)
{
    (void)state;
    struct bytes plain AUTO_BYTES = { NULL, 0, 0 };
    bytes_random(&plain, 3000000);
    for (int threads = LPIPE_THREADS_INLINE; threads <= 3; threads++) {
        for (int reads = 0; reads < 3; reads++) {
            struct lpipe_layer_options options = raw_options(threads);
            struct memory_source memory = memory_of(&plain);
            struct lpipe_error err = { 0 };
            lpipe_reader *reader = NULL;
            unsigned char buf[1000];
            size_t got = 77;
            lpipe_layer *layer = layer_of(&memory, &options);
            assert_int_equal(lpipe_layer_open(layer, &reader, NULL), 0);
            for (int i = 0; i < reads * 200; i++) {
                assert_int_equal(lpipe_reader_read(reader, buf, sizeof buf, &got, NULL), 0);
            }
            got = 77;
            assert_int_equal(lpipe_reader_close(reader, NULL), 0);
            assert_int_equal(memory.closes, 1);
            expect_no_values(layer, LPIPE_ABORTED);
            assert_int_equal(lpipe_reader_read(reader, buf, sizeof buf, &got, &err), LPIPE_ABORTED);
            assert_int_equal(got, 77);
            assert_int_equal(lpipe_layer_open(layer, &reader, NULL), LPIPE_CONSUMED);
            lpipe_layer_free(layer);
            assert_int_equal(memory.closes, 1);
        }
    }
}

/* After a failure of the source every call returns that failure. */
static void test_source_fails(void **state)
{
    (void)state;
    static const size_t places[] = { 0, 100, 262144, 1000000 };
    struct bytes plain AUTO_BYTES = { NULL, 0, 0 };
    bytes_random(&plain, 1000000);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        for (int threads = LPIPE_THREADS_INLINE; threads <= 2; threads++) {
            struct lpipe_layer_options options = raw_options(threads);
            struct memory_source memory = memory_of(&plain);
            struct lpipe_error err = { 0 };
            lpipe_reader *reader = NULL;
            unsigned char buf[4096];
            size_t got = 0;
            int status = 0;
            memory.fail_at = places[i];
            memory.fail_code = -ENXIO;
            lpipe_layer *layer = layer_of(&memory, &options);
            assert_int_equal(lpipe_layer_open(layer, &reader, NULL), 0);
            while (status == 0) {
                status = lpipe_reader_read(reader, buf, sizeof buf, &got, &err);
                assert_true(status != 0 || got > 0);
            }
            assert_int_equal(status, LPIPE_SOURCE_IO);
            assert_int_equal(err.sys_errno, ENXIO);
            assert_int_equal(err.offset, places[i]);
            expect_no_values(layer, LPIPE_SOURCE_IO);
            memset(&err, 0, sizeof err);
            assert_int_equal(lpipe_reader_read(reader, buf, sizeof buf, &got, &err),
                             LPIPE_SOURCE_IO);
            assert_int_equal(err.sys_errno, ENXIO);
            assert_int_equal(memory.closes, 1);
            assert_int_equal(lpipe_reader_close(reader, NULL), 0);
            expect_no_values(layer, LPIPE_SOURCE_IO);
            assert_int_equal(lpipe_layer_open(layer, &reader, NULL), LPIPE_CONSUMED);
            lpipe_layer_free(layer);
            assert_int_equal(memory.closes, 1);
        }
    }
}

static void test_source_errno_kinds(void **state)
{
    (void)state;
    static const struct {
        ptrdiff_t code;
        int status;
    } rows[] = {
        { PTRDIFF_MIN, LPIPE_SOURCE_IO }, { -4096, LPIPE_SOURCE_IO },
        { -EIO, LPIPE_SOURCE_IO },        { -EAGAIN, LPIPE_SOURCE_IO },
        { -EMFILE, LPIPE_SOURCE_IO },     { -ENOMEM, LPIPE_NO_MEMORY },
        { -ECANCELED, LPIPE_SOURCE_IO },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct lpipe_layer_options options = raw_options(LPIPE_THREADS_INLINE);
        struct memory_source memory = { .fail_code = rows[i].code };
        lpipe_layer *layer = layer_of(&memory, &options);
        assert_int_equal(layer_drain(layer, 100, NULL, NULL), rows[i].status);
        lpipe_layer_free(layer);
    }
}

/* Closing again does nothing. */
static void test_closed_again(void **state)
{
    (void)state;
    struct bytes plain AUTO_BYTES = { NULL, 0, 0 };
    bytes_put(&plain, "hello", 5);
    struct lpipe_layer_options options = raw_options(LPIPE_THREADS_INLINE);
    struct memory_source memory = memory_of(&plain);
    lpipe_reader *reader = NULL;
    lpipe_layer *layer = layer_of(&memory, &options);
    assert_int_equal(lpipe_layer_open(layer, &reader, NULL), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(lpipe_reader_close(reader, NULL), 0);
        assert_int_equal(memory.closes, 1);
    }
    assert_int_equal(lpipe_reader_close(NULL, NULL), 0);
    lpipe_layer_free(layer);
    assert_null(lpipe_layer_free(NULL));
    assert_int_equal(memory.closes, 1);
}

/* A failed close is reported once, after the values are available. */
static void test_close_fails(void **state)
{
    (void)state;
    struct bytes plain AUTO_BYTES = { NULL, 0, 0 };
    struct bytes out AUTO_BYTES = { NULL, 0, 0 };
    bytes_put(&plain, "hello", 5);
    struct lpipe_layer_options options = raw_options(LPIPE_THREADS_INLINE);
    struct memory_source memory = memory_of(&plain);
    struct lpipe_error err = { 0 };
    lpipe_reader *reader = NULL;
    unsigned char buf[100];
    size_t got = 1;
    memory.close_code = -EDQUOT;
    lpipe_layer *layer = layer_of(&memory, &options);
    assert_int_equal(lpipe_layer_open(layer, &reader, NULL), 0);
    while (got > 0) {
        assert_int_equal(lpipe_reader_read(reader, buf, sizeof buf, &got, NULL), 0);
        bytes_put(&out, buf, got);
    }
    assert_int_equal(lpipe_reader_close(reader, &err), LPIPE_SOURCE_IO);
    assert_int_equal(err.sys_errno, EDQUOT);
    assert_int_equal(lpipe_reader_close(reader, &err), 0);
    expect_values(layer, &out, OF_HELLO);
    expect_inflates(&out, &plain, INFLATE_GZIP);
    lpipe_layer_free(layer);
    assert_int_equal(memory.closes, 1);
}

static int count_bytes(void *ctx, const void *data, size_t size, struct lpipe_error *err)
{
    (void)data;
    (void)err;
    *(size_t *)ctx += size;
    return 0;
}

/* The values are available, but the pump fails, so that its caller does not publish the layer. */
static void test_close_fails_for_the_pump(void **state)
{
    (void)state;
    struct bytes plain AUTO_BYTES = { NULL, 0, 0 };
    bytes_put(&plain, "hello", 5);
    struct lpipe_layer_options options = raw_options(LPIPE_THREADS_INLINE);
    struct memory_source memory = memory_of(&plain);
    size_t total = 0;
    struct layer_sink sink = { .write = count_bytes, .ctx = &total };
    struct lpipe_error err = { 0 };
    struct lpipe_layer_result result;
    memory.close_code = -EIO;
    lpipe_layer *layer = layer_of(&memory, &options);
    assert_int_equal(layer_pump(layer, &sink, &err), LPIPE_SOURCE_IO);
    layer_values(layer, &result);
    assert_int_equal(result.size, total);
    lpipe_layer_free(layer);
    assert_int_equal(memory.closes, 1);
}

/* Values that are no errno value count as EIO. */
static void test_strange_results_of_a_source(void **state)
{
    (void)state;
    struct bytes plain AUTO_BYTES = { NULL, 0, 0 };
    bytes_put(&plain, "hello", 5);
    struct lpipe_layer_options options = raw_options(LPIPE_THREADS_INLINE);
    struct lpipe_error err = { 0 };
    struct memory_source memory = { .fail_code = PTRDIFF_MIN };
    lpipe_layer *layer = layer_of(&memory, &options);
    assert_int_equal(layer_drain(layer, 100, NULL, &err), LPIPE_SOURCE_IO);
    assert_int_equal(err.sys_errno, EIO);
    assert_non_null(strstr(err.message, strerror(EIO)));
    lpipe_layer_free(layer);
    memory = memory_of(&plain);
    memory.close_code = INT_MIN;
    layer = layer_of(&memory, &options);
    size_t total = 0;
    struct layer_sink sink = { .write = count_bytes, .ctx = &total };
    assert_int_equal(layer_pump(layer, &sink, &err), LPIPE_SOURCE_IO);
    assert_int_equal(err.sys_errno, EIO);
    lpipe_layer_free(layer);
}

/* No layer is made with these options; the source is closed even so. */
static void assert_layer_refused(const struct lpipe_layer_options *options, struct lpipe_error *err)
{
    struct memory_source memory = { .data = NULL };
    struct lpipe_source source = source_of(&memory);
    lpipe_layer *layer = NULL;
    assert_int_equal(lpipe_layer_new(&source, options, &layer, err), LPIPE_INVALID_ARGUMENT);
    assert_null(layer);
    assert_int_equal(memory.closes, 1);
}

/* What is refused before a byte is read. */
static void test_refused_before_a_byte_is_read(void **state)
{
    (void)state;
    static const char *const bad[] = { "gzip:-3", "gzip:13", "gzip:99", "zstd:0", "lzma", "" };
    struct lpipe_error err = { 0 };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
        options.compress = bad[i];
        assert_layer_refused(&options, &err);
    }
    struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
    struct memory_source memory = { .data = NULL };
    struct lpipe_source source = source_of(&memory);
    lpipe_layer *layer = NULL;
    options.threads = 257;
    assert_int_equal(lpipe_layer_new(&source, &options, &layer, NULL), LPIPE_INVALID_ARGUMENT);
    options.threads = -2;
    assert_int_equal(lpipe_layer_new(&source, &options, &layer, NULL), LPIPE_INVALID_ARGUMENT);
    options = (struct lpipe_layer_options)LPIPE_LAYER_OPTIONS_INIT;
    options.flags = 1u << 30;
    assert_int_equal(lpipe_layer_new(&source, &options, &layer, NULL), LPIPE_INVALID_ARGUMENT);
    options = (struct lpipe_layer_options)LPIPE_LAYER_OPTIONS_INIT;
    options.memory_bytes_max = 1000;
    assert_int_equal(lpipe_layer_new(&source, &options, &layer, &err), LPIPE_INVALID_ARGUMENT);
    assert_non_null(strstr(err.message, "needs at least"));
    assert_int_equal(memory.closes, 4);
    source.read = NULL;
    assert_int_equal(lpipe_layer_new(&source, NULL, &layer, NULL), LPIPE_INVALID_ARGUMENT);
    assert_int_equal(memory.closes, 5);
    assert_int_equal(lpipe_layer_new(NULL, NULL, &layer, NULL), LPIPE_INVALID_ARGUMENT);
    assert_null(layer);
}

/* A title becomes an annotation of the descriptor. */
static void test_title_is_an_annotation(void **state)
{
    (void)state;
    struct bytes plain AUTO_BYTES = { NULL, 0, 0 };
    bytes_put(&plain, "hello", 5);
    struct lpipe_layer_options options = raw_options(LPIPE_THREADS_INLINE);
    struct lpipe_layer_result result = LPIPE_LAYER_RESULT_INIT;
    struct memory_source memory = memory_of(&plain);
    options.title = "gr\xc3\xb6\xc3\x9f"
                    "e.bin";
    lpipe_layer *layer = layer_of(&memory, &options);
    assert_int_equal(layer_drain(layer, 65536, NULL, NULL), 0);
    assert_int_equal(lpipe_layer_result(layer, &result, NULL), 0);
    assert_int_equal(result.annotation_count, 1);
    assert_string_equal(result.annotations[0].key, "org.opencontainers.image.title");
    assert_string_equal(result.annotations[0].value, options.title);
    lpipe_layer_free(layer);
}

static void test_impossible_title_is_refused(void **state)
{
    (void)state;
    char text[161] = "";
    memset(text, 'x', sizeof text - 1);
    const char *const bad[] = { "", "a\nb", "a\xff", text };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
        options.title = bad[i];
        assert_layer_refused(&options, NULL);
    }
}

static size_t count_entries(const char *path)
{
    size_t count = 0;
    DIR *dir = opendir(path);
    assert_non_null(dir);
    while (readdir(dir) != NULL) {
        count++;
    }
    closedir(dir);
    return count;
}

/* Open and free, read a little and free, never opened and free. */
static void test_nothing_stays_open(void **state)
{
    (void)state;
    struct bytes plain AUTO_BYTES = { NULL, 0, 0 };
    bytes_random(&plain, 1000000);
    size_t threads = 0;
    size_t descriptors = 0;
    size_t held = 0;
    for (int i = 0; i < 1000; i++) {
        struct lpipe_layer_options options = raw_options(i % 4);
        struct memory_source memory = memory_of(&plain);
        lpipe_reader *reader = NULL;
        unsigned char buf[100];
        size_t got = 0;
        lpipe_layer *layer = layer_of(&memory, &options);
        if (i % 3 > 0) {
            assert_int_equal(lpipe_layer_open(layer, &reader, NULL), 0);
        }
        if (reader != NULL && i % 50 == 1) {
            assert_int_equal(lpipe_reader_read(reader, buf, sizeof buf, &got, NULL), 0);
        }
        lpipe_layer_free(layer);
        assert_int_equal(memory.closes, 1);
        struct mallinfo2 info = mallinfo2();
        if (i == 100) {
            threads = count_entries("/proc/self/task");
            descriptors = count_entries("/proc/self/fd");
            held = info.uordblks + info.hblkhd;
        }
    }
    struct mallinfo2 info = mallinfo2();
    assert_int_equal(count_entries("/proc/self/task"), threads);
    assert_int_equal(count_entries("/proc/self/fd"), descriptors);
    assert_in_range(info.uordblks + info.hblkhd, 0, held + 4096);
}

/* A read that a signal ends again and again, as the caller's cancel function may do it. */
struct interrupted {
    lpipe_cancel *cancel;
    int reads;
    int cancels;
};

static ptrdiff_t read_interrupted(void *ctx, void *buf, size_t size)
{
    struct interrupted *source = ctx;
    (void)buf;
    (void)size;
    if (++source->reads == 3) {
        lpipe_cancel_trigger(source->cancel);
    }
    return -EINTR;
}

static void count_cancel(void *ctx)
{
    ((struct interrupted *)ctx)->cancels++;
}

static void test_interrupted_read_is_cancelled(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct interrupted interrupted = { .reads = 0 };
        struct lpipe_source source = { .read = read_interrupted,
                                       .cancel = i == 0 ? NULL : count_cancel,
                                       .ctx = &interrupted };
        struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
        lpipe_layer *layer = NULL;
        assert_int_equal(lpipe_cancel_new(&interrupted.cancel, NULL), 0);
        options.cancel = interrupted.cancel;
        assert_int_equal(lpipe_layer_new(&source, &options, &layer, NULL), 0);
        assert_int_equal(layer_drain(layer, 100, NULL, NULL), LPIPE_CANCELLED);
        lpipe_layer_free(layer);
        assert_in_range(interrupted.cancels, 0, i);
        lpipe_cancel_unref(interrupted.cancel);
    }
}

/* A program built against an older header gives a shorter struct. */
static void test_older_structs(void **state)
{
    (void)state;
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    tar_file(&tar, "a", "body");
    tar_end(&tar);
    struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
    struct lpipe_layer_result result = LPIPE_LAYER_RESULT_INIT;
    struct memory_source memory = memory_of(&tar);
    options.struct_size = offsetof(struct lpipe_layer_options, media_type);
    options.compress = "none";
    options.threads = 9999; /* behind its end */
    lpipe_layer *layer = layer_of(&memory, &options);
    assert_int_equal(layer_drain(layer, 100, NULL, NULL), 0);
    result.struct_size = offsetof(struct lpipe_layer_result, size);
    result.size = 77;
    assert_int_equal(lpipe_layer_result(layer, &result, NULL), 0);
    assert_string_equal(result.digest, result.diff_id);
    assert_int_equal(result.size, 77);
    assert_int_equal(result.struct_size, offsetof(struct lpipe_layer_result, size));
    result.struct_size = 0;
    assert_int_equal(lpipe_layer_result(layer, &result, NULL), LPIPE_INVALID_ARGUMENT);
    lpipe_layer_free(layer);
}

/* Reads to the end in parts of 100 bytes; the file gets another size after the first one. */
static int read_changing(int fd, off_t size_then, bool *ret_notice, struct lpipe_error *err)
{
    char part[100];
    struct source *source = NULL;
    ptrdiff_t got = 0;
    assert_int_equal(source_fd_new(fd, false, &source, err), 0);
    got = source->ops->read(source, part, sizeof part, err);
    if (got > 0) {
        assert_int_equal(ftruncate(fd, size_then), 0);
    }
    while (got > 0) {
        got = source->ops->read(source, part, sizeof part, err);
    }
    *ret_notice = source_notice(source) != NULL;
    source_free(source);
    return (int)got;
}

static int new_file(off_t size)
{
    int fd = memfd_create("input", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, size), 0);
    return fd;
}

static void test_file_that_changes_while_it_is_read(void **state)
{
    (void)state;
    struct lpipe_error err = { 0 };
    bool notice = true;
    assert_int_equal(read_changing(new_file(1000), 1000, &notice, &err), 0);
    assert_int_equal(read_changing(new_file(1000), 2000, &notice, &err), 0);
    assert_true(notice);
    for (off_t size = 0; size < 1000; size += 333) {
        assert_int_equal(read_changing(new_file(1000), size, &notice, &err), LPIPE_SOURCE_IO);
        assert_non_null(strstr(err.message, "was cut from 1000 bytes to "));
    }
}

static void test_socket_of_packets(void **state)
{
    (void)state;
    static const int types[] = { SOCK_DGRAM, SOCK_SEQPACKET };
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct lpipe_error err = { 0 };
        bool notice = true;
        int ends[2];
        assert_int_equal(socketpair(AF_UNIX, types[i] | SOCK_CLOEXEC, 0, ends), 0);
        assert_int_equal(read_changing(ends[0], 0, &notice, &err), LPIPE_SOURCE_IO);
        assert_false(notice);
        close(ends[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_diff_ids),
        cmocka_unit_test(test_known_tar),
        cmocka_unit_test(test_random_bytes),
        cmocka_unit_test(test_no_values_before_the_end),
        cmocka_unit_test(test_one_reader),
        cmocka_unit_test(test_values_come_before_the_end),
        cmocka_unit_test(test_closed_before_the_end),
        cmocka_unit_test(test_source_fails),
        cmocka_unit_test(test_source_errno_kinds),
        cmocka_unit_test(test_closed_again),
        cmocka_unit_test(test_close_fails),
        cmocka_unit_test(test_close_fails_for_the_pump),
        cmocka_unit_test(test_strange_results_of_a_source),
        cmocka_unit_test(test_refused_before_a_byte_is_read),
        cmocka_unit_test(test_title_is_an_annotation),
        cmocka_unit_test(test_impossible_title_is_refused),
        cmocka_unit_test(test_nothing_stays_open),
        cmocka_unit_test(test_interrupted_read_is_cancelled),
        cmocka_unit_test(test_older_structs),
        cmocka_unit_test(test_file_that_changes_while_it_is_read),
        cmocka_unit_test(test_socket_of_packets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
