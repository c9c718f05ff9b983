/* SPDX-License-Identifier: Apache-2.0 */
/* When to try again, how long to wait, and what an answer that is none says. */
#include "support/unit.h"

#include "base/cancel.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "registry/client.h"
#include "request/answer_text.h"
#include "request/registry_error.h"
#include "request/retry.h"

static void response_set(struct http_response *response, int status, const char *headers,
                         const char *body)
{
    *response = (struct http_response)HTTP_RESPONSE_INIT;
    response->status = status;
    response->headers.size_max = response->body.size_max = MIB;
    assert_int_equal(buf_append_text(&response->headers, headers), 0);
    assert_int_equal(buf_append_text(&response->body, body), 0);
}

static lpipe_client *client_with(int32_t retry_count, lpipe_cancel *cancel)
{
    struct lpipe_client_options options = LPIPE_CLIENT_OPTIONS_INIT;
    lpipe_client *client = NULL;
    options.retry_count = retry_count;
    options.cancel = cancel;
    assert_int_equal(client_new(&options, &client, NULL), 0);
    return client;
}

#define NOW INT64_C(784111777) /* Sun, 06 Nov 1994 08:49:37 GMT */

static void test_retry_after(void **state)
{
    static const struct {
        const char *value;
        bool good;
        uint64_t ms;
    } rows[] = {
        { "0", true, 0 },
        { "120", true, 120000 },
        { "99999999999", true, UINT64_C(99999999999000) },
        { "Sun, 06 Nov 1994 08:49:40 GMT", true, 3000 },
        { "Sun, 06 Nov 1994 08:49:37 GMT", true, 0 },
        { "Mon, 07 Nov 1994 08:49:37 GMT", true, 86400000 },
        { "Tue, 01 Jan 1980 00:00:00 GMT", true, 0 },
        { "", false, 0 },
        { "-1", false, 0 },
        { "1.5", false, 0 },
        { "soon", false, 0 },
        { "99999999999999999999", false, 0 },
        { "Sun, 06 Nov 1994 08:49:37", false, 0 },
        { "Sun, 06 Nov 1994 08:49:37 GMT+1", false, 0 },
        { "Sun, 06 Abc 1994 08:49:37 GMT", false, 0 },
        { "Sun, 6 Nov 1994 08:49:37 GMT", false, 0 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t ms = 77;
        if (retry_after_parse(rows[i].value, NOW, &ms) != rows[i].good ||
            ms != (rows[i].good ? rows[i].ms : 77)) {
            fail_msg("%s: %llu", rows[i].value, (unsigned long long)ms);
        }
    }
}

static void test_what_is_worth_it(void **state)
{
    static const int worth[] = { 408, 425, 429, 499, 500, 502, 503, 504, 507, 520, 524 };
    static const int never[] = { 200, 204, 304, 400, 401, 403, 404,
                                 405, 409, 413, 416, 451, 501, 505 };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(worth); i++) {
        assert_true(retry_worth_status(worth[i]));
    }
    for (size_t i = 0; i < ARRAY_LEN(never); i++) {
        assert_false(retry_worth_status(never[i]));
    }
    assert_true(retry_worth_failure(LPIPE_NETWORK));
    assert_true(retry_worth_failure(LPIPE_TIMEOUT));
    assert_false(retry_worth_failure(LPIPE_TLS));
    assert_false(retry_worth_failure(LPIPE_CANCELLED));
    assert_false(retry_worth_failure(LPIPE_ABORTED));
}

static void test_attempts_end(void **state)
{
    struct lpipe_error err = { .status = LPIPE_NETWORK };
    struct http_response at_once CLEANUP(http_response_dispose) = HTTP_RESPONSE_INIT;
    lpipe_client *client = client_with(2, NULL);
    struct retry retry;
    (void)state;
    response_set(&at_once, 503, "retry-after: 0\n", "");
    retry_init(&retry, &client->context, "r.example");
    assert_int_equal(retry_wait(&retry, &at_once, &err), 0);
    assert_int_equal(retry_wait(&retry, &at_once, &err), 0);
    assert_int_equal(retry_wait(&retry, &at_once, &err), LPIPE_SERVER);
    assert_int_equal(err.status, LPIPE_NETWORK); /* the cause is the caller's */
    retry_progress(&retry);
    assert_int_equal(retry_wait(&retry, &at_once, &err), 0);
    /* However many attempts are left: time without progress is bounded. */
    retry_progress(&retry);
    retry.progress_ms -= RETRY_GIVE_UP_MS + 1;
    assert_int_equal(retry_wait(&retry, &at_once, &err), LPIPE_SERVER);
    client_free(client);

    client = client_with(-1, NULL);
    retry_init(&retry, &client->context, "r.example");
    assert_int_equal(retry_wait(&retry, &at_once, &err), LPIPE_SERVER);
    client_free(client);
}

