/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http_head.h"

#include <string.h>

#include "base/limits.h"
#include "base/text.h"

bool head_is_status_line(const char *line, size_t size)
{
    return size > 5 && memcmp(line, "HTTP/", 5) == 0;
}

void head_status_line(struct http_response *response, const char *line, size_t size)
{
    const char *space = memchr(line, ' ', size);
    uint64_t status = 0;
    response->status = 0;
    if (space != NULL && (size_t)(space - line) + 4 <= size &&
        text_to_u64(space + 1, 3, 999, &status)) {
        response->status = (int)status;
    }
    buf_clear(&response->headers);
    response->header_count = 0;
}

static int append_line(struct buf *headers, const char *line, size_t size)
{
    int status = buf_append(headers, line, size);
    return status == 0 ? buf_append(headers, "\n", 1) : status;
}

int head_header_line(struct http_response *response, const char *line, size_t size)
{
    struct buf *headers = &response->headers;
    if (size > HEADER_LINE_BYTES_MAX) {
        return LPIPE_TOO_LARGE;
    }
    if (size > 0 && (line[0] == ' ' || line[0] == '\t') && headers->size > 0) {
        headers->data[headers->size - 1] = ' '; /* in place of the end of the header's last line */
        return append_line(headers, line, size);
    }
    const char *colon = memchr(line, ':', size);
    if (colon == NULL) {
        return 0;
    }
    size_t start = headers->size;
    if (++response->header_count > HEADER_COUNT_MAX) {
        return LPIPE_TOO_LARGE;
    }
    int status = append_line(headers, line, size);
    for (size_t i = 0; status == 0 && line[i] != ':'; i++) {
        bool upper = line[i] >= 'A' && line[i] <= 'Z';
        headers->data[start + i] = upper ? (char)(line[i] - 'A' + 'a') : line[i];
    }
    return status;
}
