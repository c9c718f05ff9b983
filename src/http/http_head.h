/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps the head of an answer, line by line, in a response. Lines come without their line ends.
 * Pure; one thread at a time. */
#ifndef HTTP_HTTP_HEAD_H
#define HTTP_HTTP_HEAD_H

#include "http/http.h"

bool head_is_status_line(const char *line, size_t size);
/* Sets the status, 0 if the line has none, and drops the headers of an earlier head. */
void head_status_line(struct http_response *response, const char *line, size_t size);
/* Appends a header, its name in lower case, or a folded line to the last header (RFC 9112, 5.2). A
 * line without ':' is dropped. 0, NO_MEMORY, or TOO_LARGE for a line, a number of headers or a
 * head that is too large. */
MUST_CHECK int head_header_line(struct http_response *response, const char *line, size_t size);

#endif
