/* SPDX-License-Identifier: Apache-2.0 */
/* Text helpers without locale: numbers, hex, prefixes. */
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
/* ASCII case-insensitive equality. */
bool text_same(const char *a, const char *b);
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
/* Copies text of the remote side into buf for use in a message: characters that are not visible
 * (see text_is_visible()) and bytes that are not valid UTF-8 become '?', line ends and tabs become
 * spaces, the end is cut with "...". Returns buf. */
char *text_printable(char *buf, size_t buf_size, const char *text, size_t size);

#endif