static void test_back_off_grows(void **state)
{
    lpipe_client *client = client_with(9, NULL);
    struct retry retry;
    uint64_t start = clock_ms();
    (void)state;
    retry_init(&retry, &client->context, "r.example");
    assert_int_equal(retry_wait(&retry, NULL, NULL), 0);
    uint64_t first = clock_ms() - start;
    assert_int_equal(retry_wait(&retry, NULL, NULL), 0);
    uint64_t second = clock_ms() - start - first;
    assert_true(first >= 187 && second >= 750);
    client_free(client);
}

static void test_too_long_a_wait(void **state)
{
    struct lpipe_error err = { 0 };
    struct http_response far CLEANUP(http_response_dispose) = HTTP_RESPONSE_INIT;
    lpipe_client *client = client_with(5, NULL);
    struct retry retry;
    (void)state;
    response_set(&far, 429, "retry-after: 86400\n", "");
    retry_init(&retry, &client->context, "r.example");
    uint64_t start = clock_ms();
    assert_int_equal(retry_wait(&retry, &far, &err), LPIPE_RATE_LIMITED);
    assert_true(clock_ms() - start < 10000);
    assert_int_equal(err.http_status, 429);
    assert_non_null(strstr(err.message, " UTC"));
    assert_true(lpipe_error_is_retryable(&err));
    client_free(client);
}

static void test_wait_is_cancelled(void **state)
{
    struct lpipe_error err = { 0 };
    struct http_response later CLEANUP(http_response_dispose) = HTTP_RESPONSE_INIT;
    lpipe_cancel *cancel = NULL;
    struct retry retry;
    (void)state;
    assert_int_equal(lpipe_cancel_new(&cancel, NULL), 0);
    lpipe_client *client = client_with(5, cancel);
    response_set(&later, 503, "retry-after: 200\n", "");
    retry_init(&retry, &client->context, "r.example");
    lpipe_cancel_trigger(cancel);
    uint64_t start = clock_ms();
    assert_int_equal(retry_wait(&retry, &later, &err), LPIPE_CANCELLED);
    assert_int_equal(err.status, LPIPE_CANCELLED);
    assert_true(clock_ms() - start < 100000);
    client_free(client);
    lpipe_cancel_unref(cancel);
}

static void test_notices_of_several_blobs(void **state)
{
    struct retry_notices notices;
    (void)state;
    retry_notices_init(&notices);
    assert_true(retry_notices_add(&notices, "a:1", 503, 2, 1000));
    assert_false(retry_notices_add(&notices, "a:1", 503, 2, 900)); /* another blob */
    assert_true(retry_notices_add(&notices, "a:1", 503, 3, 3000));
    assert_false(retry_notices_add(&notices, "a:1", 503, 2, 900)); /* a blob that began later */
    assert_true(retry_notices_add(&notices, "a:1", LPIPE_NETWORK, 2, 1000));
    assert_true(retry_notices_add(&notices, "b:1", 503, 2, 1000));
    retry_notices_end(&notices, "a:1");
    assert_false(retry_notices_add(&notices, "b:1", 503, 2, 1000));
    assert_true(retry_notices_add(&notices, "a:1", 503, 2, 1000));
    assert_true(retry_notices_add(&notices, "a:1", LPIPE_NETWORK, 2, 1000));
    /* With more hosts than rows, the one that ends first is forgotten. */
    for (int i = 0; i < (int)RETRY_NOTICES_MAX; i++) {
        assert_true(retry_notices_add(&notices, "c:1", 500 + i, 2, 5000));
    }
    assert_true(retry_notices_add(&notices, "a:1", 503, 2, 1000));
    /* Long after the wait it is another failure. */
    for (size_t i = 0; i < ARRAY_LEN(notices.rows); i++) {
        notices.rows[i].until_ms = clock_ms();
    }
    assert_true(retry_notices_add(&notices, "a:1", 503, 2, 1000));
    /* An upload that works does not end what is reported of other uploads. */
    assert_true(retry_notices_add(&notices, "a:1", RETRY_SESSION, 2, 0));
    retry_notices_end(&notices, "a:1");
    assert_false(retry_notices_add(&notices, "a:1", RETRY_SESSION, 2, 0));
    retry_notices_dispose(&notices);
}

