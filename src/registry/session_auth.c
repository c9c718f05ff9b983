/* SPDX-License-Identifier: Apache-2.0 */
/* How requests of a session are authorized: the ping, the challenge, the credentials, the tokens.
 * Everything here happens under the session's lock, so that many requests cause one ping and one
 * token, and wait for it. */
#include "registry/session_auth.h"

#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/sync.h"
#include "registry/scope.h"

void session_pass_done(struct session_pass *pass)
{
    buf_wipe(&pass->authorization);
}

/* Bad credentials are not sent a second time: accounts are locked for that. */
static int refuse_locked(struct session *session, const struct lpipe_error *why,
                         struct lpipe_error *err)
{
    session->locked.is_refused = true;
    session->locked.refused = *why;
    if (err != NULL) {
        *err = *why;
    }
    return why->status;
}

static void note_address_locked(struct session *session, const struct http_response *response)
{
    enum address_class peer = address_class_of_host(response->address);
    session->locked.is_local = peer == ADDRESS_LOOPBACK || peer == ADDRESS_PRIVATE;
}

static int fail_ping(const struct session *session, int http_status, struct lpipe_error *err)
{
    int status = http_status >= 500   ? LPIPE_SERVER
                 : http_status == 429 ? LPIPE_RATE_LIMITED
                 : http_status == 403 ? LPIPE_DENIED
                                      : LPIPE_PROTOCOL;
    fail(err, status, "%s/v2/ answered %d%s", session->origin_text, http_status,
         status == LPIPE_PROTOCOL ? ": is that a registry?" : "");
    if (err != NULL) {
        err->http_status = http_status;
        err->flags |=
            status == LPIPE_SERVER || status == LPIPE_RATE_LIMITED ? LPIPE_ERROR_RETRYABLE : 0;
    }
    return status;
}

/* GET /v2/ with or without Authorization. */
static int ping_locked(struct session *session, const char *secret, bool retry,
                       struct http_response *ret_response, bool *ret_trusted,
                       struct lpipe_error *err)
{
    AUTO_FREE char *url = mem_printf("%s/v2/", session->origin_text);
    if (url == NULL) {
        return fail_memory(err);
    }
    struct http_request http = { .method = "GET",
                                 .url = url,
                                 .response_bytes_max = ERROR_BODY_BYTES_MAX };
    struct exchange exchange = session_exchange(session, ORIGIN_LOCATION, session->locked.is_local);
    exchange.secret = secret;
    exchange.follow = true;
    exchange.retry = retry;
    int status = exchange_send(&exchange, &http, url, ret_response, ret_trusted, err);
    return status == 0 ? 0 : fail_context(err, status, "registry %s", session->registry);
}

/* The user has said something about TLS that can concern this registry. */
static bool has_tls_settings(const struct session *session)
{
    return session->tls.ca_pem.size > 0 || session->tls.cert != NULL ||
           (client_settings(session->client)->flags & LPIPE_CLIENT_TLS_NO_VERIFY) != 0;
}

/* What web servers answer to http on a port for https: all of them 400, and one of these words. */
static bool says_https(const struct http_response *response)
{
    return response->status == 400 && response->body.data != NULL &&
           (strstr(response->body.data, "HTTPS") != NULL ||
            strstr(response->body.data, "SSL") != NULL);
}

/* The first ping. http is only a guess for registries on this machine: where the server says that
 * it speaks https, or hangs up and there are settings for TLS, it is asked by https. Never the
 * other way round. */
static int first_ping_locked(struct session *session, struct http_response *ret_response,
                             bool *ret_trusted, struct lpipe_error *err)
{
    bool guess = session->is_guess && has_tls_settings(session);
    int status = ping_locked(session, NULL, !guess, ret_response, ret_trusted, err);
    bool hung_up = guess && (status == LPIPE_NETWORK || status == LPIPE_PROTOCOL);
    if (hung_up || (session->is_guess && status == 0 && says_https(ret_response))) {
        session->origin.https = true;
        origin_format(&session->origin, session->origin_text, sizeof session->origin_text);
        http_response_done(ret_response);
        *ret_response = (struct http_response)HTTP_RESPONSE_INIT;
        status = ping_locked(session, NULL, true, ret_response, ret_trusted, err);
    }
    session->is_guess = session->is_guess && status != 0;
    return status;
}

