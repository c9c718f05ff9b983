/* SPDX-License-Identifier: Apache-2.0 */

#include "request/host_authorization.h"

#include <stdio.h>
#include <string.h>

#include "auth/credential_find.h"
#include "auth/scope.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/sync.h"
#include "request/answer_text.h"
#include "request/host_probe.h"
#include "request/token_fetch.h"

void request_authorization_dispose(struct request_authorization *authorization)
{
    buf_wipe(&authorization->authorization);
}

/* Refused credentials are not sent again: registries lock accounts after several failures. */
static int refuse_locked(struct registry_host *host, const struct lpipe_error *why,
                         struct lpipe_error *err)
{
    host->locked.is_refused = true;
    host->locked.refused = *why;
    if (err != NULL) {
        *err = *why;
    }
    return why->status;
}

/* The scopes of a request, and those that earlier challenges named. */
static int scope_of_locked(const struct registry_host *host, const struct host_request *request,
                           struct buf *scope)
{
    int status = buf_append(scope, NULL, 0);
    if (request->repository != NULL && status == 0) {
        const char *actions = request->actions == NULL ? "pull" : request->actions;
        status = scope_add(scope, request->repository, actions);
        status = status == 0 ? scope_add_known(scope, host->locked.known_scope, request->repository)
                             : status;
    }
    if (request->mount_from != NULL && status == 0) {
        status = scope_add(scope, request->mount_from, "pull");
    }
    return status == 0 ? buf_append(scope, NULL, 0) : status;
}

/* Runs the credential helpers, once. */
static int resolve_locked(struct registry_host *host, struct lpipe_error *err)
{
    if (host->locked.is_refused) {
        if (err != NULL) {
            *err = host->locked.refused;
        }
        return host->locked.refused.status;
    }
    if (!host->locked.resolved) {
        int status = credential_resolve(&host->locked.credentials, host->context->cancel,
                                        &host->locked.credential, err);
        if (status != 0) {
            return status;
        }
        host->locked.resolved = true;
        host->locked.resolved_ms = clock_ms();
    }
    return 0;
}

static int fetch_locked(struct registry_host *host, const struct host_request *request,
                        const char *scope, struct token_entry **ret_entry, struct lpipe_error *err)
{
    struct exchange exchange = host_exchange(host, ORIGIN_REALM, host->locked.is_local);
    exchange.send_after_cancel = request->send_after_cancel;
    struct token token CLEANUP(token_dispose) = { .value = SECRET_INIT };
    struct lpipe_error why = { 0 };
    bool refused = false;
    struct token_request wanted = {
        .exchange = &exchange,
        .challenge = &host->locked.challenge,
        .scope = scope,
        .credential = host->locked.credential,
        .registry = host->registry,
    };
    uint64_t asked_ms = clock_ms();
    int status = token_fetch(&wanted, &token, &refused, &why);
    if (refused && request->mount_from == NULL && !host->locked.accepted) {
        return refuse_locked(host, &why, err);
    }
    if (status != 0) {
        if (err != NULL) {
            *err = why;
        }
        return status;
    }
    host->locked.accepted = true;
    /* Its life is counted from the request, because the token server may have counted from then. */
    return token_cache_put(&host->locked.tokens, scope, &token, asked_ms, ret_entry) == 0
               ? 0
               : fail_memory(err);
}

static int authorize_token_locked(struct registry_host *host, const struct host_request *request,
                                  struct request_authorization *authorization,
                                  struct lpipe_error *err)
{
    AUTO_BUF struct buf scope = BUF_INIT(SCOPE_BYTES_MAX);
    uint64_t need_ms = MAX_OF((uint64_t)request->life_ms, TOKEN_LIFE_DEFAULT_MS);
    if (scope_of_locked(host, request, &scope) != 0) {
        return fail_memory(err);
    }
    struct token_entry *entry =
        token_cache_find(&host->locked.tokens, scope.data, clock_ms(), need_ms);
    int status = entry == NULL ? fetch_locked(host, request, scope.data, &entry, err) : 0;
    if (status != 0) {
        return status;
    }
    authorization->serial = entry->serial;
    status = secret_append_bearer(&entry->value, &authorization->authorization);
    return status == 0 ? 0 : fail_memory(err);
}

/* Basic, or a token that the user stored for the registry itself. */
static int authorize_fixed_locked(struct registry_host *host, const struct credential *credential,
                                  struct request_authorization *authorization,
                                  struct lpipe_error *err)
{
    authorization->serial = host->locked.fixed_serial;
    int status = secret_is_set(&credential->bearer)
                     ? secret_append_bearer(&credential->bearer, &authorization->authorization)
                     : secret_append_basic(credential->username, &credential->password,
                                           &authorization->authorization);
    return status == 0 ? 0 : fail_memory(err);
}

static bool is_fixed_locked(const struct registry_host *host)
{
    const struct credential *credential = host->locked.credential;
    return credential != NULL &&
           (secret_is_set(&credential->bearer) || host->locked.challenge.scheme == CHALLENGE_BASIC);
}