static void check_error(int http_status, const char *body, int status, const char *code,
                        const char *said)
{
    struct http_response response CLEANUP(http_response_dispose) = HTTP_RESPONSE_INIT;
    struct lpipe_error err = { 0 };
    char wanted[700];
    response_set(&response, http_status, "", body);
    assert_int_equal(registry_error(&response, &err, "PUT of %s", "x"), status);
    snprintf(wanted, sizeof wanted, "PUT of x: the registry answered %d%s", http_status, said);
    assert_string_equal(err.message, wanted);
    assert_string_equal(err.registry_code, code);
    assert_int_equal(err.http_status, http_status);
    assert_int_equal(lpipe_error_is_retryable(&err), retry_worth_status(http_status));
    assert_int_equal(registry_error(&response, NULL, "x"), status);
}

static void test_classes(void **state)
{
    (void)state;
    check_error(401, "", LPIPE_AUTH_REQUIRED, "", "");
    check_error(403, "", LPIPE_DENIED, "", "");
    check_error(404, "", LPIPE_NOT_FOUND, "", "");
    check_error(408, "", LPIPE_SERVER, "", "");
    check_error(429, "", LPIPE_RATE_LIMITED, "", "");
    check_error(413, "", LPIPE_REFUSED, "", "");
    check_error(500, "", LPIPE_SERVER, "", "");
    check_error(599, "", LPIPE_SERVER, "", "");
    check_error(302, "", LPIPE_PROTOCOL, "", "");
    check_error(207, "", LPIPE_PROTOCOL, "", "");
    check_error(600, "", LPIPE_PROTOCOL, "", "");
}

#define ERRORS(entry) "{\"errors\":[" entry "]}"

static void test_words_of_a_registry(void **state)
{
    (void)state;
    check_error(400, ERRORS("{\"code\":\"NAME_INVALID\",\"message\":\"a message for you\"}"),
                LPIPE_REFUSED, "NAME_INVALID", " NAME_INVALID: a message for you");
    check_error(403, ERRORS("{\"code\":\"DENIED\",\"message\":\"\",\"detail\":\"quota\"}"),
                LPIPE_DENIED, "DENIED", " DENIED: quota");
    check_error(403, ERRORS("{\"code\":\"DENIED\",\"detail\":{\"a\":1}}"), LPIPE_DENIED, "DENIED",
                " DENIED: {\"a\":1}");
    check_error(400, ERRORS("{\"code\":\"A B\",\"message\":\"x\"}"), LPIPE_REFUSED, "", ": x");
    check_error(400, "{\"StatusCode\":400}", LPIPE_REFUSED, "", ": {\"StatusCode\":400}");
    check_error(400, "{\"errors\":[]}", LPIPE_REFUSED, "", ": {\"errors\":[]}");
    check_error(502,
                "<html><head><title>502 Bad Gateway</title><style>a { b }</style></head>\r\n"
                "<body><h1>502  Bad\tGateway</h1></body></html>",
                LPIPE_SERVER, "", ": 502 Bad Gateway 502 Bad Gateway");
    check_error(500, "<script>alert(1)", LPIPE_SERVER, "", "");
    check_error(500, "it   broke\n", LPIPE_SERVER, "", ": it broke");
    check_error(500, "\x1b[31mred\x07 \xff", LPIPE_SERVER, "", ": ?[31mred? ?");
}

static void test_every_error_and_its_detail(void **state)
{
    (void)state;
    check_error(
        400,
        ERRORS("{\"code\":\"MANIFEST_INVALID\",\"message\":\"manifest invalid\",\"detail\":{"
               "\"reason\":\"layer 3\"}},{\"code\":\"MANIFEST_BLOB_UNKNOWN\",\"detail\":"
               "\"sha256:bbb\"},\"a sentence\""),
        LPIPE_REFUSED, "MANIFEST_INVALID",
        " MANIFEST_INVALID: manifest invalid ({\"reason\":\"layer 3\"}); "
        "MANIFEST_BLOB_UNKNOWN: sha256:bbb; a sentence");
    /* Nothing is said twice, and an empty detail is not shown. */
    check_error(404, ERRORS("{\"code\":\"X\",\"message\":\"m\",\"detail\":\"m\"}"), LPIPE_NOT_FOUND,
                "X", " X: m");
    check_error(404, ERRORS("{\"code\":\"X\",\"message\":\"m\",\"detail\":{}}"), LPIPE_NOT_FOUND,
                "X", " X: m");
    check_error(404, ERRORS("{\"code\":\"X\",\"message\":\"m\",\"detail\":null}"), LPIPE_NOT_FOUND,
                "X", " X: m");
    check_error(404, ERRORS("{},{\"code\":\"X\"}"), LPIPE_NOT_FOUND, "X", " X");
    check_error(404, ERRORS("7,null"), LPIPE_NOT_FOUND, "", ": {\"errors\":[7,null]}");
}

