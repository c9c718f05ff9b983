/* SPDX-License-Identifier: Apache-2.0 */
/* Sends one request and its redirects, and adds the secret where the origin policy allows it: no
 * other code attaches a secret. origin_decide() judges each hop (the request itself, and each
 * redirect); secret and client certificate go to trusted origins only. Does not know what a
 * token is. Any thread. */
#ifndef REQUEST_EXCHANGE_H
#define REQUEST_EXCHANGE_H

#include <stdatomic.h>

#include "auth/origin.h"
#include "auth/tls_files.h"
#include "request/context.h"

struct exchange {
    struct context *context;
    struct http *http;
    struct origin_rules rules;
    enum origin_sink sink;  /* what the URLs of this exchange are for */
    struct tls_files *tls;  /* of the registry */
    const char *pool_key;   /* of connections that carry a secret */
    const char *secret;     /* Authorization for trusted origins; NULL = none */
    bool send_after_cancel; /* send also when the client is cancelled, with short time limits */
    bool untrusted_url;     /* a cross-origin server has chosen the URL: no secret is sent */
    bool follow;            /* follow redirects: all of GET and HEAD; of other methods 307 and 308,
                                    with the same body, which must be in memory */
    bool first_contact;     /* nothing was received from this host before: a failure is retried for
                                    every method; when no connection can be made, few retries are
                                    enough */
    bool fail_at_once;      /* a failure without an answer is not retried */
    uint32_t failures;      /* attempts that failed before this exchange */
    bool retry;             /* retry as retry.h says, unless the body is pulled. With a streamed
                                    answer only error statuses are retried, because the reader may
                                    have received bytes */
    char **ret_url;         /* set to the URL that has answered, owned; NULL = not wanted */
    atomic_bool *restored;  /* of the registry host: the notice about restored https was given */
};

/* One hop of a request. Must not be moved in memory while it is in use. */
struct hop {
    struct http_request http;
    const char **headers;
    bool trusted;
};
/* Judges an absolute URL (borrowed) and prepares the hop. On failure nothing may be sent there. */
MUST_CHECK int hop_init(struct hop *hop, const struct exchange *exchange,
                        const struct http_request *request, const char *url,
                        struct lpipe_error *err);
/* Removes every secret from a hop. */
void hop_drop_secrets(struct hop *hop);
void hop_dispose(struct hop *hop);

/* Sends to an absolute URL and waits. *ret_trusted: the answer is from a trusted origin. Any
 * final status is success here; response.url is the URL of the request. */
MUST_CHECK int exchange_send(const struct exchange *exchange, const struct http_request *request,
                             const char *url, struct http_response *ret_response, bool *ret_trusted,
                             struct lpipe_error *err);

/* The URL in an answer's Location, resolved and judged (owned text). A URL on the registry's own
 * host that only lost its https gets https and the registry's port again, with one notice; never
 * the other way. PROTOCOL when it is missing or malformed, REFUSED by the origin policy. */
MUST_CHECK int exchange_location(const struct exchange *exchange, const char *base,
                                 const struct http_response *response, char **ret_url,
                                 struct lpipe_error *err);

/* When a request to this URL failed and the URL is on the registry's own host without the
 * registry's port, adds that to the message. err may be NULL. */
void exchange_explain(const struct origin *registry, const char *url, struct lpipe_error *err);

#endif
