/* SPDX-License-Identifier: Apache-2.0 */
#include "request/host_probe.h"

#include <string.h>

#include "base/address.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/sync.h"
#include "request/retry.h"

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

/* failures: attempts that failed before. */
static int ping(struct registry_host *host, const char *secret, bool retry, uint32_t failures,
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
    exchange.failures = failures;
    exchange.first_contact = !host->locked.pinged;
    int status = exchange_send(&exchange, &http, url, ret_response, ret_trusted, err);
    return status == 0 ? 0 : fail_context(err, status, "registry %s", host->registry);
}

int host_ping_locked(struct registry_host *host, const char *secret, bool retry,
                     struct http_response *ret_response, bool *ret_trusted, struct lpipe_error *err)
{
    return ping(host, secret, retry, 0, ret_response, ret_trusted, err);
}

/* The answer of a registry, or of a server that may become one: not that of a server which does not
 * expect http on this port. */
static bool is_registry_answer(const struct http_response *response)
{
    int status = response->status;
    return status == 200 || status == 401 || status == 403 || status == 429 || status >= 500;
}

static void set_https(struct registry_host *host, bool https)
{
    host->origin.https = https;
    origin_format(&host->origin, host->origin_text, sizeof host->origin_text);
}

/* Tries https once. True when the server uses it: it answered, or its certificate was refused. */
static bool try_https(struct registry_host *host, struct http_response *ret_response,
                      bool *ret_trusted, int *ret_status, struct lpipe_error *ret_err)
{
    set_https(host, true);
    *ret_status = host_ping_locked(host, NULL, false, ret_response, ret_trusted, ret_err);
    bool is_https = *ret_status == 0 || ret_response->speaks_tls;
    set_https(host, is_https);
    return is_https;
}

/* The first request to a registry on this machine, where http is only a guess. When http gets no
 * answer of a registry (closed connection, bytes that are not http, a page for people), https is
 * tried once. When neither works, the failure over http is reported, after its retries. */
static int guess_scheme_locked(struct registry_host *host, struct http_response *ret_response,
                               bool *ret_trusted, struct lpipe_error *err)
{
    struct http_response second CLEANUP(http_response_dispose) = HTTP_RESPONSE_INIT;
    struct lpipe_error why = { 0 };
    bool trusted = false;
    int https_status = 0;
    int status = host_ping_locked(host, NULL, false, ret_response, ret_trusted, err);
    bool failed = status == LPIPE_NETWORK || status == LPIPE_PROTOCOL;
    if ((failed || (status == 0 && !is_registry_answer(ret_response))) &&
        try_https(host, &second, &trusted, &https_status, &why)) {
        struct http_response unused = *ret_response;
        *ret_response = second;
        second = unused;
        *ret_trusted = trusted;
        if (https_status != 0 && err != NULL) {
            *err = why;
        }
        return https_status;
    }
    bool again =
        status == 0 ? retry_worth_status(ret_response->status) : retry_worth_failure(status);
    if (!again || host->context->settings.retry_count == 0) {
        return status;
    }
    http_response_dispose(ret_response);
    *ret_response = (struct http_response)HTTP_RESPONSE_INIT;
    return ping(host, NULL, true, 1, ret_response, ret_trusted, err);
}

static int first_ping_locked(struct registry_host *host, struct http_response *ret_response,
                             bool *ret_trusted, struct lpipe_error *err)
{
    if (!host->scheme_is_guessed) {
        return host_ping_locked(host, NULL, true, ret_response, ret_trusted, err);
    }
    int status = guess_scheme_locked(host, ret_response, ret_trusted, err);
    host->scheme_is_guessed = status != 0;
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
    uint_fast64_t failures = atomic_load(&host->failure_count);
    GUARD(&host->mutex);
    int status = host_failure_meanwhile_locked(host, failures, &why);
    if (status == 0 && host->scheme_is_guessed && !host->locked.pinged) {
        status = host_probe_locked(host, &why);
        host_failure_keep_locked(host, &why);
    }
    if (status != 0 && err != NULL) {
        *err = why;
    }
    return status;
}
