/* SPDX-License-Identifier: Apache-2.0 */
/* One request as a libcurl easy handle: sets it up, feeds its body, reads its answer, and turns its
 * outcome into a response or a failure. Network thread only. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/http_call.h"
#include "http/http_proxy.h"

#define CONNECT_TIMEOUT_MS 30000u
#define STALL_TIMEOUT_MS 60000u
#define ANSWER_TIMEOUT_MS 60000u
#define BODY_TIMEOUT_MS 300000u /* for the whole body of an answer that is not streamed */

/* "https://host:port" of the request, for messages: no path, no query, no user. */
static const char *origin_of(const struct http_call *call, char *buf, size_t buf_size)
{
    const char *host = strstr(call->request.url, "://");
    size_t size = host == NULL ? 0 : (size_t)(host - call->request.url) + 3;
    size += strcspn(call->request.url + size, "/?#");
    return text_printable(buf, buf_size, call->request.url, size);
}

void call_fail(struct http_call *call, int status, const char *format, ...)
{
    char text[400];
    char origin[200];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    (void)fail(&call->failure, status, "%s %s: %s", call->request.method,
               origin_of(call, origin, sizeof origin), text);
    if (status == LPIPE_NETWORK || status == LPIPE_TIMEOUT) {
        call->failure.flags |= LPIPE_ERROR_RETRYABLE;
    }
}

/* Sending the body. */

static size_t body_wait(struct http_call *call)
{
    call->send_paused = true;
    return CURL_READFUNC_PAUSE;
}

static size_t body_pulled(struct http_call *call, char *buf, size_t size)
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

static size_t body_copied(struct http_call *call, char *buf, size_t size)
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
    size_t got = body->pull != NULL ? body_pulled(call, buf, size) : body_copied(call, buf, size);
    http_rate_return(call->rate,
                     got <= size ? size - got : size); /* larger values are libcurl's codes */
    return got;
}

/* libcurl seeks when it repeats a request because a reused connection was dead. */
static int body_seek(void *ctx, curl_off_t offset, int origin)
{
    struct http_call *call = ctx;
    bool moves = (uint64_t)offset != call->body_read;
    if ((moves && call->request.body.pull != NULL) || origin != SEEK_SET || offset < 0 ||
        (uint64_t)offset > MAX_OF(call->request.body.size, call->body_read)) {
        return CURL_SEEKFUNC_FAIL;
    }
    call->body_read = (uint64_t)offset;
    call->body_ended = call->body_ended && !moves;
    return CURL_SEEKFUNC_OK;
}

/* Reading the answer. */

