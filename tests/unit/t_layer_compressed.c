/* SPDX-License-Identifier: Apache-2.0 */
/* Input that is compressed already: kept byte for byte, its diff ID that of what is inside, its
 * media type that of its compression. And input that cannot be a layer. */
#include "support/layer_run.h"

#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>

#define OF_T1000 "sha256:0220e93a5c8387e77bd33d020b30ee1cd4cf49d376f158813aedc80a4e102201"
#define OCI_TAR "application/vnd.oci.image.layer.v1.tar"
#define DOCKER_TAR "application/vnd.docker.image.rootfs.diff.tar"

/* One gzip member; named ones have all of a header's optional fields. */
static void gzip_member(struct bytes *out, const void *data, size_t size, bool named)
{
    z_stream stream = { .next_in = data, .avail_in = (uInt)size };
    gz_header header = {
        .name = (Bytef *)(uintptr_t) "a.tar",
        .comment = (Bytef *)(uintptr_t) "made today",
        .extra = (Bytef *)(uintptr_t) "XX\2\0ab",
        .extra_len = 6,
        .time = 1234567,
        .hcrc = 1,
    };
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, 0), Z_OK);
    if (named) {
        assert_int_equal(deflateSetHeader(&stream, &header), Z_OK);
    }
    size_t bound = deflateBound(&stream, size) + 100;
    unsigned char *compressed = malloc(bound);
    assert_non_null(compressed);
    stream.next_out = compressed;
    stream.avail_out = (uInt)bound;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    bytes_put(out, compressed, bound - stream.avail_out);
    deflateEnd(&stream);
    free(compressed);
}

static void zstd_frame(struct bytes *out, const void *data, size_t size)
{
    size_t bound = ZSTD_compressBound(size);
    unsigned char *compressed = malloc(bound);
    assert_non_null(compressed);
    size_t made = ZSTD_compress(compressed, bound, data, size, 3);
    assert_false(ZSTD_isError(made));
    bytes_put(out, compressed, made);
    free(compressed);
}

static void skippable_frame(struct bytes *out, unsigned char kind)
{
    unsigned char head[] = { 0x50 | kind, 0x2a, 0x4d, 0x18, 5, 0, 0, 0, 'n', 'o', 't', 'e', 's' };
    bytes_put(out, head, sizeof head);
}

enum { ONE, NAMED, MEMBERS, EMPTY_MEMBERS, FRAME, FRAMES, SKIP_FIRST, SKIP_ALL_OVER, SHAPES };

static bool shape_is_gzip(int shape)
{
    return shape < FRAME;
}

/* Compresses a tar in one of the ways that other programs use. */
static void compress_as(int shape, const struct bytes *tar, struct bytes *out)
{
    size_t half = tar->size / 3;
    switch (shape) {
    case MEMBERS:
    case EMPTY_MEMBERS:
        gzip_member(out, tar->data, half, false);
        if (shape == EMPTY_MEMBERS) {
            gzip_member(out, "", 0, false);
        }
        gzip_member(out, tar->data + half, tar->size - half, true);
        if (shape == EMPTY_MEMBERS) {
            gzip_member(out, "", 0, false);
        }
        break;
    case FRAME:
        zstd_frame(out, tar->data, tar->size);
        break;
    case FRAMES:
    case SKIP_FIRST:
    case SKIP_ALL_OVER:
        if (shape != FRAMES) {
            skippable_frame(out, 0);
        }
        zstd_frame(out, tar->data, half);
        if (shape == SKIP_ALL_OVER) {
            skippable_frame(out, 15);
            zstd_frame(out, "", 0);
        }
        zstd_frame(out, tar->data + half, tar->size - half);
        if (shape == SKIP_ALL_OVER) {
            skippable_frame(out, 7);
        }
        break;
    default:
        gzip_member(out, tar->data, tar->size, shape == NAMED);
        break;
    }
}

/* One layer of a test: how it is made, and what comes out. */
struct layer_run {
    struct lpipe_layer_options options;
    size_t piece; /* maximum of one read of the input; 0 = as much as fits */
    struct bytes out;
    struct lpipe_layer_result result;
    struct lpipe_error err;
};
#define LAYER_RUN_INIT                                                                             \
    {                                                                                              \
        .options = LPIPE_LAYER_OPTIONS_INIT                                                        \
    }

