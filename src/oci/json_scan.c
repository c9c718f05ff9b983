/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/json_scan.h"

#include <stdbool.h>
#include <string.h>

#include "base/macros.h"

#define NUMBER_BEGIN "\"\\u0000#"
#define NUL_ESCAPE "\\u0000"
#define INTEGER_DIGITS_MAX 18 /* more do not always fit into 64 bits */
#define REAL_DIGITS_MAX 15    /* more do not always fit into a double */
#define EXPONENT_DIGITS_MAX 2 /* the same */

static size_t count_digits(const char *text, size_t size)
{
    size_t count = 0;
    while (count < size && text[count] >= '0' && text[count] <= '9') {
        count++;
    }
    return count;
}

/* Bytes of the number at the start of text, by the grammar of RFC 8259, section 6; 0 = none.
 * *ret_large is true when the parser may not be able to keep it. */
static size_t number_size(const char *text, size_t size, bool *ret_large)
{
    size_t at = size > 0 && text[0] == '-' ? 1 : 0;
    size_t whole = count_digits(text + at, size - at);
    size_t fraction = 0;
    size_t exponent = 0;
    if (whole == 0 || (whole > 1 && text[at] == '0')) {
        return 0;
    }
    at += whole;
    if (at < size && text[at] == '.') {
        fraction = count_digits(text + at + 1, size - at - 1);
        at += 1 + fraction;
        if (fraction == 0) {
            return 0;
        }
    }
    if (at < size && (text[at] == 'e' || text[at] == 'E')) {
        size_t sign = at + 1 < size && (text[at + 1] == '+' || text[at + 1] == '-') ? 1 : 0;
        exponent = count_digits(text + at + 1 + sign, size - at - 1 - sign);
        at += 1 + sign + exponent;
    }
    char last = text[at - 1];
    if (last < '0' || last > '9') {
        return 0;
    }
    *ret_large = fraction == 0 && exponent == 0
                     ? whole > INTEGER_DIGITS_MAX
                     : exponent > EXPONENT_DIGITS_MAX || whole + fraction > REAL_DIGITS_MAX;
    return at;
}

/* Bytes of the characters that can be in a number; at least 1. */
static size_t token_size(const char *text, size_t size)
{
    size_t count = 1;
    while (count < size && text[count] != '\0' && strchr("+-.0123456789Ee", text[count]) != NULL) {
        count++;
    }
    return count;
}

/* Bytes of the string at the start of text, with its quotes where it has both. */
static size_t string_size(const char *text, size_t size)
{
    size_t at = 1;
    while (at < size && text[at] != '"') {
        at += text[at] == '\\' ? 2 : 1;
    }
    return MIN_OF(at + 1, size);
}

enum token { TOKEN_OTHER = 0, TOKEN_STRING, TOKEN_NUL_STRING, TOKEN_LARGE_NUMBER };

/* The token at the start of text and its size, at least 1. */
static enum token next_token(const char *text, size_t size, size_t *ret_size)
{
    bool large = false;
    if (text[0] == '"') {
        size_t escape = sizeof NUL_ESCAPE - 1;
        *ret_size = string_size(text, size);
        return size > escape && memcmp(text + 1, NUL_ESCAPE, escape) == 0 ? TOKEN_NUL_STRING
                                                                          : TOKEN_STRING;
    }
    if (text[0] != '-' && count_digits(text, 1) == 0) {
        *ret_size = 1;
        return TOKEN_OTHER;
    }
    *ret_size = token_size(text, size);
    return number_size(text, *ret_size, &large) == *ret_size && large ? TOKEN_LARGE_NUMBER
                                                                      : TOKEN_OTHER;
}

void json_scan(const char *text, size_t size, struct json_scan *ret_scan)
{
    struct json_scan scan = { 0, 0, 0 };
    size_t depth = 0;
    size_t token = 0;
    for (size_t i = 0; i < size; i += token) {
        enum token kind = next_token(text + i, size - i, &token);
        bool opens = text[i] == '{' || text[i] == '[';
        if (opens) {
            depth++;
            scan.depth = MAX_OF(depth, scan.depth);
        } else if ((text[i] == '}' || text[i] == ']') && depth > 0) {
            depth--;
        }
        scan.values += opens || text[i] == ',' ? 1 : 0;
        scan.added += kind == TOKEN_LARGE_NUMBER ? sizeof NUMBER_BEGIN - 1 + 1
                      : kind == TOKEN_NUL_STRING ? sizeof NUL_ESCAPE - 1
                                                 : 0;
    }
    *ret_scan = scan;
}

static char *put(char *out, const char *text, size_t size)
{
    memcpy(out, text, size);
    return out + size;
}

void json_scan_rewrite(const char *text, size_t size, char *out)
{
    size_t token = 0;
    for (size_t i = 0; i < size; i += token) {
        enum token kind = next_token(text + i, size - i, &token);
        if (kind == TOKEN_LARGE_NUMBER) {
            out = put(out, NUMBER_BEGIN, sizeof NUMBER_BEGIN - 1);
            out = put(out, text + i, token);
            out = put(out, "\"", 1);
        } else if (kind == TOKEN_NUL_STRING) {
            out = put(out, "\"" NUL_ESCAPE, sizeof NUL_ESCAPE);
            out = put(out, text + i + 1, token - 1);
        } else {
            out = put(out, text + i, token);
        }
    }
}
