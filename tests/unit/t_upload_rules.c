/* SPDX-License-Identifier: Apache-2.0 */
/* What an upload knows and computes, without sending anything: hosts, offsets, sizes of chunks, and
 * what answers mean. */
#include "support/unit.h"

#include "base/limits.h"
#include "base/macros.h"
#include "upload/upload_answer.h"
#include "upload/upload_defaults.h"
#include "upload/upload_offset.h"
#include "upload/upload_size.h"

static void test_hosts(void **state)
{
    static const struct {
        const char *registry;
        enum upload_method start, fall_back;
        uint64_t chunk;
        enum upload_last last;
    } rows[] = {
        { "ghcr.io", UPLOAD_STREAMED, UPLOAD_STREAMED, 3 * MIB, UPLOAD_LAST_IN_PATCH },
        { "GHCR.io:443", UPLOAD_STREAMED, UPLOAD_STREAMED, 3 * MIB, UPLOAD_LAST_IN_PATCH },
        { "europe-docker.pkg.dev", UPLOAD_STREAMED, UPLOAD_STREAMED, CHUNK_BYTES_DEFAULT,
          UPLOAD_LAST_IN_PATCH },
        { "eu.gcr.io", UPLOAD_STREAMED, UPLOAD_STREAMED, CHUNK_BYTES_DEFAULT,
          UPLOAD_LAST_IN_PATCH },
        { "123.dkr.ecr.eu-west-1.amazonaws.com", UPLOAD_STREAMED, UPLOAD_CHUNKED, 10 * MIB,
          UPLOAD_LAST_IN_PUT },
        { "123.dkr.ecr.cn-north-1.amazonaws.com.cn", UPLOAD_STREAMED, UPLOAD_CHUNKED, 10 * MIB,
          UPLOAD_LAST_IN_PUT },
        { "public.ecr.aws", UPLOAD_STREAMED, UPLOAD_CHUNKED, 10 * MIB, UPLOAD_LAST_IN_PUT },
        { "example.azurecr.io", UPLOAD_CHUNKED, UPLOAD_STREAMED, 8 * MIB, UPLOAD_LAST_IN_PATCH },
        { "docker.io", UPLOAD_CHUNKED, UPLOAD_STREAMED, CHUNK_BYTES_DEFAULT, UPLOAD_LAST_IN_PATCH },
        { "localhost:5000", UPLOAD_CHUNKED, UPLOAD_STREAMED, CHUNK_BYTES_DEFAULT,
          UPLOAD_LAST_IN_PATCH },
        { "[::1]:5000", UPLOAD_CHUNKED, UPLOAD_STREAMED, CHUNK_BYTES_DEFAULT,
          UPLOAD_LAST_IN_PATCH },
        /* Not these, for all they look like them. */
        { "notghcr.io", UPLOAD_CHUNKED, UPLOAD_STREAMED, CHUNK_BYTES_DEFAULT,
          UPLOAD_LAST_IN_PATCH },
        { "ghcr.io.example", UPLOAD_CHUNKED, UPLOAD_STREAMED, CHUNK_BYTES_DEFAULT,
          UPLOAD_LAST_IN_PATCH },
        { "x.azurecr.io.example", UPLOAD_CHUNKED, UPLOAD_STREAMED, CHUNK_BYTES_DEFAULT,
          UPLOAD_LAST_IN_PATCH },
        { "amazonaws.com", UPLOAD_CHUNKED, UPLOAD_STREAMED, CHUNK_BYTES_DEFAULT,
          UPLOAD_LAST_IN_PATCH },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct upload_defaults *host = upload_defaults_of(rows[i].registry);
        if (host->start != rows[i].start || host->fall_back != rows[i].fall_back ||
            host->chunk_bytes != rows[i].chunk || host->last != rows[i].last) {
            fail_msg("%s is taken for %s", rows[i].registry, host->pattern);
        }
    }
}

