/* SPDX-License-Identifier: Apache-2.0 */
/* Sends requests to a registry host, with authorization. A 401 leads to one new token and one
 * repetition; redirects are followed where that is allowed. Knows nothing of blobs. Any thread. */
#ifndef REQUEST_HOST_REQUEST_H
#define REQUEST_HOST_REQUEST_H

#include "request/registry_host.h"

/* Sends and waits. After a 401 the token is renewed and the request repeated if its body is in
 * memory, once with a new token for one that was refused; with a pull body the 401 is returned as
 * the answer (see host_renew_token()). A 401
 * that a new token cannot repair is AUTH_REQUIRED or DENIED; any other final status is success
 * here. response.url is request->http.url, as for host_wait(). */
int host_send(struct registry_host *host, const struct host_request *request,
              struct http_response *ret_response, struct lpipe_error *err);

/* The two halves of host_send(), without the repetition: for a body that is produced while it is
 * sent. The request and everything in it must stay valid until host_wait() returns. */
struct host_call;
int host_start(struct registry_host *host, const struct host_request *request,
               struct host_call **ret_call, struct lpipe_error *err);
struct http_call *host_call_http(struct host_call *call);
int host_wait(struct host_call *call, struct http_response *ret_response, struct lpipe_error *err);

/* Resolves a Location header against the URL of the answer and checks it (RFC 3986; policy of
 * SECURITY.md, and exchange_location()): never https to http, no userinfo, no control
 * characters. Result: owned text. PROTOCOL when missing or malformed, REFUSED when the policy
 * forbids it. */
int host_resolve_location(struct registry_host *host, const struct http_response *response,
                          char **ret_url, struct lpipe_error *err);

#endif