static void status_line(struct http_call *call, const char *line, size_t size)
{
    const char *space = memchr(line, ' ', size);
    uint64_t status = 0;
    call->response.status = 0;
    if (space != NULL && (size_t)(space - line) + 4 <= size &&
        text_to_u64(space + 1, 3, 999, &status)) {
        call->response.status = (int)status;
    }
    buf_clear(&call->response.headers);
    call->header_count = 0;
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

static int header_append(struct http_call *call, const char *line, size_t size)
{
    struct buf *headers = &call->response.headers;
    if ((line[0] == ' ' || line[0] == '\t') && headers->size > 0) {
        headers->data[headers->size - 1] =
            ' '; /* a folded line continues the last one (RFC 9112, 5.2) */
        return buf_append(headers, line, size) != 0 || buf_append(headers, "\n", 1) != 0;
    }
    const char *colon = memchr(line, ':', size);
    if (colon == NULL) {
        return 0;
    }
    size_t start = headers->size;
    if (++call->header_count > HEADER_COUNT_MAX || buf_append(headers, line, size) != 0 ||
        buf_append(headers, "\n", 1) != 0) {
        return 1;
    }
    for (char *c = headers->data + start; *c != ':'; c++) {
        *c = (char)tolower((unsigned char)*c);
    }
    return 0;
}

static size_t header_take(char *data, size_t unit, size_t count, void *ctx)
{
    struct http_call *call = ctx;
    size_t all = unit * count;
    size_t size = all;
    while (size > 0 && (data[size - 1] == '\n' || data[size - 1] == '\r')) {
        size--;
    }
    if (call->head_complete && call->response.status == 417 && call->request.expect_continue &&
        size > 5 && memcmp(data, "HTTP/", 5) == 0) {
        call->head_complete = false; /* libcurl has repeated the request without Expect */
        call->response.unexpected = true;
    }
    if (call->head_complete) {
        return all; /* a trailer; none is used */
    }
    if (size > 5 && memcmp(data, "HTTP/", 5) == 0) {
        status_line(call, data, size);
    } else if (size == 0) {
        head_end(call);
        return call->failure.status == 0 ? all : 0;
    } else if (size > HEADER_LINE_BYTES_MAX || header_append(call, data, size) != 0) {
        call_fail(call, LPIPE_TOO_LARGE, "the answer's headers are too large");
        return 0;
    }
    return all;
}

/* Whether the caller needs the body. Otherwise status and headers are the answer; its body is
 * read only for error messages and may be incomplete. */
static bool is_body_wanted(const struct http_call *call)
{
    return (strcmp(call->request.method, "GET") == 0 || call->request.body_wanted) &&
           call->response.status / 100 == 2;
}

static size_t answer_take(char *data, size_t unit, size_t count, void *ctx)
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
    size_t room = body->size_max - MIN_OF(body->size_max, body->size);
    size_t part = MIN_OF(size, room);
    if (part > 0 && buf_append(body, data, part) != 0) {
        (void)fail_memory(&call->failure);
        return 0;
    }
    if (part < size && is_body_wanted(call)) {
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
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
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

/* Setting up the easy handle. */

static int header_add(struct http_call *call, const char *line)
{
    struct curl_slist *list = curl_slist_append(call->headers, line);
    if (list == NULL) {
        return LPIPE_NO_MEMORY;
    }
    call->headers = list;
    return 0;
}

static int secret_add(struct http_call *call, struct lpipe_error *err)
{
    if (call->request.secret == NULL) {
        return 0;
    }
    if (!text_is_clean(call->request.secret, strlen(call->request.secret))) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "a credential contains control characters");
    }
    char *line = mem_printf("Authorization: %s", call->request.secret);
    int status = line == NULL ? LPIPE_NO_MEMORY : header_add(call, line);
    mem_wipe_text(line);
    return status == 0 ? 0 : fail_memory(err);
}

static int headers_set(struct http_call *call, struct lpipe_error *err)
{
    const struct http_request *request = &call->request;
    int status = header_add(call, request->expect_continue ? "Expect: 100-continue" : "Expect:");
    bool accept = false;
    for (size_t i = 0; i < request->header_count && status == 0; i++) {
        if (!text_is_clean(request->headers[i], strlen(request->headers[i]))) {
            return fail(err, LPIPE_INVALID_ARGUMENT,
                        "a request header contains control characters");
        }
        accept = accept || strncasecmp(request->headers[i], "Accept:", 7) == 0;
        status = header_add(call, request->headers[i]);
    }
    if (status == 0 && !accept) {
        status = header_add(call, "Accept: */*");
    }
    if (status != 0) {
        return fail_memory(err);
    }
    status = secret_add(call, err);
    (void)curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
    return status;
}

static void method_set(struct http_call *call)
{
    const struct http_request *request = &call->request;
    bool body = request->body.pull != NULL || request->body.size > 0 ||
                strcmp(request->method, "POST") == 0 || strcmp(request->method, "PUT") == 0 ||
                strcmp(request->method, "PATCH") == 0;
    if (strcmp(request->method, "HEAD") == 0) {
        (void)curl_easy_setopt(call->easy, CURLOPT_NOBODY, 1L);
        return;
    }
    call->body_ended = !body;
    if (body) {
        (void)curl_easy_setopt(call->easy, CURLOPT_UPLOAD, 1L);
        (void)curl_easy_setopt(call->easy, CURLOPT_INFILESIZE_LARGE,
                               request->body.pull != NULL && request->body.size == 0
                                   ? (curl_off_t)-1
                                   : (curl_off_t)request->body.size);
        (void)curl_easy_setopt(call->easy, CURLOPT_READFUNCTION, body_read);
        (void)curl_easy_setopt(call->easy, CURLOPT_READDATA, call);
        (void)curl_easy_setopt(call->easy, CURLOPT_SEEKFUNCTION, body_seek);
        (void)curl_easy_setopt(call->easy, CURLOPT_SEEKDATA, call);
        call->body_ended = request->body.pull == NULL && request->body.size == 0;
    }
    if (request->fresh_connection) {
        (void)curl_easy_setopt(call->easy, CURLOPT_FRESH_CONNECT, 1L);
    }
    if (strcmp(request->method, "GET") != 0) {
        (void)curl_easy_setopt(call->easy, CURLOPT_CUSTOMREQUEST, request->method);
    }
}

