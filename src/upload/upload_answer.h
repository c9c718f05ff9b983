/* SPDX-License-Identifier: Apache-2.0 */
/* Translates the registry's answers, and failures without an answer, into events of the upload
 * machine. Pure; any thread. */
#ifndef UPLOAD_UPLOAD_ANSWER_H
#define UPLOAD_UPLOAD_ANSWER_H

#include "http/http.h"
#include "upload/upload_machine.h"

/* A request without an answer: NO_ANSWER when a retry may help, else ERROR. */
enum upload_event upload_failure_event(const struct lpipe_error *err);
/* Answers to POST, PATCH, GET of the session and PUT. code is the error code in the registry's
 * answer, "" = none. Offsets and digests are not checked here. */
enum upload_event upload_open_event(int status);
enum upload_event upload_send_event(const struct http_response *response);
enum upload_event upload_offset_event(int status);
enum upload_event upload_commit_event(const struct http_response *response, const char *code);

#endif
