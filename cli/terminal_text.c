/* SPDX-License-Identifier: Apache-2.0 */
#include "terminal_text.h"

#include <layerpipe.h>
#include <string.h>

void terminal_clean(char *text)
{
    char *out = text;
    while (*text != '\0') {
        uint32_t code = 0;
        bool visible = false;
        size_t size = lpipe_text_character(text, &code, &visible);
        if (!visible) { /* or not UTF-8 */
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
        bool visible = false;
        size_t size = lpipe_text_character(json, &code, &visible);
        /* In JSON, characters below U+0020 stand between values only: they are line ends. */
        if (size > 0 && code >= 0x20 && !visible) {
            terminal_print_escape(out, code);
        } else {
            (void)fwrite(json, 1, size > 0 ? size : 1, out);
        }
        json += size > 0 ? size : 1;
    }
}
