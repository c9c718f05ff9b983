/* SPDX-License-Identifier: Apache-2.0 */
/* Turns an answer, or a failed request, into an event of the upload machine. Pure; any thread. */
#ifndef UPLOAD_UPLOAD_ANSWER_H
#define UPLOAD_UPLOAD_ANSWER_H

#include "http/http.h"
#include "upload/upload_machine.h"

/* For a request without an answer: BROKEN where another attempt may help, else ERROR. */
enum upload_event upload_failure_event(const struct lpipe_error *err);
/* For answers to POST, PATCH, GET of the session and PUT. code: the registry's error code ("" = none).
 * Offsets and digests are checked by the caller. */
enum upload_event upload_open_event(int status);
enum upload_event upload_send_event(const struct http_response *response);
enum upload_event upload_query_event(int status);
enum upload_event upload_commit_event(const struct http_response *response, const char *code);

#endif
