/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer, or none, means to the upload. Pure; any thread. */
#ifndef UPLOAD_UPLOAD_ANSWER_H
#define UPLOAD_UPLOAD_ANSWER_H

#include "http/http.h"
#include "upload/upload_machine.h"

/* Of a request that failed: BROKEN where another attempt may help, else ERROR. */
enum upload_event upload_failure_event(const struct lpipe_error *err);
/* Of answers to POST, PATCH, GET of a session and PUT. code: the registry's own ("" = none). Offsets
 * and digests are not looked at here. */
enum upload_event upload_open_event(int status);
enum upload_event upload_send_event(const struct http_response *response);
enum upload_event upload_ask_event(int status);
enum upload_event upload_commit_event(const struct http_response *response, const char *code);

#endif
