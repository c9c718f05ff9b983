/* SPDX-License-Identifier: Apache-2.0 */
/* One request with what the rules allow to go with it: the only place that attaches a secret. Each
 * hop (the request itself, a redirect) is judged by origin_decide(); secret and client certificate
 * go to trusted origins only. Knows nothing of tokens. Any thread. */
#ifndef REQUEST_EXCHANGE_H
#define REQUEST_EXCHANGE_H

#include "auth/origin.h"
#include "auth/tls_files.h"
#include "request/context.h"

struct exchange {
    struct context *context;
    struct http *http;
    struct origin_rules rules;
    enum origin_sink sink;       /* what URLs of this exchange are for */
    const struct tls_files *tls; /* of the registry */
    const char *pool_key;        /* for connections that a secret goes over */
    const char *secret;          /* Authorization for trusted origins; NULL = none */
    bool send_after_cancel;      /* also when the client is cancelled, but not for long */
    bool untrusted_url;          /* a stranger has chosen the URL: no secret */
    bool follow;                 /* redirects, of GET and HEAD */
    bool retry;                  /* what retry.h says is worth it, unless a body is pulled; with a
                                    stream answers only, for its reader may have some already */
};

/* A request as one hop sends it. Must not move while it is in use. */
struct hop {
    struct http_request http;
    const char **headers;
    bool trusted;
};
/* Judges an absolute URL (borrowed) and makes the hop of the request. REFUSED and others: nothing
 * may be sent there. */
MUST_CHECK int hop_init(struct hop *hop, const struct exchange *exchange,
                        const struct http_request *request, const char *url,
                        struct lpipe_error *err);
/* Takes every secret from a hop. */
void hop_drop_secrets(struct hop *hop);
void hop_dispose(struct hop *hop);

/* Sends to an absolute URL and waits; *ret_trusted tells whether the answer is of a trusted origin.
 * A final status is an answer, not an error; response.url is what it was in the request. */
MUST_CHECK int exchange_send(const struct exchange *exchange, const struct http_request *request,
                             const char *url, struct http_response *ret_response, bool *ret_trusted,
                             struct lpipe_error *err);

/* The target of an answer's Location, resolved and judged (owned text). PROTOCOL when missing or
 * malformed, REFUSED. */
MUST_CHECK int exchange_location(const struct origin_rules *rules, enum origin_sink sink,
                                 const char *base, const struct http_response *response,
                                 char **ret_url, struct lpipe_error *err);

#endif
