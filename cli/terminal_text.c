/* SPDX-License-Identifier: Apache-2.0 */
#include "terminal_text.h"

#include <stdbool.h>
#include <string.h>

/* The same list as text_is_visible() of the library, which the command cannot call. */
static bool is_visible(uint32_t code)
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

size_t terminal_character(const char *text, uint32_t *ret_code)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t size = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    /* The second byte decides about overlong forms, surrogates and values above U+10FFFF. */
    unsigned char least = s[0] == 0xe0 ? 0xa0 : s[0] == 0xf0 ? 0x90 : 0x80;
    unsigned char most = s[0] == 0xed ? 0x9f : s[0] == 0xf4 ? 0x8f : 0xbf;
    if (s[0] > 0xf4 || (size > 1 && (s[1] < least || s[1] > most))) {
        return 0;
    }
    uint32_t code = size == 1 ? s[0] : s[0] & (0xffu >> (size + 1));
    for (size_t i = 1; i < size; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return 0;
        }
        code = (code << 6) | (s[i] & 0x3fu);
    }
    *ret_code = code;
    return size;
}

void terminal_clean(char *text)
{
    char *out = text;
    while (*text != '\0') {
        uint32_t code = 0;
        size_t size = terminal_character(text, &code);
        if (size == 0 || !is_visible(code)) {
            *out++ = '?';
        } else {
            memmove(out, text, size);
            out += size;
        }
        text += size > 0 ? size : 1;
    }
    *out = '\0';
}

void terminal_print_escape(FILE *out, uint32_t code)
{
    if (code >= 0x10000) {
        code -= 0x10000;
        (void)fprintf(out, "\\u%04x\\u%04x", 0xd800 + (code >> 10), 0xdc00 + (code & 0x3ff));
    } else {
        (void)fprintf(out, "\\u%04x", code);
    }
}

void terminal_print_json(FILE *out, const char *json)
{
    while (*json != '\0') {
        uint32_t code = 0;
        size_t size = terminal_character(json, &code);
        /* In JSON, characters below U+0020 stand between values only: they are line ends. */
        if (size > 0 && code >= 0x20 && !is_visible(code)) {
            terminal_print_escape(out, code);
        } else {
            (void)fwrite(json, 1, size > 0 ? size : 1, out);
        }
        json += size > 0 ? size : 1;
    }
}
