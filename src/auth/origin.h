/* SPDX-License-Identifier: Apache-2.0 */
/* Origins (scheme, host, port), and the decision which secret may be sent to which origin.
 *
 * Six kinds of URL are chosen by the remote side: the realm of a token server, the redirects of
 * that server, upload locations, redirects of blobs and manifests, foreign layer URLs (never
 * fetched) and pagination links (never followed). All that are followed pass origin_decide(). No
 * other code compares hosts to decide about a secret. Pure; any thread. */
#ifndef AUTH_ORIGIN_H
#define AUTH_ORIGIN_H

#include "http/http.h"

/* Normalised: lower case, no trailing dot, the port always set. */
struct origin {
    bool https;
    bool ipv6; /* host is an address that URLs put in brackets */
    uint16_t port;
    char host[256]; /* without brackets */
};

/* Reads an absolute http or https URL. Refused are userinfo, control characters, blanks,
 * backslashes and bytes that RFC 3986 does not allow; the host has letters, digits, '-', '_' and
 * '.', or is an IPv6 address in brackets. ret_rest points after the authority, at '/', '?', '#'
 * or the end. PROTOCOL; what names the URL in the message ("token realm"). */
MUST_CHECK int origin_parse(const char *url, const char *what, struct origin *ret_origin,
                            const char **ret_rest, struct lpipe_error *err);
/* "host[:port]" as references, options and files have it. */
MUST_CHECK int origin_parse_host(const char *host, bool https, struct origin *ret_origin,
                                 struct lpipe_error *err);
bool origin_same(const struct origin *a, const struct origin *b);
bool origin_same_host(const struct origin *a, const struct origin *b);
/* "https://host[:port]"; the scheme's default port is left out. Returns buf. */
#define ORIGIN_TEXT_BYTES 288
char *origin_format(const struct origin *origin, char *buf, size_t buf_size);

/* What a URL on the registry's own host has lost on its way through a proxy, compared with the
 * registry's origin. */
enum origin_loss {
    ORIGIN_LOST_NOTHING = 0,
    ORIGIN_LOST_HTTPS, /* http, on the registry's port or on http's; the registry uses https */
    ORIGIN_LOST_PORT   /* it is on the default port of its scheme; the registry is on another one */
};
enum origin_loss origin_loss_of(const struct origin *registry, const struct origin *target);

/* Resolves a reference from an answer against the URL of the request (RFC 3986, 5.2). The query
 * is kept byte for byte; a fragment is dropped. Owned text with a normalised authority. */
MUST_CHECK int origin_resolve(const char *base, const char *reference, const char *what,
                              char **ret_url, struct lpipe_error *err);

/* What the URL is for. */
enum origin_sink {
    ORIGIN_REALM,   /* a token server, or a redirect of one */
    ORIGIN_LOCATION /* an upload location or the target of a redirect */
};

/* What may be sent there. */
enum origin_trust {
    ORIGIN_ANONYMOUS, /* the request, but no secret of any kind */
    ORIGIN_TRUSTED    /* the registry itself: its token or credentials; or for ORIGIN_REALM a token
                         server that may have the credentials of this registry */
};

struct origin_rules {
    const struct origin *registry;   /* the registry that gave the URL */
    bool registry_is_local;          /* it was reached on a loopback or private address */
    const char *const *trust_realms; /* named by the user: [REGISTRY=]host[:port] */
    size_t trust_realm_count;
};

struct origin_verdict {
    enum origin_trust trust;
    enum http_address_policy addresses; /* which addresses the connection may have */
};

/* 0 with a verdict. REFUSED: nothing may be sent there. AUTH_REQUIRED: the same, but
 * --trust-realm would allow it. */
MUST_CHECK int origin_decide(const struct origin_rules *rules, enum origin_sink sink,
                             const struct origin *target, struct origin_verdict *ret_verdict,
                             struct lpipe_error *err);

#endif