/* The first contact: is it a registry, and what does it ask for? */
static int greet_locked(struct session *session, struct lpipe_error *err)
{
    struct http_response response CLEANUP(http_response_done) = HTTP_RESPONSE_INIT;
    bool trusted = false;
    int status = first_ping_locked(session, &response, &trusted, err);
    if (status != 0) {
        return status;
    }
    if (trusted) {
        note_address_locked(session, &response);
    }
    if (response.status == 401 && trusted) {
        status = challenge_read(&response.headers, &session->locked.challenge, err);
        if (status == 0 && session->locked.challenge.scheme == CHALLENGE_NONE) {
            status =
                fail(err, LPIPE_AUTH_REQUIRED,
                     "%s asks for authentication in no way that is known here", session->registry);
        }
    } else if (response.status != 200) {
        status = fail_ping(session, response.status, err);
    }
    session->locked.pinged = status == 0;
    return status;
}

/* The scopes of a request, with what earlier challenges asked for. */
static int scope_of_locked(const struct session *session, const struct session_request *request,
                           struct buf *scope)
{
    int status = buf_append(scope, NULL, 0);
    if (request->repository != NULL && status == 0) {
        const char *actions = request->actions == NULL ? "pull" : request->actions;
        status = scope_add(scope, request->repository, actions);
        status = status == 0
                     ? scope_add_known(scope, session->locked.known_scope, request->repository)
                     : status;
    }
    if (request->mount_from != NULL && status == 0) {
        status = scope_add(scope, request->mount_from, "pull");
    }
    return status == 0 ? buf_append(scope, NULL, 0) : status;
}

/* Asks the helpers, once. */
static int resolve_locked(struct session *session, struct lpipe_error *err)
{
    if (session->locked.is_refused) {
        if (err != NULL) {
            *err = session->locked.refused;
        }
        return session->locked.refused.status;
    }
    if (!session->locked.resolved) {
        int status =
            credential_resolve(&session->locked.credentials, client_cancel(session->client),
                               &session->locked.credential, err);
        if (status != 0) {
            return status;
        }
        session->locked.resolved = true;
        session->locked.resolved_ms = clock_ms();
    }
    return 0;
}

static int fetch_locked(struct session *session, const struct session_request *request,
                        const char *scope, struct token_entry **ret_entry, struct lpipe_error *err)
{
    struct exchange exchange = session_exchange(session, ORIGIN_REALM, session->locked.is_local);
    exchange.parting = request->parting;
    struct token token CLEANUP(token_done) = { .value = SECRET_INIT };
    struct lpipe_error why = { 0 };
    bool refused = false;
    struct token_request wanted = {
        .exchange = &exchange,
        .challenge = &session->locked.challenge,
        .scope = scope,
        .credential = session->locked.credential,
        .registry = session->registry,
    };
    uint64_t asked_ms = clock_ms();
    int status = token_fetch(&wanted, &token, &refused, &why);
    if (refused && request->mount_from == NULL && !session->locked.accepted) {
        return refuse_locked(session, &why, err);
    }
    if (status != 0) {
        if (err != NULL) {
            *err = why;
        }
        return status;
    }
    session->locked.accepted = true;
    /* Its life counts from the question: the server knew the time no later than that. */
    return token_cache_put(&session->locked.tokens, scope, &token, asked_ms, ret_entry) == 0
               ? 0
               : fail_memory(err);
}

static int pass_token_locked(struct session *session, const struct session_request *request,
                             struct session_pass *pass, struct lpipe_error *err)
{
    AUTO_BUF struct buf scope = BUF_INIT(SCOPE_BYTES_MAX);
    uint64_t need_ms = MAX_OF((uint64_t)request->life_ms, TOKEN_LIFE_DEFAULT_MS);
    if (scope_of_locked(session, request, &scope) != 0) {
        return fail_memory(err);
    }
    struct token_entry *entry =
        token_cache_find(&session->locked.tokens, scope.data, clock_ms(), need_ms);
    int status = entry == NULL ? fetch_locked(session, request, scope.data, &entry, err) : 0;
    if (status != 0) {
        return status;
    }
    pass->serial = entry->serial;
    status = secret_append_bearer(&entry->value, &pass->authorization);
    return status == 0 ? 0 : fail_memory(err);
}

/* Basic, or a token that the user stored for the registry itself. */
static int pass_fixed_locked(struct session *session, const struct credential *credential,
                             struct session_pass *pass, struct lpipe_error *err)
{
    pass->serial = session->locked.fixed_serial;
    int status = secret_is_set(&credential->bearer)
                     ? secret_append_bearer(&credential->bearer, &pass->authorization)
                     : secret_append_basic(credential->username, &credential->password,
                                           &pass->authorization);
    return status == 0 ? 0 : fail_memory(err);
}

