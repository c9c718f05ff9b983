/* SPDX-License-Identifier: Apache-2.0 */
#include "request/host_first.h"

#include <string.h>

#include "base/mem.h"
#include "request/host_attempt.h"
#include "request/host_probe.h"
#include "request/retry.h"

/* Sends a request over http, which is only a guess; over https, if the server uses that; else again
 * over http, with retries. */
static int send_guessing(struct registry_host *host, const struct host_request *request,
                         struct http_response *ret_response, bool *ret_trusted,
                         struct lpipe_error *err)
{
    struct attempt_retries retries = { .fail_at_once = true };
    int status = attempt_send(host, request, &retries, ret_response, ret_trusted, err);
    bool is_registry = status == 0 && host_answer_is_registry(&request->http, ret_response);
    int https = is_registry ? 0 : host_settle_scheme(host, status, ret_response, err);
    bool can_retry = retry_worth_failure(status) && host->context->settings.retry_count > 0;
    if (https < 0) {
        return https;
    }
    if (https == 1 || can_retry) {
        retries = (struct attempt_retries){ .first_contact = https == 0, .failures = https == 0 };
        attempt_clear(ret_response);
        status = attempt_send(host, request, &retries, ret_response, ret_trusted, err);
    }
    if (status == 0) {
        atomic_store(&host->scheme_is_guessed, false);
    }
    return status;
}

/* Sends a request to a host that has not been seen to be a registry. A refusal that does not come
 * from a registry is explained by GET /v2/. */
static int send_first(struct registry_host *host, const struct host_request *request,
                      struct http_response *ret_response, bool *ret_trusted,
                      struct lpipe_error *err)
{
    const struct attempt_retries retries = { .first_contact = !atomic_load(&host->has_answered) };
    /* The scheme changes before it is no guess any more, so it is read after this. */
    bool guessed = atomic_load(&host->scheme_is_guessed);
    int status = guessed ? send_guessing(host, request, ret_response, ret_trusted, err)
                         : attempt_send(host, request, &retries, ret_response, ret_trusted, err);
    if (status != 0) {
        if (!atomic_load(&host->has_answered)) {
            (void)fail_about(err, status, "registry", host->registry);
            if (request->ret_gave_up != NULL) {
                *request->ret_gave_up = true;
            }
        }
        return status;
    }
    bool is_missing = ret_response->status == 404 && strcmp(request->http.method, "HEAD") == 0;
    if (host_answer_is_registry(&request->http, ret_response)) {
        atomic_store(&host->is_registry, true);
    } else if (!is_missing && !retry_worth_status(ret_response->status)) {
        status = host_probe(host, err);
    }
    return status;
}

static int send_any(struct registry_host *host, const struct host_request *request,
                    struct http_response *ret_response, bool *ret_trusted, struct lpipe_error *err)
{
    const struct attempt_retries usual = { .failures = 0 };
    if (!atomic_load(&host->is_registry) && request->http.body.pull == NULL) {
        return send_first(host, request, ret_response, ret_trusted, err);
    }
    return attempt_send(host, request, &usual, ret_response, ret_trusted, err);
}

/* Whether GET /v2/ may have a challenge that the answer to a request without authorization
 * lacks: it is a 401 without one, or the registry may have hidden what it has. */
static bool lacks_challenge(const struct registry_host *host, const struct host_request *request,
                            const struct http_response *response)
{
    AUTO_CHALLENGE struct challenge challenge = CHALLENGE_INIT;
    int status = response->status;
    if (response->token_serial != 0) {
        return false;
    }
    if (status == 401) {
        return challenge_read(&response->headers, &challenge, NULL) == 0 &&
               challenge.scheme == CHALLENGE_NONE;
    }
    bool hides = status == 403 || (status == 404 && strcmp(request->http.method, "HEAD") != 0);
    return hides && host->has_credentials;
}

int first_send(struct registry_host *host, const struct host_request *request,
               struct http_response *ret_response, bool *ret_trusted, struct lpipe_error *err)
{
    int status = send_any(host, request, ret_response, ret_trusted, err);
    if (status == 0 && *ret_trusted && request->http.body.pull == NULL &&
        lacks_challenge(host, request, ret_response) && host_find_challenge(host)) {
        attempt_clear(ret_response);
        status = send_any(host, request, ret_response, ret_trusted, err);
    }
    return status;
}