/* The additional authorities are given as one blob; the system's stay, as a directory. */
static int authorities_set(struct http_call *call, struct lpipe_error *err)
{
    const char *pem = call->request.ca_pem;
    if (pem == NULL) {
        return 0;
    }
    struct curl_blob blob = { .data = (void *)(uintptr_t)pem,
                              .len = strlen(pem),
                              .flags = CURL_BLOB_COPY };
    return curl_easy_setopt(call->easy, CURLOPT_CAINFO_BLOB, &blob) == CURLE_OK ? 0
                                                                                : fail_memory(err);
}

static int tls_set(struct http_call *call, const struct http_options *options,
                   struct lpipe_error *err)
{
    const char *cert = call->request.cert;
    const char *key = call->request.key;
    if (strncasecmp(call->request.url, "https:", 6) != 0) {
        return 0;
    }
    (void)curl_easy_setopt(call->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (options->tls_no_verify) {
        (void)curl_easy_setopt(call->easy, CURLOPT_SSL_VERIFYPEER, 0L);
        (void)curl_easy_setopt(call->easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (cert != NULL) {
        (void)curl_easy_setopt(call->easy, CURLOPT_SSLCERT, cert);
        (void)curl_easy_setopt(call->easy, CURLOPT_SSLKEY, key != NULL ? key : cert);
    }
    return authorities_set(call, err);
}

/* An https proxy has a certificate of its own. Its authorities are those of the client, not
 * those of one registry. */
static int proxy_tls_set(struct http_call *call, const struct http_options *options,
                         struct lpipe_error *err)
{
    if (!call->proxied) {
        return 0;
    }
    if (options->tls_no_verify) {
        (void)curl_easy_setopt(call->easy, CURLOPT_PROXY_SSL_VERIFYPEER, 0L);
        (void)curl_easy_setopt(call->easy, CURLOPT_PROXY_SSL_VERIFYHOST, 0L);
    }
    if (options->proxy_ca_pem == NULL) {
        return 0;
    }
    struct curl_blob blob = { .data = (void *)(uintptr_t)options->proxy_ca_pem,
                              .len = strlen(options->proxy_ca_pem),
                              .flags = CURL_BLOB_COPY };
    return curl_easy_setopt(call->easy, CURLOPT_PROXY_CAINFO_BLOB, &blob) == CURLE_OK
               ? 0
               : fail_memory(err);
}

static void callbacks_set(struct http_call *call)
{
    CURL *easy = call->easy;
    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->curl_text);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, header_take);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, answer_take);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, socket_open);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call);
    (void)curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_sending);
    (void)curl_easy_setopt(easy, CURLOPT_PREREQDATA, call);
}

/* Switches off what libcurl would decide itself: redirects, authentication, proxies, HTTP
 * versions. */
static int behaviour_set(struct http_call *call, struct lpipe_error *err)
{
    CURL *easy = call->easy;
    uint32_t connect_ms = call->request.connect_timeout_ms;
    const char *proxy = proxy_of(call->request.url, &call->proxy_variable);
    struct buf proxy_text CLEANUP(buf_wipe) = BUF_INIT(2 * PASSWORD_BYTES_MAX);
    call->proxied = proxy != NULL;
    proxy_describe(proxy, call->proxy, sizeof call->proxy);
    (void)curl_easy_setopt(easy, CURLOPT_URL, call->request.url);
    (void)curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    if (proxy != NULL && proxy_url(proxy, &proxy_text) != 0) {
        return fail_memory(err);
    }
    (void)curl_easy_setopt(easy, CURLOPT_PROXY, proxy != NULL ? proxy_text.data : "");
    (void)curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                           (long)(connect_ms != 0 ? connect_ms : CONNECT_TIMEOUT_MS));
    (void)curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)HTTP_SEND_BYTES);
    (void)curl_easy_setopt(easy, CURLOPT_BUFFERSIZE,
                           (long)(call->request.stream ? HTTP_RECEIVE_BYTES : HTTP_ANSWER_BYTES));
    return 0;
}

