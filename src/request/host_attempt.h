/* SPDX-License-Identifier: Apache-2.0 */
/* Sends one request to a registry host: with authorization, redirects and retries, but without a
 * new token after a 401. The files host_*.c use it. Any thread. */
#ifndef REQUEST_HOST_ATTEMPT_H
#define REQUEST_HOST_ATTEMPT_H

#include "request/host_authorization.h"

/* Makes "/v2/..." an absolute URL; an absolute URL stays as it is. Owned; NULL when out of
 * memory. */
char *host_absolute_url(const struct registry_host *host, const char *url);

/* host_authorize(); its failure is noted in the request. */
MUST_CHECK int attempt_authorize(struct registry_host *host, const struct host_request *request,
                                 struct request_authorization *ret_authorization,
                                 struct lpipe_error *err);

/* How a request is retried; all zero = as usual. The members are as in struct exchange. */
struct attempt_retries {
    bool fail_at_once;
    bool first_contact;
    uint32_t failures;
};
/* Sends the request with authorization, and waits for its answer. *ret_trusted:
 * the answer is from the registry itself. */
MUST_CHECK int attempt_send(struct registry_host *host, const struct host_request *request,
                            const struct attempt_retries *retries,
                            struct http_response *ret_response, bool *ret_trusted,
                            struct lpipe_error *err);

/* Takes the secrets of a request out of the body of a refusal, which messages show: the token that
 * it was sent with, and the credentials. */
void attempt_mask_refusal(struct registry_host *host, const struct buf *authorization,
                          struct http_response *response);
/* Makes the response ready for the next attempt. */
void attempt_clear(struct http_response *response);

#endif