static bool is_fixed_locked(const struct session *session)
{
    const struct credential *credential = session->locked.credential;
    return credential != NULL && (secret_is_set(&credential->bearer) ||
                                  session->locked.challenge.scheme == CHALLENGE_BASIC);
}

static int pass_get_locked(struct session *session, const struct session_request *request,
                           struct session_pass *pass, struct lpipe_error *err)
{
    int status = session->locked.pinged ? 0 : greet_locked(session, err);
    pass->is_local = session->locked.is_local;
    if (status != 0 || session->locked.challenge.scheme == CHALLENGE_NONE) {
        return status;
    }
    status = resolve_locked(session, err);
    const struct credential *credential = session->locked.credential;
    if (status != 0) {
        return status;
    }
    if (is_fixed_locked(session)) {
        if (!secret_is_set(&credential->bearer) && !secret_is_set(&credential->password)) {
            return fail(err, LPIPE_AUTH_REQUIRED, "%s wants a password, and %s has none",
                        session->registry, credential->source);
        }
        return pass_fixed_locked(session, credential, pass, err);
    }
    return session->locked.challenge.scheme == CHALLENGE_BEARER
               ? pass_token_locked(session, request, pass, err)
               : 0;
}

int session_settle(struct session *session, struct lpipe_error *err)
{
    struct lpipe_error why = { 0 };
    GUARD(&session->mutex);
    int status = session->is_guess && !session->locked.pinged ? greet_locked(session, &why) : 0;
    if (status != 0 && err != NULL) {
        *err = why;
    }
    return status;
}

int session_pass_get(struct session *session, const struct session_request *request,
                     struct session_pass *ret_pass, struct lpipe_error *err)
{
    struct lpipe_error why = { 0 };
    GUARD(&session->mutex);
    int status = pass_get_locked(session, request, ret_pass, &why);
    if (status != 0 && err != NULL) {
        *err = why;
    }
    return status;
}

void session_pass_accepted(struct session *session, uint64_t serial)
{
    GUARD(&session->mutex);
    if (serial == 0) {
        return;
    }
    if (is_fixed_locked(session)) {
        session->locked.accepted = true;
        return;
    }
    struct token_entry *entry = token_cache_at(&session->locked.tokens, serial);
    if (entry != NULL) {
        entry->accepted = true;
    }
}

/* " for pull,push of a/b" for messages. */
static const char *wanted_of(const struct session_request *request, char *buf, size_t buf_size)
{
    if (request->repository == NULL) {
        return "";
    }
    (void)snprintf(buf, buf_size, " for %s of %s",
                   request->actions == NULL ? "pull" : request->actions, request->repository);
    return buf;
}

/* Nothing more can be done about a 401. */
static int fail_refused(const struct session *session, const struct session_request *request,
                        bool lacks_scope, struct lpipe_error *err)
{
    char text[340];
    char who[256];
    const struct credential *credential = session->locked.credential;
    const char *wanted = wanted_of(request, text, sizeof text);
    int status = lacks_scope && credential != NULL ? LPIPE_DENIED : LPIPE_AUTH_REQUIRED;
    if (credential == NULL && session->locked.credentials.count == 0) {
        char places[256];
        credential_places(client_settings(session->client), places, sizeof places);
        fail(err, status,
             "%s asks for credentials%s, and there are none (%s); try layerpipe login %s",
             session->registry, wanted, places, session->registry);
    } else if (credential == NULL) {
        fail(err, status, "%s asks for credentials%s, and %s has none", session->registry, wanted,
             session->locked.credentials.items[0].source);
    } else {
        fail(err, status, "%s refused %s%s", session->registry,
             credential_describe(credential, who, sizeof who), wanted);
    }
    if (err != NULL) {
        err->http_status = 401;
    }
    return status;
}

/* Takes the challenge of a 401 in; keeps the one there is where the 401 has none. */
static int take_challenge_locked(struct session *session, const struct session_request *request,
                                 const struct http_response *response, bool *ret_lacks_scope,
                                 struct lpipe_error *err)
{
    AUTO_CHALLENGE struct challenge next = CHALLENGE_INIT;
    AUTO_BUF struct buf known = BUF_INIT(SCOPE_BYTES_MAX);
    const char *old = session->locked.known_scope == NULL ? "" : session->locked.known_scope;
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
        free(session->locked.known_scope);
        session->locked.known_scope = text;
    }
    challenge_done(&session->locked.challenge);
    session->locked.challenge = next;
    next = (struct challenge)CHALLENGE_INIT;
    return 0;
}