static int authorize_locked(struct registry_host *host, const struct host_request *request,
                            struct request_authorization *authorization, struct lpipe_error *err)
{
    authorization->is_local = host->locked.is_local;
    if (host->locked.challenge.scheme == CHALLENGE_NONE) {
        return 0; /* the registry has not asked for any */
    }
    int status = resolve_locked(host, err);
    const struct credential *credential = host->locked.credential;
    if (status != 0) {
        return status;
    }
    if (is_fixed_locked(host)) {
        if (!secret_is_set(&credential->bearer) && !secret_is_set(&credential->password)) {
            return fail(err, LPIPE_AUTH_REQUIRED, "%s requires a password, but %s has none",
                        host->registry, credential->source);
        }
        return authorize_fixed_locked(host, credential, authorization, err);
    }
    return host->locked.challenge.scheme == CHALLENGE_BEARER
               ? authorize_token_locked(host, request, authorization, err)
               : 0;
}

int host_authorize(struct registry_host *host, const struct host_request *request,
                   struct request_authorization *ret_authorization, struct lpipe_error *err)
{
    struct lpipe_error why = { 0 };
    uint_fast64_t failures = atomic_load(&host->failure_count);
    GUARD(&host->mutex);
    int status = host_failure_meanwhile_locked(host, failures, &why);
    if (status == 0) {
        status = authorize_locked(host, request, ret_authorization, &why);
        /* The time limits of a clean-up are short, so its failure says little to others. */
        if (status != 0 && !request->send_after_cancel) {
            host_failure_keep_locked(host, &why);
        }
    }
    if (status != 0 && err != NULL) {
        *err = why;
    }
    return status;
}

void host_authorization_accepted(struct registry_host *host, uint64_t serial)
{
    GUARD(&host->mutex);
    if (serial == 0) {
        return;
    }
    if (is_fixed_locked(host)) {
        host->locked.accepted = true;
        return;
    }
    struct token_entry *entry = token_cache_at(&host->locked.tokens, serial);
    if (entry != NULL) {
        entry->accepted = true;
    }
}

/* " for pull,push of a/b" for messages. */
static const char *wanted_of(const struct host_request *request, char *buf, size_t buf_size)
{
    if (request->repository == NULL) {
        return "";
    }
    (void)snprintf(buf, buf_size, " for %s of %s",
                   request->actions == NULL ? "pull" : request->actions, request->repository);
    return buf;
}

/* The error for a 401 that a new token cannot repair. What the registry says about credentials is
 * shown; what it says when there are none is only that it wants some. */
static int fail_refused(const struct registry_host *host, const struct host_request *request,
                        const struct http_response *response, bool lacks_scope,
                        struct lpipe_error *err)
{
    char text[340];
    char who[256];
    char said[ANSWER_TEXT_BYTES_MAX + 2];
    const struct credential *credential = host->locked.credential;
    const char *wanted = wanted_of(request, text, sizeof text);
    int status = lacks_scope && credential != NULL ? LPIPE_DENIED : LPIPE_AUTH_REQUIRED;
    if (credential == NULL && host->locked.credentials.count == 0) {
        char places[256];
        const char *skipped = host->locked.credentials.skipped;
        credential_places(&host->context->settings, places, sizeof places);
        fail_with_advice(
            err, status,
            "%s asks for credentials%s, and there are none (%s%s%s); try `lpipe_login` %s",
            host->registry, wanted, places, skipped == NULL ? "" : "; ",
            skipped == NULL ? "" : skipped, host->registry);
    } else if (credential == NULL) {
        fail(err, status, "%s asks for credentials%s, and %s has none", host->registry, wanted,
             host->locked.credentials.items[0].source);
    } else {
        fail(err, status, "%s refused %s%s%s", host->registry,
             credential_describe(credential, who, sizeof who), wanted,
             answer_text_end(response, credential, said));
    }
    if (err != NULL) {
        err->http_status = 401;
    }
    return status;
}

/* Keeps the challenge of a 401; if it has none, the old one stays. */
static int take_challenge_locked(struct registry_host *host, const struct host_request *request,
                                 const struct http_response *response, bool *ret_lacks_scope,
                                 struct lpipe_error *err)
{
    AUTO_CHALLENGE struct challenge next = CHALLENGE_INIT;
    AUTO_BUF struct buf known = BUF_INIT(SCOPE_BYTES_MAX);
    const char *old = host->locked.known_scope == NULL ? "" : host->locked.known_scope;
    int status = challenge_read(&response->headers, &next, err);
    if (status != 0 || next.scheme == CHALLENGE_NONE) {
        return status;
    }
    *ret_lacks_scope = next.error != NULL && strcmp(next.error, "insufficient_scope") == 0;
    if (next.scope != NULL) {
        status = buf_append_text(&known, old);
        status = status == 0
                     ? scope_add_offer(&known, next.scope, request->repository, request->mount_from)
                     : status;
        char *text = status == 0 ? buf_take(&known) : NULL;
        if (text == NULL) {
            return fail_memory(err);
        }
        free(host->locked.known_scope);
        host->locked.known_scope = text;
    }
    challenge_dispose(&host->locked.challenge);
    host->locked.challenge = next;
    next = (struct challenge)CHALLENGE_INIT;
    return 0;
}

