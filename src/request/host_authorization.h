/* SPDX-License-Identifier: Apache-2.0 */
/* The Authorization of a request to a registry: credentials are looked up, tokens are fetched
 * and kept. Everything happens under the host's mutex, so that many requests cause one token, and
 * wait for it. */
#ifndef REQUEST_HOST_AUTHORIZATION_H
#define REQUEST_HOST_AUTHORIZATION_H

#include "request/registry_host.h"

/* The Authorization of one request. */
struct request_authorization {
    struct buf authorization; /* empty = none */
    uint64_t serial;          /* of the token; 0 = none */
    bool is_local;
};
#define REQUEST_AUTHORIZATION_INIT                                                                 \
    {                                                                                              \
        BUF_INIT(4 * PASSWORD_BYTES_MAX), 0, false                                                 \
    }
void request_authorization_dispose(struct request_authorization *authorization);

/* Makes the Authorization of a request: looks up credentials and fetches a token where the
 * registry has asked for that. */
MUST_CHECK int host_authorize(struct registry_host *host, const struct host_request *request,
                              struct request_authorization *ret_authorization,
                              struct lpipe_error *err);
/* Remembers that the registry accepted this authorization. */
void host_authorization_accepted(struct registry_host *host, uint64_t serial);
/* Tests the host's credentials: 0 when the registry accepts them, 1 when it requires none. For
 * login. */
MUST_CHECK int host_test_credentials(struct registry_host *host, struct lpipe_error *err);

/* After a 401: takes its challenge and drops the token that was refused. 0 = repeat the request;
 * AUTH_REQUIRED or DENIED when a fresh token was refused too. At most once for one request: a
 * second 401 to the same request is final, whatever this returns. */
MUST_CHECK int host_renew_token(struct registry_host *host, const struct host_request *request,
                                const struct http_response *response, struct lpipe_error *err);

/* Credentials that were accepted and are older than this are read again when they are refused:
 * their owner may have changed them. */

#define CREDENTIAL_AGE_MS ((uint64_t)3600 * 1000)

#endif
