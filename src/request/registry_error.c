/* SPDX-License-Identifier: Apache-2.0 */
#include "request/registry_error.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "oci/json_read.h"
#include "request/retry.h"

#define SHOWN_BYTES 240      /* of the registry's text that is shown */
#define SECRET_WORD_BYTES 16 /* a shorter word after "Bearer" is not a token */

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

/* Copies text word by word and leaves secrets out: users and queries of URLs, and tokens. */
struct words {
    char *buf;
    size_t buf_size;
    size_t size;
    bool after_scheme; /* the last word was "Bearer" or "Basic" */
};

static void words_put(struct words *words, const char *text, size_t size)
{
    size = MIN_OF(size, words->buf_size - 1 - words->size);
    memcpy(words->buf + words->size, text, size);
    words->size += size;
    words->buf[words->size] = '\0';
}

static bool is_scheme(const char *word, size_t size)
{
    return (size == 6 && strncasecmp(word, "bearer", 6) == 0) ||
           (size == 5 && strncasecmp(word, "basic", 5) == 0);
}

static void put_url(struct words *words, const char *word, size_t size, const char *authority)
{
    const char *end = word + size;
    const char *query = memchr(authority, '?', (size_t)(end - authority));
    const char *path = memchr(authority, '/', (size_t)(end - authority));
    const char *stop = query == NULL ? end : query;
    const char *user_end = path == NULL || path > stop ? stop : path;
    const char *at = memrchr(authority, '@', (size_t)(user_end - authority));
    words_put(words, word, (size_t)(authority - word));
    authority = at == NULL ? authority : at + 1;
    words_put(words, authority, (size_t)(stop - authority));
    if (query != NULL) {
        words_put(words, "?...", 4);
    }
}

static void words_add(struct words *words, const char *word, size_t size)
{
    const char *url = memmem(word, size, "://", 3);
    if (words->size > 0) {
        words_put(words, " ", 1);
    }
    if (words->after_scheme && size >= SECRET_WORD_BYTES) {
        words_put(words, "***", 3);
    } else if (url != NULL) {
        put_url(words, word, size, url + 3);
    } else {
        words_put(words, word, size);
    }
    words->after_scheme = is_scheme(word, size);
}

/* The end of the markup that begins at text. The contents of <style> and <script> are markup
 * too. */
static const char *markup_end(const char *text, const char *end)
{
    static const char *const hidden[] = { "style", "script" };
    const char *close = memchr(text, '>', (size_t)(end - text));
    for (size_t i = 0; i < ARRAY_LEN(hidden) && close != NULL; i++) {
        size_t size = strlen(hidden[i]);
        if ((size_t)(end - text) > size && strncasecmp(text + 1, hidden[i], size) == 0) {
            const char *last = memmem(close, (size_t)(end - close), "</", 2);
            return last == NULL ? end : markup_end(last, end);
        }
    }
    return close == NULL ? end : close + 1;
}

/* Words of plain text, or of HTML without its markup. */
static void clean_words(const char *text, size_t size, bool markup, char *buf, size_t buf_size)
{
    struct words words = { .buf = buf, .buf_size = buf_size };
    const char *end = text + size;
    buf[0] = '\0';
    while (text < end && words.size < buf_size - 1) {
        if (markup && *text == '<') {
            text = markup_end(text, end);
        } else if (isspace((unsigned char)*text) || *text == '\0') {
            text++;
        } else {
            const char *word = text;
            while (text < end && !isspace((unsigned char)*text) && *text != '\0' &&
                   !(markup && *text == '<')) {
                text++;
            }
            words_add(&words, word, (size_t)(text - word));
        }
    }
}

/* An error code has capital letters and '_'; other texts are not kept. */
static void keep_code(const char *code, char *buf, size_t buf_size)
{
    size_t size = strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.");
    buf[0] = '\0';
    if (size > 0 && code[size] == '\0' && size < buf_size) {
        memcpy(buf, code, size + 1);
    }
}

/* The first entry of {"errors":[{"code","message","detail"}]}. */
static bool read_json(const struct http_response *response, char *code, size_t code_size,
                      char *said, size_t said_size)
{
    AUTO_JSON_DOC struct json_doc doc = JSON_DOC_INIT;
    const char *text = NULL;
    if (json_doc_parse(response->body.data, response->body.size, ERROR_BODY_BYTES_MAX, "answer",
                       LPIPE_PROTOCOL, &doc, NULL) != 0) {
        return false;
    }
    struct json_node root = json_node_root(&doc);
    struct json_node errors = json_node_member(&root, "errors");
    struct json_node first = json_node_entry(&errors, 0);
    if (json_node_is(&first, JSON_KIND_OBJECT, NULL) != 1) {
        return false;
    }
    if (json_get_text(&first, "code", &text, NULL) == 1) {
        keep_code(text, code, code_size);
    }
    bool found = json_get_text(&first, "message", &text, NULL) == 1 && *text != '\0';
    found = found || json_get_text(&first, "detail", &text, NULL) == 1;
    if (found) {
        clean_words(text, strlen(text), false, said, said_size);
    }
    return code[0] != '\0' || said[0] != '\0';
}

static void read_body(const struct http_response *response, char *code, size_t code_size,
                      char *said, size_t said_size)
{
    char words[2 * SHOWN_BYTES];
    words[0] = code[0] = said[0] = '\0';
    if (response->body.size == 0) {
        return;
    }
    if (!read_json(response, code, code_size, words, sizeof words)) {
        size_t size = MIN_OF(response->body.size, ERROR_BODY_BYTES_MAX);
        bool markup = memmem(response->body.data, MIN_OF(size, (size_t)1024), "<", 1) != NULL;
        clean_words(response->body.data, size, markup, words, sizeof words);
    }
    text_printable(said, said_size, words, strlen(words));
}

int registry_error(const struct http_response *response, struct lpipe_error *err,
                   const char *what_format, ...)
{
    char what[sizeof err->message];
    char code[sizeof err->registry_code];
    char said[SHOWN_BYTES];
    va_list args;
    int status = status_of(response->status);
    if (err == NULL) {
        return status;
    }
    va_start(args, what_format);
    (void)vsnprintf(what, sizeof what, what_format, args);
    va_end(args);
    read_body(response, code, sizeof code, said, sizeof said);
    fail(err, status, "%s: the registry answered %d%s%s%s%s", what, response->status,
         code[0] == '\0' ? "" : " ", code, said[0] == '\0' ? "" : ": ", said);
    err->http_status = response->status;
    memcpy(err->registry_code, code, sizeof code);
    err->flags |= retry_worth_status(response->status) ? LPIPE_ERROR_RETRYABLE : 0;
    return status;
}
