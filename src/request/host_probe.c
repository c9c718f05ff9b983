/* SPDX-License-Identifier: Apache-2.0 */
#include "request/host_probe.h"

#include <string.h>

#include "base/address.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/sync.h"
#include "request/answer_text.h"
#include "request/registry_error.h"
#include "request/retry.h"

static void note_address_locked(struct registry_host *host, const struct http_response *response)
{
    enum address_class peer = address_class_of_host(response->address);
    if (!atomic_exchange(&host->has_answered, true)) {
        host->locked.is_local = peer == ADDRESS_LOOPBACK || peer == ADDRESS_PRIVATE;
    }
}

void host_note_answer(struct registry_host *host, const struct http_response *response)
{
    if (!atomic_load(&host->has_answered)) {
        GUARD(&host->mutex);
        note_address_locked(host, response);
    }
}

static bool has_json(const struct http_response *response)
{
    char type[64];
    return http_response_header(response, "content-type", 0, type, sizeof type) > 0 &&
           strstr(type, "json") != NULL;
}

bool host_answer_is_registry(const struct http_request *request,
                             const struct http_response *response)
{
    char version[32];
    bool reads = strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
    int status = response->status;
    return http_response_header(response, "docker-distribution-api-version", 0, version,
                                sizeof version) > 0 ||
           status == 401 || (status / 100 == 2 && !reads) || (status == 200 && reads) ||
           (status >= 400 && has_json(response));
}

int host_fail_challenge(const struct registry_host *host, struct lpipe_error *err)
{
    return fail(err, LPIPE_AUTH_REQUIRED,
                "%s requires authentication, but offers neither Basic nor Bearer", host->registry);
}

int host_fail_probe(const struct registry_host *host, const struct http_response *response,
                    struct lpipe_error *err)
{
    char said[ANSWER_TEXT_BYTES_MAX + 2];
    int http_status = response->status;
    int status = answer_failure(http_status, LPIPE_PROTOCOL);
    fail(err, status, "%s/v2/ answered %d%s%s", host_base_url(host), http_status,
         answer_text_end(response, host->locked.credential, said),
         status == LPIPE_PROTOCOL ? "; is that a registry?" : "");
    if (err != NULL) {
        err->http_status = http_status;
        err->flags |= answer_failure_flag(http_status);
    }
    return status;
}

/* How GET /v2/ is sent. */
struct ping {
    bool https;
    const char *secret; /* NULL = none */
    bool retry;
    uint32_t failures; /* attempts that failed before */
};

static int send_ping_locked(struct registry_host *host, const struct ping *ping,
                            struct http_response *ret_response, bool *ret_trusted,
                            struct lpipe_error *err)
{
    AUTO_FREE char *url = mem_printf("%s/v2/", host->origin_texts[ping->https]);
    if (url == NULL) {
        return fail_memory(err);
    }
    struct http_request http = { .method = "GET",
                                 .url = url,
                                 .response_bytes_max = ERROR_BODY_BYTES_MAX };
    struct exchange exchange = host_exchange(host, ORIGIN_LOCATION, host->locked.is_local);
    exchange.rules.registry = &host->origins[ping->https];
    exchange.secret = ping->secret;
    exchange.follow = true;
    exchange.retry = ping->retry;
    exchange.failures = ping->failures;
    exchange.first_contact = ping->retry && !atomic_load(&host->has_answered);
    int status = exchange_send(&exchange, &http, url, ret_response, ret_trusted, err);
    host->locked.is_pinged = host->locked.is_pinged || status == 0;
    if (status == 0 && *ret_trusted) {
        note_address_locked(host, ret_response);
    }
    return status == 0 ? 0 : fail_about(err, status, "registry", host->registry);
}

int host_ping_locked(struct registry_host *host, const char *secret, bool retry,
                     struct http_response *ret_response, bool *ret_trusted, struct lpipe_error *err)
{
    const struct ping ping = { atomic_load(&host->is_https), secret, retry, 0 };
    return send_ping_locked(host, &ping, ret_response, ret_trusted, err);
}

/* The answer of a registry, or of a server that may become one: not that of a server which does not
 * expect http on this port. */
static bool shows_http(int status)
{
    return status == 200 || status == 401 || status == 403 || status == 429 || status >= 500;
}

/* Tries https once. True when the server uses it: it answered, or its certificate was refused. */
static bool try_https_locked(struct registry_host *host, struct http_response *ret_response,
                             bool *ret_trusted, int *ret_status, struct lpipe_error *ret_err)
{
    const struct ping ping = { .https = true };
    *ret_status = send_ping_locked(host, &ping, ret_response, ret_trusted, ret_err);
    bool is_https = *ret_status == 0 || ret_response->speaks_tls;
    atomic_store(&host->is_https, is_https);
    return is_https;
}

