/* SPDX-License-Identifier: Apache-2.0 */
/* The transport against a server on this machine that keeps its connections. */
#include "support/unit.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/macros.h"
#include "http/http.h"

struct server {
    int fd;
    char url[64];
    const char *answer; /* to every request */
    pthread_t thread;
    atomic_uint connections;
};

/* Bytes of a body, from its announced length. */
static size_t body_of(const char *head)
{
    const char *length = strstr(head, "Content-Length: ");
    return length == NULL ? 0 : strtoul(length + 16, NULL, 10);
}

static bool read_request(int fd)
{
    static const char end[] = "\r\n\r\n";
    char head[4096] = "";
    char body[16384];
    size_t size = 0;
    while (strstr(head, end) == NULL) {
        if (size + 1 == sizeof head || read(fd, head + size, 1) != 1) {
            return false;
        }
        head[++size] = '\0';
    }
    for (size_t left = body_of(head); left > 0;) {
        ssize_t got = read(fd, body, MIN_OF(left, sizeof body));
        if (got <= 0) {
            return false;
        }
        left -= (size_t)got;
    }
    return true;
}

struct connection {
    struct server *server;
    int fd;
};

static void *connection_run(void *ctx)
{
    struct connection connection = *(struct connection *)ctx;
    free(ctx);
    const char *answer = connection.server->answer;
    while (read_request(connection.fd) &&
           send(connection.fd, answer, strlen(answer), MSG_NOSIGNAL) > 0) {
    }
    close(connection.fd);
    return NULL;
}

static void *server_run(void *ctx)
{
    struct server *server = ctx;
    for (int fd = accept(server->fd, NULL, NULL); fd >= 0; fd = accept(server->fd, NULL, NULL)) {
        struct connection *connection = malloc(sizeof *connection);
        pthread_t thread;
        *connection = (struct connection){ server, fd };
        atomic_fetch_add(&server->connections, 1);
        if (pthread_create(&thread, NULL, connection_run, connection) == 0) {
            pthread_detach(thread);
        }
    }
    return NULL;
}

static void server_start(struct server *server, const char *answer, void *(*run)(void *))
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    memset(server, 0, sizeof *server);
    server->answer = answer;
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(server->fd, 8), 0);
    assert_int_equal(getsockname(server->fd, (struct sockaddr *)&address, &size), 0);
    snprintf(server->url, sizeof server->url, "http://127.0.0.1:%d/", ntohs(address.sin_port));
    assert_int_equal(pthread_create(&server->thread, NULL, run, server), 0);
}

static void server_stop(struct server *server)
{
    shutdown(server->fd, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->fd);
}

static struct http *transport(const struct http_options *options)
{
    struct http *http = NULL;
    assert_int_equal(http_new(options, &http, NULL), 0);
    return http;
}

static int get(struct http *http, const char *url, enum http_address_policy addresses)
{
    struct http_response response = HTTP_RESPONSE_INIT;
    struct http_request request = {
        .method = "GET", .url = url, .addresses = addresses, .response_bytes_max = KIB
    };
    int status = http_send(http, &request, &response, NULL);
    http_response_dispose(&response);
    return status;
}

/* A host that the user named has a connection open: one that the remote side named does not get
 * it. */