static void layer_run_dispose(struct layer_run *run)
{
    bytes_dispose(&run->out);
}

/* Makes a layer of the input and reads it to its end. */
static int run_layer(struct layer_run *run, const struct bytes *input)
{
    struct memory_source memory = memory_of(input);
    memory.piece = run->piece;
    lpipe_layer *layer = layer_of(&memory, &run->options);
    int status = layer_drain(layer, 60000, &run->out, &run->err);
    if (status == 0) {
        layer_values(layer, &run->result);
    } else {
        assert_int_equal(run->err.status, status);
        expect_no_values(layer, status);
    }
    lpipe_layer_free(layer);
    assert_int_equal(memory.closes, 1);
    return status;
}

/* The layer has the bytes of the input, and the diff ID of the tar of tar_thousand() in it. */
static void expect_kept(const struct layer_run *run, const struct bytes *input)
{
    assert_int_equal(run->out.size, input->size);
    assert_memory_equal(run->out.data, input->data, input->size);
    assert_string_equal(run->result.diff_id, OF_T1000);
}

static void test_compressed_input_is_kept(void **state)
{
    (void)state;
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    tar_thousand(&tar);
    for (int shape = 0; shape < SHAPES; shape++) {
        struct bytes input AUTO_BYTES = { NULL, 0, 0 };
        compress_as(shape, &tar, &input);
        for (int i = 0; i < 8; i++) {
            struct layer_run run CLEANUP(layer_run_dispose) = LAYER_RUN_INIT;
            run.options.threads = i % 4 - 1;
            run.piece = i < 4 ? 0 : 1 + (size_t)i * 97;
            int status = run_layer(&run, &input);
            if (status != 0) {
                fail_msg("shape %d: %s", shape, run.err.message);
            }
            expect_kept(&run, &input);
            assert_int_equal(run.result.uncompressed_size, tar.size);
            assert_int_equal(run.result.size, input.size);
            assert_string_equal(run.result.media_type,
                                shape_is_gzip(shape) ? OCI_TAR "+gzip" : OCI_TAR "+zstd");
        }
    }
}

static void test_docker_types(void **state)
{
    (void)state;
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    tar_thousand(&tar);
    for (int shape = ONE; shape <= FRAME; shape += FRAME - ONE) {
        struct bytes input AUTO_BYTES = { NULL, 0, 0 };
        struct layer_run run CLEANUP(layer_run_dispose) = LAYER_RUN_INIT;
        run.options.flags = LPIPE_LAYER_DOCKER;
        compress_as(shape, &tar, &input);
        int status = run_layer(&run, &input);
        if (shape == ONE) {
            assert_int_equal(status, 0);
            assert_string_equal(run.result.media_type, DOCKER_TAR ".gzip");
        } else {
            assert_int_equal(status, LPIPE_UNSUPPORTED);
            assert_non_null(strstr(run.err.message, "does not allow zstd layers"));
        }
    }
}

/* A codec asked for by name: the input's own is there already, another would need other bytes. */
static void test_codec_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *compress;
        int shape;
        int status;
    } rows[] = {
        { "gzip", ONE, 0 },
        { "gzip:9", MEMBERS, 0 },
        { "zstd", FRAMES, 0 },
        { "zstd:19", SKIP_FIRST, 0 },
        { "zstd", ONE, LPIPE_NOT_TAR },
        { "none", ONE, LPIPE_NOT_TAR },
        { "gzip", FRAME, LPIPE_NOT_TAR },
        { "none", SKIP_FIRST, LPIPE_NOT_TAR },
    };
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    tar_thousand(&tar);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes input AUTO_BYTES = { NULL, 0, 0 };
        struct layer_run run CLEANUP(layer_run_dispose) = LAYER_RUN_INIT;
        run.options.compress = rows[i].compress;
        compress_as(rows[i].shape, &tar, &input);
        assert_int_equal(run_layer(&run, &input), rows[i].status);
        if (rows[i].status == 0) {
            expect_kept(&run, &input);
        } else {
            assert_int_equal(run.out.size, 0);
            assert_non_null(
                strstr(run.err.message, shape_is_gzip(rows[i].shape) ? "gzip -dc" : "zstd -dc"));
        }
    }
}