/* GET /v2/ as the first request to a registry on this machine, where http is only a guess. When
 * http gets no answer of a registry (closed connection, bytes that are not http, a page for
 * people), https is tried once. When neither works, the failure over http is reported, after its
 * retries. */
static int guess_scheme_locked(struct registry_host *host, struct http_response *ret_response,
                               bool *ret_trusted, struct lpipe_error *err)
{
    struct http_response second CLEANUP(http_response_dispose) = HTTP_RESPONSE_INIT;
    struct lpipe_error why = { 0 };
    bool trusted = false;
    int https_status = 0;
    int status = host_ping_locked(host, NULL, false, ret_response, ret_trusted, err);
    bool failed = status == LPIPE_NETWORK || status == LPIPE_PROTOCOL;
    if ((failed || (status == 0 && !shows_http(ret_response->status))) &&
        try_https_locked(host, &second, &trusted, &https_status, &why)) {
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
    const struct ping again_over_http = { .retry = true, .failures = 1 };
    return send_ping_locked(host, &again_over_http, ret_response, ret_trusted, err);
}

static int first_ping_locked(struct registry_host *host, struct http_response *ret_response,
                             bool *ret_trusted, struct lpipe_error *err)
{
    if (!atomic_load(&host->scheme_is_guessed)) {
        return host_ping_locked(host, NULL, true, ret_response, ret_trusted, err);
    }
    int status = guess_scheme_locked(host, ret_response, ret_trusted, err);
    atomic_store(&host->scheme_is_guessed, status != 0);
    return status;
}

/* What the answer to GET /v2/ says. */
static int judge_ping_locked(struct registry_host *host, const struct http_response *response,
                             bool trusted, struct lpipe_error *err)
{
    int status = 0;
    if (response->status == 401 && trusted) {
        status = challenge_read(&response->headers, &host->locked.challenge, err);
        if (status == 0 && host->locked.challenge.scheme == CHALLENGE_NONE) {
            status = host_fail_challenge(host, err);
        }
    } else if (response->status != 200) {
        status = host_fail_probe(host, response, err);
    }
    atomic_store(&host->is_registry, status == 0);
    return status;
}

int host_probe_locked(struct registry_host *host, struct lpipe_error *err)
{
    struct http_response response CLEANUP(http_response_dispose) = HTTP_RESPONSE_INIT;
    bool trusted = false;
    if (atomic_load(&host->is_registry)) {
        return 0;
    }
    int status = first_ping_locked(host, &response, &trusted, err);
    return status == 0 ? judge_ping_locked(host, &response, trusted, err) : status;
}

int host_probe(struct registry_host *host, struct lpipe_error *err)
{
    struct lpipe_error why = { 0 };
    uint_fast64_t failures = atomic_load(&host->failure_count);
    GUARD(&host->mutex);
    int status = host_failure_meanwhile_locked(host, failures, &why);
    if (status == 0) {
        status = host_probe_locked(host, &why);
        host_failure_keep_locked(host, &why);
    }
    if (status != 0 && err != NULL) {
        *err = why;
    }
    return status;
}

bool host_find_challenge(struct registry_host *host)
{
    struct http_response response CLEANUP(http_response_dispose) = HTTP_RESPONSE_INIT;
    bool trusted = false;
    GUARD(&host->mutex);
    if (!host->locked.is_pinged && host->locked.challenge.scheme == CHALLENGE_NONE &&
        host_ping_locked(host, NULL, true, &response, &trusted, NULL) == 0 && trusted) {
        (void)judge_ping_locked(host, &response, trusted, NULL);
    }
    return host->locked.challenge.scheme != CHALLENGE_NONE;
}

/* 1 when the server uses https, 0 when it does not, or the failure over https. */
static int settle_scheme_locked(struct registry_host *host, struct lpipe_error *err)
{
    struct http_response response CLEANUP(http_response_dispose) = HTTP_RESPONSE_INIT;
    bool trusted = false;
    int status = 0;
    if (!atomic_load(&host->scheme_is_guessed)) {
        return atomic_load(&host->is_https); /* another thread was here before */
    }
    if (!try_https_locked(host, &response, &trusted, &status, err)) {
        return 0;
    }
    atomic_store(&host->scheme_is_guessed, status != 0);
    status = status == 0 ? judge_ping_locked(host, &response, trusted, err) : status;
    return status == 0 ? 1 : status;
}

int host_settle_scheme(struct registry_host *host, int status, const struct http_response *response,
                       struct lpipe_error *err)
{
    struct lpipe_error why = { 0 };
    int found = 0;
    if (status == LPIPE_NETWORK || status == LPIPE_PROTOCOL ||
        (status == 0 && !shows_http(response->status))) {
        GUARD(&host->mutex);
        found = settle_scheme_locked(host, &why);
    }
    if (found < 0 && err != NULL) {
        *err = why;
    }
    return found;
}
