/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions and their requests. How a request is authorized: session_auth.c. */
#include "registry/session.h"

#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/sync.h"
#include "registry/session_auth.h"

struct session_list {
    pthread_mutex_t mutex;
    struct session *first;
};

struct session_list *session_list_new(void)
{
    struct session_list *list = NEW(struct session_list);
    if (list != NULL) {
        pthread_mutex_init(&list->mutex, NULL);
    }
    return list;
}

struct session_list *session_list_free(struct session_list *list)
{
    if (list != NULL) {
        while (list->first != NULL) {
            struct session *next = list->first->next;
            session_free(list->first);
            list->first = next;
        }
        pthread_mutex_destroy(&list->mutex);
        free(list);
    }
    return NULL;
}

struct session *session_free(struct session *session)
{
    if (session != NULL) {
        free(session->registry);
        free(session->identity);
        free(session->pool_key);
        tls_files_done(&session->tls);
        challenge_done(&session->locked.challenge);
        credential_list_done(&session->locked.credentials);
        token_cache_done(&session->locked.tokens);
        free(session->locked.known_scope);
        pthread_mutex_destroy(&session->mutex);
        free(session);
    }
    return NULL;
}

/* Names the credentials of a list without telling them. */
static char *identity_of(const struct credential_list *credentials)
{
    AUTO_BUF struct buf text = BUF_INIT(64 * KIB);
    int status = buf_append(&text, NULL, 0);
    for (size_t i = 0; i < credentials->count && status == 0; i++) {
        status = buf_printf(&text, "%s\n", credentials->items[i].source);
    }
    return status == 0 ? buf_take(&text) : NULL;
}

int session_new(lpipe_client *client, const char *registry, bool https,
                struct credential_list *credentials, struct session **ret_session,
                struct lpipe_error *err)
{
    struct session *session CLEANUP(cleanup_session) = NEW(struct session);
    if (session == NULL) {
        return fail_memory(err);
    }
    pthread_mutex_init(&session->mutex, NULL);
    session->client = client;
    session->registry = mem_strdup(registry);
    session->identity = identity_of(credentials);
    session->pool_key = mem_printf("%s %s", registry, session->identity);
    if (session->registry == NULL || session->identity == NULL || session->pool_key == NULL) {
        return fail_memory(err);
    }
    int status = origin_parse_host(registry, https, &session->origin, err);
    status = status == 0 ? client_http(client, &session->http, err) : status;
    /* Also for http: its token server may speak https. */
    status = status == 0 ? tls_files_read(client_settings(client), registry, &session->tls, err)
                         : status;
    if (status != 0) {
        return status;
    }
    origin_format(&session->origin, session->origin_text, sizeof session->origin_text);
    session->is_guess = !https && (client_settings(client)->flags & LPIPE_CLIENT_PLAIN_HTTP) == 0;
    session->locked.credentials = *credentials;
    session->locked.fixed_serial = 1;
    *credentials = (struct credential_list){ .count = 0 };
    *ret_session = TAKE(session);
    return 0;
}

static struct session *find_session(const struct session_list *list, const char *registry,
                                    const char *identity)
{
    for (struct session *session = list->first; session != NULL; session = session->next) {
        if (strcmp(session->registry, registry) == 0 && strcmp(session->identity, identity) == 0) {
            return session;
        }
    }
    return NULL;
}

/* The session there is, or a new one in the list. */
static int list_session(lpipe_client *client, const char *registry, const char *scheme,
                        const char *identity, struct credential_list *credentials,
                        struct session **ret_session, struct lpipe_error *err)
{
    struct session_list *list = client_sessions(client);
    bool plain = (client_settings(client)->flags & LPIPE_CLIENT_PLAIN_HTTP) != 0;
    GUARD(&list->mutex);
    struct session *session = find_session(list, registry, identity);
    if (session == NULL) {
        bool https = strcmp(scheme, "https") == 0 && !plain;
        int status = session_new(client, registry, https, credentials, &session, err);
        if (status != 0) {
            return status;
        }
        session->next = list->first;
        list->first = session;
    }
    *ret_session = session;
    return 0;
}

int session_get(lpipe_client *client, const lpipe_ref *ref, struct session **ret_session,
                struct lpipe_error *err)
{
    const struct client_settings *settings = client_settings(client);
    AUTO_CREDENTIAL_LIST struct credential_list credentials = { .count = 0 };
    const char *registry = lpipe_ref_registry(ref);
    const char *scheme = lpipe_ref_scheme(ref);
    if (registry == NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "%s names no registry", lpipe_ref_name(ref));
    }
    int status = credential_find(settings, registry, lpipe_ref_repository(ref), &credentials, err);
    if (status != 0) {
        return status;
    }
    AUTO_FREE char *identity = identity_of(&credentials);
    if (identity == NULL) {
        return fail_memory(err);
    }
    struct session *session = NULL;
    status = list_session(client, registry, scheme, identity, &credentials, &session, err);
    status = status == 0 ? session_settle(session, err) : status;
    if (status == 0) {
        *ret_session = session;
    }
    return status;
}

const char *session_origin(const struct session *session)
{
    return session->origin_text;
}

struct exchange session_exchange(struct session *session, enum origin_sink sink, bool is_local)
{
    const struct client_settings *settings = client_settings(session->client);
    return (struct exchange){
        .client = session->client,
        .http = session->http,
        .rules = { .registry = &session->origin,
                   .registry_is_local = is_local,
                   .trust_realms = (const char *const *)settings->trust_realms,
                   .trust_realm_count = settings->trust_realm_count },
        .sink = sink,
        .tls = &session->tls,
        .pool_key = session->pool_key,
    };
}

