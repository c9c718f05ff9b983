/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of an upload that send nothing: defaults by registry, offsets, chunk sizes, and the
 * events of answers. */
#include "support/unit.h"

#include "base/limits.h"
#include "base/macros.h"
#include "upload/upload_answer.h"
#include "upload/upload_chunk_size.h"
#include "upload/upload_defaults.h"
#include "upload/upload_offset.h"

static void test_defaults_by_registry(void **state)
{
    static const struct {
        const char *registry;
        enum upload_method start, fallback;
        uint64_t chunk;
        enum upload_last_chunk last;
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
        /* Similar names get the general defaults. */
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
        const struct upload_defaults *defaults = upload_defaults_for(rows[i].registry);
        if (defaults->start != rows[i].start || defaults->fallback != rows[i].fallback ||
            defaults->chunk_bytes != rows[i].chunk || defaults->last != rows[i].last) {
            fail_msg("%s got the defaults of %s", rows[i].registry, defaults->pattern);
        }
    }
}

static void test_range_parse(void **state)
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
            fail_msg("\"%s\" is parsed wrongly", rows[i].text);
        }
    }
}

/* 100 bytes were acknowledged before; the PATCH sent 50 and succeeded. */
static void test_range_shows_missing_bytes(void **state)
{
    static const struct {
        const char *text;
        bool is_short;
    } rows[] = {
        { "0-149", false }, /* all of it */
        { "0-150", false }, /* counts one too many */
        { "0-49", false },  /* the length of this request only */
        { "0-99", false },  /* never changes after an earlier request */
        { "0-0", false },   { "0--1", false }, { "garbage", false },
        { "0-999", false }, { "0-100", true }, /* one byte of this request arrived */
        { "0-148", true },                     /* one byte is missing */
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct upload_range range = upload_range_parse(rows[i].text);
        if (upload_range_is_short(&range, 100, 50) != rows[i].is_short) {
            fail_msg("\"%s\" is judged wrongly", rows[i].text);
        }
    }
}

static void test_offset_from_range(void **state)
{
    static const struct {
        const char *text;
        uint64_t start, offset;
    } rows[] = {
        { "0-99", 100, 100 }, { "0-149", 100, 150 }, { "bytes=0-100", 100, 100 }, /* exclusive */
        { "0-0", 0, 0 }, /* most registries mean an empty session */
        { "0-0", 1, 1 },      { "0--1", 100, 0 },    { "garbage", 100, UPLOAD_OFFSET_NONE },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct upload_range range = upload_range_parse(rows[i].text);
        assert_int_equal(upload_range_offset(&range, rows[i].start), rows[i].offset);
    }
}

static void test_announced_chunk_sizes(void **state)
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
        /* An announced size does not increase the memory. */
        { MIB, "99999999999999999999999", "", true, MIB },
        { MIB, "999999999", "", false, MIB },
        { MIB, "17825792", "", false, MIB },
        { MIB, "", "1", false, MIB },
        { MIB, "5242880", "1048576", false, MIB },
        { 1024 * MIB, "", "", true, CHUNK_BYTES_MAX },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct chunk_size size =
            chunk_size_init(rows[i].asked, CHUNK_BYTES_DEFAULT, CHUNK_BYTES_MAX);
        bool fits = chunk_size_set_announced(&size, rows[i].min, rows[i].max);
        if (fits != rows[i].fits || size.bytes != rows[i].bytes) {
            fail_msg("row %zu: %llu bytes", i, (unsigned long long)size.bytes);
        }
        assert_true(size.bytes <= size.bytes_max);
    }
}

static void test_chunk_size_shrinks(void **state)
{
    (void)state;
    struct chunk_size size = chunk_size_init(8 * MIB, CHUNK_BYTES_DEFAULT, CHUNK_BYTES_MAX);
    chunk_size_shrink(&size, 4 * MIB - 64 * KIB);
    assert_int_equal(size.bytes, 4 * MIB - 64 * KIB);
    chunk_size_shrink(&size, 0);
    assert_int_equal(size.bytes, 2 * MIB - 32 * KIB);
    chunk_size_shrink(&size, 0);
    assert_int_equal(size.bytes, MIB);
    assert_false(chunk_size_can_shrink(&size));
    /* A limit above the current size is ignored. */
    size = chunk_size_init(8 * MIB, CHUNK_BYTES_DEFAULT, CHUNK_BYTES_MAX);
    chunk_size_shrink(&size, 9 * MIB);
    assert_int_equal(size.bytes, 4 * MIB);
    /* Slow chunks are halved, but not below the announced minimum. */
    chunk_size_note_time(&size, 19999);
    assert_int_equal(size.bytes, 4 * MIB);
    chunk_size_note_time(&size, 20001);
    assert_int_equal(size.bytes, 2 * MIB);
    assert_true(chunk_size_set_announced(&size, "2097152", ""));
    chunk_size_note_time(&size, 20001);
    assert_int_equal(size.bytes, 2 * MIB);
}

static void test_limit_in_text(void **state)
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
        assert_int_equal(chunk_size_limit_in_text(rows[i].text, strlen(rows[i].text)),
                         rows[i].limit);
    }
}