static void test_ranges(void **state)
{
    static const struct {
        const char *text;
        int kind;
        uint64_t last;
        bool unit;
    } rows[] = {
        { "0-0", RANGE_LAST, 0, false },
        { "0-1048575", RANGE_LAST, 1048575, false },
        { "bytes=0-9", RANGE_LAST, 9, true },
        { "bytes 0-9", RANGE_LAST, 9, true },
        { "BYTES=0-9", RANGE_LAST, 9, true },
        { " 0-9", RANGE_LAST, 9, false },
        { "0-9/10", RANGE_LAST, 9, false },
        { "0-9/*", RANGE_LAST, 9, false },
        { "0--1", RANGE_EMPTY, 0, false },
        { "bytes=0--1", RANGE_EMPTY, 0, true },
        { "0-18446744073709551614", RANGE_LAST, UINT64_MAX - 1, false },
        { "0-18446744073709551615", RANGE_NONE, 0, false },
        { "0-18446744073709551616", RANGE_NONE, 0, false },
        { "", RANGE_NONE, 0, false },
        { "-", RANGE_NONE, 0, false },
        { "0-", RANGE_NONE, 0, false },
        { "0--", RANGE_NONE, 0, false },
        { "0--12", RANGE_NONE, 0, false },
        { "9-1", RANGE_NONE, 0, false },
        { "1-9", RANGE_NONE, 0, false },
        { "0-9x", RANGE_NONE, 0, false },
        { "garbage", RANGE_NONE, 0, false },
        { "bytes", RANGE_NONE, 0, false },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct upload_range range = upload_range_parse(rows[i].text);
        if ((int)range.kind != rows[i].kind ||
            (rows[i].kind == RANGE_LAST && range.last != rows[i].last) ||
            (rows[i].kind != RANGE_NONE && range.has_unit != rows[i].unit)) {
            fail_msg("\"%s\" is misread", rows[i].text);
        }
    }
}

/* 100 bytes were acknowledged, 50 more were sent and accepted. */
static void test_what_is_a_short_accept(void **state)
{
    static const struct {
        const char *text;
        bool is_short;
    } rows[] = {
        { "0-149", false }, /* all of it */
        { "0-150", false }, /* counts one too many */
        { "0-49", false },  /* of this request alone */
        { "0-99", false },  /* of an earlier one, for ever */
        { "0-0", false },   { "0--1", false }, { "garbage", false },
        { "0-999", false }, { "0-100", true }, /* one byte of it */
        { "0-148", true },                     /* one byte is missing */
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct upload_range range = upload_range_parse(rows[i].text);
        if (upload_range_is_short(&range, 100, 50) != rows[i].is_short) {
            fail_msg("\"%s\" is misjudged", rows[i].text);
        }
    }
}

static void test_offsets_asked_for(void **state)
{
    static const struct {
        const char *text;
        uint64_t start, offset;
    } rows[] = {
        { "0-99", 100, 100 }, { "0-149", 100, 150 }, { "bytes=0-100", 100, 100 }, /* exclusive */
        { "0-0", 0, 0 }, /* an empty session, most probably */
        { "0-0", 1, 1 },      { "0--1", 100, 0 },    { "garbage", 100, UPLOAD_OFFSET_NONE },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct upload_range range = upload_range_parse(rows[i].text);
        assert_int_equal(upload_range_offset(&range, rows[i].start), rows[i].offset);
    }
}

static void test_sizes_announced(void **state)
{
    static const struct {
        uint64_t asked;
        const char *min, *max;
        bool fits;
        uint64_t bytes;
    } rows[] = {
        { 0, "", "", true, CHUNK_BYTES_DEFAULT },
        { MIB, "", "", true, MIB },
        { MIB, "5242880", "100000000", true, 5 * MIB },
        { MIB, "2097152", "", true, 2 * MIB },
        { MIB, "0", "", true, MIB },
        { MIB, "x", "x", true, MIB },
        { MIB, "-5", "", true, MIB },
        { 0, "", "1048576", true, MIB },
        { 0, "", "0", true, CHUNK_BYTES_DEFAULT },
        /* No memory because the other side names a number. */
        { MIB, "99999999999999999999999", "", true, MIB },
        { MIB, "999999999", "", false, MIB },
        { MIB, "17825792", "", false, MIB },
        { MIB, "", "1", false, MIB },
        { MIB, "5242880", "1048576", false, MIB },
        { 1024 * MIB, "", "", true, CHUNK_BYTES_MAX },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct upload_size size =
            upload_size_begin(rows[i].asked, CHUNK_BYTES_DEFAULT, CHUNK_BYTES_MAX);
        bool fits = upload_size_announced(&size, rows[i].min, rows[i].max);
        if (fits != rows[i].fits || size.bytes != rows[i].bytes) {
            fail_msg("row %zu: %llu bytes", i, (unsigned long long)size.bytes);
        }
        assert_true(size.bytes <= size.capacity);
    }
}

