/* SPDX-License-Identifier: Apache-2.0 */
#include "tar/path_pattern.h"

#include <stddef.h>
#include <string.h>

/* A star that was passed: from here the comparison is tried again with one byte more. */
struct star {
    const char *pattern; /* after the star; NULL = there was none */
    const char *path;    /* what the star has not taken yet */
    bool whole_parts;
};

/* The ']' of a set whose '[' is at pattern; NULL if there is none. */
static const char *set_end(const char *pattern, const char *end)
{
    const char *next = pattern + 1;
    next += next < end && (*next == '!' || *next == '^');
    next += next < end; /* a ']' here belongs to the set */
    return next < end ? memchr(next, ']', (size_t)(end - next)) : NULL;
}

static bool set_has(const char *set, const char *close, unsigned char byte)
{
    bool negated = set[1] == '!' || set[1] == '^';
    bool found = false;
    for (const char *next = set + 1 + negated; next < close; next++) {
        unsigned char low = (unsigned char)*next;
        unsigned char high = low;
        if (next + 2 < close && next[1] == '-') {
            high = (unsigned char)next[2];
            next += 2;
        }
        found = found || (low <= byte && byte <= high);
    }
    return found != negated;
}

/* Compares one byte of the path; *io_pattern moves after what stands for it. */
static bool match_byte(const char **io_pattern, const char *end, char byte)
{
    const char *pattern = *io_pattern;
    const char *close = *pattern == '[' ? set_end(pattern, end) : NULL;
    if (close != NULL) {
        *io_pattern = close + 1;
        return byte != '/' && set_has(pattern, close, (unsigned char)byte);
    }
    if (*pattern == '?') {
        *io_pattern = pattern + 1;
        return byte != '/';
    }
    pattern += *pattern == '\\' && pattern + 1 < end;
    *io_pattern = pattern + 1;
    return *pattern == byte;
}

/* Lets the star take one byte, or one part, more of the path; false if it cannot. */
static bool star_take(struct star *star, bool is_double)
{
    if (star->pattern == NULL || *star->path == '\0' || (!is_double && *star->path == '/')) {
        return false;
    }
    if (star->whole_parts) {
        const char *slash = strchr(star->path, '/');
        star->path = slash;
        if (slash == NULL) {
            return false;
        }
    }
    star->path++;
    return true;
}

/* Passes the stars at pattern; returns what is after them. */
static const char *star_begin(struct star *star, const char *start, const char *pattern,
                              const char *end, const char *path, bool *ret_double)
{
    const char *next = pattern;
    while (next < end && *next == '*') {
        next++;
    }
    *ret_double = next - pattern > 1;
    bool part_begins = pattern == start || pattern[-1] == '/';
    bool whole_parts = *ret_double && part_begins && next < end && *next == '/';
    next += whole_parts;
    *star = (struct star){ .pattern = next, .path = path, .whole_parts = whole_parts };
    return next;
}

/* Only the last star of each kind is remembered: what comes before it took as little of the path
 * as possible, so taking more there would find nothing new. */
static bool matches(const char *start, const char *end, const char *path)
{
    struct star one = { 0 };
    struct star any = { 0 };
    const char *pattern = start;
    while (*path != '\0' || pattern < end) {
        if (pattern < end && *pattern == '*') {
            struct star star;
            bool is_double = false;
            pattern = star_begin(&star, start, pattern, end, path, &is_double);
            one = is_double ? (struct star){ 0 } : star;
            any = is_double ? star : any;
        } else if (*path != '\0' && pattern < end && match_byte(&pattern, end, *path)) {
            path++;
        } else if (star_take(&one, false)) {
            pattern = one.pattern;
            path = one.path;
        } else if (star_take(&any, true)) {
            one.pattern = NULL;
            pattern = any.pattern;
            path = any.path;
        } else {
            return false;
        }
    }
    return true;
}

bool path_pattern_matches(const char *pattern, const char *path)
{
    while (*pattern == '/') {
        pattern++;
    }
    const char *end = pattern + strlen(pattern);
    while (end > pattern && end[-1] == '/') {
        end--;
    }
    return matches(pattern, end, path);
}