int call_prepare(struct http_call *call, const struct http_options *options,
                 struct lpipe_error *err)
{
    call->easy = curl_easy_init();
    if (call->easy == NULL) {
        return fail_memory(err);
    }
    if (!text_is_clean(call->request.url, strlen(call->request.url))) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "a URL contains control characters");
    }
    callbacks_set(call);
    method_set(call);
    int status = behaviour_set(call, err);
    status = status == 0 ? proxy_tls_set(call, options, err) : status;
    status = status == 0 ? tls_set(call, options, err) : status;
    return status != 0 ? status : headers_set(call, err);
}

struct http_call *call_free(struct http_call *call)
{
    for (struct curl_slist *line = call->headers; line != NULL; line = line->next) {
        explicit_bzero(line->data, strlen(line->data));
    }
    curl_slist_free_all(call->headers);
    http_response_dispose(&call->response);
    stream_dispose(&call->stream);
    pthread_cond_destroy(&call->ended);
    free(call);
    return NULL;
}

/* Progress and outcome. */

/* libcurl resets its count when it is about to repeat a request. The bytes that it has read may
 * have been sent then, so they count as sent. */
static uint64_t bytes_sent(const struct http_call *call)
{
    curl_off_t sent = 0;
    (void)curl_easy_getinfo(call->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    return sent > 0 ? MIN_OF((uint64_t)sent, call->body_read) : call->body_read;
}

/* Bytes of bodies only: a slow head, or any number of interim answers, must not extend the time
 * limit. */
static uint64_t bytes_moved(const struct http_call *call)
{
    curl_off_t received = 0;
    (void)curl_easy_getinfo(call->easy, CURLINFO_SIZE_DOWNLOAD_T, &received);
    return bytes_sent(call) + (uint64_t)MAX_OF(received, 0);
}

/* The other side is not expected to do anything: the connection is not ready, or the caller is
 * slow. */
static bool is_idle(const struct http_call *call)
{
    curl_off_t ready_us = 0;
    (void)curl_easy_getinfo(call->easy, CURLINFO_PRETRANSFER_TIME_T, &ready_us);
    return ready_us == 0 || call->send_paused || call->receive_paused;
}

bool call_expired(struct http_call *call, uint64_t now_ms)
{
    if (call->head_complete && !call->request.stream && now_ms - call->head_ms > BODY_TIMEOUT_MS) {
        call_fail(call, LPIPE_TIMEOUT, "the answer did not end within %u s",
                  BODY_TIMEOUT_MS / 1000);
        return true;
    }
    uint64_t moved = bytes_moved(call);
    bool answering = call->body_ended && !call->head_complete;
    uint32_t limit = answering ? call->request.answer_timeout_ms : call->request.stall_timeout_ms;
    limit = limit != 0 ? limit : answering ? ANSWER_TIMEOUT_MS : STALL_TIMEOUT_MS;
    if (moved != call->moved_bytes || is_idle(call)) {
        call->moved_bytes = moved;
        call->moved_ms = now_ms;
        return false;
    }
    if (now_ms - call->moved_ms < limit) {
        return false;
    }
    call_count_sent(call);
    call_fail(call, LPIPE_TIMEOUT, "%s for %u s",
              answering ? "no answer" : "no byte was sent or received", limit / 1000);
    return true;
}

void call_count_sent(struct http_call *call)
{
    call->response.body_sent = bytes_sent(call);
    call->response.body_complete = call->body_ended;
}

static int error_status(CURLcode code)
{
    switch ((int)code) {
    case CURLE_OUT_OF_MEMORY:
        return LPIPE_NO_MEMORY;
    case CURLE_OPERATION_TIMEDOUT:
        return LPIPE_TIMEOUT;
    case CURLE_URL_MALFORMAT:
    case CURLE_SSL_CERTPROBLEM: /* a client certificate or key that cannot be used */
    case CURLE_SSL_CACERT_BADFILE:
        return LPIPE_INVALID_ARGUMENT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
        return LPIPE_TLS;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_BAD_CONTENT_ENCODING:
        return LPIPE_PROTOCOL;
    default:
        return LPIPE_NETWORK;
    }
}

/* In TLS 1.3 a server refuses a client certificate after the handshake, with an alert. */
static bool is_alert(const char *text)
{
    return strstr(text, "SSL routines") != NULL && strstr(text, " alert ") != NULL;
}

/* What the user can do about a refused connection, or "". */
static const char *advice_of(struct http_call *call, CURLcode code, const char *text)
{
    long reason = 0;
    (void)curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &reason);
    if (code == CURLE_COULDNT_CONNECT && reason == ECONNREFUSED) {
        return " (refused: no server listens there)";
    }
    if (code == CURLE_PEER_FAILED_VERIFICATION &&
        (strstr(text, "self") != NULL || strstr(text, "issuer") != NULL)) {
        return "; name its authority with --cacert FILE or SSL_CERT_FILE";
    }
    if (code == CURLE_PEER_FAILED_VERIFICATION &&
        (strstr(text, "expired") != NULL || strstr(text, "not yet valid") != NULL)) {
        return "; if the certificate is valid, the clock of this machine is wrong";
    }
    if (is_alert(text) && (strstr(text, "certificate") != NULL || strstr(text, " ca") != NULL)) {
        return "; the registry requires a client certificate that it accepts: --cert FILE, "
               "--key FILE";
    }
    if (code == CURLE_SSL_CONNECT_ERROR && strstr(text, "wrong version number") != NULL) {
        return "; if the registry speaks plain http, use --plain-http";
    }
    return "";
}

