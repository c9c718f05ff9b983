/* SPDX-License-Identifier: Apache-2.0 */
#include "request/registry_error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "request/answer_text.h"
#include "request/retry.h"

int answer_failure(int http_status, int others)
{
    if (http_status == 403) {
        return LPIPE_DENIED;
    }
    if (http_status == 429) {
        return LPIPE_RATE_LIMITED;
    }
    bool by_server = http_status >= 500 && http_status <= 599;
    return by_server || retry_worth_status(http_status) ? LPIPE_SERVER : others;
}

uint32_t answer_failure_flag(int http_status)
{
    return retry_worth_status(http_status) ? LPIPE_ERROR_RETRYABLE : 0;
}

static int status_of(int http_status)
{
    if (http_status == 401) {
        return LPIPE_AUTH_REQUIRED;
    }
    if (http_status == 404) {
        return LPIPE_NOT_FOUND;
    }
    bool refuses = http_status >= 400 && http_status <= 499;
    return answer_failure(http_status, refuses ? LPIPE_REFUSED : LPIPE_PROTOCOL);
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
    err->flags |= answer_failure_flag(response->status);
    return status;
}