/* Long-lived credentials that were good for hours may have been renewed by their owner. */
static int reload_locked(struct session *session, const struct session_request *request,
                         struct lpipe_error *err)
{
    AUTO_CREDENTIAL_LIST struct credential_list fresh = { .count = 0 };
    int status = credential_find(client_settings(session->client), session->registry,
                                 request->repository, &fresh, err);
    if (status != 0) {
        return status;
    }
    struct credential_list old = session->locked.credentials;
    session->locked.credentials = fresh;
    fresh = old;
    session->locked.credential = NULL;
    session->locked.resolved = false;
    session->locked.accepted = false;
    session->locked.fixed_serial++;
    return 0;
}

static int renew_fixed_locked(struct session *session, const struct session_request *request,
                              uint64_t serial, struct lpipe_error *err)
{
    struct lpipe_error why = { 0 };
    if (serial != session->locked.fixed_serial) {
        return 0; /* sent before the challenge was known, or with what is gone already */
    }
    if (session->locked.accepted && clock_ms() - session->locked.resolved_ms > CREDENTIAL_AGE_MS) {
        return reload_locked(session, request, err);
    }
    fail_refused(session, request, false, &why);
    if (!session->locked.accepted) {
        return refuse_locked(session, &why, err);
    }
    if (err != NULL) {
        *err = why;
    }
    return why.status;
}

static int renew_token_locked(struct session *session, const struct session_request *request,
                              uint64_t serial, bool lacks_scope, struct lpipe_error *err)
{
    struct token_entry *entry = token_cache_at(&session->locked.tokens, serial);
    if (entry == NULL) {
        return 0; /* another request has seen to it */
    }
    bool final = entry->after_refusal && !entry->accepted;
    token_cache_drop(entry);
    return final ? fail_refused(session, request, lacks_scope, err) : 0;
}

/* Only the registry's own 401 is answered with anything. */
static int check_origin(const struct session *session, const struct session_request *request,
                        struct lpipe_error *err)
{
    struct origin origin;
    if (request->http.url[0] == '/') {
        return 0;
    }
    int status = origin_parse(request->http.url, "address", &origin, NULL, err);
    if (status == 0 && !origin_same(&origin, &session->origin)) {
        char text[ORIGIN_TEXT_BYTES];
        status = fail(err, LPIPE_DENIED,
                      "%s asks for authentication, but %s only named it; nothing was sent there",
                      origin_format(&origin, text, sizeof text), session->registry);
    }
    return status;
}

int session_renew(struct session *session, const struct session_request *request,
                  const struct http_response *response, struct lpipe_error *err)
{
    bool lacks_scope = false;
    int status = check_origin(session, request, err);
    if (status != 0) {
        return status;
    }
    GUARD(&session->mutex);
    status = take_challenge_locked(session, request, response, &lacks_scope, err);
    if (status != 0) {
        return status;
    }
    uint64_t serial = response->token_serial;
    bool known = session->locked.challenge.scheme != CHALLENGE_NONE;
    status = known ? resolve_locked(session, err) : 0;
    if (status != 0) {
        return status;
    }
    if (!known || (session->locked.challenge.scheme == CHALLENGE_BASIC &&
                   session->locked.credential == NULL)) {
        return fail_refused(session, request, lacks_scope, err);
    }
    return is_fixed_locked(session)
               ? renew_fixed_locked(session, request, serial, err)
               : renew_token_locked(session, request, serial, lacks_scope, err);
}

static int test_locked(struct session *session, struct lpipe_error *err)
{
    struct session_pass pass CLEANUP(session_pass_done) = SESSION_PASS_INIT;
    struct http_response response CLEANUP(http_response_done) = HTTP_RESPONSE_INIT;
    struct session_request request = { .http = { .url = "/v2/" } };
    bool trusted = false;
    int status = pass_get_locked(session, &request, &pass, err);
    if (status != 0 || pass.authorization.size == 0) {
        return status == 0 ? 1 : status;
    }
    status = ping_locked(session, pass.authorization.data, true, &response, &trusted, err);
    if (status != 0 || response.status == 200) {
        return status;
    }
    return response.status == 401 ? fail_refused(session, &request, false, err)
                                  : fail_ping(session, response.status, err);
}

int session_test(struct session *session, struct lpipe_error *err)
{
    struct lpipe_error why = { 0 };
    GUARD(&session->mutex);
    int status = test_locked(session, &why);
    if (status < 0 && err != NULL) {
        *err = why;
    }
    return status;
}
