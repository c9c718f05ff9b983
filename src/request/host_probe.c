/* SPDX-License-Identifier: Apache-2.0 */
#include "request/host_probe.h"

#include <string.h>

#include "base/address.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/sync.h"

static void note_address_locked(struct registry_host *host, const struct http_response *response)
{
    enum address_class peer = address_class_of_host(response->address);
    host->locked.is_local = peer == ADDRESS_LOOPBACK || peer == ADDRESS_PRIVATE;
}

int host_fail_probe(const struct registry_host *host, int http_status, struct lpipe_error *err)
{
    int status = http_status >= 500   ? LPIPE_SERVER
                 : http_status == 429 ? LPIPE_RATE_LIMITED
                 : http_status == 403 ? LPIPE_DENIED
                                      : LPIPE_PROTOCOL;
    fail(err, status, "%s/v2/ answered %d%s", host->origin_text, http_status,
         status == LPIPE_PROTOCOL ? ": is that a registry?" : "");
    if (err != NULL) {
        err->http_status = http_status;
        err->flags |=
            status == LPIPE_SERVER || status == LPIPE_RATE_LIMITED ? LPIPE_ERROR_RETRYABLE : 0;
    }
    return status;
}

/* GET /v2/ with or without Authorization. */
int host_ping_locked(struct registry_host *host, const char *secret, bool retry,
                     struct http_response *ret_response, bool *ret_trusted, struct lpipe_error *err)
{
    AUTO_FREE char *url = mem_printf("%s/v2/", host->origin_text);
    if (url == NULL) {
        return fail_memory(err);
    }
    struct http_request http = { .method = "GET",
                                 .url = url,
                                 .response_bytes_max = ERROR_BODY_BYTES_MAX };
    struct exchange exchange = host_exchange(host, ORIGIN_LOCATION, host->locked.is_local);
    exchange.secret = secret;
    exchange.follow = true;
    exchange.retry = retry;
    int status = exchange_send(&exchange, &http, url, ret_response, ret_trusted, err);
    return status == 0 ? 0 : fail_context(err, status, "registry %s", host->registry);
}

/* The user gave TLS settings that apply to this registry. */
static bool has_tls_settings(const struct registry_host *host)
{
    return host->tls.ca_pem.size > 0 || host->tls.cert != NULL ||
           (host->context->settings.flags & LPIPE_CLIENT_TLS_NO_VERIFY) != 0;
}

/* Web servers answer 400 with one of these words to http on an https port. */
static bool says_https(const struct http_response *response)
{
    return response->status == 400 && response->body.data != NULL &&
           (strstr(response->body.data, "HTTPS") != NULL ||
            strstr(response->body.data, "SSL") != NULL);
}

/* The first request. For registries on this machine http is only a guess: when the server says
 * that it uses https, or closes the connection and there are TLS settings, https is tried. Never
 * the other way round. */
static int first_ping_locked(struct registry_host *host, struct http_response *ret_response,
                             bool *ret_trusted, struct lpipe_error *err)
{
    bool may_fall_back_to_https = host->scheme_is_guessed && has_tls_settings(host);
    int status =
        host_ping_locked(host, NULL, !may_fall_back_to_https, ret_response, ret_trusted, err);
    bool hung_up = may_fall_back_to_https && (status == LPIPE_NETWORK || status == LPIPE_PROTOCOL);
    if (hung_up || (host->scheme_is_guessed && status == 0 && says_https(ret_response))) {
        host->origin.https = true;
        origin_format(&host->origin, host->origin_text, sizeof host->origin_text);
        http_response_dispose(ret_response);
        *ret_response = (struct http_response)HTTP_RESPONSE_INIT;
        status = host_ping_locked(host, NULL, true, ret_response, ret_trusted, err);
    }
    host->scheme_is_guessed = host->scheme_is_guessed && status != 0;
    return status;
}

int host_probe_locked(struct registry_host *host, struct lpipe_error *err)
{
    struct http_response response CLEANUP(http_response_dispose) = HTTP_RESPONSE_INIT;
    bool trusted = false;
    int status = first_ping_locked(host, &response, &trusted, err);
    if (status != 0) {
        return status;
    }
    if (trusted) {
        note_address_locked(host, &response);
    }
    if (response.status == 401 && trusted) {
        status = challenge_read(&response.headers, &host->locked.challenge, err);
        if (status == 0 && host->locked.challenge.scheme == CHALLENGE_NONE) {
            status = fail(err, LPIPE_AUTH_REQUIRED,
                          "%s requires authentication, but offers neither Basic nor Bearer",
                          host->registry);
        }
    } else if (response.status != 200) {
        status = host_fail_probe(host, response.status, err);
    }
    host->locked.pinged = status == 0;
    return status;
}

int host_find_scheme(struct registry_host *host, struct lpipe_error *err)
{
    struct lpipe_error why = { 0 };
    GUARD(&host->mutex);
    int status =
        host->scheme_is_guessed && !host->locked.pinged ? host_probe_locked(host, &why) : 0;
    if (status != 0 && err != NULL) {
        *err = why;
    }
    return status;
}