static void test_chunks_shrink(void **state)
{
    (void)state;
    struct upload_size size = upload_size_begin(8 * MIB, CHUNK_BYTES_DEFAULT, CHUNK_BYTES_MAX);
    upload_size_shrink(&size, 4 * MIB - 64 * KIB);
    assert_int_equal(size.bytes, 4 * MIB - 64 * KIB);
    upload_size_shrink(&size, 0);
    assert_int_equal(size.bytes, 2 * MIB - 32 * KIB);
    upload_size_shrink(&size, 0);
    assert_int_equal(size.bytes, MIB);
    assert_false(upload_size_can_shrink(&size));
    /* A limit that is none. */
    size = upload_size_begin(8 * MIB, CHUNK_BYTES_DEFAULT, CHUNK_BYTES_MAX);
    upload_size_shrink(&size, 9 * MIB);
    assert_int_equal(size.bytes, 4 * MIB);
    /* Slow ones, and not those that have to stay equal or may not. */
    upload_size_took(&size, 19999);
    assert_int_equal(size.bytes, 4 * MIB);
    upload_size_took(&size, 20001);
    assert_int_equal(size.bytes, 2 * MIB);
    assert_true(upload_size_announced(&size, "2097152", ""));
    upload_size_took(&size, 20001);
    assert_int_equal(size.bytes, 2 * MIB);
}