/* An absolute URL for "/v2/..."; a URL stays as it is. */
static char *absolute_url(const struct session *session, const char *url)
{
    return url[0] == '/' ? mem_printf("%s%s", session->origin_text, url) : mem_strdup(url);
}

/* One attempt: pass, request, answer. */
static int send_once(struct session *session, const struct session_request *request,
                     const char *url, struct http_response *ret_response, bool *ret_trusted,
                     struct lpipe_error *err)
{
    struct session_pass pass CLEANUP(session_pass_done) = SESSION_PASS_INIT;
    int status = session_pass_get(session, request, &pass, err);
    if (status != 0) {
        return status;
    }
    struct exchange exchange = session_exchange(session, ORIGIN_LOCATION, pass.is_local);
    exchange.secret = pass.authorization.size > 0 ? pass.authorization.data : NULL;
    exchange.follow = request->follow;
    exchange.parting = request->parting;
    exchange.is_abroad = request->is_abroad;
    exchange.retry = request->retry || strcmp(request->http.method, "GET") == 0 ||
                     strcmp(request->http.method, "HEAD") == 0;
    status = exchange_send(&exchange, &request->http, url, ret_response, ret_trusted, err);
    ret_response->token_serial = pass.serial;
    if (status == 0 && *ret_trusted && ret_response->status != 401) {
        session_pass_accepted(session, pass.serial);
    }
    return status;
}

int session_send(struct session *session, const struct session_request *request,
                 struct http_response *ret_response, struct lpipe_error *err)
{
    AUTO_FREE char *url = absolute_url(session, request->http.url);
    bool trusted = false;
    if (url == NULL) {
        return fail_memory(err);
    }
    int status = send_once(session, request, url, ret_response, &trusted, err);
    /* A stranger's 401 is an answer: it gets no secret, whatever it asks for. */
    if (status != 0 || ret_response->status != 401 || !trusted) {
        return status;
    }
    status = session_renew(session, request, ret_response, err);
    if (status != 0 || request->http.body.pull != NULL) {
        return status;
    }
    http_response_done(ret_response);
    *ret_response = (struct http_response)HTTP_RESPONSE_INIT;
    status = send_once(session, request, url, ret_response, &trusted, err);
    if (status == 0 && ret_response->status == 401 && trusted) {
        status = session_renew(session, request, ret_response, err);
        status = status == 0 ? fail(err, LPIPE_AUTH_REQUIRED, "%s refuses every new token",
                                    session->registry)
                             : status;
    }
    return status;
}

struct session_call {
    struct session *session;
    char *url;
    const char *given_url;
    struct session_pass pass;
    struct hop hop;
    struct http_call *http;
};

static void call_free(struct session_call *call)
{
    if (call != NULL) {
        free(call->url);
        session_pass_done(&call->pass);
        hop_done(&call->hop);
        free(call);
    }
}

static void cleanup_call(struct session_call **call)
{
    call_free(*call);
}

int session_start(struct session *session, const struct session_request *request,
                  struct session_call **ret_call, struct lpipe_error *err)
{
    struct session_call *call CLEANUP(cleanup_call) = NEW(struct session_call);
    if (call == NULL) {
        return fail_memory(err);
    }
    call->session = session;
    call->pass = (struct session_pass)SESSION_PASS_INIT;
    call->given_url = request->http.url;
    call->url = absolute_url(session, request->http.url);
    if (call->url == NULL) {
        return fail_memory(err);
    }
    int status = session_pass_get(session, request, &call->pass, err);
    if (status != 0) {
        return status;
    }
    struct exchange exchange = session_exchange(session, ORIGIN_LOCATION, call->pass.is_local);
    exchange.secret = call->pass.authorization.size > 0 ? call->pass.authorization.data : NULL;
    status = hop_init(&call->hop, &exchange, &request->http, call->url, err);
    if (status == 0 && request->is_abroad) {
        hop_distrust(&call->hop);
    }
    status = status == 0 ? http_start(session->http, &call->hop.http, &call->http, err) : status;
    if (status == 0) {
        *ret_call = TAKE(call);
    }
    return status;
}

struct http_call *session_call_http(struct session_call *call)
{
    return call->http;
}

int session_wait(struct session_call *call, struct http_response *ret_response,
                 struct lpipe_error *err)
{
    int status = http_wait(call->http, ret_response, err);
    ret_response->url = call->given_url;
    ret_response->token_serial = call->hop.trusted ? call->pass.serial : 0;
    ret_response->is_trusted = call->hop.trusted;
    if (status == 0 && call->hop.trusted && ret_response->status != 401) {
        session_pass_accepted(call->session, call->pass.serial);
    }
    call_free(call);
    return status;
}

int session_location(struct session *session, const struct http_response *response, char **ret_url,
                     struct lpipe_error *err)
{
    AUTO_FREE char *base = absolute_url(session, response->url);
    if (base == NULL) {
        return fail_memory(err);
    }
    pthread_mutex_lock(&session->mutex);
    bool is_local = session->locked.is_local;
    pthread_mutex_unlock(&session->mutex);
    struct exchange exchange = session_exchange(session, ORIGIN_LOCATION, is_local);
    return exchange_location(&exchange.rules, ORIGIN_LOCATION, base, response, ret_url, err);
}
