/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clean_words.h"

#include <string.h>

#include "base/fail.h"
#include "base/limits.h"
#include "base/text.h"

#define SECRET_WORD_BYTES 16 /* a shorter word after "Bearer" is not a token */

/* Copies text word by word and leaves secrets out: users, queries and fragments of URLs, and
 * tokens. */
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

/* Whether a word ends with the name of a scheme, as in "Bearer" or {"authorization":"Bearer. */
static bool ends_with_scheme(const char *word, size_t size)
{
    static const char *const names[] = { "bearer", "basic" };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        size_t length = strlen(names[i]);
        if (size >= length && text_same_start(word + size - length, names[i], length) &&
            (size == length || !text_is_alnum(word[size - length - 1]))) {
            return true;
        }
    }
    return false;
}

/* The first of two characters; NULL = neither is there. */
static const char *first_of(const char *text, const char *end, char a, char b)
{
    while (text < end && *text != a && *text != b) {
        text++;
    }
    return text < end ? text : NULL;
}

static void put_url(struct words *words, const char *word, size_t size, const char *authority)
{
    const char *end = word + size;
    const char *query = first_of(authority, end, '?', '#');
    const char *path = memchr(authority, '/', (size_t)(end - authority));
    const char *stop = query == NULL ? end : query;
    const char *user_end = path == NULL || path > stop ? stop : path;
    const char *at = memrchr(authority, '@', (size_t)(user_end - authority));
    words_put(words, word, (size_t)(authority - word));
    authority = at == NULL ? authority : at + 1;
    words_put(words, authority, (size_t)(stop - authority));
    if (query != NULL) {
        words_put(words, query, 1);
        words_put(words, "...", 3);
    }
}

/* A word of JSON may have several URLs; each ends at its quote. */
static void put_word(struct words *words, const char *word, size_t size)
{
    const char *end = word + size;
    while (word < end) {
        const char *url = memmem(word, (size_t)(end - word), "://", 3);
        if (url == NULL) {
            words_put(words, word, (size_t)(end - word));
            return;
        }
        const char *quote = memchr(url, '"', (size_t)(end - url));
        const char *stop = quote == NULL ? end : quote;
        put_url(words, word, (size_t)(stop - word), url + 3);
        word = stop;
    }
}

static void words_add(struct words *words, const char *word, size_t size)
{
    if (words->size > 0) {
        words_put(words, " ", 1);
    }
    if (words->after_scheme && size >= SECRET_WORD_BYTES) {
        words_put(words, "***", 3);
    } else {
        put_word(words, word, size);
    }
    words->after_scheme = ends_with_scheme(word, size);
}

/* The end of the markup that begins at text. The contents of <style> and <script> are markup
 * too. */
static const char *markup_end(const char *text, const char *end)
{
    static const char *const hidden[] = { "style", "script" };
    const char *close = memchr(text, '>', (size_t)(end - text));
    for (size_t i = 0; i < ARRAY_LEN(hidden) && close != NULL; i++) {
        size_t size = strlen(hidden[i]);
        if ((size_t)(end - text) > size && text_same_start(text + 1, hidden[i], size)) {
            const char *last = memmem(close, (size_t)(end - close), "</", 2);
            return last == NULL ? end : markup_end(last, end);
        }
    }
    return close == NULL ? end : close + 1;
}

void clean_words(const char *text, size_t size, bool markup, char *buf, size_t buf_size)
{
    char collected[2 * ANSWER_TEXT_BYTES_MAX] = "";
    struct words words = { .buf = collected, .buf_size = sizeof collected };
    const char *end = text + size;
    while (text < end && words.size < sizeof collected - 1) {
        if (markup && *text == '<') {
            text = markup_end(text, end);
        } else if (text_is_space(*text) || *text == '\0') {
            text++;
        } else {
            const char *word = text;
            while (text < end && !text_is_space(*text) && *text != '\0' &&
                   !(markup && *text == '<')) {
                text++;
            }
            words_add(&words, word, (size_t)(text - word));
        }
    }
    (void)text_printable(buf, buf_size, collected, words.size);
}
