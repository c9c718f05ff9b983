/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 with the standard alphabet and padding. Pure; nothing of the data stays behind. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buf.h"

/* Both append. 0, NO_MEMORY, TOO_LARGE; decoding also INVALID_ARGUMENT for anything that the
 * encoder would not have written (line ends at the end of the text are let pass). */
MUST_CHECK int base64_encode(const void *data, size_t size, struct buf *buf);
MUST_CHECK int base64_decode(const char *text, size_t size, struct buf *buf);

#endif