static void test_events_of_statuses(void **state)
{
    static const struct {
        int status;
        enum upload_event open, send, offset, commit;
    } rows[] = {
        { 200, UPLOAD_REFUSED, UPLOAD_OK, UPLOAD_OK, UPLOAD_OK },
        { 201, UPLOAD_REFUSED, UPLOAD_OK, UPLOAD_OK, UPLOAD_OK },
        { 202, UPLOAD_OK, UPLOAD_OK, UPLOAD_OK, UPLOAD_OK },
        { 204, UPLOAD_REFUSED, UPLOAD_OK, UPLOAD_OK, UPLOAD_OK },
        { 206, UPLOAD_REFUSED, UPLOAD_REFUSED, UPLOAD_REFUSED, UPLOAD_REFUSED },
        { 302, UPLOAD_REFUSED, UPLOAD_REFUSED, UPLOAD_REFUSED, UPLOAD_REFUSED },
        { 307, UPLOAD_REFUSED, UPLOAD_REDIRECTED, UPLOAD_REFUSED, UPLOAD_REDIRECTED },
        { 308, UPLOAD_REFUSED, UPLOAD_REDIRECTED, UPLOAD_REFUSED, UPLOAD_REDIRECTED },
        { 400, UPLOAD_REFUSED, UPLOAD_REFUSED, UPLOAD_REFUSED, UPLOAD_REFUSED },
        { 401, UPLOAD_REFUSED, UPLOAD_HTTP_401, UPLOAD_REFUSED, UPLOAD_HTTP_401 },
        { 403, UPLOAD_REFUSED, UPLOAD_REFUSED, UPLOAD_REFUSED, UPLOAD_REFUSED },
        { 404, UPLOAD_GONE, UPLOAD_GONE, UPLOAD_GONE, UPLOAD_GONE },
        { 408, UPLOAD_RETRY_LATER, UPLOAD_RETRY_LATER, UPLOAD_RETRY_LATER, UPLOAD_RETRY_LATER },
        { 410, UPLOAD_GONE, UPLOAD_GONE, UPLOAD_GONE, UPLOAD_GONE },
        { 411, UPLOAD_REFUSED, UPLOAD_HTTP_411, UPLOAD_REFUSED, UPLOAD_HTTP_411 },
        { 413, UPLOAD_REFUSED, UPLOAD_HTTP_413, UPLOAD_REFUSED, UPLOAD_HTTP_413 },
        { 416, UPLOAD_REFUSED, UPLOAD_HTTP_416, UPLOAD_REFUSED, UPLOAD_HTTP_416 },
        { 417, UPLOAD_REFUSED, UPLOAD_HTTP_417, UPLOAD_REFUSED, UPLOAD_HTTP_417 },
        { 429, UPLOAD_RETRY_LATER, UPLOAD_RETRY_LATER, UPLOAD_RETRY_LATER, UPLOAD_RETRY_LATER },
        { 500, UPLOAD_RETRY_LATER, UPLOAD_RETRY_LATER, UPLOAD_RETRY_LATER, UPLOAD_RETRY_LATER },
        { 501, UPLOAD_REFUSED, UPLOAD_REFUSED, UPLOAD_REFUSED, UPLOAD_REFUSED },
        { 504, UPLOAD_RETRY_LATER, UPLOAD_RETRY_LATER, UPLOAD_RETRY_LATER, UPLOAD_RETRY_LATER },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct http_response response = { .status = rows[i].status, .body_complete = true };
        assert_int_equal(upload_open_event(rows[i].status), rows[i].open);
        assert_int_equal(upload_send_event(&response), rows[i].send);
        assert_int_equal(upload_offset_event(rows[i].status), rows[i].offset);
        assert_int_equal(upload_commit_event(&response, ""), rows[i].commit);
    }
}

static void test_events_of_body_and_code(void **state)
{
    (void)state;
    /* A 2xx that comes before all bytes were sent is only a partial success. */
    struct http_response response = { .status = 202 };
    assert_int_equal(upload_send_event(&response), UPLOAD_PARTLY_ACCEPTED);
    assert_int_equal(upload_commit_event(&response, ""), UPLOAD_PARTLY_ACCEPTED);
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
    assert_int_equal(upload_failure_event(&err), UPLOAD_NO_ANSWER);
    err.status = LPIPE_TLS;
    assert_int_equal(upload_failure_event(&err), UPLOAD_ERROR);
    err.status = LPIPE_CANCELLED;
    assert_int_equal(upload_failure_event(&err), UPLOAD_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_by_registry),
        cmocka_unit_test(test_range_parse),
        cmocka_unit_test(test_range_shows_missing_bytes),
        cmocka_unit_test(test_offset_from_range),
        cmocka_unit_test(test_announced_chunk_sizes),
        cmocka_unit_test(test_chunk_size_shrinks),
        cmocka_unit_test(test_limit_in_text),
        cmocka_unit_test(test_events_of_statuses),
        cmocka_unit_test(test_events_of_body_and_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