static void test_address_policy_of_a_kept_connection(void **state)
{
    (void)state;
    struct server server;
    server_start(&server, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", server_run);
    struct http *http = transport(&(struct http_options){ .proxy_ca_pem = NULL });
    assert_int_equal(get(http, server.url, HTTP_ADDRESS_ANY), 0);
    assert_int_equal(get(http, server.url, HTTP_ADDRESS_PUBLIC), LPIPE_REFUSED);
    assert_int_equal(get(http, server.url, HTTP_ADDRESS_ANY), 0);
    assert_int_equal(atomic_load(&server.connections), 1); /* it was kept all the time */
    http_free(http);
    server_stop(&server);
}

/* Gives a little at a time, or all that is asked for. */
struct source {
    size_t left;
    size_t part;
};

static ptrdiff_t source_pull(void *ctx, void *buf, size_t size)
{
    struct source *source = ctx;
    size = MIN_OF(MIN_OF(size, source->part), source->left);
    memset(buf, 'x', size);
    source->left -= size;
    return (ptrdiff_t)size;
}

struct upload_run {
    const char *url;
    size_t size;
    size_t part;
    uint64_t took_ms;
};

static void *upload_at_a_rate(void *ctx)
{
    struct upload_run *run = ctx;
    struct http *http = transport(&(struct http_options){ .rate_bytes_max = 2 * MIB });
    struct source source = { run->size, run->part };
    struct http_response response = HTTP_RESPONSE_INIT;
    struct http_request request = {
        .method = "PUT",
        .url = run->url,
        .body = { .size = run->size, .pull = source_pull, .ctx = &source },
    };
    uint64_t start_ms = clock_ms();
    if (http_send(http, &request, &response, NULL) == 0) {
        run->took_ms = clock_ms() - start_ms;
    }
    http_response_dispose(&response);
    http_free(http);
    return NULL;
}

/* What a producer does not give at once is not taken off the rate: both are done at the same
 * time. */
static void test_rate_of_a_producer_of_little(void **state)
{
    (void)state;
    struct server server;
    pthread_t thread;
    server_start(&server, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", server_run);
    struct upload_run large = { server.url, 2 * MIB, 2 * MIB, 0 };
    struct upload_run little = { server.url, 2 * MIB, 16 * KIB, 0 };
    assert_int_equal(pthread_create(&thread, NULL, upload_at_a_rate, &large), 0);
    upload_at_a_rate(&little);
    pthread_join(thread, NULL);
    assert_true(large.took_ms >= 700 && little.took_ms >= 700); /* there is a limit */
    if (little.took_ms > 2 * large.took_ms) {
        fail_msg("%u ms in little parts, %u ms in large ones", (unsigned)little.took_ms,
                 (unsigned)large.took_ms);
    }
    server_stop(&server);
}

struct lines {
    char text[4096];
};

static void take_line(void *user, enum lpipe_log_level level, const char *line)
{
    struct lines *lines = user;
    (void)level;
    strncat(lines->text, line, sizeof lines->text - strlen(lines->text) - 2);
    strcat(lines->text, "\n");
}

/* A terminal does what control characters say. */
static void test_log_of_strange_headers(void **state)
{
    (void)state;
    struct server server;
    struct lines lines = { "" };
    server_start(&server,
                 "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX\033[2J-Odd: secret\r\n"
                 "Link: </v2/x?secret>; rel=next\r\n"
                 "Location: https://user:secret@host/path#secret\r\nServer: \033[31mred\r\n\r\n",
                 server_run);
    struct http *http = transport(&(struct http_options){ .log = take_line, .log_user = &lines });
    assert_int_equal(get(http, server.url, HTTP_ADDRESS_ANY), 0);
    http_free(http);
    server_stop(&server);
    assert_non_null(strstr(lines.text, "-odd: ***\n"));
    assert_non_null(strstr(lines.text, "< server: "));
    assert_non_null(strstr(lines.text, "< link: </v2/x?...\n"));
    assert_non_null(strstr(lines.text, "< location: https://host/path#...\n"));
    assert_null(strstr(lines.text, "secret"));
    assert_null(strchr(lines.text, '\033'));
}

static void *send_interim_answers(void *ctx)
{
    const struct server *server = ctx;
    static const char *const interims[] = { "HTTP/1.1 102 Processing\r\n\r\n",
                                            "HTTP/1.1 102 Processing\r\nX-A: b\r\n\r\n" };
    int fd = accept(server->fd, NULL, NULL);
    ssize_t sent = 1;
    for (int i = 0; i < 500 && sent > 0; i++) {
        const char *interim = interims[i % 2];
        sent = send(fd, interim, strlen(interim), MSG_NOSIGNAL);
        usleep(10000);
    }
    (void)send(fd, server->answer, strlen(server->answer), MSG_NOSIGNAL);
    close(fd);
    return NULL;
}

/* Any number of them is no answer. */
static void test_interim_answers_without_end(void **state)
{
    (void)state;
    struct server server;
    struct http_response response = HTTP_RESPONSE_INIT;
    server_start(&server, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", send_interim_answers);
    struct http *http = transport(&(struct http_options){ .log = NULL });
    struct http_request request = { .method = "GET", .url = server.url, .answer_timeout_ms = 1000 };
    assert_int_equal(http_send(http, &request, &response, NULL), LPIPE_TIMEOUT);
    http_response_dispose(&response);
    http_free(http);
    server_stop(&server);
}

static void test_two_lengths(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        int status;
    } rows[] = {
        { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab", 0 },
        { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nab", LPIPE_PROTOCOL },
        { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 20\r\n\r\nab", LPIPE_PROTOCOL },
    };
    struct http *http = transport(&(struct http_options){ .log = NULL });
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct server server;
        server_start(&server, rows[i].answer, server_run);
        assert_int_equal(get(http, server.url, HTTP_ADDRESS_ANY), rows[i].status);
        server_stop(&server);
    }
    http_free(http);
}

/* Sends the answer, and ends the connection. */
static void *send_and_close(void *ctx)
{
    const struct server *server = ctx;
    for (int fd = accept(server->fd, NULL, NULL); fd >= 0; fd = accept(server->fd, NULL, NULL)) {
        (void)read_request(fd);
        (void)send(fd, server->answer, strlen(server->answer), MSG_NOSIGNAL);
        close(fd);
    }
    return NULL;
}

/* The status of an answer that never came whole decides nothing. */
static void test_part_of_an_answer_is_none(void **state)
{
    (void)state;
    static const char *const answers[] = { "HTTP/1.1 100 Continue\r\n\r\n",
                                           "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
                                           "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\n",
                                           "HTTP/1.1 200 OK\r\nA: b\r\n" };
    struct http *http = transport(&(struct http_options){ .log = NULL });
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct server server;
        struct http_response response = HTTP_RESPONSE_INIT;
        server_start(&server, answers[i], send_and_close);
        struct http_request request = { .method = "PATCH", .url = server.url };
        assert_int_equal(http_send(http, &request, &response, NULL), LPIPE_NETWORK);
        assert_int_equal(response.status, 0);
        http_response_dispose(&response);
        server_stop(&server);
    }
    http_free(http);
}

/* Of an answer whose status says all no more is read than fits. */
static void test_answers_larger_than_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *method;
        bool wanted;
        int status;
    } rows[] = { { "GET", false, LPIPE_TOO_LARGE },
                 { "PUT", false, 0 },
                 { "POST", false, 0 },
                 { "POST", true, LPIPE_TOO_LARGE } };
    struct server server;
    server_start(&server, "HTTP/1.1 201 Created\r\nContent-Length: 12\r\n\r\n123456789012",
                 server_run);
    struct http *http = transport(&(struct http_options){ .log = NULL });
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct http_response response = HTTP_RESPONSE_INIT;
        struct http_request request = { .method = rows[i].method,
                                        .url = server.url,
                                        .body_wanted = rows[i].wanted,
                                        .response_bytes_max = 5 };
        assert_int_equal(http_send(http, &request, &response, NULL), rows[i].status);
        assert_int_equal(response.status, 201);
        assert_int_equal(response.body.size, 5);
        http_response_dispose(&response);
    }
    http_free(http);
    server_stop(&server);
}

