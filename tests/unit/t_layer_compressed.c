/* SPDX-License-Identifier: Apache-2.0 */
/* Input that is compressed already: kept byte for byte, its diff ID that of what is inside, its
 * media type that of what it is (D10). And what is not a layer's content at all (D11, D12). */
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
    unsigned char *packed = malloc(bound);
    assert_non_null(packed);
    stream.next_out = packed;
    stream.avail_out = (uInt)bound;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    bytes_put(out, packed, bound - stream.avail_out);
    deflateEnd(&stream);
    free(packed);
}

static void zstd_frame(struct bytes *out, const void *data, size_t size)
{
    size_t bound = ZSTD_compressBound(size);
    unsigned char *packed = malloc(bound);
    assert_non_null(packed);
    size_t made = ZSTD_compress(packed, bound, data, size, 3);
    assert_false(ZSTD_isError(made));
    bytes_put(out, packed, made);
    free(packed);
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

/* The bytes of a tar packed in one of the ways that are met. */
static void pack(int shape, const struct bytes *tar, struct bytes *out)
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

static int run_packed(const struct bytes *input, const struct lpipe_layer_options *options,
                      size_t piece, struct bytes *out, struct lpipe_layer_result *ret_result,
                      struct lpipe_error *err)
{
    struct memory_source memory = memory_of(input);
    memory.piece = piece;
    lpipe_layer *layer = layer_of(&memory, options);
    int status = layer_drain(layer, 60000, out, err);
    if (status == 0) {
        layer_values(layer, ret_result);
    } else {
        assert_int_equal(err->status, status);
        expect_no_values(layer, status);
    }
    lpipe_layer_free(layer);
    assert_int_equal(memory.closes, 1);
    return status;
}

static void test_d10_kept_byte_for_byte(void **state)
{
    (void)state;
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    tar_thousand(&tar);
    for (int shape = 0; shape < SHAPES; shape++) {
        struct bytes input AUTO_BYTES = { NULL, 0, 0 };
        pack(shape, &tar, &input);
        for (int run = 0; run < 8; run++) {
            struct bytes out AUTO_BYTES = { NULL, 0, 0 };
            struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
            struct lpipe_layer_result result;
            struct lpipe_error err = { 0 };
            options.threads = run % 4 - 1;
            int status = run_packed(&input, &options, run < 4 ? 0 : 1 + (size_t)run * 97, &out,
                                    &result, &err);
            if (status != 0) {
                fail_msg("shape %d: %s", shape, err.message);
            }
            assert_int_equal(out.size, input.size);
            assert_memory_equal(out.data, input.data, input.size);
            assert_string_equal(result.diff_id, OF_T1000);
            assert_int_equal(result.uncompressed_size, tar.size);
            assert_int_equal(result.size, input.size);
            assert_string_equal(result.media_type,
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
        struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
        struct lpipe_layer_result result;
        struct lpipe_error err = { 0 };
        options.flags = LPIPE_LAYER_DOCKER;
        pack(shape, &tar, &input);
        int status = run_packed(&input, &options, 0, NULL, &result, &err);
        if (shape == ONE) {
            assert_int_equal(status, 0);
            assert_string_equal(result.media_type, DOCKER_TAR ".gzip");
        } else {
            assert_int_equal(status, LPIPE_UNSUPPORTED);
            assert_non_null(strstr(err.message, "does not allow zstd layers"));
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
        struct bytes out AUTO_BYTES = { NULL, 0, 0 };
        struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
        struct lpipe_layer_result result;
        struct lpipe_error err = { 0 };
        options.compress = rows[i].compress;
        pack(rows[i].shape, &tar, &input);
        assert_int_equal(run_packed(&input, &options, 0, &out, &result, &err), rows[i].status);
        if (rows[i].status == 0) {
            assert_int_equal(out.size, input.size);
            assert_memory_equal(out.data, input.data, input.size);
            assert_string_equal(result.diff_id, OF_T1000);
        } else {
            assert_int_equal(out.size, 0);
            assert_non_null(
                strstr(err.message, shape_is_gzip(rows[i].shape) ? "gzip -dc" : "zstd -dc"));
        }
    }
}

static void test_labels(void **state)
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
        struct bytes out AUTO_BYTES = { NULL, 0, 0 };
        struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
        struct lpipe_layer_result result;
        struct lpipe_error err = { 0 };
        options.media_type = rows[i].label;
        pack(rows[i].shape, &tar, &input);
        assert_int_equal(run_packed(&input, &options, 0, &out, &result, &err), rows[i].status);
        if (rows[i].status == 0) {
            assert_string_equal(result.media_type, rows[i].label);
        } else {
            assert_int_equal(out.size, 0);
        }
    }
}

/* S21: a label of what the bytes are is kept; one that contradicts them, or of what nobody pushes
 * (D12), is refused before a byte is read. */
static void test_s21_d12_labels(void **state)
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
    struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
    struct lpipe_layer_result result;
    struct lpipe_error err = { 0 };
    char digest[DIGEST_TEXT_SIZE];
    tar_thousand(&tar);
    pack(ONE, &tar, &input);
    options.flags = LPIPE_LAYER_RAW;
    assert_int_equal(digest_of(DIGEST_SHA256, input.data, input.size, digest, NULL), 0);
    assert_int_equal(run_packed(&input, &options, 0, NULL, &result, &err), 0);
    assert_string_equal(result.diff_id, digest);
    assert_int_equal(result.uncompressed_size, input.size);
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
        pack(shape, &tar, &whole);
        for (size_t size = 1; size < whole.size; size++) {
            struct bytes cut = { whole.data, size, 0 };
            struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
            struct lpipe_layer_result result;
            struct lpipe_error err = { 0 };
            options.threads = LPIPE_THREADS_INLINE;
            int status = run_packed(&cut, &options, 0, NULL, &result, &err);
            /* The last of these need not be there: the tar is whole without it. */
            bool whole_without = (shape == SKIP_ALL_OVER && size == whole.size - 13) ||
                                 (shape == EMPTY_MEMBERS && size == whole.size - 20);
            if (whole_without != (status == 0) ||
                (status != 0 && lpipe_status_exit_code(status) != 3)) {
                fail_msg("shape %d cut at %zu of %zu: %s", shape, size, whole.size, err.message);
            }
        }
    }
}

