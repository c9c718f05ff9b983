/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a libcurl easy handle from a request: its options, headers, TLS and proxy. Network thread
 * only. */
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/http_call.h"
#include "http/http_proxy.h"

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
        accept = accept || text_same_start(request->headers[i], "Accept:", 7);
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
        call->body_ended = request->body.pull == NULL && request->body.size == 0;
    }
    if (request->fresh_connection) {
        (void)curl_easy_setopt(call->easy, CURLOPT_FRESH_CONNECT, 1L);
    }
    if (strcmp(request->method, "GET") != 0) {
        (void)curl_easy_setopt(call->easy, CURLOPT_CUSTOMREQUEST, request->method);
    }
}

/* libcurl gets the additional CA certificates as PEM text in memory. It uses them together with
 * those of the system that are files in a directory. If the system has one file only, its text
 * is among the additional ones (auth/tls_files.c). */
static int ca_certificates_set(struct http_call *call, struct lpipe_error *err)
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
    if (!text_same_start(call->request.url, "https:", 6)) {
        return 0;
    }
    (void)curl_easy_setopt(call->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (options->tls_no_verify) {
        (void)curl_easy_setopt(call->easy, CURLOPT_SSL_VERIFYPEER, 0L);
        (void)curl_easy_setopt(call->easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (options->ca_directory != NULL) {
        (void)curl_easy_setopt(call->easy, CURLOPT_CAPATH, options->ca_directory);
    }
    if (cert != NULL) {
        (void)curl_easy_setopt(call->easy, CURLOPT_SSLCERT, cert);
        (void)curl_easy_setopt(call->easy, CURLOPT_SSLKEY, key != NULL ? key : cert);
    }
    return ca_certificates_set(call, err);
}

/* An https proxy has a certificate of its own. It is checked with the CA certificates of the
 * client, not those of one registry. */
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
    if (options->ca_directory != NULL) {
        (void)curl_easy_setopt(call->easy, CURLOPT_PROXY_CAPATH, options->ca_directory);
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

/* Switches off what libcurl would decide itself: redirects, authentication, proxies, HTTP
 * versions. */
static int transfer_options_set(struct http_call *call, struct lpipe_error *err)
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
    call_set_callbacks(call);
    method_set(call);
    int status = transfer_options_set(call, err);
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
