/* SPDX-License-Identifier: Apache-2.0 */
/* What is held of a blob: bytes come out as they went in, however they are asked for, and what may
 * be needed again is there. */
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

static void put(struct upload_window *window, size_t size)
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

/* Pulls until nothing comes; how many bytes, all of them right, and how it ended. */
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

static void test_chunks(void **state)
{
    (void)state;
    struct upload_window window;
    ptrdiff_t last = 0;
    assert_int_equal(window_init(&window, 3 * MIB, NULL, NULL), 0);
    put(&window, 2 * MIB + 5);
    assert_true(window_seek(&window, 0));
    struct http_body body = window_body(&window, MIB + 1);
    assert_int_equal(pull(&body, 0, &last), MIB + 1);
    assert_int_equal(last, 0); /* the end of the request, not of the blob */
    /* Again, and from the middle of a page. */
    assert_true(window_seek(&window, 12345));
    body = window_body(&window, MIB);
    assert_int_equal(pull(&body, 12345, &last), MIB);
    window_release(&window, MIB + 1);
    assert_false(window_holds(&window, 0));
    assert_false(window_seek(&window, 0));
    assert_true(window_seek(&window, MIB + 1));
    assert_false(window_seek(&window, 2 * MIB + 6)); /* not written yet */
    put(&window, 2 * MIB - 5);
    body = window_body(&window, 3 * MIB - 1);
    assert_int_equal(pull(&body, MIB + 1, &last), 3 * MIB - 1);
    window_dispose(&window);
}

static void test_stream_lets_go_of_what_was_sent(void **state)
{
    (void)state;
    struct upload_window window;
    ptrdiff_t last = 0;
    uint64_t sent = 0;
    assert_int_equal(window_init(&window, STREAM_RING_BYTES, NULL, NULL), 0);
    window_set_streaming(&window, true);
    struct http_body body = window_body(&window, 0);
    for (int i = 0; i < 40; i++) {
        put(&window, 200000);
        sent += pull(&body, sent, &last);
        assert_int_equal(last, HTTP_PULL_WAIT);
    }
    assert_int_equal(sent, 8000000);
    assert_false(window_holds(&window, 0));
    /* The last of it is still there to be sent again. */
    window_set_streaming(&window, false);
    assert_true(window_seek(&window, sent - (STREAM_RING_BYTES - 2 * WINDOW_PAGE_BYTES)));
    window_end(&window);
    body = window_body(&window, 0);
    (void)pull(&body, sent - (STREAM_RING_BYTES - 2 * WINDOW_PAGE_BYTES), &last);
    assert_int_equal(last, 0);
    window_dispose(&window);
}

/* Held to less than there is, a stream lets go of as many pages as it takes. */
static void test_stream_held_to_less(void **state)
{
    (void)state;
    struct upload_window window;
    ptrdiff_t last = 0;
    assert_int_equal(window_init(&window, 4 * MIB, NULL, NULL), 0);
    window_set_streaming(&window, true);
    struct http_body body = window_body(&window, 0);
    for (int i = 0; i < 16; i++) {
        put(&window, 256 * KIB);
        (void)pull(&body, (uint64_t)i * 256 * KIB, &last);
    }
    assert_true(window_holds(&window, 0));
    window_set_limit(&window, MIB);
    put(&window, 1);
    assert_false(window_holds(&window, 3 * MIB - 1));
    window_dispose(&window);
}

