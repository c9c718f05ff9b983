/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a session: what it knows of its registry, and how a request gets its Authorization.
 * For session*.c alone. */
#ifndef REGISTRY_SESSION_AUTH_H
#define REGISTRY_SESSION_AUTH_H

#include <pthread.h>

#include "registry/exchange.h"
#include "registry/session.h"
#include "registry/token.h"

struct session {
    lpipe_client *client;
    struct http *http;
    char *registry; /* host[:port] as references have it */
    char *identity; /* which credentials may be used: a session has the same for all its requests */
    char *pool_key;
    bool is_guess; /* http, and nobody has said so: see session_settle() */
    struct origin origin;
    char origin_text[ORIGIN_TEXT_BYTES];
    struct tls_files tls;
    struct session *next;
    pthread_mutex_t mutex;
    struct {
        bool pinged;
        bool is_local; /* the registry answered from a loopback or private address */
        struct challenge challenge;
        struct credential_list credentials;
        struct credential *credential; /* the one in use, of the list; NULL = anonymous */
        bool resolved;                 /* helpers were asked */
        uint64_t resolved_ms;
        uint64_t fixed_serial; /* of Basic and of a registry's own token */
        bool accepted;         /* the credentials were good for something */
        bool is_refused;       /* they are bad: not to be sent again */
        struct lpipe_error refused;
        struct token_cache tokens;
        char *known_scope; /* what challenges asked for in addition; NULL = nothing */
    } locked;              /* by mutex */
};

/* Finds out which scheme a registry on this machine speaks, unless the user has said so. The origin
 * is fixed from then on; nobody but its maker may have the session before. */
MUST_CHECK int session_settle(struct session *session, struct lpipe_error *err);

/* What a request is sent with. */
struct session_pass {
    struct buf authorization; /* empty = none */
    uint64_t serial;          /* of the token; 0 = none */
    bool is_local;
};
#define SESSION_PASS_INIT                                                                          \
    {                                                                                              \
        BUF_INIT(4 * PASSWORD_BYTES_MAX), 0, false                                                 \
    }
void session_pass_done(struct session_pass *pass);

/* Makes Authorization for a request: pings when that was not done, looks credentials up and fetches
 * a token where needed. */
MUST_CHECK int session_pass_get(struct session *session, const struct session_request *request,
                                struct session_pass *ret_pass, struct lpipe_error *err);
/* Remembers that the registry took what it was sent with. */
void session_pass_accepted(struct session *session, uint64_t serial);
/* Tests credentials of the session's own: 0 when the registry takes them, 1 when it asks for none.
 * For login. */
MUST_CHECK int session_test(struct session *session, struct lpipe_error *err);
/* A session outside of the client's list, with exactly these credentials (moved). */
MUST_CHECK int session_new(lpipe_client *client, const char *registry, bool https,
                           struct credential_list *credentials, struct session **ret_session,
                           struct lpipe_error *err);
struct session *session_free(struct session *session);
static inline void cleanup_session(struct session **session)
{
    session_free(*session);
}

/* The frame of an exchange with this registry; the secret is the caller's to set. */
struct exchange session_exchange(struct session *session, enum origin_sink sink, bool is_local);

#define CREDENTIAL_AGE_MS ((uint64_t)3600 * 1000)

#endif
