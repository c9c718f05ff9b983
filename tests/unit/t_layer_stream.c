/* SPDX-License-Identifier: Apache-2.0 */
/* Layers that are read back from a store whose reads give a few bytes only, as a slow connection
 * does. */
#include "support/unit.h"

#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>

#include "codec/digest.h"
#include "content/layer_stream.h"
#include "support/scripted_store.h"

#define PLAIN_BYTES 3000

/* A gzip member whose header has these fields. */
enum { WITH_HCRC = 1, WITH_EXTRA = 2, WITH_NAME = 4, WITH_COMMENT = 8, ALL_FIELDS = 15 };

static void put_member(struct bytes *blob, const unsigned char *data, size_t size, int fields)
{
    unsigned char out[2 * PLAIN_BYTES];
    unsigned char extra[26] = "SG with an extra field";
    unsigned char name[] = "layer.tar";
    unsigned char comment[] = "a comment";
    gz_header header = { .os = 3, .hcrc = (fields & WITH_HCRC) != 0 };
    z_stream stream = { .next_in = data, .avail_in = (uInt)size };
    if ((fields & WITH_EXTRA) != 0) {
        header.extra = extra;
        header.extra_len = sizeof extra;
    }
    header.name = (fields & WITH_NAME) != 0 ? name : NULL;
    header.comment = (fields & WITH_COMMENT) != 0 ? comment : NULL;
    stream.next_out = out;
    stream.avail_out = sizeof out;
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflateSetHeader(&stream, &header), Z_OK);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    bytes_put(blob, out, stream.total_out);
    deflateEnd(&stream);
}

static void put_frame(struct bytes *blob, const unsigned char *data, size_t size)
{
    unsigned char out[2 * PLAIN_BYTES];
    size_t made = ZSTD_compress(out, sizeof out, data, size, 3);
    assert_false(ZSTD_isError(made));
    bytes_put(blob, out, made);
}

static void make_plain(unsigned char plain[PLAIN_BYTES])
{
    uint32_t number = 1;
    for (size_t i = 0; i < PLAIN_BYTES; i++) {
        number = number * 1664525u + 1013904223u;
        plain[i] = (unsigned char)(i % 100 < 50 ? i / 100 : number >> 24);
    }
}

/* Reads the blob as a layer, and checks what is read. */
static void check_read(struct scripted_store *store, const struct bytes *blob, size_t read_max,
                       const unsigned char plain[PLAIN_BYTES])
{
    struct layer_spec layer = { .blob.size = blob->size };
    struct content_stream *stream = NULL;
    struct lpipe_error err = { 0 };
    struct bytes got AUTO_BYTES = { NULL, 0, 0 };
    const unsigned char *data = NULL;
    size_t size = 1;
    assert_int_equal(digest_of(DIGEST_SHA256, blob->data, blob->size, layer.blob.digest, NULL), 0);
    scripted_put_blob(store, layer.blob.digest, blob->data, blob->size);
    store->read_max = read_max;
    store->journal[0] = '\0';
    int status = layer_stream_open(&store->base, &layer, &stream, &err);
    while (status == 0 && size > 0) {
        status = stream->ops->next(stream, &data, &size, &err);
        if (status == 0) {
            bytes_put(&got, data, size);
        }
    }
    content_stream_free(stream);
    assert_string_equal(err.message, "");
    assert_int_equal(status, 0);
    assert_int_equal(got.size, PLAIN_BYTES);
    assert_memory_equal(got.data, plain, PLAIN_BYTES);
}

static void check_all_reads(const struct bytes *blob, const unsigned char plain[PLAIN_BYTES])
{
    static const size_t read_max[] = { 1, 2, 3, 5, 7, 11, 13, 17, 29, 100, 0 };
    struct scripted_store *store = scripted_new("pieces");
    for (size_t i = 0; i < sizeof read_max / sizeof read_max[0]; i++) {
        check_read(store, blob, read_max[i], plain);
    }
    store_free(&store->base);
}

static void test_headers_of_gzip_in_pieces(void **state)
{
    unsigned char plain[PLAIN_BYTES];
    (void)state;
    make_plain(plain);
    for (int fields = 0; fields <= ALL_FIELDS; fields++) {
        struct bytes blob AUTO_BYTES = { NULL, 0, 0 };
        put_member(&blob, plain, 1000, fields);
        put_member(&blob, plain + 1000, PLAIN_BYTES - 1000, fields);
        put_member(&blob, plain, 0, WITH_EXTRA); /* as the end of an eStargz */
        check_all_reads(&blob, plain);
    }
}

static void test_zstd_and_tar_in_pieces(void **state)
{
    unsigned char plain[PLAIN_BYTES];
    struct bytes frames AUTO_BYTES = { NULL, 0, 0 };
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    (void)state;
    make_plain(plain);
    put_frame(&frames, plain, 1000);
    put_frame(&frames, plain + 1000, PLAIN_BYTES - 1000);
    check_all_reads(&frames, plain);
    bytes_put(&tar, plain, PLAIN_BYTES);
    check_all_reads(&tar, plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers_of_gzip_in_pieces),
        cmocka_unit_test(test_zstd_and_tar_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