/* Reads the credentials again: after hours their owner may have changed them. */
static int reload_locked(struct registry_host *host, const struct host_request *request,
                         struct lpipe_error *err)
{
    AUTO_CREDENTIAL_LIST struct credential_list fresh = { .count = 0 };
    int status =
        credential_find(&host->context->settings, host->registry, request->repository, &fresh, err);
    if (status != 0) {
        return status;
    }
    struct credential_list old = host->locked.credentials;
    host->locked.credentials = fresh;
    fresh = old;
    host->locked.credential = NULL;
    host->locked.resolved = false;
    host->locked.accepted = false;
    host->locked.fixed_serial++;
    return 0;
}

static int renew_fixed_locked(struct registry_host *host, const struct host_request *request,
                              const struct http_response *response, struct lpipe_error *err)
{
    struct lpipe_error why = { 0 };
    if (response->token_serial != host->locked.fixed_serial) {
        return 0; /* sent before the challenge was known, or with replaced credentials */
    }
    if (host->locked.accepted && clock_ms() - host->locked.resolved_ms > CREDENTIAL_AGE_MS) {
        return reload_locked(host, request, err);
    }
    fail_refused(host, request, response, false, &why);
    if (!host->locked.accepted) {
        return refuse_locked(host, &why, err);
    }
    if (err != NULL) {
        *err = why;
    }
    return why.status;
}

static int renew_token_locked(struct registry_host *host, const struct host_request *request,
                              const struct http_response *response, bool lacks_scope,
                              struct lpipe_error *err)
{
    struct token_entry *entry = token_cache_at(&host->locked.tokens, response->token_serial);
    if (entry == NULL) {
        return 0; /* another request has renewed it */
    }
    bool final = entry->after_refusal && !entry->accepted;
    token_cache_drop(entry);
    return final ? fail_refused(host, request, response, lacks_scope, err) : 0;
}

/* Only a 401 from the registry's own origin is answered with credentials. */
static int check_origin(const struct registry_host *host, const struct host_request *request,
                        struct lpipe_error *err)
{
    struct origin origin;
    if (request->http.url[0] == '/') {
        return 0;
    }
    int status = origin_parse(request->http.url, "address", &origin, NULL, err);
    if (status == 0 && !origin_same(&origin, host_origin(host))) {
        char text[ORIGIN_TEXT_BYTES];
        status = fail(
            err, LPIPE_DENIED,
            "%s requires credentials, but it is not the registry: %s only redirected there. No "
            "credentials were sent",
            origin_format(&origin, text, sizeof text), host->registry);
        exchange_explain(host_origin(host), request->http.url, err);
    }
    return status;
}

int host_renew_token(struct registry_host *host, const struct host_request *request,
                     const struct http_response *response, struct lpipe_error *err)
{
    bool lacks_scope = false;
    int status = check_origin(host, request, err);
    if (status != 0) {
        return status;
    }
    GUARD(&host->mutex);
    status = host_failure_meanwhile_locked(host, response->failures_before, err);
    if (status == 0) {
        status = take_challenge_locked(host, request, response, &lacks_scope, err);
    }
    if (status != 0) {
        return status;
    }
    bool known = host->locked.challenge.scheme != CHALLENGE_NONE;
    status = known ? resolve_locked(host, err) : 0;
    if (status != 0) {
        return status;
    }
    if (!known) {
        return host_fail_challenge(host, err);
    }
    if (host->locked.challenge.scheme == CHALLENGE_BASIC && host->locked.credential == NULL) {
        return fail_refused(host, request, response, lacks_scope, err);
    }
    return is_fixed_locked(host) ? renew_fixed_locked(host, request, response, err)
                                 : renew_token_locked(host, request, response, lacks_scope, err);
}

static int test_locked(struct registry_host *host, struct lpipe_error *err)
{
    struct request_authorization authorization CLEANUP(request_authorization_dispose) =
        REQUEST_AUTHORIZATION_INIT;
    struct http_response response CLEANUP(http_response_dispose) = HTTP_RESPONSE_INIT;
    struct host_request request = { .http = { .url = "/v2/" } };
    bool trusted = false;
    int status = host_probe_locked(host, err);
    status = status == 0 ? authorize_locked(host, &request, &authorization, err) : status;
    if (status != 0 || authorization.authorization.size == 0) {
        return status == 0 ? 1 : status;
    }
    status =
        host_ping_locked(host, authorization.authorization.data, true, &response, &trusted, err);
    if (status != 0 || response.status == 200) {
        return status;
    }
    return response.status == 401 ? fail_refused(host, &request, &response, false, err)
                                  : host_fail_probe(host, &response, err);
}

int host_test_credentials(struct registry_host *host, struct lpipe_error *err)
{
    struct lpipe_error why = { 0 };
    GUARD(&host->mutex);
    int status = test_locked(host, &why);
    if (status < 0 && err != NULL) {
        *err = why;
    }
    return status;
}
