/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 with the standard alphabet and padding. Pure; no copy of the data is left in memory. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buf.h"

/* Both append. 0, NO_MEMORY, TOO_LARGE; decoding also INVALID_ARGUMENT for any text that the
 * encoder would not write, except for line ends at its end. */
MUST_CHECK int base64_encode(const void *data, size_t size, struct buf *buf);
MUST_CHECK int base64_decode(const char *text, size_t size, struct buf *buf);

#endif
