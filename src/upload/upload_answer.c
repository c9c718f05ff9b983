/* SPDX-License-Identifier: Apache-2.0 */
#include "upload/upload_answer.h"

#include <string.h>

#include "request/retry.h"
#include "upload/upload_chunk_size.h"

enum upload_event upload_failure_event(const struct lpipe_error *err)
{
    return retry_worth_failure(err->status) ? UPLOAD_NO_ANSWER : UPLOAD_ERROR;
}

/* Statuses that mean the same for all requests. */
static enum upload_event refusal_event(int status)
{
    switch (status) {
    case 401:
        return UPLOAD_HTTP_401;
    case 404:
    case 410:
        return UPLOAD_GONE;
    default:
        return retry_worth_status(status) ? UPLOAD_RETRY_LATER : UPLOAD_REFUSED;
    }
}

static bool is_success(int status)
{
    return status == 200 || status == 201 || status == 202 || status == 204;
}

enum upload_event upload_open_event(int status)
{
    enum upload_event event = refusal_event(status);
    return status == 202 ? UPLOAD_OK : event == UPLOAD_HTTP_401 ? UPLOAD_REFUSED : event;
}

/* Statuses that also say what is wrong with the request's body. */
static enum upload_event body_event(const struct http_response *response)
{
    switch (response->status) {
    case 307:
    case 308:
        return UPLOAD_REDIRECTED;
    case 411:
        return UPLOAD_HTTP_411;
    case 413:
        return UPLOAD_HTTP_413;
    case 416:
        return chunk_size_limit_in_text(response->body.data, response->body.size) != 0
                   ? UPLOAD_HTTP_413
                   : UPLOAD_HTTP_416;
    case 417:
        return UPLOAD_HTTP_417;
    default:
        return refusal_event(response->status);
    }
}

enum upload_event upload_send_event(const struct http_response *response)
{
    if (!is_success(response->status)) {
        return body_event(response);
    }
    return response->body_complete ? UPLOAD_OK : UPLOAD_PARTLY_ACCEPTED;
}

enum upload_event upload_offset_event(int status)
{
    enum upload_event event = refusal_event(status);
    if (is_success(status)) {
        return UPLOAD_OK;
    }
    return event == UPLOAD_HTTP_401 ? UPLOAD_REFUSED : event;
}

enum upload_event upload_commit_event(const struct http_response *response, const char *code)
{
    if (is_success(response->status)) {
        return response->body_complete ? UPLOAD_OK : UPLOAD_PARTLY_ACCEPTED;
    }
    if (strcmp(code, "DIGEST_INVALID") == 0 || strcmp(code, "SIZE_INVALID") == 0) {
        return response->status == 413 ? UPLOAD_HTTP_413 : UPLOAD_DIGEST_REFUSED;
    }
    return body_event(response);
}
