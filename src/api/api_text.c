/* SPDX-License-Identifier: Apache-2.0 */
/* Public functions for text of other people. */
#include <string.h>

#include "base/text.h"
#include "layerpipe/text.h"

#define UTF8_BYTES_MAX 4

size_t lpipe_text_character(const char *text, uint32_t *ret_code, bool *ret_visible)
{
    size_t available = strnlen(text, UTF8_BYTES_MAX);
    size_t size = available == 0 ? 0 : text_utf8(text, available, ret_code);
    if (size > 0 && ret_visible != NULL) {
        *ret_visible = text_is_visible(*ret_code);
    }
    return size;
}
