/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/deflate.h"

#include <string.h>

size_t deflate_store(const void *in, size_t size, void *out)
{
    const unsigned char *from = in;
    unsigned char *to = out;
    while (size > 0) {
        size_t part = MIN_OF(size, (size_t)65535);
        to[0] = 0; /* not final, type stored, padded to the byte boundary */
        to[1] = (unsigned char)(part & 0xff);
        to[2] = (unsigned char)(part >> 8);
        to[3] = (unsigned char)~to[1];
        to[4] = (unsigned char)~to[2];
        memcpy(to + 5, from, part);
        to += 5 + part;
        from += part;
        size -= part;
    }
    return (size_t)(to - (unsigned char *)out);
}
