/* SPDX-License-Identifier: Apache-2.0 */
/* A decimal number with an optional sign, read byte by byte, as Go's strconv.ParseInt takes it:
 * what archive/tar reads PAX values and sparse maps with. */
#ifndef TAR_TAR_DECIMAL_H
#define TAR_TAR_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tar_decimal {
    bool wrong;
    bool negative;
    size_t bytes;
    unsigned digits; /* 0 or 1: whether there is one */
    uint64_t value;  /* without its sign */
};

void tar_decimal_begin(struct tar_decimal *decimal);
void tar_decimal_byte(struct tar_decimal *decimal, unsigned char c);
/* False where the bytes are no number, or none of 64 bits. */
bool tar_decimal_end(const struct tar_decimal *decimal, int64_t *ret_value);

#endif
