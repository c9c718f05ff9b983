/* SPDX-License-Identifier: Apache-2.0 */
/* An HTTP transport without a network, in place of the one that uses libcurl. A function of the
 * test answers each request, and every request is recorded. Include it in one file. */
#ifndef SUPPORT_SCRIPTED_HTTP_H
#define SUPPORT_SCRIPTED_HTTP_H

#include "base/limits.h"
#include "base/mem.h"
#include "http/http.h"
#include "support/unit.h"

struct scripted_request {
    char *method;
    char *url;
    char *headers; /* one per line */
    char *secret;  /* NULL = none */
    char *body;    /* NULL = none */
    char *cert;
    char *pool_key;
    enum http_address_policy addresses;
};

struct scripted_answer {
    int failure; /* the transport fails with this status; no answer */
    int status;
    const char *headers; /* "name: value\n" lines */
    const char *body;
    const char *address;
    int cut; /* the transport fails with this status after the body */
};

/* The answer function of the test, and the requests so far. */
struct scripted {
    void (*answer)(const struct scripted_request *request, struct scripted_answer *answer);
    struct scripted_request requests[64];
    size_t count;
    int cut; /* of the last answer */
};
static struct scripted scripted;

static inline void scripted_begin(void (*answer)(const struct scripted_request *request,
                                                 struct scripted_answer *answer))
{
    scripted = (struct scripted){ .answer = answer };
}

static inline void scripted_end(void)
{
    for (size_t i = 0; i < scripted.count; i++) {
        struct scripted_request *request = &scripted.requests[i];
        free(request->method);
        free(request->url);
        free(request->headers);
        free(request->secret);
        free(request->body);
        free(request->cert);
        free(request->pool_key);
    }
    scripted.count = 0;
}

struct http {
    int unused;
};

struct http_call {
    struct http_request request;
    bool is_sent; /* streams are sent when they are read */
    int status;
    struct http_response response;
    struct lpipe_error failure;
    size_t read;
};

int http_new(const struct http_options *options, struct http **ret_http, struct lpipe_error *err)
{
    (void)options;
    (void)err;
    *ret_http = calloc(1, sizeof **ret_http);
    assert_non_null(*ret_http);
    return 0;
}

struct http *http_free(struct http *http)
{
    free(http);
    return NULL;
}

static inline char *scripted_headers(const struct http_request *request)
{
    char *text = strdup("");
    for (size_t i = 0; i < request->header_count; i++) {
        char *next = mem_printf("%s%s\n", text, request->headers[i]);
        free(text);
        text = next;
    }
    return text;
}

static inline struct scripted_request *scripted_keep(const struct http_request *request)
{
    assert_true(scripted.count < 64);
    struct scripted_request *kept = &scripted.requests[scripted.count++];
    *kept = (struct scripted_request){
        .method = strdup(request->method),
        .url = strdup(request->url),
        .headers = scripted_headers(request),
        .secret = mem_strdup(request->secret),
        .body =
            request->body.data == NULL ? NULL : mem_strndup(request->body.data, request->body.size),
        .cert = mem_strdup(request->cert),
        .pool_key = mem_strdup(request->pool_key),
        .addresses = request->addresses,
    };
    return kept;
}

int http_send(struct http *http, const struct http_request *request,
              struct http_response *ret_response, struct lpipe_error *err)
{
    (void)http;
    struct scripted_answer answer = { .status = 404, .address = "93.184.216.34" };
    scripted.answer(scripted_keep(request), &answer);
    if (answer.failure != 0) {
        scripted.cut = 0;
        return fail(err, answer.failure, "scripted failure");
    }
    scripted.cut = answer.cut;
    ret_response->status = answer.status;
    ret_response->url = request->url;
    ret_response->body_complete = true;
    ret_response->headers.size_max = MIB;
    ret_response->body.size_max = MIB;
    assert_int_equal(
        buf_append_text(&ret_response->headers, answer.headers == NULL ? "" : answer.headers), 0);
    assert_int_equal(buf_append_text(&ret_response->body, answer.body == NULL ? "" : answer.body),
                     0);
    snprintf(ret_response->address, sizeof ret_response->address, "%s", answer.address);
    return 0;
}

int http_start(struct http *http, const struct http_request *request, struct http_call **ret_call,
               struct lpipe_error *err)
{
    (void)http;
    (void)err;
    struct http_call *call = calloc(1, sizeof *call);
    assert_non_null(call);
    call->request = *request;
    *ret_call = call;
    return 0;
}

static inline void scripted_call_send(struct http_call *call)
{
    if (!call->is_sent) {
        call->is_sent = true;
        call->status = http_send(NULL, &call->request, &call->response, &call->failure);
    }
}

int http_wait(struct http_call *call, struct http_response *ret_response, struct lpipe_error *err)
{
    scripted_call_send(call);
    int status = call->status;
    if (call->request.stream && call->response.status / 100 == 2) {
        buf_clear(&call->response.body);
        status = scripted.cut != 0 ? fail(&call->failure, scripted.cut, "scripted cut") : status;
    }
    http_response_dispose(ret_response);
    *ret_response = call->response;
    if (status != 0 && err != NULL) {
        *err = call->failure;
    }
    free(call);
    return status;
}

size_t http_read(struct http_call *call, void *buf, size_t size)
{
    scripted_call_send(call);
    if (call->response.status / 100 != 2) {
        return 0;
    }
    size = MIN_OF(size, call->response.body.size - call->read);
    if (size > 0) {
        memcpy(buf, call->response.body.data + call->read, size);
    }
    call->read += size;
    return size;
}

const struct http_response *http_call_head(const struct http_call *call)
{
    return &call->response;
}

void http_call_abort(struct http_call *call)
{
    (void)call;
}

void http_call_wake(struct http_call *call)
{
    (void)call;
}

void http_call_join(struct http_call *call)
{
    scripted_call_send(call);
}

bool http_call_answered(const struct http_call *call)
{
    (void)call;
    return true;
}

#endif
