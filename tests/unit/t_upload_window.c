/* SPDX-License-Identifier: Apache-2.0 */
/* The upload window: bytes come out as they were written, in any request sizes, and bytes that may
 * have to be sent again are kept. */
#include "support/unit.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/macros.h"
#include "upload/upload_window.h"

static char byte_at(uint64_t offset)
{
    return (char)(offset * 131 + offset / 251);
}

static void write_bytes(struct upload_window *window, size_t size)
{
    char *data = malloc(size);
    size_t taken = 0;
    uint64_t start = window_size(window);
    for (size_t i = 0; i < size; i++) {
        data[i] = byte_at(start + i);
    }
    assert_int_equal(window_write(window, data, size, 0, &taken, NULL), 0);
    assert_int_equal(taken, size);
    free(data);
}

/* Pulls until there are no more bytes and checks them. Returns their number; *ret_last is the last
 * result of pull. */
static uint64_t pull(const struct http_body *body, uint64_t start, ptrdiff_t *ret_last)
{
    char buf[100000];
    uint64_t done = 0;
    ptrdiff_t got = body->pull(body->ctx, buf, sizeof buf);
    for (; got > 0; got = body->pull(body->ctx, buf, sizeof buf)) {
        for (ptrdiff_t i = 0; i < got; i++) {
            assert_int_equal(buf[i], byte_at(start + done + (uint64_t)i));
        }
        done += (uint64_t)got;
    }
    *ret_last = got;
    return done;
}

static void test_requests_of_known_length(void **state)
{
    (void)state;
    struct upload_window window;
    ptrdiff_t last = 0;
    assert_int_equal(window_init(&window, 3 * MIB, NULL, NULL), 0);
    write_bytes(&window, 2 * MIB + 5);
    assert_true(window_seek(&window, 0));
    struct http_body body = window_body(&window, MIB + 1);
    assert_int_equal(pull(&body, 0, &last), MIB + 1);
    assert_int_equal(last, 0); /* the end of the request, not of the blob */
    /* The bytes are sent again, from the middle of a page. */
    assert_true(window_seek(&window, 12345));
    body = window_body(&window, MIB);
    assert_int_equal(pull(&body, 12345, &last), MIB);
    window_release(&window, MIB + 1);
    assert_false(window_holds(&window, 0));
    assert_false(window_seek(&window, 0));
    assert_true(window_seek(&window, MIB + 1));
    assert_false(window_seek(&window, 2 * MIB + 6)); /* not written yet */
    write_bytes(&window, 2 * MIB - 5);
    body = window_body(&window, 3 * MIB - 1);
    assert_int_equal(pull(&body, MIB + 1, &last), 3 * MIB - 1);
    window_dispose(&window);
}

static void test_stream_drops_sent_bytes(void **state)
{
    (void)state;
    struct upload_window window;
    ptrdiff_t last = 0;
    uint64_t sent = 0;
    assert_int_equal(window_init(&window, STREAM_RING_BYTES, NULL, NULL), 0);
    window_set_streaming(&window, true);
    struct http_body body = window_body(&window, 0);
    for (int i = 0; i < 40; i++) {
        write_bytes(&window, 200000);
        sent += pull(&body, sent, &last);
        assert_int_equal(last, HTTP_PULL_WAIT);
    }
    assert_int_equal(sent, 8000000);
    assert_false(window_holds(&window, 0));
    /* The last bytes can still be sent again. */
    window_set_streaming(&window, false);
    assert_true(window_seek(&window, sent - (STREAM_RING_BYTES - 2 * WINDOW_PAGE_BYTES)));
    window_end(&window);
    body = window_body(&window, 0);
    (void)pull(&body, sent - (STREAM_RING_BYTES - 2 * WINDOW_PAGE_BYTES), &last);
    assert_int_equal(last, 0);
    window_dispose(&window);
}

/* After the limit was lowered, a stream drops pages until it is below the limit. */
static void test_stream_with_a_lower_limit(void **state)
{
    (void)state;
    struct upload_window window;
    ptrdiff_t last = 0;
    assert_int_equal(window_init(&window, 4 * MIB, NULL, NULL), 0);
    window_set_streaming(&window, true);
    struct http_body body = window_body(&window, 0);
    for (int i = 0; i < 16; i++) {
        write_bytes(&window, 256 * KIB);
        (void)pull(&body, (uint64_t)i * 256 * KIB, &last);
    }
    assert_true(window_holds(&window, 0));
    window_set_limit(&window, MIB);
    write_bytes(&window, 1);
    assert_false(window_holds(&window, 3 * MIB - 1));
    window_dispose(&window);
}

static void test_spool_keeps_everything(void **state)
{
    (void)state;
    struct upload_window window;
    ptrdiff_t last = 0;
    assert_int_equal(window_init(&window, MIB, "/tmp", NULL), 0);
    write_bytes(&window, 5 * MIB + 7); /* more than the memory limit, and nothing was sent */
    window_end(&window);
    assert_true(window_holds(&window, 0) && window_seek(&window, 0));
    struct http_body body = window_body(&window, 0);
    assert_int_equal(pull(&body, 0, &last), 5 * MIB + 7);
    assert_int_equal(last, 0);
    assert_true(window_seek(&window, 3 * MIB + 1));
    body = window_body(&window, 2 * MIB);
    assert_int_equal(pull(&body, 3 * MIB + 1, &last), 2 * MIB);
    window_dispose(&window);
}

