/* SPDX-License-Identifier: Apache-2.0 */

#include "request/host_request.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/sync.h"
#include "request/answer_text.h"
#include "request/host_attempt.h"
#include "request/host_first.h"
#include "request/host_probe.h"

#define SENDS_MAX 3 /* without authorization, with a token, with a new token */

int host_send(struct registry_host *host, const struct host_request *request,
              struct http_response *ret_response, struct lpipe_error *err)
{
    char said[ANSWER_TEXT_BYTES_MAX + 2];
    bool trusted = false;
    bool was_refused = false; /* with authorization, once */
    for (unsigned sent = 1;; sent++) {
        int status = first_send(host, request, ret_response, &trusted, err);
        /* A 401 from another origin is returned as it is; no credentials are sent there. */
        if (status != 0 || ret_response->status != 401 || !trusted) {
            return status;
        }
        bool had_authorization = ret_response->token_serial != 0;
        status = host_renew_token(host, request, ret_response, err);
        if (status != 0 && request->ret_gave_up != NULL) {
            *request->ret_gave_up = true;
        }
        if (status != 0 || request->http.body.pull != NULL) {
            return status;
        }
        if ((had_authorization && was_refused) || sent == SENDS_MAX) {
            return fail(err, LPIPE_AUTH_REQUIRED, "%s refuses each new token%s", host->registry,
                        answer_text_end(ret_response, NULL, said));
        }
        was_refused = had_authorization;
        attempt_clear(ret_response);
    }
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
    int status = host_probe(host, err); /* the request cannot be repeated over another scheme */
    if (status != 0) {
        return status;
    }
    call->host = host;
    call->authorization = (struct request_authorization)REQUEST_AUTHORIZATION_INIT;
    call->given_url = request->http.url;
    call->url = host_absolute_url(host, request->http.url);
    if (call->url == NULL) {
        return fail_memory(err);
    }
    status = attempt_authorize(host, request, &call->authorization, err);
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
        exchange_explain(host_origin(call->host), call->url, err);
    }
    ret_response->url = call->given_url;
    ret_response->failures_before = atomic_load(&call->host->failure_count);
    ret_response->token_serial = call->hop.trusted ? call->authorization.serial : 0;
    ret_response->is_trusted = call->hop.trusted;
    attempt_mask_refusal(call->host, &call->authorization.authorization, ret_response);
    if (status == 0 && call->hop.trusted && ret_response->status != 401) {
        host_authorization_accepted(call->host, call->authorization.serial);
    }
    call_free(call);
    return status;
}

int host_resolve_location(struct registry_host *host, const struct http_response *response,
                          char **ret_url, struct lpipe_error *err)
{
    AUTO_FREE char *base = host_absolute_url(host, response->url);
    if (base == NULL) {
        return fail_memory(err);
    }
    pthread_mutex_lock(&host->mutex);
    bool is_local = host->locked.is_local;
    pthread_mutex_unlock(&host->mutex);
    struct exchange exchange = host_exchange(host, ORIGIN_LOCATION, is_local);
    return exchange_location(&exchange, base, response, ret_url, err);
}