static void test_media_types_of_compressed_input(void **state)
{
    (void)state;
    static const struct {
        const char *label;
        int shape;
        int status;
    } rows[] = {
        { OCI_TAR "+gzip", ONE, 0 },
        { DOCKER_TAR ".gzip", ONE, 0 },
        { OCI_TAR "+zstd", FRAME, 0 },
        { OCI_TAR "+gzip", FRAME, LPIPE_INVALID_ARGUMENT },
        { OCI_TAR "+zstd", ONE, LPIPE_INVALID_ARGUMENT },
    };
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    tar_thousand(&tar);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes input AUTO_BYTES = { NULL, 0, 0 };
        struct layer_run run CLEANUP(layer_run_dispose) = LAYER_RUN_INIT;
        run.options.media_type = rows[i].label;
        compress_as(rows[i].shape, &tar, &input);
        assert_int_equal(run_layer(&run, &input), rows[i].status);
        if (rows[i].status == 0) {
            assert_string_equal(run.result.media_type, rows[i].label);
        } else {
            assert_int_equal(run.out.size, 0);
        }
    }
}

/* A media type that fits the bytes is kept. One that contradicts them, and one of layers that
 * are not distributable, is refused before a byte is read. */
static void test_media_types(void **state)
{
    (void)state;
    static const struct {
        const char *label;
        const char *compress;
        uint32_t flags;
        int status;
    } rows[] = {
        { OCI_TAR "+gzip", NULL, 0, 0 },
        { DOCKER_TAR ".gzip", NULL, 0, 0 },
        { OCI_TAR, "none", 0, 0 },
        { OCI_TAR "+zstd", "zstd", 0, 0 },
        { "application/x-thing", NULL, LPIPE_LAYER_RAW, 0 },
        { DOCKER_TAR ".gzip", NULL, LPIPE_LAYER_DOCKER, 0 },
        { DOCKER_TAR, "none", LPIPE_LAYER_DOCKER, 0 },
        { "application/x-thing", NULL, LPIPE_LAYER_RAW | LPIPE_LAYER_DOCKER, 0 },
        { OCI_TAR "+gzip", NULL, LPIPE_LAYER_DOCKER, LPIPE_INVALID_ARGUMENT },
        { OCI_TAR "+zstd", NULL, LPIPE_LAYER_DOCKER, LPIPE_INVALID_ARGUMENT },
        { NULL, "zstd", LPIPE_LAYER_DOCKER, LPIPE_INVALID_ARGUMENT },
        { "application/x-thing", NULL, 0, LPIPE_INVALID_ARGUMENT },
        { OCI_TAR, NULL, 0, LPIPE_INVALID_ARGUMENT },
        { OCI_TAR "+gzip", "none", 0, LPIPE_INVALID_ARGUMENT },
        { OCI_TAR "+zstd", "gzip", 0, LPIPE_INVALID_ARGUMENT },
        { "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", NULL, 0,
          LPIPE_UNSUPPORTED },
        { "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", NULL, 0, LPIPE_UNSUPPORTED },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
        struct memory_source memory = { .data = NULL };
        struct lpipe_source source = source_of(&memory);
        lpipe_layer *layer = NULL;
        options.media_type = rows[i].label;
        options.compress = rows[i].compress;
        options.flags = rows[i].flags;
        assert_int_equal(lpipe_layer_new(&source, &options, &layer, NULL), rows[i].status);
        if (rows[i].status == 0) {
            assert_string_equal(lpipe_layer_media_type(layer), rows[i].label);
        }
        lpipe_layer_free(layer);
        assert_int_equal(memory.reads, 0);
        assert_int_equal(memory.closes, 1);
    }
}

/* Raw input is not looked at: it is compressed again, and its diff ID is its own. */
static void test_raw_is_not_recognised(void **state)
{
    (void)state;
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    struct bytes input AUTO_BYTES = { NULL, 0, 0 };
    struct layer_run run CLEANUP(layer_run_dispose) = LAYER_RUN_INIT;
    char digest[DIGEST_TEXT_SIZE];
    tar_thousand(&tar);
    compress_as(ONE, &tar, &input);
    run.options.flags = LPIPE_LAYER_RAW;
    assert_int_equal(digest_of(DIGEST_SHA256, input.data, input.size, digest, NULL), 0);
    assert_int_equal(run_layer(&run, &input), 0);
    assert_string_equal(run.result.diff_id, digest);
    assert_int_equal(run.result.uncompressed_size, input.size);
}

