/* SPDX-License-Identifier: Apache-2.0 */
#include "request/registry_error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "request/answer_text.h"
#include "request/retry.h"

static int status_of(int http_status)
{
    switch (http_status) {
    case 401:
        return LPIPE_AUTH_REQUIRED;
    case 403:
        return LPIPE_DENIED;
    case 404:
        return LPIPE_NOT_FOUND;
    case 408:
    case 425:
    case 499:
        return LPIPE_SERVER;
    case 429:
        return LPIPE_RATE_LIMITED;
    default:
        return http_status >= 500 && http_status <= 599   ? LPIPE_SERVER
               : http_status >= 400 && http_status <= 499 ? LPIPE_REFUSED
                                                          : LPIPE_PROTOCOL;
    }
}

int registry_error(const struct http_response *response, struct lpipe_error *err,
                   const char *what_format, ...)
{
    char what[sizeof err->message];
    struct answer_text answer;
    va_list args;
    int status = status_of(response->status);
    if (err == NULL) {
        return status;
    }
    va_start(args, what_format);
    (void)vsnprintf(what, sizeof what, what_format, args);
    va_end(args);
    answer_text_read(response, NULL, &answer);
    const char *joint = answer.text[0] == '\0' ? "" : answer.code[0] == '\0' ? ": " : " ";
    fail(err, status, "%s: the registry answered %d%s%s", what, response->status, joint,
         answer.text);
    err->http_status = response->status;
    memcpy(err->registry_code, answer.code, sizeof answer.code);
    err->flags |= retry_worth_status(response->status) ? LPIPE_ERROR_RETRYABLE : 0;
    return status;
}