/* The server may answer and close before it has read the whole body: that is an answer too. */
static bool is_answer(const struct http_call *call, CURLcode code)
{
    return code == CURLE_OK ||
           (call->failure.status == 0 && call->head_complete && !is_body_wanted(call));
}

static uint32_t round_trip_us(const struct http_call *call)
{
    curl_socket_t fd = CURL_SOCKET_BAD;
    struct tcp_info info = { 0 };
    socklen_t size = sizeof info;
    if (curl_easy_getinfo(call->easy, CURLINFO_ACTIVESOCKET, &fd) != CURLE_OK ||
        fd == CURL_SOCKET_BAD || getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
        size < offsetof(struct tcp_info, tcpi_min_rtt) + sizeof info.tcpi_min_rtt ||
        info.tcpi_min_rtt == UINT32_MAX) {
        return 0;
    }
    return info.tcpi_min_rtt;
}

static void times_take(struct http_call *call)
{
    curl_off_t all = 0;
    curl_off_t ready = 0;
    curl_off_t named = 0;
    curl_off_t connected = 0;
    (void)curl_easy_getinfo(call->easy, CURLINFO_TOTAL_TIME_T, &all);
    (void)curl_easy_getinfo(call->easy, CURLINFO_PRETRANSFER_TIME_T, &ready);
    (void)curl_easy_getinfo(call->easy, CURLINFO_NAMELOOKUP_TIME_T, &named);
    (void)curl_easy_getinfo(call->easy, CURLINFO_CONNECT_TIME_T, &connected);
    call->response.time_ms = (uint32_t)(MAX_OF(all - ready, 0) / 1000);
    call->response.connect_us = (uint32_t)MAX_OF(connected - named, 0);
    call->response.rtt_us = round_trip_us(call);
}

/* The request was sent, and the head of the answer is not complete. */
static bool is_awaiting_head(const struct http_call *call)
{
    long sent = 0;
    (void)curl_easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &sent);
    return sent > 0 && !call->head_complete;
}

