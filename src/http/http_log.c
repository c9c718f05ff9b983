/* SPDX-License-Identifier: Apache-2.0 */
/* The log lines of -v and -vv. They show no query of a URL, and no header that may carry a
 * secret. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clean_words.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"
#include "http/http_call.h"

static const char *const shown[] = {
    "accept",
    "accept-ranges",
    "cache-control",
    "content-length",
    "content-range",
    "content-type",
    "date",
    "etag",
    "expect",
    "link",
    "location",
    "oci-chunk-min-length",
    "oci-subject",
    "range",
    "ratelimit-limit",
    "ratelimit-remaining",
    "retry-after",
    "docker-content-digest",
    "docker-distribution-api-version",
    "docker-upload-uuid",
    "server",
    "transfer-encoding",
    "user-agent",
    "via",
    "x-request-id",
};

/* Headers whose value is a URL: its user and its query are left out, because they may be
 * secrets. */
static bool is_url(const char *name, size_t size)
{
    return (size == 8 && text_same_start(name, "location", 8)) ||
           (size == 4 && text_same_start(name, "link", 4));
}

static bool is_shown(const char *name, size_t size)
{
    for (size_t i = 0; i < ARRAY_LEN(shown); i++) {
        if (strlen(shown[i]) == size && text_same_start(shown[i], name, size)) {
            return true;
        }
    }
    return false;
}

/* "location: https://host/path?...": also a URL that is only a path. */
static void clean_url_line(const char *line, size_t size, char *buf, size_t buf_size)
{
    size_t shown_size = 0;
    while (shown_size < size && line[shown_size] != '?' && line[shown_size] != '#') {
        shown_size++;
    }
    clean_words(line, shown_size, false, buf, ANSWER_TEXT_BYTES_MAX);
    if (shown_size < size) {
        size_t used = strlen(buf);
        (void)snprintf(buf + used, buf_size - used, "%c...", line[shown_size]);
    }
}

static void log_header(const struct http_options *options, char mark, const char *line, size_t size)
{
    char text[512];
    char clean[400];
    const char *colon = memchr(line, ':', size);
    size_t name_size = colon == NULL ? size : (size_t)(colon - line);
    if (!is_shown(line, name_size)) {
        text_printable(clean, sizeof clean, line, MIN_OF(name_size, (size_t)80));
        (void)snprintf(text, sizeof text, "%c %s: ***", mark, clean);
    } else {
        if (is_url(line, name_size)) {
            clean_url_line(line, size, clean, sizeof clean);
        } else {
            text_printable(clean, sizeof clean, line, size);
        }
        (void)snprintf(text, sizeof text, "%c %s", mark, clean);
    }
    options->log(options->log_user, LPIPE_LOG_HEADERS, text);
}

static void log_headers(const struct http_call *call, const struct http_options *options)
{
    for (size_t i = 0; i < call->request.header_count; i++) {
        log_header(options, '>', call->request.headers[i], strlen(call->request.headers[i]));
    }
    if (call->request.secret != NULL) {
        log_header(options, '>', "Authorization:", 14);
    }
    const char *line = call->response.headers.data;
    while (line != NULL && *line != '\0') {
        size_t size = strcspn(line, "\n");
        log_header(options, '<', line, size);
        line += size + (line[size] == '\n');
    }
}

void call_log(const struct http_call *call, const struct http_options *options)
{
    if (options->log == NULL) {
        return;
    }
    char url[400];
    char line[700];
    char result[128];
    size_t size = strcspn(call->request.url, "?#");
    bool query = call->request.url[size] != '\0';
    uint64_t time_ms = clock_ms() - call->start_ms;
    text_printable(url, sizeof url, call->request.url, size);
    if (call->failure.status != 0) {
        (void)snprintf(result, sizeof result, "%s", lpipe_status_name(call->failure.status));
    } else {
        (void)snprintf(result, sizeof result, "%d", call->response.status);
    }
    (void)snprintf(line, sizeof line, "%s %s%s %s (%" PRIu64 " bytes sent, %" PRIu64 ".%03u s)",
                   call->request.method, url, query ? "?..." : "", result, call->response.body_sent,
                   time_ms / 1000, (unsigned)(time_ms % 1000));
    options->log(options->log_user, LPIPE_LOG_REQUEST, line);
    log_headers(call, options);
}
