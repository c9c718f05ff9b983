/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/challenge.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

/* A reader over one header value. */
struct cursor {
    const char *at;
    const char *end;
};

/* token68 has more characters than token; the value of a parameter may be either. */
static bool is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static void skip_space(struct cursor *in)
{
    while (in->at < in->end && (*in->at == ' ' || *in->at == '\t')) {
        in->at++;
    }
}

/* Skips blanks and, where lists may have empty entries, commas. */
static void skip_separators(struct cursor *in)
{
    while (in->at < in->end && (*in->at == ' ' || *in->at == '\t' || *in->at == ',')) {
        in->at++;
    }
}

static size_t read_token(struct cursor *in, const char **ret_token)
{
    *ret_token = in->at;
    while (in->at < in->end && is_token_char(*in->at)) {
        in->at++;
    }
    return (size_t)(in->at - *ret_token);
}

/* A quoted string, unescaped into new memory. 1, 0 = malformed, NO_MEMORY. */
static int read_quoted(struct cursor *in, char **ret_value)
{
    AUTO_FREE char *value = mem_new((size_t)(in->end - in->at));
    size_t size = 0;
    if (value == NULL) {
        return LPIPE_NO_MEMORY;
    }
    for (in->at++; in->at < in->end && *in->at != '"'; in->at++) {
        if (*in->at == '\\' && ++in->at == in->end) {
            return 0;
        }
        value[size++] = *in->at;
    }
    if (in->at == in->end || !text_is_clean(value, size)) {
        return 0;
    }
    in->at++;
    *ret_value = TAKE(value);
    return 1;
}

static int read_value(struct cursor *in, char **ret_value)
{
    if (in->at < in->end && *in->at == '"') {
        return read_quoted(in, ret_value);
    }
    const char *start = in->at;
    /* Unquoted URLs and scopes are common, so all characters but separators are read. */
    while (in->at<in->end && * in->at> ' ' && *in->at < 0x7f && strchr(",\"\\", *in->at) == NULL) {
        in->at++;
    }
    if (in->at == start) {
        return 0;
    }
    *ret_value = mem_strndup(start, (size_t)(in->at - start));
    return *ret_value == NULL ? LPIPE_NO_MEMORY : 1;
}

/* Reads "token =" if it comes next. */
static bool read_name(struct cursor *in, const char **ret_name, size_t *ret_size)
{
    struct cursor ahead = *in;
    *ret_size = read_token(&ahead, ret_name);
    skip_space(&ahead);
    if (*ret_size == 0 || ahead.at == ahead.end || *ahead.at != '=') {
        return false;
    }
    ahead.at++;
    skip_space(&ahead);
    *in = ahead;
    return true;
}

/* Keeps a parameter that is used. A second one of the same name makes the challenge ambiguous:
 * 0. */
static int keep_parameter(struct challenge *challenge, const char *name, size_t size, char **value)
{
    struct {
        const char *name;
        char **slot;
    } slots[] = { { "realm", &challenge->realm },
                  { "service", &challenge->service },
                  { "scope", &challenge->scope },
                  { "error", &challenge->error } };
    for (size_t i = 0; i < ARRAY_LEN(slots); i++) {
        if (strlen(slots[i].name) == size && text_same_start(slots[i].name, name, size)) {
            if (*slots[i].slot != NULL) {
                return 0;
            }
            *slots[i].slot = TAKE(*value);
        }
    }
    return 1;
}

/* Parameters up to the next challenge or the end. 1, 0 = malformed, NO_MEMORY. */
static int read_parameters(struct cursor *in, struct challenge *challenge)
{
    for (size_t count = 0;; count++) {
        const char *name = NULL;
        size_t size = 0;
        AUTO_FREE char *value = NULL;
        struct cursor before = *in;
        skip_separators(in);
        if (!read_name(in, &name, &size)) {
            *in = before;
            return 1;
        }
        int found = count == CHALLENGE_PARAMS_MAX ? 0 : read_value(in, &value);
        found = found == 1 ? keep_parameter(challenge, name, size, &value) : found;
        skip_space(in);
        if (found != 1 || (in->at < in->end && *in->at != ',')) {
            return MIN_OF(found, 0);
        }
    }
}

