/* SPDX-License-Identifier: Apache-2.0 */
/* What libcurl calls during a transfer: gives it the request's body, keeps the answer, allows or
 * refuses an address. Network thread only. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/limits.h"
#include "http/http_call.h"
#include "http/http_head.h"

/* Sending the body. */

static size_t body_wait(struct http_call *call)
{
    call->send_paused = true;
    return CURL_READFUNC_PAUSE;
}

static size_t body_pull_bytes(struct http_call *call, char *buf, size_t size)
{
    uint64_t size_max = call->request.body.size;
    if (call->head_complete) {
        return CURL_READFUNC_ABORT; /* the answer has arrived: the rest of the body is not needed */
    }
    if (size_max > 0) {
        size = (size_t)MIN_OF((uint64_t)size, size_max - call->body_read);
    }
    if (size == 0) {
        return 0;
    }
    ptrdiff_t got = call->request.body.pull(call->request.body.ctx, buf, size);
    if (got == HTTP_PULL_WAIT) {
        return body_wait(call);
    }
    if (got < 0 || (size_t)got > size) {
        call_fail(call, LPIPE_ABORTED, "the upload was abandoned");
        return CURL_READFUNC_ABORT;
    }
    call->body_read += (uint64_t)got;
    call->body_ended = got == 0 || call->body_read == size_max;
    return (size_t)got;
}

static size_t body_copy_bytes(struct http_call *call, char *buf, size_t size)
{
    const struct http_body *body = &call->request.body;
    size = (size_t)MIN_OF((uint64_t)size, body->size - call->body_read);
    memcpy(buf, (const char *)body->data + call->body_read, size);
    call->body_read += size;
    call->body_ended = call->body_read == body->size;
    return size;
}

static size_t body_read(char *buf, size_t unit, size_t count, void *ctx)
{
    struct http_call *call = ctx;
    const struct http_body *body = &call->request.body;
    size_t size = http_rate_take(call->rate, unit * count);
    if (size == 0) {
        call->rate_paused = true;
        return body_wait(call);
    }
    size_t got =
        body->pull != NULL ? body_pull_bytes(call, buf, size) : body_copy_bytes(call, buf, size);
    http_rate_return(call->rate,
                     got <= size ? size - got : size); /* larger values are libcurl's codes */
    return got;
}

/* libcurl seeks when it repeats a request because a reused connection was dead. */
static int body_seek(void *ctx, curl_off_t offset, int origin)
{
    struct http_call *call = ctx;
    bool position_changes = (uint64_t)offset != call->body_read;
    if ((position_changes && call->request.body.pull != NULL) || origin != SEEK_SET || offset < 0 ||
        (uint64_t)offset > MAX_OF(call->request.body.size, call->body_read)) {
        return CURL_SEEKFUNC_FAIL;
    }
    call->body_read = (uint64_t)offset;
    call->body_ended = call->body_ended && !position_changes;
    return CURL_SEEKFUNC_OK;
}

/* Reading the answer. */

/* Nobody knows where such an answer ends; and another server than the one that sent it may have
 * added one of them. */
static bool has_different_lengths(const struct http_response *response)
{
    char first[24];
    char other[24];
    int size = http_response_header(response, "content-length", 0, first, sizeof first);
    for (size_t nth = 1; size > 0; nth++) {
        int found = http_response_header(response, "content-length", nth, other, sizeof other);
        if (found == HTTP_HEADER_ABSENT) {
            return false;
        }
        if (found != size || memcmp(first, other, (size_t)size) != 0) {
            return true;
        }
    }
    return false;
}

static void head_end(struct http_call *call)
{
    int status = call->response.status;
    char text[24];
    if ((status == 204 || status == 304) &&
        http_response_header(&call->response, "content-length", 0, text, sizeof text) > 0 &&
        strcmp(text, "0") != 0) {
        /* These statuses have no body. If the server sends one, the bytes would be read as the next
         * answer, so the connection is not reused. */
        (void)curl_easy_setopt(call->easy, CURLOPT_FORBID_REUSE, 1L);
    }
    if (status == 101) {
        call_fail(call, LPIPE_PROTOCOL, "the server switched to another protocol (101)");
        return;
    }
    if (has_different_lengths(&call->response)) {
        call_fail(call, LPIPE_PROTOCOL, "the answer has two different Content-Length headers");
        return;
    }
    if (status >= 200) {
        call->head_complete = true;
        call->head_ms = clock_ms();
        atomic_store(&call->answered, true);
        if (call->send_paused && !call->body_ended) {
            atomic_store(&call->wake, true); /* so that the paused sender sees the answer */
        }
    } else if (status == 100) {
        call->response.continued = true;
    }
}

