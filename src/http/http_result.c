/* SPDX-License-Identifier: Apache-2.0 */
/* How a request goes and ends: its time limits, and the response or the failure that libcurl's
 * result becomes. Network thread only. */
#include <errno.h>
#include <inttypes.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"
#include "http/http_authorities.h"
#include "http/http_call.h"

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

/* Whether the caller needs the body. Otherwise status and headers are the answer; its body is
 * read only for error messages and may be incomplete. */
bool call_wants_body(const struct http_call *call)
{
    return (strcmp(call->request.method, "GET") == 0 || call->request.body_wanted) &&
           call->response.status / 100 == 2;
}

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
static bool is_server_not_awaited(const struct http_call *call)
{
    curl_off_t pretransfer_us = 0;
    (void)curl_easy_getinfo(call->easy, CURLINFO_PRETRANSFER_TIME_T, &pretransfer_us);
    return pretransfer_us == 0 || call->send_paused || call->receive_paused;
}

bool call_expired(struct http_call *call, uint64_t now_ms)
{
    if (call->head_complete && !call->request.stream &&
        now_ms - call->head_ms > ANSWER_BODY_TIMEOUT_MS) {
        call_fail(call, LPIPE_TIMEOUT, "the answer did not end within %u s",
                  ANSWER_BODY_TIMEOUT_MS / 1000);
        return true;
    }
    uint64_t moved = bytes_moved(call);
    bool answering = call->body_ended && !call->head_complete;
    uint32_t limit = answering ? call->request.answer_timeout_ms : call->request.stall_timeout_ms;
    limit = limit != 0 ? limit : answering ? ANSWER_TIMEOUT_MS : STALL_TIMEOUT_MS;
    if (moved != call->moved_bytes || is_server_not_awaited(call)) {
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

static int error_status(const struct http_call *call, CURLcode code)
{
    switch ((int)code) {
    case CURLE_OUT_OF_MEMORY:
        return LPIPE_NO_MEMORY;
    case CURLE_OPERATION_TIMEDOUT:
        return LPIPE_TIMEOUT;
    case CURLE_URL_MALFORMAT:
    case CURLE_SSL_CERTPROBLEM: /* a client certificate or key that cannot be used */
        return LPIPE_INVALID_ARGUMENT;
    case CURLE_SSL_CACERT_BADFILE: /* ours, or the system's, which may be missing */
        return call->request.ca_pem != NULL ? LPIPE_INVALID_ARGUMENT : LPIPE_TLS;
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

/* The connection ended before TLS was agreed on, as a server or load balancer that restarts does
 * it. The other texts are about what the two sides want of each other. The cause behind these words
 * is in the language of the program's locale. */
static bool is_cut_handshake(CURLcode code, const char *text)
{
    static const char *const words[] = { "SSL_connect: ", "unexpected eof", "Recv failure",
                                         "Send failure" };
    bool found = false;
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        found = found || strstr(text, words[i]) != NULL;
    }
    return found && code == CURLE_SSL_CONNECT_ERROR;
}

/* What to do about a certificate whose issuer is not known, or the system's authorities that cannot
 * be read. */
static const char *advice_of_authorities(CURLcode code)
{
    if (http_authorities_are_missing()) {
        return "; this machine has no CA certificates: install the package ca-certificates, or "
               "give a file of them with `cacert` or SSL_CERT_FILE";
    }
    return code == CURLE_SSL_CACERT_BADFILE
               ? "; install the package ca-certificates again, or give a file of CA certificates "
                 "with `cacert` or SSL_CERT_FILE"
               : "; give the CA certificate that signed it with `cacert` or SSL_CERT_FILE";
}

/* What is known about the cause, or what the user can do (with a semicolon), or "". */
static const char *advice_of(struct http_call *call, CURLcode code, const char *text)
{
    long reason = 0;
    (void)curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &reason);
    if (code == CURLE_COULDNT_CONNECT && reason == ECONNREFUSED) {
        return " (refused: no server listens there)";
    }
    if (code == CURLE_PEER_FAILED_VERIFICATION &&
        (strstr(text, "self") != NULL || strstr(text, "issuer") != NULL)) {
        return advice_of_authorities(code);
    }
    if (code == CURLE_SSL_CACERT_BADFILE && call->request.ca_pem == NULL) {
        return advice_of_authorities(code);
    }
    if (code == CURLE_PEER_FAILED_VERIFICATION &&
        (strstr(text, "expired") != NULL || strstr(text, "not yet valid") != NULL)) {
        return "; if the certificate is valid, the clock of this machine is wrong";
    }
    if (is_alert(text) && (strstr(text, "certificate") != NULL || strstr(text, " ca") != NULL)) {
        return "; the registry requires a client certificate that it accepts: `cert`, `key`";
    }
    if (code == CURLE_SSL_CONNECT_ERROR && strstr(text, "wrong version number") != NULL) {
        return "; if the registry speaks plain http, use `LPIPE_CLIENT_PLAIN_HTTP`";
    }
    return "";
}

/* The server may answer and close before it has read the whole body: that is an answer too. */
static bool is_answer(const struct http_call *call, CURLcode code)
{
    return code == CURLE_OK ||
           (call->failure.status == 0 && call->head_complete && !call_wants_body(call));
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

static void times_read(struct http_call *call)
{
    curl_off_t total_us = 0;
    curl_off_t pretransfer_us = 0;
    curl_off_t lookup_done_us = 0;
    curl_off_t connected_us = 0;
    (void)curl_easy_getinfo(call->easy, CURLINFO_TOTAL_TIME_T, &total_us);
    (void)curl_easy_getinfo(call->easy, CURLINFO_PRETRANSFER_TIME_T, &pretransfer_us);
    (void)curl_easy_getinfo(call->easy, CURLINFO_NAMELOOKUP_TIME_T, &lookup_done_us);
    (void)curl_easy_getinfo(call->easy, CURLINFO_CONNECT_TIME_T, &connected_us);
    call->response.time_ms = (uint32_t)(MAX_OF(total_us - pretransfer_us, 0) / 1000);
    call->response.connect_us = (uint32_t)MAX_OF(connected_us - lookup_done_us, 0);
    call->response.rtt_us = round_trip_us(call);
}

/* The request was sent, and the head of the answer is not complete. */
static bool is_awaiting_head(const struct http_call *call)
{
    long sent = 0;
    (void)curl_easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &sent);
    return sent > 0 && !call->head_complete;
}

/* What the status means that a proxy has answered to CONNECT. After NETWORK a retry may help. */
static int meaning_of_proxy(long status)
{
    bool passes = status == 408 || status == 425 || status == 429 || status >= 500;
    return passes          ? LPIPE_NETWORK
           : status == 407 ? LPIPE_AUTH_REQUIRED
           : status == 403 ? LPIPE_DENIED
                           : LPIPE_REFUSED;
}

static const char *advice_of_proxy(long status)
{
    return status == 407   ? "; put its user and password into the variable that names it: "
                             "http://USER:PASSWORD@HOST:PORT"
           : status == 403 ? "; ask who runs the proxy to allow connections to the registry, or "
                             "name the registry in NO_PROXY"
                           : "";
}

/* The proxy refused to connect. */
static bool is_refused_by_proxy(struct http_call *call)
{
    long status = 0;
    (void)curl_easy_getinfo(call->easy, CURLINFO_HTTP_CONNECTCODE, &status);
    status = call->proxied && call->response.status == 407 ? 407 : status;
    if (call->failure.status != 0 || status < 300) {
        return false;
    }
    const char *advice = advice_of_proxy(status);
    call_fail(call, meaning_of_proxy(status), "the proxy %s (%s) answered %ld%s", call->proxy,
              call->proxy_variable, status, advice);
    call->failure.flags |= advice[0] == ';' ? LPIPE_ERROR_ADVICE : 0;
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
    curl_off_t pretransfer_us = 0;
    long connect_status = 0;
    (void)curl_easy_getinfo(call->easy, CURLINFO_PRETRANSFER_TIME_T, &pretransfer_us);
    (void)curl_easy_getinfo(call->easy, CURLINFO_HTTP_CONNECTCODE, &connect_status);
    return call->proxied && pretransfer_us == 0 && connect_status != 200;
}

/* The transfer ended with an answer, unless its head is missing or incomplete. */
static void check_head(struct http_call *call)
{
    if (!call->head_complete && call->response.status != 0) {
        call_fail(call, LPIPE_NETWORK, "the connection ended within the answer's headers");
    } else if (!call->head_complete) {
        call_fail(call, LPIPE_PROTOCOL, "the answer has no status");
    }
}

/* The failure that libcurl's code and text mean. */
static void fail_as_curl(struct http_call *call, CURLcode code)
{
    const char *text = call->curl_text[0] != '\0' ? call->curl_text : curl_easy_strerror(code);
    char clean[300];
    text = text_printable(clean, sizeof clean, text, strlen(text));
    bool cut = is_cut_handshake(code, text);
    int status = cut ? LPIPE_NETWORK : is_alert(text) ? LPIPE_TLS : error_status(call, code);
    long reason = 0;
    call->response.speaks_tls = code == CURLE_PEER_FAILED_VERIFICATION || is_alert(text);
    (void)curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &reason);
    const char *advice = advice_of(call, code, text);
    text = cut ? "the connection ended within the TLS handshake" : text;
    if (proxy_failed(call)) {
        call_fail(call, status, "the proxy %s (%s): %s%s", call->proxy, call->proxy_variable, text,
                  advice);
    } else {
        call_fail(call, status, "%s%s", text, advice);
    }
    call->failure.flags |= advice[0] == ';' ? LPIPE_ERROR_ADVICE : 0;
    if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST ||
        code == CURLE_COULDNT_RESOLVE_PROXY) {
        call->failure.sys_errno = reason != 0 ? (int)reason : EHOSTUNREACH;
    } else if (cut) {
        call->failure.sys_errno = ECONNRESET; /* no connection could be made, either */
    }
}

/* The transfer failed. A failure that one of our callbacks has set is kept. */
static void set_failure(struct http_call *call, CURLcode code)
{
    if (call->failure.status != 0) {
        return;
    }
    if (code == CURLE_OUT_OF_MEMORY && is_awaiting_head(call)) {
        /* libcurl's code for a header line that is too long for it. On a reused connection the
         * line may be the rest of another answer: a retry may help. */
        bool connection_reused = call->response.connect_us == 0;
        call_fail(call, connection_reused ? LPIPE_NETWORK : LPIPE_TOO_LARGE,
                  "the answer's headers are too large");
    } else if (is_bad_proxy(call)) {
        call_fail(call, LPIPE_INVALID_ARGUMENT,
                  "the value of %s is not the URL of a proxy (http://USER:PASSWORD@HOST:PORT)",
                  call->proxy_variable);
    } else {
        fail_as_curl(call, code);
    }
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
    times_read(call);
    if (is_refused_by_proxy(call)) {
        return;
    }
    if (is_answer(call, code)) {
        check_head(call);
    } else {
        set_failure(call, code);
    }
}
