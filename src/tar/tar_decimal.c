/* SPDX-License-Identifier: Apache-2.0 */
#include "tar/tar_decimal.h"

void tar_decimal_begin(struct tar_decimal *decimal)
{
    *decimal = (struct tar_decimal){ 0 };
}

void tar_decimal_byte(struct tar_decimal *decimal, unsigned char c)
{
    if (decimal->bytes++ == 0 && (c == '-' || c == '+')) {
        decimal->negative = c == '-';
        return;
    }
    uint64_t digit = (uint64_t)c - '0';
    if (c < '0' || c > '9' || decimal->value > (UINT64_MAX - digit) / 10) {
        decimal->wrong = true;
        return;
    }
    decimal->value = decimal->value * 10 + digit;
    decimal->digits = 1;
}

bool tar_decimal_end(const struct tar_decimal *decimal, int64_t *ret_value)
{
    uint64_t most = decimal->negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX;
    if (decimal->wrong || decimal->digits == 0 || decimal->value > most) {
        return false;
    }
    *ret_value = (int64_t)(decimal->negative ? 0 - decimal->value : decimal->value);
    return true;
}
