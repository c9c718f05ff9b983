/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/crc64.h"

#ifdef HAVE_ISAL
#include <isa-l.h>
#endif

#define POLYNOMIAL UINT64_C(0xd800000000000000)

/* The CRC of one byte, bit by bit: this polynomial has so few terms that a table saves little. */
static uint64_t add_byte(uint64_t crc, unsigned char byte)
{
    crc ^= byte;
    for (unsigned bit = 0; bit < 8; bit++) {
        crc = (crc >> 1) ^ ((crc & 1) != 0 ? POLYNOMIAL : 0);
    }
    return crc;
}

uint64_t crc64_iso_portable(uint64_t crc, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    crc = ~crc;
    for (size_t i = 0; i < size; i++) {
        crc = add_byte(crc, bytes[i]);
    }
    return ~crc;
}

uint64_t crc64_iso(uint64_t crc, const void *data, size_t size)
{
#ifdef HAVE_ISAL
#ifdef __x86_64__
    /* ISA-L 2.30 takes SSE4.2 as a sign of this instruction, which processors of 2008 do not
     * have. */
    if (__builtin_cpu_supports("pclmul") == 0) {
        return crc64_iso_refl_base(crc, data, size);
    }
#endif
    return crc64_iso_refl(crc, data, size);
#else
    return crc64_iso_portable(crc, data, size);
#endif
}
