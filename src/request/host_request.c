/* SPDX-License-Identifier: Apache-2.0 */

#include "request/host_request.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/sync.h"
#include "request/answer_text.h"
#include "request/host_authorization.h"

/* Makes "/v2/..." an absolute URL; an absolute URL stays as it is. */
static char *absolute_url(const struct registry_host *host, const char *url)
{
    return url[0] == '/' ? mem_printf("%s%s", host->origin_text, url) : mem_strdup(url);
}

/* Takes the secrets of a request out of the body of a refusal, which messages show: the token that
 * it was sent with, and the credentials. */
static void mask_refusal(struct registry_host *host, const struct buf *authorization,
                         struct http_response *response)
{
    AUTO_SECRET struct secret sent = SECRET_INIT;
    const char *space = authorization->size == 0 ? NULL : strchr(authorization->data, ' ');
    struct buf *body = &response->body;
    if (response->status < 400 || body->size == 0 || space == NULL) {
        return;
    }
    GUARD(&host->mutex);
    int status = secret_set(&sent, space + 1, strlen(space + 1));
    secret_mask(&sent, body->data, &body->size);
    body->data[body->size] = '\0';
    status = status == 0 ? credential_mask(host->locked.credential, body) : status;
    if (status != 0) {
        buf_clear(body);
    }
}

static int authorize(struct registry_host *host, const struct host_request *request,
                     struct request_authorization *ret_authorization, struct lpipe_error *err)
{
    int status = host_authorize(host, request, ret_authorization, err);
    if (status != 0 && request->ret_unauthorized != NULL) {
        *request->ret_unauthorized = true;
    }
    return status;
}

/* One attempt: authorization, request, answer. */
static int send_once(struct registry_host *host, const struct host_request *request,
                     const char *url, struct http_response *ret_response, bool *ret_trusted,
                     struct lpipe_error *err)
{
    struct request_authorization authorization CLEANUP(request_authorization_dispose) =
        REQUEST_AUTHORIZATION_INIT;
    int status = authorize(host, request, &authorization, err);
    if (status != 0) {
        return status;
    }
    struct exchange exchange = host_exchange(host, ORIGIN_LOCATION, authorization.is_local);
    exchange.secret =
        authorization.authorization.size > 0 ? authorization.authorization.data : NULL;
    exchange.follow = request->follow;
    exchange.send_after_cancel = request->send_after_cancel;
    exchange.untrusted_url = request->untrusted_url;
    exchange.ret_url = request->ret_url;
    exchange.retry = request->retry || strcmp(request->http.method, "GET") == 0 ||
                     strcmp(request->http.method, "HEAD") == 0;
    status = exchange_send(&exchange, &request->http, url, ret_response, ret_trusted, err);
    ret_response->token_serial = authorization.serial;
    mask_refusal(host, &authorization.authorization, ret_response);
    if (status == 0 && *ret_trusted && ret_response->status != 401) {
        host_authorization_accepted(host, authorization.serial);
    }
    return status;
}

int host_send(struct registry_host *host, const struct host_request *request,
              struct http_response *ret_response, struct lpipe_error *err)
{
    AUTO_FREE char *url = absolute_url(host, request->http.url);
    char said[ANSWER_TEXT_BYTES_MAX + 2];
    bool trusted = false;
    if (url == NULL) {
        return fail_memory(err);
    }
    int status = send_once(host, request, url, ret_response, &trusted, err);
    /* A 401 from another origin is returned as it is; no credentials are sent there. */
    if (status != 0 || ret_response->status != 401 || !trusted) {
        return status;
    }
    status = host_renew_token(host, request, ret_response, err);
    if (status != 0 || request->http.body.pull != NULL) {
        return status;
    }
    http_response_dispose(ret_response);
    *ret_response = (struct http_response)HTTP_RESPONSE_INIT;
    status = send_once(host, request, url, ret_response, &trusted, err);
    if (status == 0 && ret_response->status == 401 && trusted) {
        status = host_renew_token(host, request, ret_response, err);
        status = status == 0 ? fail(err, LPIPE_AUTH_REQUIRED, "%s refuses each new token%s",
                                    host->registry, answer_text_end(ret_response, NULL, said))
                             : status;
    }
    return status;
}

struct host_call {
    struct registry_host *host;
    char *url;
    const char *given_url;
    struct request_authorization authorization;
    struct hop hop;
    struct http_call *http;
};

static void call_free(struct host_call *call)
{
    if (call != NULL) {
        free(call->url);
        request_authorization_dispose(&call->authorization);
        hop_dispose(&call->hop);
        free(call);
    }
}

static void cleanup_call(struct host_call **call)
{
    call_free(*call);
}

int host_start(struct registry_host *host, const struct host_request *request,
               struct host_call **ret_call, struct lpipe_error *err)
{
    struct host_call *call CLEANUP(cleanup_call) = NEW(struct host_call);
    if (call == NULL) {
        return fail_memory(err);
    }
    call->host = host;
    call->authorization = (struct request_authorization)REQUEST_AUTHORIZATION_INIT;
    call->given_url = request->http.url;
    call->url = absolute_url(host, request->http.url);
    if (call->url == NULL) {
        return fail_memory(err);
    }
    int status = authorize(host, request, &call->authorization, err);
    if (status != 0) {
        return status;
    }
    struct exchange exchange = host_exchange(host, ORIGIN_LOCATION, call->authorization.is_local);
    exchange.secret =
        call->authorization.authorization.size > 0 ? call->authorization.authorization.data : NULL;
    status = hop_init(&call->hop, &exchange, &request->http, call->url, err);
    if (status == 0 && request->untrusted_url) {
        hop_drop_secrets(&call->hop);
    }
    status = status == 0 ? http_start(host->http, &call->hop.http, &call->http, err) : status;
    if (status == 0) {
        *ret_call = TAKE(call);
    }
    return status;
}

struct http_call *host_call_http(struct host_call *call)
{
    return call->http;
}

int host_wait(struct host_call *call, struct http_response *ret_response, struct lpipe_error *err)
{
    int status = http_wait(call->http, ret_response, err);
    if (status != 0) {
        exchange_explain(&call->host->origin, call->url, err);
    }
    ret_response->url = call->given_url;
    ret_response->token_serial = call->hop.trusted ? call->authorization.serial : 0;
    ret_response->is_trusted = call->hop.trusted;
    mask_refusal(call->host, &call->authorization.authorization, ret_response);
    if (status == 0 && call->hop.trusted && ret_response->status != 401) {
        host_authorization_accepted(call->host, call->authorization.serial);
    }
    call_free(call);
    return status;
}

int host_resolve_location(struct registry_host *host, const struct http_response *response,
                          char **ret_url, struct lpipe_error *err)
{
    AUTO_FREE char *base = absolute_url(host, response->url);
    if (base == NULL) {
        return fail_memory(err);
    }
    pthread_mutex_lock(&host->mutex);
    bool is_local = host->locked.is_local;
    pthread_mutex_unlock(&host->mutex);
    struct exchange exchange = host_exchange(host, ORIGIN_LOCATION, is_local);
    return exchange_location(&exchange, base, response, ret_url, err);
}