static void test_spool_read_failure(void **state)
{
    (void)state;
    struct upload_window window;
    struct lpipe_error err = { 0 };
    ptrdiff_t last = 0;
    assert_int_equal(window_init(&window, MIB, "/tmp", NULL), 0);
    write_bytes(&window, 3 * MIB);
    assert_int_equal(window_spool_failure(&window, &err), 0);
    assert_int_equal(ftruncate(window.spool_fd, 1000), 0);
    assert_true(window_seek(&window, 0));
    struct http_body body = window_body(&window, MIB);
    assert_int_equal(pull(&body, 0, &last), 1000);
    assert_int_equal(last, HTTP_PULL_ABORT);
    assert_int_equal(window_spool_failure(&window, &err), LPIPE_OUTPUT_IO);
    assert_non_null(strstr(err.message, "spool"));
    window_dispose(&window);
}

static void test_spool_cannot_be_created(void **state)
{
    (void)state;
    struct upload_window window;
    struct lpipe_error err = { 0 };
    assert_int_equal(window_init(&window, MIB, "/nowhere/at/all", &err), LPIPE_OUTPUT_IO);
    assert_non_null(strstr(err.message, "/nowhere/at/all"));
    window_dispose(&window);
}

static void *write_three_mib(void *ctx)
{
    struct upload_window *window = ctx;
    static char data[3 * MIB];
    size_t taken = 0;
    int status = window_write(window, data, sizeof data, 0, &taken, NULL);
    return (void *)(intptr_t)status;
}

static void test_close_unblocks_the_writer(void **state)
{
    (void)state;
    struct upload_window window;
    pthread_t thread;
    void *status = NULL;
    assert_int_equal(window_init(&window, MIB, NULL, NULL), 0);
    assert_int_equal(pthread_create(&thread, NULL, write_three_mib, &window), 0);
    window_await(&window, MIB); /* full: the writer blocks */
    window_close(&window);
    assert_int_equal(pthread_join(thread, &status), 0);
    assert_int_equal((intptr_t)status, LPIPE_ABORTED);
    window_dispose(&window);
}

/* The network thread may pull, and so copy a page, before window_set_request() is called. */
static void test_spool_keeps_pages_of_a_request(void **state)
{
    (void)state;
    struct upload_window window;
    pthread_t thread;
    ptrdiff_t last = 0;
    assert_int_equal(window_init(&window, MIB, "/tmp", NULL), 0);
    write_bytes(&window, MIB);
    assert_true(window_seek(&window, 0));
    struct http_body body = window_body(&window, MIB);
    assert_int_equal(pthread_create(&thread, NULL, write_three_mib, &window), 0);
    assert_true(window_sleep(&window, 100, NULL));
    assert_int_equal(window_size(&window), MIB); /* the window is full */
    assert_int_equal(pull(&body, 0, &last), MIB);
    window_set_request(&window, NULL);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(window_size(&window), 4 * MIB);
    window_dispose(&window);
}

static void test_abandon(void **state)
{
    (void)state;
    struct upload_window window;
    ptrdiff_t last = 0;
    assert_int_equal(window_init(&window, MIB, NULL, NULL), 0);
    write_bytes(&window, 1000);
    assert_true(window_seek(&window, 0));
    window_abandon(&window);
    assert_true(window_is_abandoned(&window));
    assert_false(window_sleep(&window, 60000, NULL)); /* returns immediately */
    window_await(&window, 5000);
    /* A request of known length gets all its bytes; a stream ends at once. */
    struct http_body body = window_body(&window, 1000);
    assert_int_equal(pull(&body, 0, &last), 1000);
    assert_true(window_seek(&window, 0));
    body = window_body(&window, 0);
    assert_int_equal(pull(&body, 0, &last), 0);
    assert_int_equal(last, 0);
    window_dispose(&window);
}

/* window_abandon() aborts the current request. One that is set later must be aborted too. */
static void test_abandon_before_a_request_is_set(void **state)
{
    (void)state;
    struct upload_window window;
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    int silent = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(silent, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(silent, 1), 0);
    assert_int_equal(getsockname(silent, (struct sockaddr *)&address, &size), 0);
    char url[64];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/", ntohs(address.sin_port));
    struct http *http = NULL;
    struct http_call *call = NULL;
    struct http_response response = HTTP_RESPONSE_INIT;
    struct http_request request = { .method = "PUT", .url = url, .answer_timeout_ms = 5000 };
    assert_int_equal(http_new(&(struct http_options){ .log = NULL }, &http, NULL), 0);
    assert_int_equal(window_init(&window, MIB, NULL, NULL), 0);
    assert_int_equal(http_start(http, &request, &call, NULL), 0);
    window_abandon(&window);
    window_set_request(&window, call);
    http_call_join(call);
    window_set_request(&window, NULL);
    assert_int_equal(http_wait(call, &response, NULL), LPIPE_ABORTED);
    http_response_dispose(&response);
    http_free(http);
    window_dispose(&window);
    close(silent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_of_known_length),
        cmocka_unit_test(test_stream_drops_sent_bytes),
        cmocka_unit_test(test_stream_with_a_lower_limit),
        cmocka_unit_test(test_spool_keeps_everything),
        cmocka_unit_test(test_spool_cannot_be_created),
        cmocka_unit_test(test_spool_read_failure),
        cmocka_unit_test(test_close_unblocks_the_writer),
        cmocka_unit_test(test_spool_keeps_pages_of_a_request),
        cmocka_unit_test(test_abandon),
        cmocka_unit_test(test_abandon_before_a_request_is_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
