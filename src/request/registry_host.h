/* SPDX-License-Identifier: Apache-2.0 */
/* One registry host, as one client sees it with one set of credentials: its URL, its challenge, its
 * tokens. The files host_*.c work on it:
 *
 *   host_list           finds or makes the object
 *   host_request        sends requests, with a new token after a 401
 *   host_first          the requests before the host is known to be a registry
 *   host_attempt        one request with authorization, redirects and retries
 *   host_authorization  makes the Authorization of a request, and renews it after a 401
 *   host_probe          what the first answers show: is it a registry, which scheme does it speak
 *
 * Any thread; what changes is guarded by the mutex. */
#ifndef REQUEST_REGISTRY_HOST_H
#define REQUEST_REGISTRY_HOST_H

#include <pthread.h>

#include "auth/challenge.h"
#include "auth/credential.h"
#include "auth/token_cache.h"
#include "request/exchange.h"

struct registry_host {
    struct context *context; /* of the client; borrowed */
    struct http *http;       /* borrowed */
    char *registry;          /* host[:port] as references have it */
    char *identity; /* which credentials may be used: the same for all requests of this host */
    char *pool_key;
    bool has_credentials;     /* there are some, which may be asked for */
    struct origin origins[2]; /* with http and with https; see host_origin() */
    char origin_texts[2][ORIGIN_TEXT_BYTES];
    atomic_bool is_https; /* the scheme that is used. Changed with the mutex held, once at most */
    atomic_bool scheme_is_guessed; /* http, but the user did not ask for it, and no registry has
                                      answered yet */
    atomic_bool has_answered;      /* it has sent an answer, of any kind */
    atomic_bool is_registry;       /* it has sent an answer that only a registry sends */
    struct tls_files tls;
    struct registry_host *next;
    atomic_bool restored; /* the notice about restored https was given: see exchange_location() */
    atomic_uint_fast64_t
        failure_count; /* changed with the mutex held: see host_failure_meanwhile_locked() */
    pthread_mutex_t mutex;
    struct {
        bool is_pinged;             /* GET /v2/ was answered */
        struct lpipe_error failure; /* the newest one that host_failure_keep_locked() was given */
        bool is_local;              /* the registry answered from a loopback or private address */
        struct challenge challenge;
        struct credential_list credentials;
        struct credential *credential; /* the one in use, of the list; NULL = anonymous */
        bool resolved;                 /* helpers were asked */
        uint64_t resolved_ms;
        uint64_t fixed_serial; /* of Basic credentials and of a token for the registry itself */
        bool accepted;         /* the credentials were accepted at least once */
        bool is_refused;       /* they were refused: not to be sent again */
        struct lpipe_error refused;
        struct token_cache tokens;
        char *known_scope; /* scopes that challenges named in addition; NULL = none */
    } locked;              /* by mutex */
};

/* A request to a registry host. */
struct host_request {
    struct http_request http; /* url: absolute (a Location), or a path starting with '/' on the
                                 registry; secret, addresses and pool_key are set here */
    const char *repository;   /* for the token scope; NULL = none */
    const char *actions;      /* "pull", "pull,push", "delete"; NULL = "pull" */
    const char *mount_from;   /* the token must also allow to pull from here; NULL = none */
    bool send_after_cancel; /* send also when the client is cancelled, to clean up; this request and
                                 the one for its token may take CLOSE_TIMEOUT_MS each */
    bool follow;            /* follow redirects: see struct exchange */
    uint32_t life_ms;       /* the token should outlive this; 0 = 60 s */
    bool retry;             /* retry as retry.h says; always so for GET and HEAD. Only for
                                 host_send() with a body in memory */
    bool untrusted_url;     /* a cross-origin server has chosen the URL: no secret is sent, not
                                 even to the registry itself */
    char **ret_url;         /* host_send() sets it to the URL that has answered, owned (base for a
                                 relative Location after redirects); NULL = not wanted */
    bool *ret_gave_up;      /* set to true when nothing was sent after all retries: no authorization
                                 could be made, or the host has never answered; NULL = not wanted */
};

/* A host that is in no list, with exactly these credentials (moved). */
MUST_CHECK int registry_host_new(struct context *context, const char *registry, bool https,
                                 struct credential_list *credentials,
                                 struct registry_host **ret_host, struct lpipe_error *err);
struct registry_host *registry_host_free(struct registry_host *host);
static inline void cleanup_registry_host(struct registry_host **host)
{
    registry_host_free(*host);
}

/* Scheme, host and port of the registry itself, and as text: "https://host:port". Borrowed from
 * the host. */
const struct origin *host_origin(const struct registry_host *host);
const char *host_base_url(const struct registry_host *host);

/* A text that identifies the credentials of a list but contains no secret: requests with the
 * same identity share connections and tokens. Owned; NULL when out of memory. */
char *credential_list_identity(const struct credential_list *credentials);

/* The mutex is held while a host is probed and during a token request. A thread that waited for it
 * while such a request failed takes that failure, so that a silent server costs its time limit once
 * and not once for each waiting thread: read failure_count before the mutex is locked, or before
 * the request that got the 401 was sent, and pass it here with the mutex held. 0, or that
 * failure. */
MUST_CHECK int host_failure_meanwhile_locked(const struct registry_host *host,
                                             uint_fast64_t count_before, struct lpipe_error *err);
/* Keeps a failure for the threads that wait. Only what a retry could change, because a refusal is
 * quick and may be about one repository. */
void host_failure_keep_locked(struct registry_host *host, const struct lpipe_error *failure);

/* An exchange with this registry, without a secret; the caller sets it. */
struct exchange host_exchange(struct registry_host *host, enum origin_sink sink, bool is_local);

#endif