static size_t on_header(char *data, size_t unit, size_t count, void *ctx)
{
    struct http_call *call = ctx;
    size_t all = unit * count;
    size_t size = all;
    while (size > 0 && (data[size - 1] == '\n' || data[size - 1] == '\r')) {
        size--;
    }
    if (call->head_complete && call->response.status == 417 && call->request.expect_continue &&
        head_is_status_line(data, size)) {
        call->head_complete = false; /* libcurl has repeated the request without Expect */
        call->response.unexpected = true;
    }
    if (call->head_complete) {
        return all; /* a trailer; none is used */
    }
    if (head_is_status_line(data, size)) {
        head_status_line(&call->response, data, size);
    } else if (size == 0) {
        head_end(call);
        return call->failure.status == 0 ? all : 0;
    } else if (head_header_line(&call->response, data, size) != 0) {
        call_fail(call, LPIPE_TOO_LARGE, "the answer's headers are too large");
        return 0;
    }
    return all;
}

static size_t on_body(char *data, size_t unit, size_t count, void *ctx)
{
    struct http_call *call = ctx;
    size_t size = unit * count;
    if (call->request.stream && call->response.status / 100 == 2) {
        if (!stream_put(&call->stream, data, size)) {
            call->receive_paused = true;
            return CURL_WRITEFUNC_PAUSE;
        }
        return size;
    }
    struct buf *body = &call->response.body;
    size_t free_space = body->size_max - MIN_OF(body->size_max, body->size);
    size_t part = MIN_OF(size, free_space);
    if (part > 0 && buf_append(body, data, part) != 0) {
        (void)fail_memory(&call->failure);
        return 0;
    }
    if (part < size && call_wants_body(call)) {
        call_fail(call, LPIPE_TOO_LARGE, "the answer is larger than %zu bytes", body->size_max);
    }
    return part < size ? 0 : size;
}

/* Checking the address. */

static bool address_allowed(const struct http_call *call, const struct sockaddr *address)
{
    enum address_class kind = address_class_of(address);
    bool local = kind == ADDRESS_LOOPBACK || kind == ADDRESS_PRIVATE;
    return call->request.addresses == HTTP_ADDRESS_ANY || call->proxied || kind == ADDRESS_PUBLIC ||
           (local && call->request.addresses == HTTP_ADDRESS_LOCAL);
}

/* Bytes that were given to the connection shall soon be on the network. Without a limit the kernel
 * takes several MB, so that on a slow line seconds of work would count as sent. Where the limit is
 * refused, only progress is less exact. */
static void limit_unsent(int fd)
{
    const int bytes = HTTP_UNSENT_BYTES;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof bytes);
}

static curl_socket_t socket_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct http_call *call = ctx;
    (void)purpose;
    if (!address_allowed(call, &address->addr)) {
        call_fail(call, LPIPE_REFUSED,
                  "the registry named this host, which has an address that is not allowed for it "
                  "(link-local, unspecified, multicast, or not public)");
        return CURL_SOCKET_BAD;
    }
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd >= 0) {
        limit_unsent(fd);
    } else if (errno == EMFILE || errno == ENFILE) {
        /* A retry would wait for nothing: the descriptors are this process's. */
        (void)fail_errno(&call->failure, LPIPE_NO_RESOURCES, errno, "cannot make a socket");
    }
    return fd;
}

/* libcurl calls this before it sends. A request that changes something is sent once only:
 * libcurl would repeat it when a reused connection ends without an answer, but the server may
 * have received it. */
static int before_sending(void *ctx, char *to, char *from, int to_port, int from_port)
{
    struct http_call *call = ctx;
    bool repeated = call->send_count++ > 0 && call->response.status != 417;
    (void)to;
    (void)from;
    (void)to_port;
    (void)from_port;
    if (repeated && strcmp(call->request.method, "GET") != 0 &&
        strcmp(call->request.method, "HEAD") != 0) {
        call_fail(call, LPIPE_NETWORK, "the connection ended without an answer");
        return CURL_PREREQFUNC_ABORT;
    }
    return CURL_PREREQFUNC_OK;
}

void call_set_callbacks(struct http_call *call)
{
    CURL *easy = call->easy;
    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->curl_text);
    (void)curl_easy_setopt(easy, CURLOPT_READFUNCTION, body_read);
    (void)curl_easy_setopt(easy, CURLOPT_READDATA, call);
    (void)curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, body_seek);
    (void)curl_easy_setopt(easy, CURLOPT_SEEKDATA, call);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, socket_open);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call);
    (void)curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_sending);
    (void)curl_easy_setopt(easy, CURLOPT_PREREQDATA, call);
}
