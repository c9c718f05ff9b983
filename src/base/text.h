/* SPDX-License-Identifier: Apache-2.0 */
/* Text helpers: numbers, hex, prefixes. None depends on the locale, which the program may have
 * changed; functions of the C library that do are not used in src/ (tools/check_layers). */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decimal digits only, whole text, no sign; false on overflow past max or anything else. */
bool text_to_u64(const char *text, size_t size, uint64_t max, uint64_t *ret_value);
/* Lower-case hex; out gets 2 * size characters and a NUL. */
void text_hex(char *out, const void *data, size_t size);
bool text_starts(const char *text, const char *prefix);
bool text_ends(const char *text, const char *suffix);
/* Equal, or different only in the case of ASCII letters. */
bool text_same(const char *a, const char *b);
/* The same for the first size characters, or up to the end of both texts. */
bool text_same_start(const char *a, const char *b, size_t size);
/* ASCII letters and digits; ASCII space, and the controls from tab to carriage return. */
bool text_is_alnum(char c);
bool text_is_space(char c);
bool text_is_hex_lower(const char *text, size_t size);
/* Length of the UTF-8 sequence at the start of text, and its character; 0 when it is not valid:
 * surrogates, overlong forms, and values above U+10FFFF. size > 0. */
size_t text_utf8(const char *text, size_t size, uint32_t *ret_code);
bool text_is_utf8(const char *text, size_t size);
/* False for characters that change what a terminal shows, or that show nothing and so let two
 * different names look the same: controls (C0, C1), bidirectional controls, zero-width and tag
 * characters. */
bool text_is_visible(uint32_t code);
/* No control characters (including CR, LF, NUL within size, DEL). */
bool text_is_clean(const char *text, size_t size);
/* "500 bytes", "84.0 MB": an amount of bytes with one decimal. step is 1000 or 1024, units[0] is
 * for bytes. Returns buf. */
char *text_size(char *buf, size_t buf_size, uint64_t bytes, unsigned step, const char *const *units,
                size_t unit_count);
/* Copies text of the remote side into buf for use in a message: characters that are not visible
 * (see text_is_visible()) and bytes that are not valid UTF-8 become '?', line ends and tabs become
 * spaces, the end is cut with "...". Returns buf. */
char *text_printable(char *buf, size_t buf_size, const char *text, size_t size);

#endif
