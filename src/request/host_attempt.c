/* SPDX-License-Identifier: Apache-2.0 */
#include "request/host_attempt.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/sync.h"
#include "request/host_probe.h"

/* "/v2/..." with the registry's scheme, host and port. */
static char *url_on(const struct registry_host *host, bool https, const char *url)
{
    return url[0] == '/' ? mem_printf("%s%s", host->origin_texts[https], url) : mem_strdup(url);
}

char *host_absolute_url(const struct registry_host *host, const char *url)
{
    return url_on(host, atomic_load(&host->is_https), url);
}

void attempt_mask_refusal(struct registry_host *host, const struct buf *authorization,
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

int attempt_authorize(struct registry_host *host, const struct host_request *request,
                      struct request_authorization *ret_authorization, struct lpipe_error *err)
{
    int status = host_authorize(host, request, ret_authorization, err);
    if (status != 0 && request->ret_gave_up != NULL) {
        *request->ret_gave_up = true;
    }
    return status;
}

int attempt_send(struct registry_host *host, const struct host_request *request,
                 const struct attempt_retries *retries, struct http_response *ret_response,
                 bool *ret_trusted, struct lpipe_error *err)
{
    struct request_authorization authorization CLEANUP(request_authorization_dispose) =
        REQUEST_AUTHORIZATION_INIT;
    bool https = atomic_load(&host->is_https); /* another thread may change it meanwhile */
    AUTO_FREE char *url = url_on(host, https, request->http.url);
    uint64_t failures = atomic_load(&host->failure_count);
    if (url == NULL) {
        return fail_memory(err);
    }
    int status = attempt_authorize(host, request, &authorization, err);
    if (status != 0) {
        return status;
    }
    struct exchange exchange = host_exchange(host, ORIGIN_LOCATION, authorization.is_local);
    exchange.rules.registry = &host->origins[https];
    exchange.secret =
        authorization.authorization.size > 0 ? authorization.authorization.data : NULL;
    exchange.follow = request->follow;
    exchange.send_after_cancel = request->send_after_cancel;
    exchange.untrusted_url = request->untrusted_url;
    exchange.ret_url = request->ret_url;
    exchange.retry = request->retry || strcmp(request->http.method, "GET") == 0 ||
                     strcmp(request->http.method, "HEAD") == 0;
    exchange.fail_at_once = retries->fail_at_once;
    exchange.first_contact = retries->first_contact;
    exchange.failures = retries->failures;
    status = exchange_send(&exchange, &request->http, url, ret_response, ret_trusted, err);
    ret_response->token_serial = authorization.serial;
    ret_response->failures_before = failures;
    attempt_mask_refusal(host, &authorization.authorization, ret_response);
    if (status == 0 && *ret_trusted) {
        host_note_answer(host, ret_response);
    }
    if (status == 0 && *ret_trusted && ret_response->status != 401) {
        host_authorization_accepted(host, authorization.serial);
    }
    return status;
}

void attempt_clear(struct http_response *response)
{
    http_response_dispose(response);
    *response = (struct http_response)HTTP_RESPONSE_INIT;
}