/* The proxy refused to connect; its status decides whether a retry may help. */
static bool is_refused_by_proxy(struct http_call *call)
{
    long status = 0;
    (void)curl_easy_getinfo(call->easy, CURLINFO_HTTP_CONNECTCODE, &status);
    status = call->proxied && call->response.status == 407 ? 407 : status;
    if (call->failure.status != 0 || status < 300) {
        return false;
    }
    int meaning = status == 407   ? LPIPE_AUTH_REQUIRED
                  : status == 403 ? LPIPE_DENIED
                  : status < 500  ? LPIPE_REFUSED
                                  : LPIPE_NETWORK;
    call_fail(call, meaning, "the proxy %s (%s) answered %ld%s", call->proxy, call->proxy_variable,
              status,
              status == 407 ? "; put its user and password into the variable that names it: "
                              "http://USER:PASSWORD@HOST:PORT"
                            : "");
    call->failure.flags |= status == 407 ? LPIPE_ERROR_ADVICE : 0;
    return true;
}

/* libcurl's message about an unusable proxy URL contains the URL with its password: not shown. */
static bool is_bad_proxy(const struct http_call *call)
{
    return text_starts(call->curl_text, "Unsupported proxy");
}

/* The connection to the proxy failed, so the registry was not reached. */
static bool proxy_failed(const struct http_call *call)
{
    curl_off_t ready_us = 0;
    long connect_status = 0;
    (void)curl_easy_getinfo(call->easy, CURLINFO_PRETRANSFER_TIME_T, &ready_us);
    (void)curl_easy_getinfo(call->easy, CURLINFO_HTTP_CONNECTCODE, &connect_status);
    return call->proxied && ready_us == 0 && connect_status != 200;
}

void call_conclude(struct http_call *call, CURLcode code)
{
    const char *address = NULL;
    /* Behind a proxy the peer address is the proxy's, so it is not used. */
    if (!call->proxied &&
        curl_easy_getinfo(call->easy, CURLINFO_PRIMARY_IP, &address) == CURLE_OK &&
        address != NULL) {
        (void)snprintf(call->response.address, sizeof call->response.address, "%s", address);
    }
    call->response.body_sent = bytes_sent(call);
    call->response.body_complete =
        call->body_ended &&
        (call->request.body.size == 0 || call->response.body_sent == call->request.body.size);
    times_take(call);
    if (is_refused_by_proxy(call)) {
        return;
    }
    if (is_answer(call, code)) {
        if (!call->head_complete && call->response.status != 0) {
            call_fail(call, LPIPE_NETWORK, "the connection ended within the answer's headers");
        } else if (!call->head_complete) {
            call_fail(call, LPIPE_PROTOCOL, "the answer has no status");
        }
        return;
    }
    /* libcurl's code for a header line that is too long for it. */
    if (code == CURLE_OUT_OF_MEMORY && call->failure.status == 0 && is_awaiting_head(call)) {
        /* On a reused connection the line may be the rest of another answer: a retry may help. */
        bool kept = call->response.connect_us == 0;
        call_fail(call, kept ? LPIPE_NETWORK : LPIPE_TOO_LARGE,
                  "the answer's headers are too large");
    }
    if (call->failure.status == 0 && is_bad_proxy(call)) {
        call_fail(call, LPIPE_INVALID_ARGUMENT,
                  "the value of %s is not the URL of a proxy (http://USER:PASSWORD@HOST:PORT)",
                  call->proxy_variable);
    }
    if (call->failure.status == 0) {
        const char *text = call->curl_text[0] != '\0' ? call->curl_text : curl_easy_strerror(code);
        char clean[300];
        text = text_printable(clean, sizeof clean, text, strlen(text));
        bool cut = code == CURLE_SSL_CONNECT_ERROR && strstr(text, "reset") != NULL;
        int status = cut ? LPIPE_NETWORK : is_alert(text) ? LPIPE_TLS : error_status(code);
        long reason = 0;
        call->response.speaks_tls = code == CURLE_PEER_FAILED_VERIFICATION || is_alert(text);
        (void)curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &reason);
        if (proxy_failed(call)) {
            call_fail(call, status, "the proxy %s (%s): %s%s", call->proxy, call->proxy_variable,
                      text, advice_of(call, code, text));
        } else {
            call_fail(call, status, "%s%s", text, advice_of(call, code, text));
        }
        if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST ||
            code == CURLE_COULDNT_RESOLVE_PROXY) {
            call->failure.sys_errno = reason != 0 ? (int)reason : EHOSTUNREACH;
        }
    }
}