static enum challenge_scheme scheme_of(const char *name, size_t size)
{
    if (size == 6 && text_same_start(name, "bearer", 6)) {
        return CHALLENGE_BEARER;
    }
    return size == 5 && text_same_start(name, "basic", 5) ? CHALLENGE_BASIC : CHALLENGE_NONE;
}

/* Skips "Negotiate YII...=": a token68 instead of parameters. It is not used, but not malformed. */
static void skip_token68(struct cursor *in)
{
    struct cursor ahead = *in;
    while (ahead.at < ahead.end &&
           (is_token_char(*ahead.at) || *ahead.at == '/' || *ahead.at == '=')) {
        ahead.at++;
    }
    skip_space(&ahead);
    if (ahead.at == ahead.end || *ahead.at == ',') {
        *in = ahead;
    }
}

/* 1 = read, 0 = the end or malformed, NO_MEMORY. */
static int read_challenge(struct cursor *in, struct challenge *challenge)
{
    const char *name = NULL;
    skip_separators(in);
    size_t size = read_token(in, &name);
    if (size == 0 || (in->at < in->end && strchr(" \t,", *in->at) == NULL)) {
        return 0;
    }
    challenge->scheme = scheme_of(name, size);
    skip_space(in);
    if (in->at < in->end && *in->at != ',') {
        const char *ignored = NULL;
        struct cursor ahead = *in;
        if (!read_name(&ahead, &ignored, &size) || ahead.at == ahead.end || *ahead.at == '=' ||
            *ahead.at == ',') {
            skip_token68(in);
        }
    }
    return read_parameters(in, challenge);
}

/* Bearer is preferred to Basic; of two with the same scheme the first is kept. */
static void keep_better(struct challenge *best, struct challenge *other)
{
    bool usable = other->scheme == CHALLENGE_BASIC ||
                  (other->scheme == CHALLENGE_BEARER && other->realm != NULL);
    if (usable && other->scheme > best->scheme) {
        challenge_dispose(best);
        *best = *other;
        *other = (struct challenge)CHALLENGE_INIT;
    }
}

int challenge_read_line(const char *value, size_t size, struct challenge *challenge,
                        struct lpipe_error *err)
{
    struct cursor in = { value, value + size };
    int found = size > HEADER_LINE_BYTES_MAX ? 0 : 1;
    for (size_t count = 0; found == 1 && count < CHALLENGES_MAX; count++) {
        AUTO_CHALLENGE struct challenge next = CHALLENGE_INIT;
        found = read_challenge(&in, &next);
        if (found == 1) {
            keep_better(challenge, &next);
        }
    }
    return found < 0 ? fail_memory(err) : 0;
}

int challenge_read(const struct buf *headers, struct challenge *ret_challenge,
                   struct lpipe_error *err)
{
    static const char name[] = "www-authenticate:";
    AUTO_CHALLENGE struct challenge best = CHALLENGE_INIT;
    const char *line = headers->data;
    const char *end = headers->data == NULL ? NULL : headers->data + headers->size;
    while (line != NULL && line < end) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        stop = stop == NULL ? end : stop;
        size_t size = (size_t)(stop - line);
        if (size >= sizeof name - 1 && text_same_start(line, name, sizeof name - 1)) {
            const char *value = line + sizeof name - 1;
            int status = challenge_read_line(value, (size_t)(stop - value), &best, err);
            if (status != 0) {
                return status;
            }
        }
        line = stop + 1;
    }
    *ret_challenge = best;
    best = (struct challenge)CHALLENGE_INIT;
    return 0;
}

void challenge_dispose(struct challenge *challenge)
{
    free(challenge->realm);
    free(challenge->service);
    free(challenge->scope);
    free(challenge->error);
    *challenge = (struct challenge)CHALLENGE_INIT;
}