/* Cut anywhere: never a layer. */
static void test_cut_anywhere(void **state)
{
    (void)state;
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    tar_file(&tar, "a", "some text");
    tar_file(&tar, "b", "more of it");
    tar_end(&tar);
    for (int shape = 0; shape < SHAPES; shape++) {
        struct bytes whole AUTO_BYTES = { NULL, 0, 0 };
        compress_as(shape, &tar, &whole);
        for (size_t size = 1; size < whole.size; size++) {
            struct bytes cut = { whole.data, size, 0 };
            struct layer_run run CLEANUP(layer_run_dispose) = LAYER_RUN_INIT;
            run.options.threads = LPIPE_THREADS_INLINE;
            int status = run_layer(&run, &cut);
            /* The last of these need not be there: the tar is whole without it. */
            bool whole_without = (shape == SKIP_ALL_OVER && size == whole.size - 13) ||
                                 (shape == EMPTY_MEMBERS && size == whole.size - 20);
            if (whole_without != (status == 0) ||
                (status != 0 && lpipe_status_exit_code(status) != 3)) {
                fail_msg("shape %d cut at %zu of %zu: %s", shape, size, whole.size,
                         run.err.message);
            }
        }
    }
}

/* One bit wrong anywhere: the layer never has another content than the tar that was compressed. */
static void test_damaged_anywhere(void **state)
{
    (void)state;
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    tar_file(&tar, "a", "some text");
    tar_end(&tar);
    for (int shape = 0; shape < SHAPES; shape++) {
        struct bytes input AUTO_BYTES = { NULL, 0, 0 };
        char plain[DIGEST_TEXT_SIZE];
        assert_int_equal(digest_of(DIGEST_SHA256, tar.data, tar.size, plain, NULL), 0);
        compress_as(shape, &tar, &input);
        for (size_t bit = 0; bit < input.size * 8; bit++) {
            struct layer_run run CLEANUP(layer_run_dispose) = LAYER_RUN_INIT;
            run.options.threads = LPIPE_THREADS_INLINE;
            input.data[bit / 8] ^= (unsigned char)(1u << bit % 8);
            int status = run_layer(&run, &input);
            input.data[bit / 8] ^= (unsigned char)(1u << bit % 8);
            /* zstd frames made in one call carry no checksum. */
            if (status == 0 && shape_is_gzip(shape)) {
                assert_string_equal(run.result.diff_id, plain);
            } else if (status != 0 && lpipe_status_exit_code(status) != 3) {
                fail_msg("shape %d bit %zu: %s", shape, bit, run.err.message);
            }
        }
    }
}

static void expect_refused(const struct bytes *input, int status, const char *message)
{
    struct layer_run run CLEANUP(layer_run_dispose) = LAYER_RUN_INIT;
    int got = run_layer(&run, input);
    if (got != status || strstr(run.err.message, message) == NULL) {
        fail_msg("status %d, '%s' does not say '%s'", got, run.err.message, message);
    }
    assert_int_equal(lpipe_status_exit_code(got), 3);
}

/* The start of a frame that wants this window (a power of two), and no more. */
static void frame_of_window(struct bytes *out, unsigned window_log)
{
    const unsigned char head[] = { 0x28, 0xb5, 0x2f,
                                   0xfd, 0,    (unsigned char)((window_log - 10) << 3) };
    bytes_put(out, head, sizeof head);
}

