/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the headers of an answer by name. */
#include <string.h>

#include "http/http.h"

void http_response_dispose(struct http_response *response)
{
    buf_dispose(&response->headers);
    buf_dispose(&response->body);
}

static int copy_value(const char *value, const char *end, char *buf, size_t buf_size)
{
    while (value < end && (*value == ' ' || *value == '\t')) {
        value++;
    }
    while (end > value && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }
    size_t size = (size_t)(end - value);
    if (size >= buf_size) {
        return HTTP_HEADER_TOO_LONG;
    }
    memcpy(buf, value, size);
    buf[size] = '\0';
    return (int)size;
}

int http_response_header(const struct http_response *response, const char *name, size_t nth,
                         char *buf, size_t buf_size)
{
    size_t name_size = strlen(name);
    const char *line = response->headers.data;
    const char *end = line == NULL ? NULL : line + response->headers.size;
    while (line < end) {
        const char *line_end = memchr(line, '\n', (size_t)(end - line));
        line_end = line_end == NULL ? end : line_end;
        if ((size_t)(line_end - line) > name_size && line[name_size] == ':' &&
            memcmp(line, name, name_size) == 0 && nth-- == 0) {
            return copy_value(line + name_size + 1, line_end, buf, buf_size);
        }
        line = line_end + 1;
    }
    return HTTP_HEADER_ABSENT;
}