static void test_limits_in_words(void **state)
{
    static const struct {
        const char *text;
        uint64_t limit;
    } rows[] = {
        { "range is over the maximum permissible limit of 4.00MiB", 4 * MIB - 64 * KIB },
        { "maximum permissible limit of 4 MiB.", 4 * MIB - 64 * KIB },
        { "permissible: 512KiB", 512 * KIB - 64 * KIB },
        { "permissible 10MB", 10000000 - 64 * KIB },
        { "permissible 1.5MiB", 3 * MIB / 2 - 64 * KIB },
        { "permissible 4.00", 0 },
        { "permissible", 0 },
        { "permissible 1KiB", 0 },
        { "range invalid 4MiB", 0 },
        { "permissible 99999999999999999999MiB", 0 },
        { "", 0 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(upload_size_limit_named(rows[i].text, strlen(rows[i].text)),
                         rows[i].limit);
    }
}

static void test_answers(void **state)
{
    static const struct {
        int status;
        enum upload_event open, send, ask, commit;
    } rows[] = {
        { 200, UPLOAD_REFUSED, UPLOAD_OK, UPLOAD_OK, UPLOAD_OK },
        { 201, UPLOAD_REFUSED, UPLOAD_OK, UPLOAD_OK, UPLOAD_OK },
        { 202, UPLOAD_OK, UPLOAD_OK, UPLOAD_OK, UPLOAD_OK },
        { 204, UPLOAD_REFUSED, UPLOAD_OK, UPLOAD_OK, UPLOAD_OK },
        { 206, UPLOAD_REFUSED, UPLOAD_REFUSED, UPLOAD_REFUSED, UPLOAD_REFUSED },
        { 307, UPLOAD_REFUSED, UPLOAD_REFUSED, UPLOAD_REFUSED, UPLOAD_REFUSED },
        { 400, UPLOAD_REFUSED, UPLOAD_REFUSED, UPLOAD_REFUSED, UPLOAD_REFUSED },
        { 401, UPLOAD_REFUSED, UPLOAD_HTTP_401, UPLOAD_REFUSED, UPLOAD_HTTP_401 },
        { 403, UPLOAD_REFUSED, UPLOAD_REFUSED, UPLOAD_REFUSED, UPLOAD_REFUSED },
        { 404, UPLOAD_GONE, UPLOAD_GONE, UPLOAD_GONE, UPLOAD_GONE },
        { 408, UPLOAD_BUSY, UPLOAD_BUSY, UPLOAD_BUSY, UPLOAD_BUSY },
        { 410, UPLOAD_GONE, UPLOAD_GONE, UPLOAD_GONE, UPLOAD_GONE },
        { 411, UPLOAD_REFUSED, UPLOAD_HTTP_411, UPLOAD_REFUSED, UPLOAD_HTTP_411 },
        { 413, UPLOAD_REFUSED, UPLOAD_HTTP_413, UPLOAD_REFUSED, UPLOAD_HTTP_413 },
        { 416, UPLOAD_REFUSED, UPLOAD_HTTP_416, UPLOAD_REFUSED, UPLOAD_HTTP_416 },
        { 417, UPLOAD_REFUSED, UPLOAD_HTTP_417, UPLOAD_REFUSED, UPLOAD_HTTP_417 },
        { 429, UPLOAD_BUSY, UPLOAD_BUSY, UPLOAD_BUSY, UPLOAD_BUSY },
        { 500, UPLOAD_BUSY, UPLOAD_BUSY, UPLOAD_BUSY, UPLOAD_BUSY },
        { 501, UPLOAD_REFUSED, UPLOAD_REFUSED, UPLOAD_REFUSED, UPLOAD_REFUSED },
        { 504, UPLOAD_BUSY, UPLOAD_BUSY, UPLOAD_BUSY, UPLOAD_BUSY },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct http_response response = { .status = rows[i].status, .body_complete = true };
        assert_int_equal(upload_open_event(rows[i].status), rows[i].open);
        assert_int_equal(upload_send_event(&response), rows[i].send);
        assert_int_equal(upload_query_event(rows[i].status), rows[i].ask);
        assert_int_equal(upload_commit_event(&response, ""), rows[i].commit);
    }
}

static void test_answers_that_depend(void **state)
{
    (void)state;
    /* A success before the bytes were sent is none yet. */
    struct http_response response = { .status = 202 };
    assert_int_equal(upload_send_event(&response), UPLOAD_SHORT);
    assert_int_equal(upload_commit_event(&response, ""), UPLOAD_SHORT);
    response = (struct http_response){ .status = 400, .body_complete = true };
    assert_int_equal(upload_commit_event(&response, "DIGEST_INVALID"), UPLOAD_DIGEST_REFUSED);
    assert_int_equal(upload_commit_event(&response, "SIZE_INVALID"), UPLOAD_DIGEST_REFUSED);
    response.status = 413;
    assert_int_equal(upload_commit_event(&response, "SIZE_INVALID"), UPLOAD_HTTP_413);
    response.status = 416;
    response.body = (struct buf)BUF_INIT(KIB);
    assert_int_equal(buf_append_text(&response.body, "permissible limit of 4MiB"), 0);
    assert_int_equal(upload_send_event(&response), UPLOAD_HTTP_413);
    http_response_dispose(&response);
    struct lpipe_error err = { .status = LPIPE_TIMEOUT };
    assert_int_equal(upload_failure_event(&err), UPLOAD_BROKEN);
    err.status = LPIPE_TLS;
    assert_int_equal(upload_failure_event(&err), UPLOAD_ERROR);
    err.status = LPIPE_CANCELLED;
    assert_int_equal(upload_failure_event(&err), UPLOAD_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_what_is_a_short_accept),
        cmocka_unit_test(test_offsets_asked_for),
        cmocka_unit_test(test_sizes_announced),
        cmocka_unit_test(test_chunks_shrink),
        cmocka_unit_test(test_limits_in_words),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_answers_that_depend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