/* Answers the first request of a connection, hears the second, and resets. */
static void *reset_at_second(void *ctx)
{
    struct server *server = ctx;
    const struct linger now = { 1, 0 };
    for (int fd = accept(server->fd, NULL, NULL); fd >= 0; fd = accept(server->fd, NULL, NULL)) {
        if (read_request(fd) &&
            send(fd, server->answer, strlen(server->answer), MSG_NOSIGNAL) > 0) {
            (void)read_request(fd);
        }
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close(fd);
    }
    return NULL;
}

static ptrdiff_t pull_bytes(void *ctx, void *buf, size_t size)
{
    (void)ctx;
    memset(buf, 'x', size);
    return (ptrdiff_t)size;
}

/* Bytes that the server has received count as sent, although libcurl is about to repeat the
 * request. */
static void test_body_of_a_request_that_was_reset(void **state)
{
    (void)state;
    const struct http_body body = { .size = 150000, .pull = pull_bytes };
    struct server server;
    server_start(&server, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", reset_at_second);
    for (int round = 0; round < 100; round++) {
        struct http *http = transport(&(struct http_options){ .log = NULL });
        struct http_response response = HTTP_RESPONSE_INIT;
        struct http_request request = { .method = "PATCH", .url = server.url, .body = body };
        assert_int_equal(http_send(http, &request, &response, NULL), 0);
        http_response_dispose(&response);
        response = (struct http_response)HTTP_RESPONSE_INIT;
        assert_int_equal(http_send(http, &request, &response, NULL), LPIPE_NETWORK);
        assert_true(response.body_sent > 0);
        http_response_dispose(&response);
        http_free(http);
    }
    server_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_address_policy_of_a_kept_connection),
        cmocka_unit_test(test_rate_of_a_producer_of_little),
        cmocka_unit_test(test_log_of_strange_headers),
        cmocka_unit_test(test_interim_answers_without_end),
        cmocka_unit_test(test_two_lengths),
        cmocka_unit_test(test_part_of_an_answer_is_none),
        cmocka_unit_test(test_answers_larger_than_asked_for),
        cmocka_unit_test(test_body_of_a_request_that_was_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