/* A window over the maximum is a matter of the input, one over the caller's limit of that limit. */
static void test_window_too_large(void **state)
{
    (void)state;
    const struct {
        unsigned window_log;
        uint64_t memory;
        int status, exit_code;
        const char *words;
    } cases[] = {
        { 28, 0, LPIPE_NOT_TAR, 3, "more than 128 MiB; decompress it first" },
        { 28, (uint64_t)512 << 20, LPIPE_NOT_TAR, 3, "more than 128 MiB" },
        { 27, 0, LPIPE_TRUNCATED, 3, "ends too early" },
        { 27, (uint64_t)8 << 20, LPIPE_NO_RESOURCES, 10, "`memory_bytes_max`" },
        { 20, (uint64_t)8 << 20, LPIPE_TRUNCATED, 3, "ends too early" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bytes input AUTO_BYTES = { NULL, 0, 0 };
        struct layer_run run CLEANUP(layer_run_dispose) = LAYER_RUN_INIT;
        run.options.threads = LPIPE_THREADS_INLINE;
        run.options.memory_bytes_max = cases[i].memory;
        frame_of_window(&input, cases[i].window_log);
        int status = run_layer(&run, &input);
        if (status != cases[i].status || strstr(run.err.message, cases[i].words) == NULL) {
            fail_msg("case %zu: %d, %s", i, status, run.err.message);
        }
        assert_int_equal(lpipe_status_exit_code(status), cases[i].exit_code);
    }
}

static void test_not_a_tar_inside(void **state)
{
    (void)state;
    struct bytes text AUTO_BYTES = { NULL, 0, 0 };
    struct bytes noise AUTO_BYTES = { NULL, 0, 0 };
    bytes_mixed(&text, 5000);
    bytes_random(&noise, 2000);
    for (int shape = 0; shape < SHAPES; shape++) {
        struct bytes input AUTO_BYTES = { NULL, 0, 0 };
        struct bytes twice AUTO_BYTES = { NULL, 0, 0 };
        struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
        compress_as(shape, &text, &input);
        expect_refused(&input, LPIPE_NOT_TAR, "not a valid tar archive");
        tar_put(&tar, "a", '0', noise.data, noise.size);
        tar_end(&tar);
        bytes_dispose(&input);
        compress_as(shape, &tar, &input);
        compress_as(ONE, &input, &twice); /* compressed twice */
        expect_refused(&twice, LPIPE_NOT_TAR, "compressed twice");
        tar.size -= 1024; /* without its end */
        bytes_dispose(&input);
        compress_as(shape, &tar, &input);
        expect_refused(&input, LPIPE_TRUNCATED, "end-of-archive");
    }
}

static void test_something_behind(void **state)
{
    (void)state;
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    tar_file(&tar, "a", "b");
    tar_end(&tar);
    for (int shape = 0; shape < SHAPES; shape++) {
        for (int kind = 0; kind < 3; kind++) {
            struct bytes input AUTO_BYTES = { NULL, 0, 0 };
            compress_as(shape, &tar, &input);
            if (kind == 0) {
                bytes_fill(&input, 0, 512);
            } else if (kind == 1) {
                bytes_fill(&input, 'x', 5);
            } else {
                compress_as(shape_is_gzip(shape) ? FRAME : ONE, &tar, &input);
            }
            expect_refused(&input, LPIPE_NOT_TAR, "damaged");
        }
    }
}

/* What is recognised and not taken, with what to do about it. */
static void test_other_compressions(void **state)
{
    (void)state;
    static const struct {
        const char *magic;
        size_t size;
        const char *tool;
    } rows[] = {
        { "\xfd\x37zXZ\0\0\4", 8, "xz -dc" },
        { "BZh91AY&SY", 10, "bzip2 -dc" },
        { "\x04\x22\x4d\x18\x64\x40\xa7", 7, "lz4 -dc" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes input AUTO_BYTES = { NULL, 0, 0 };
        bytes_put(&input, rows[i].magic, rows[i].size);
        bytes_fill(&input, 0x55, 5000);
        expect_refused(&input, LPIPE_NOT_TAR, rows[i].tool);
    }
}

/* Text, other data and empty input do not become a layer by mistake. */
static void test_input_that_is_no_tar(void **state)
{
    (void)state;
    struct bytes input AUTO_BYTES = { NULL, 0, 0 };
    expect_refused(&input, LPIPE_TRUNCATED, "empty");
    bytes_put(&input, "hello, world\n", 13);
    expect_refused(&input, LPIPE_TRUNCATED, "too short");
    bytes_mixed(&input, 100000);
    expect_refused(&input, LPIPE_NOT_TAR, "does not begin with a tar header");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compressed_input_is_kept),
        cmocka_unit_test(test_docker_types),
        cmocka_unit_test(test_codec_asked_for),
        cmocka_unit_test(test_media_types_of_compressed_input),
        cmocka_unit_test(test_media_types),
        cmocka_unit_test(test_raw_is_not_recognised),
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_damaged_anywhere),
        cmocka_unit_test(test_window_too_large),
        cmocka_unit_test(test_not_a_tar_inside),
        cmocka_unit_test(test_something_behind),
        cmocka_unit_test(test_other_compressions),
        cmocka_unit_test(test_input_that_is_no_tar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