/* One bit wrong anywhere: never other contents than those that were packed. */
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
        pack(shape, &tar, &input);
        for (size_t bit = 0; bit < input.size * 8; bit++) {
            struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
            struct lpipe_layer_result result;
            struct lpipe_error err = { 0 };
            options.threads = LPIPE_THREADS_INLINE;
            input.data[bit / 8] ^= (unsigned char)(1u << bit % 8);
            int status = run_packed(&input, &options, 0, NULL, &result, &err);
            input.data[bit / 8] ^= (unsigned char)(1u << bit % 8);
            /* zstd frames made in one call carry no checksum. */
            if (status == 0 && shape_is_gzip(shape)) {
                assert_string_equal(result.diff_id, plain);
            } else if (status != 0 && lpipe_status_exit_code(status) != 3) {
                fail_msg("shape %d bit %zu: %s", shape, bit, err.message);
            }
        }
    }
}

static void expect_refused(const struct bytes *input, int status, const char *message)
{
    struct lpipe_layer_result result;
    struct lpipe_error err = { 0 };
    int got = run_packed(input, NULL, 0, NULL, &result, &err);
    if (got != status || strstr(err.message, message) == NULL) {
        fail_msg("status %d, '%s' does not say '%s'", got, err.message, message);
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
        { 27, (uint64_t)8 << 20, LPIPE_NO_RESOURCES, 10, "--memory" },
        { 20, (uint64_t)8 << 20, LPIPE_TRUNCATED, 3, "ends too early" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bytes input AUTO_BYTES = { NULL, 0, 0 };
        struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
        struct lpipe_layer_result result;
        struct lpipe_error err = { 0 };
        options.threads = LPIPE_THREADS_INLINE;
        options.memory_bytes_max = cases[i].memory;
        frame_of_window(&input, cases[i].window_log);
        int status = run_packed(&input, &options, 0, NULL, &result, &err);
        if (status != cases[i].status || strstr(err.message, cases[i].words) == NULL) {
            fail_msg("case %zu: %d, %s", i, status, err.message);
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
        pack(shape, &text, &input);
        expect_refused(&input, LPIPE_NOT_TAR, "not a valid tar archive");
        tar_put(&tar, "a", '0', noise.data, noise.size);
        tar_end(&tar);
        bytes_dispose(&input);
        pack(shape, &tar, &input);
        pack(ONE, &input, &twice); /* packed twice over */
        expect_refused(&twice, LPIPE_NOT_TAR, "not a valid tar archive");
        tar.size -= 1024; /* without its end */
        bytes_dispose(&input);
        pack(shape, &tar, &input);
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
            pack(shape, &tar, &input);
            if (kind == 0) {
                bytes_fill(&input, 0, 512);
            } else if (kind == 1) {
                bytes_fill(&input, 'x', 5);
            } else {
                pack(shape_is_gzip(shape) ? FRAME : ONE, &tar, &input);
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

/* D11: no text, no picture, nothing at all becomes a layer by mistake. */
static void test_d11_not_a_tar(void **state)
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
        cmocka_unit_test(test_d10_kept_byte_for_byte), cmocka_unit_test(test_docker_types),
        cmocka_unit_test(test_codec_asked_for),        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_s21_d12_labels),         cmocka_unit_test(test_raw_is_not_recognised),
        cmocka_unit_test(test_cut_anywhere),           cmocka_unit_test(test_damaged_anywhere),
        cmocka_unit_test(test_window_too_large),       cmocka_unit_test(test_not_a_tar_inside),
        cmocka_unit_test(test_something_behind),       cmocka_unit_test(test_other_compressions),
        cmocka_unit_test(test_d11_not_a_tar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
