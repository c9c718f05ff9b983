/* SPDX-License-Identifier: Apache-2.0 */
/* Text of other people: what a program must know before it shows it in a terminal. */
#ifndef LAYERPIPE_TEXT_H
#define LAYERPIPE_TEXT_H

#include "error.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Reads the first character of a text. Messages, names of layers and tags, and the JSON of images
 * contain text that a registry or an archive has chosen. A program that shows it should replace the
 * characters that are not visible.
 * @param text UTF-8 (RFC 3629); not NULL
 * @param ret_code its code in Unicode; untouched when 0 is returned; not NULL
 * @param ret_visible false for characters that change what a terminal shows, or that show nothing,
 *        so that two different names can look the same: controls, line ends and tabs too, and
 *        characters without width or for the direction of writing. Untouched when 0 is returned.
 *        May be NULL
 * @return number of bytes of the character, 1 to 4; 0 for an empty text and for bytes that are not
 *         UTF-8. Any thread.
 */
LPIPE_API size_t lpipe_text_character(const char *text, uint32_t *ret_code, bool *ret_visible);

#ifdef __cplusplus
}
#endif

#endif