static void test_answers_without_errors_list(void **state)
{
    (void)state;
    check_error(401, "{\"details\":\"incorrect username or password\"}", LPIPE_AUTH_REQUIRED, "",
                ": incorrect username or password");
    check_error(400, "{\"error\":\"invalid_grant\",\"error_description\":\"it has expired\"}",
                LPIPE_REFUSED, "invalid_grant", " invalid_grant: it has expired");
    check_error(403, "{\"error\":{\"code\":403,\"message\":\"no billing\"}}", LPIPE_DENIED, "",
                ": no billing");
    check_error(403, "{\"error\":\"no access, sorry\"}", LPIPE_DENIED, "", ": no access, sorry");
    check_error(403, "\xef\xbb\xbf{\"message\":\"m\"}", LPIPE_DENIED, "", ": m");
    /* A token is not shown, whatever the status is. */
    check_error(403, "{\"token\":\"hunter2\",\"message\":\"m\"}", LPIPE_DENIED, "", "");
}

static void test_no_secret_is_repeated(void **state)
{
    (void)state;
    check_error(400,
                ERRORS("{\"code\":\"X\",\"message\":\"see https://u:hunter2@h/p?sig=hunter2 and "
                       "Authorization: Bearer hunter2hunter2hunter2\"}"),
                LPIPE_REFUSED, "X", " X: see https://h/p?... and Authorization: Bearer ***");
    check_error(400, "http://h?token=hunter2", LPIPE_REFUSED, "", ": http://h?...");
    check_error(
        400,
        ERRORS("{\"code\":\"X\",\"detail\":{\"a\":\"https://h/x\",\"b\":\"https://u:hunter2@h/"
               "y?s=hunter2\",\"c\":\"Bearer hunter2hunter2hunter2\"}}"),
        LPIPE_REFUSED, "X",
        " X: {\"a\":\"https://h/x\",\"b\":\"https://h/y?...\",\"c\":\"Bearer ***");
    check_error(401, "Basic auth required", LPIPE_AUTH_REQUIRED, "", ": Basic auth required");
}

/* The secrets of a credential, in every form in which they are sent. */
static void test_secrets_of_a_credential(void **state)
{
    static const char *const bodies[] = {
        "no: p\"w/1234",
        "{\"message\":\"no: p\\\"w/1234\"}",
        "{\"detail\":{\"got\":\"p\\\"w/1234\"}}",
        "no: p%22w%2F1234",
        "no: dTpwIncvMTIzNA==",
        "no: identity-1",
        "{\"error\":\"identity-1\"}",
    };
    struct credential credential = { .username = mem_strdup("u") };
    (void)state;
    assert_int_equal(secret_set(&credential.password, "p\"w/1234", 8), 0);
    assert_int_equal(secret_set(&credential.identity, "identity-1", 10), 0);
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct http_response response CLEANUP(http_response_dispose) = HTTP_RESPONSE_INIT;
        struct answer_text answer;
        response_set(&response, 401, "", bodies[i]);
        answer_text_read(&response, &credential, &answer);
        assert_non_null(strstr(answer.text, "***"));
        assert_null(strstr(answer.text, "1234"));
        assert_null(strstr(answer.text, "cvMTIzNA"));
        assert_null(strstr(answer.text, "identity"));
        assert_null(strstr(answer.code, "identity"));
    }
    credential_dispose(&credential);
}

static void test_long_bodies_are_cut(void **state)
{
    struct http_response response CLEANUP(http_response_dispose) = HTTP_RESPONSE_INIT;
    struct lpipe_error err = { 0 };
    char *body = malloc(70000);
    (void)state;
    memset(body, 'y', 69999);
    body[69999] = '\0';
    response_set(&response, 500, "", body);
    (void)registry_error(&response, &err, "GET of x");
    assert_true(strlen(err.message) < ANSWER_TEXT_BYTES_MAX + 100);
    assert_non_null(strstr(err.message, "yyy..."));
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_what_is_worth_it),
        cmocka_unit_test(test_attempts_end),
        cmocka_unit_test(test_back_off_grows),
        cmocka_unit_test(test_too_long_a_wait),
        cmocka_unit_test(test_wait_is_cancelled),
        cmocka_unit_test(test_notices_of_several_blobs),
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_words_of_a_registry),
        cmocka_unit_test(test_every_error_and_its_detail),
        cmocka_unit_test(test_answers_without_errors_list),
        cmocka_unit_test(test_no_secret_is_repeated),
        cmocka_unit_test(test_secrets_of_a_credential),
        cmocka_unit_test(test_long_bodies_are_cut),
    };
    return cmocka_run_group_tests_name("retry", tests, NULL, NULL);
}
