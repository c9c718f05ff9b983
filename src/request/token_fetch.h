/* SPDX-License-Identifier: Apache-2.0 */
/* Asks a token server for a token. */
#ifndef REQUEST_TOKEN_FETCH_H
#define REQUEST_TOKEN_FETCH_H

#include "auth/challenge.h"
#include "auth/credential.h"
#include "auth/token_cache.h"
#include "request/exchange.h"

struct token_request {
    const struct exchange
        *exchange; /* with sink ORIGIN_REALM; its secret is set by token_fetch() */
    const struct challenge *challenge;
    const char *scope;                   /* canonical set, see scope.h */
    const struct credential *credential; /* NULL = anonymous */
    const char *registry;                /* for messages */
};

/* GET with Basic or without credentials, or POST for an identity token (GET if the server does
 * not support POST). AUTH_REQUIRED when the credentials are refused or must not be sent to this
 * realm; DENIED; PROTOCOL for an answer without a usable token; SERVER, RATE_LIMITED, and the
 * failures of http_wait(). *ret_refused (may be NULL): the token server refused the credentials. */
MUST_CHECK int token_fetch(const struct token_request *request, struct token *ret_token,
                           bool *ret_refused, struct lpipe_error *err);
/* Reads a token server's answer. Messages speak of "its answer"; the caller names the server. */
MUST_CHECK int token_parse(const char *text, size_t size, struct token *ret_token,
                           struct lpipe_error *err);
#endif
