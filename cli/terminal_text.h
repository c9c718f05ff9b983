/* SPDX-License-Identifier: Apache-2.0 */
/* Makes text of other people safe to show: file names, names in registries, JSON of images. */
#ifndef CLI_TERMINAL_TEXT_H
#define CLI_TERMINAL_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Number of bytes of the UTF-8 character at the start of text, and its code; 0 if there is no valid
 * one. The text is not empty. */
size_t terminal_character(const char *text, uint32_t *ret_code);

/* Replaces in place by '?': control characters, characters that show nothing or change the
 * direction of writing, and bytes that are not UTF-8. */
void terminal_clean(char *text);

/* Writes a character as JSON escape, "\u009b". */
void terminal_print_escape(FILE *out, uint32_t code);

/* Writes a JSON document, with escapes for the characters that terminal_clean() replaces. Its
 * meaning does not change. */
void terminal_print_json(FILE *out, const char *json);

#endif
