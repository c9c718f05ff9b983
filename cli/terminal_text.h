/* SPDX-License-Identifier: Apache-2.0 */
/* Makes text of other people safe to show: file names, names in registries, JSON of images. */
#ifndef CLI_TERMINAL_TEXT_H
#define CLI_TERMINAL_TEXT_H

#include <stdint.h>
#include <stdio.h>

/* Replaces in place by '?': characters that are not visible (see lpipe_text_character()), and bytes
 * that are not UTF-8. */
void terminal_clean(char *text);

/* Writes a character as JSON escape, "\u009b". */
void terminal_print_escape(FILE *out, uint32_t code);

/* Writes a JSON document, with escapes for the characters that terminal_clean() replaces. Its
 * meaning does not change. */
void terminal_print_json(FILE *out, const char *json);

#endif