static void test_spool_keeps_everything(void **state)
{
    (void)state;
    struct upload_window window;
    ptrdiff_t last = 0;
    assert_int_equal(window_init(&window, MIB, "/tmp", NULL), 0);
    put(&window, 5 * MIB + 7); /* more than memory is there for, without anyone who sends */
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

static void test_spool_that_cannot_be_read(void **state)
{
    (void)state;
    struct upload_window window;
    struct lpipe_error err = { 0 };
    ptrdiff_t last = 0;
    assert_int_equal(window_init(&window, MIB, "/tmp", NULL), 0);
    put(&window, 3 * MIB);
    assert_int_equal(window_spool_failure(&window, &err), 0);
    assert_int_equal(ftruncate(window.spool, 1000), 0);
    assert_true(window_seek(&window, 0));
    struct http_body body = window_body(&window, MIB);
    assert_int_equal(pull(&body, 0, &last), 1000);
    assert_int_equal(last, HTTP_PULL_ABORT);
    assert_int_equal(window_spool_failure(&window, &err), LPIPE_OUTPUT_IO);
    assert_non_null(strstr(err.message, "spool"));
    window_dispose(&window);
}

static void test_spool_that_cannot_be(void **state)
{
    (void)state;
    struct upload_window window;
    struct lpipe_error err = { 0 };
    assert_int_equal(window_init(&window, MIB, "/nowhere/at/all", &err), LPIPE_OUTPUT_IO);
    assert_non_null(strstr(err.message, "/nowhere/at/all"));
    window_dispose(&window);
}

static void *write_much(void *ctx)
{
    struct upload_window *window = ctx;
    static char data[3 * MIB];
    size_t taken = 0;
    int status = window_write(window, data, sizeof data, 0, &taken, NULL);
    return (void *)(intptr_t)status;
}

static void test_a_failed_sender_frees_the_writer(void **state)
{
    (void)state;
    struct upload_window window;
    pthread_t thread;
    void *status = NULL;
    assert_int_equal(window_init(&window, MIB, NULL, NULL), 0);
    assert_int_equal(pthread_create(&thread, NULL, write_much, &window), 0);
    window_await(&window, MIB); /* full: the writer can only wait */
    window_fail(&window);
    assert_int_equal(pthread_join(thread, &status), 0);
    assert_int_equal((intptr_t)status, LPIPE_ABORTED);
    window_dispose(&window);
}

/* The network thread may be copying a page from the moment on at which a request can pull, which is
 * before the sender knows the request. */
static void test_a_spool_keeps_pages_that_are_pulled(void **state)
{
    (void)state;
    struct upload_window window;
    pthread_t thread;
    ptrdiff_t last = 0;
    assert_int_equal(window_init(&window, MIB, "/tmp", NULL), 0);
    put(&window, MIB);
    assert_true(window_seek(&window, 0));
    struct http_body body = window_body(&window, MIB);
    assert_int_equal(pthread_create(&thread, NULL, write_much, &window), 0);
    assert_true(window_sleep(&window, 100, NULL));
    assert_int_equal(window_size(&window), MIB); /* there is no room */
    assert_int_equal(pull(&body, 0, &last), MIB);
    window_set_request(&window, NULL);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(window_size(&window), 4 * MIB);
    window_dispose(&window);
}

static void test_abandoned(void **state)
{
    (void)state;
    struct upload_window window;
    ptrdiff_t last = 0;
    assert_int_equal(window_init(&window, MIB, NULL, NULL), 0);
    put(&window, 1000);
    assert_true(window_seek(&window, 0));
    window_abandon(&window);
    assert_true(window_is_abandoned(&window));
    assert_false(window_sleep(&window, 60000, NULL)); /* at once */
    window_await(&window, 5000);
    /* A chunk may end well; a stream ends where it is. */
    struct http_body body = window_body(&window, 1000);
    assert_int_equal(pull(&body, 0, &last), 1000);
    assert_true(window_seek(&window, 0));
    body = window_body(&window, 0);
    assert_int_equal(pull(&body, 0, &last), 0);
    assert_int_equal(last, 0);
    window_dispose(&window);
}

/* Who abandons it sees the requests that are under way; one that begins at that moment ends too. */
static void test_abandoned_while_a_request_begins(void **state)
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
        cmocka_unit_test(test_chunks),
        cmocka_unit_test(test_stream_lets_go_of_what_was_sent),
        cmocka_unit_test(test_stream_held_to_less),
        cmocka_unit_test(test_spool_keeps_everything),
        cmocka_unit_test(test_spool_that_cannot_be),
        cmocka_unit_test(test_spool_that_cannot_be_read),
        cmocka_unit_test(test_a_failed_sender_frees_the_writer),
        cmocka_unit_test(test_a_spool_keeps_pages_that_are_pulled),
        cmocka_unit_test(test_abandoned),
        cmocka_unit_test(test_abandoned_while_a_request_begins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
