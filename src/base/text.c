/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool text_to_u64(const char *text, size_t size, uint64_t max, uint64_t *ret_value)
{
    uint64_t value = 0;
    if (size == 0) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        unsigned digit = (unsigned)(text[i] - '0');
        if (value > max / 10 || value * 10 > max - digit) {
            return false;
        }
        value = value * 10 + digit;
    }
    *ret_value = value;
    return true;
}

void text_hex(char *out, const void *data, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * size] = '\0';
}

bool text_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_ends(const char *text, const char *suffix)
{
    size_t text_size = strlen(text);
    size_t suffix_size = strlen(suffix);
    return text_size >= suffix_size && strcmp(text + text_size - suffix_size, suffix) == 0;
}

bool text_same(const char *a, const char *b)
{
    return text_same_start(a, b, SIZE_MAX);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool text_same_start(const char *a, const char *b, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (lower(a[i]) != lower(b[i])) {
            return false;
        }
        if (a[i] == '\0') {
            return true;
        }
    }
    return true;
}

bool text_is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z');
}

bool text_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* With integers: printf() would write the decimal point of the locale. */
char *text_size(char *buf, size_t buf_size, uint64_t bytes, unsigned step, const char *const *units,
                size_t unit_count)
{
    uint64_t unit_bytes = 1;
    uint64_t tenths = 0;
    size_t unit = 0;
    if (bytes < step) {
        (void)snprintf(buf, buf_size, "%" PRIu64 " %s", bytes, units[0]);
        return buf;
    }
    do {
        unit_bytes *= step;
        unit++;
        tenths = bytes / unit_bytes * 10 + (bytes % unit_bytes * 10 + unit_bytes / 2) / unit_bytes;
    } while (tenths >= (uint64_t)step * 10 && unit + 1 < unit_count);
    (void)snprintf(buf, buf_size, "%" PRIu64 ".%u %s", tenths / 10, (unsigned)(tenths % 10),
                   units[unit]);
    return buf;
}

bool text_is_hex_lower(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f'))) {
            return false;
        }
    }
    return true;
}

bool text_is_clean(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c == 0x7f) {
            return false;
        }
    }
    return true;
}

size_t text_utf8(const char *text, size_t size, uint32_t *ret_code)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 }; /* of each length */
    const unsigned char *s = (const unsigned char *)text;
    size_t length = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    if (length == 0 || length > size || s[0] > 0xf4) {
        return 0;
    }
    uint32_t code = length == 1 ? s[0] : s[0] & (0xffu >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return 0;
        }
        code = (code << 6) | (s[i] & 0x3fu);
    }
    if (code < least[length] || (code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff) {
        return 0;
    }
    *ret_code = code;
    return length;
}

bool text_is_visible(uint32_t code)
{
    static const struct {
        uint32_t first, last;
    } hidden[] = {
        { 0x00, 0x1f },       /* C0 */
        { 0x7f, 0x9f },       /* DEL, C1 */
        { 0xad, 0xad },       /* soft hyphen */
        { 0x34f, 0x34f },     /* combining grapheme joiner */
        { 0x61c, 0x61c },     /* Arabic letter mark */
        { 0x115f, 0x1160 },   /* Hangul fillers */
        { 0x17b4, 0x17b5 },   /* Khmer inherent vowels */
        { 0x180b, 0x180f },   /* Mongolian separators */
        { 0x200b, 0x200f },   /* zero-width characters, directional marks */
        { 0x2028, 0x202e },   /* line separators, bidirectional embedding */
        { 0x2060, 0x206f },   /* word joiner, bidirectional isolates */
        { 0x3164, 0x3164 },   /* Hangul filler */
        { 0xfe00, 0xfe0f },   /* variation selectors */
        { 0xfeff, 0xfeff },   /* byte order mark */
        { 0xffa0, 0xffa0 },   /* halfwidth Hangul filler */
        { 0xfff0, 0xfffb },   /* interlinear annotation */
        { 0x1bca0, 0x1bca3 }, /* shorthand format controls */
        { 0x1d173, 0x1d17a }, /* musical format controls */
        { 0xe0000, 0xe0fff }, /* tags */
    };
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++) {
        if (code >= hidden[i].first && code <= hidden[i].last) {
            return false;
        }
    }
    return true;
}

bool text_is_utf8(const char *text, size_t size)
{
    uint32_t code = 0;
    while (size > 0) {
        size_t length = text_utf8(text, size, &code);
        if (length == 0) {
            return false;
        }
        text += length;
        size -= length;
    }
    return true;
}

char *text_printable(char *buf, size_t buf_size, const char *text, size_t size)
{
    size_t out = 0;
    size_t in = 0;
    while (in < size && out + 8 < buf_size) {
        uint32_t code = 0;
        size_t length = text_utf8(text + in, size - in, &code);
        if (length == 0 || !text_is_visible(code)) {
            bool space = text[in] == '\n' || text[in] == '\r' || text[in] == '\t';
            buf[out++] = space ? ' ' : '?';
        } else {
            memcpy(buf + out, text + in, length);
            out += length;
        }
        in += length > 0 ? length : 1;
    }
    if (in < size) {
        memcpy(buf + out, "...", 3);
        out += 3;
    }
    buf[out] = '\0';
    return buf;
}
