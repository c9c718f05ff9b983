/* SPDX-License-Identifier: Apache-2.0 */
/* Describes an unexpected answer in one sentence: the request, the status, and the registry's
 * text (see answer_text.h). Only this file turns the HTTP status of a server's answer into a status
 * of ours. Pure; any thread. */
#ifndef REQUEST_REGISTRY_ERROR_H
#define REQUEST_REGISTRY_ERROR_H

#include "http/http.h"

/* DENIED for 403, RATE_LIMITED for 429, SERVER for 5xx and what else retry_worth_status() names.
 * others: what is returned for all other statuses, which mean different things in different
 * answers. */
int answer_failure(int http_status, int others);
/* The flag RETRYABLE, or 0. */
uint32_t answer_failure_flag(int http_status);

/* Fills err: 401 AUTH_REQUIRED, 403 DENIED, 404 NOT_FOUND, 408, 425, 499 and 5xx SERVER, 429
 * RATE_LIMITED, other 4xx REFUSED, anything else PROTOCOL; http_status and registry_code are
 * set, and RETRYABLE where retry_worth_status() says so. what names the request: "PUT of
 * manifest app:1". Returns the status. */
int registry_error(const struct http_response *response, struct lpipe_error *err,
                   const char *what_format, ...) PRINTF_LIKE(3, 4);

#endif
