/* SPDX-License-Identifier: Apache-2.0 */
/* One registry host as one client sees it: its scheme, its challenges, its tokens, and the one
 * function that decides which secret goes to which origin. Sends requests with authorization,
 * follows what may be followed, and knows nothing of blobs. Any thread. */
#ifndef REGISTRY_SESSION_H
#define REGISTRY_SESSION_H

#include "http/http.h"
#include "layerpipe/client.h"
#include "layerpipe/ref.h"

struct session;

/* The sessions of a client, owned by it. */
struct session_list;
struct session_list *session_list_new(void); /* NULL when out of memory */
struct session_list *session_list_free(struct session_list *list);

/* The session of a registry host; sessions are cached in the client and live as long as it. The
 * first request to a registry pings /v2/ for its challenge; for registries on this machine, where
 * http is only a guess, this call does, and may fail as a request may. */
int session_get(lpipe_client *client, const lpipe_ref *ref, struct session **ret_session,
                struct lpipe_error *err);

/* "https://host:port" of the registry itself. Borrowed from the session. */
const char *session_origin(const struct session *session);

struct session_request {
    struct http_request http; /* url: absolute (a Location), or a path starting with '/' on the
                                 registry; secret, addresses and pool_key are set by the session */
    const char *repository;   /* for the token scope; NULL = none */
    const char *actions;      /* "pull", "pull,push", "delete"; NULL = "pull" */
    const char *mount_from;   /* repository that pull is wanted on too; NULL = none */
    bool parting;             /* to be sent also when the client is cancelled, for cleaning up: with
                                 the token that it needs, and within CLOSE_TIMEOUT_MS each */
    bool follow;              /* follow redirects (GET and HEAD only) */
    uint32_t life_ms;         /* the token should outlive this; 0 = 60 s */
    bool retry;               /* repeat as retry.h says; always so for GET and HEAD. For
                                 session_send() and a body in memory */
    bool is_abroad;           /* a stranger has chosen the URL: no secret goes along, wherever it
                                 leads */
};

/* Sends and waits. A 401 leads to one new token and one repetition where the body is in memory;
 * with a pull body the 401 comes back as the answer (see session_renew()). A 401 that nothing can
 * be done about is AUTH_REQUIRED or DENIED; any other final status is an answer, not an error.
 * response.url is request->http.url, as for session_wait(). */
int session_send(struct session *session, const struct session_request *request,
                 struct http_response *ret_response, struct lpipe_error *err);

/* The two halves of session_send() without the repetition, for bodies that overlap other work. The
 * request and everything in it must stay until session_wait() returns. */
struct session_call;
int session_start(struct session *session, const struct session_request *request,
                  struct session_call **ret_call, struct lpipe_error *err);
struct http_call *session_call_http(struct session_call *call);
int session_wait(struct session_call *call, struct http_response *ret_response,
                 struct lpipe_error *err);

/* After a 401: takes in its challenge and drops the token that was refused. 0 = repeat the request;
 * AUTH_REQUIRED or DENIED when a fresh token was refused too. At most once for one request: a
 * second 401 to the same request is final, whatever this says. */
int session_renew(struct session *session, const struct session_request *request,
                  const struct http_response *response, struct lpipe_error *err);

/* Resolves a Location header against the URL of the answer and checks it (RFC 3986; policy of
 * SECURITY.md): never https to http, no userinfo, no control characters. Result: owned text.
 * PROTOCOL when missing or malformed, REFUSED when the policy forbids it. */
int session_location(struct session *session, const struct http_response *response, char **ret_url,
                     struct lpipe_error *err);

#endif
