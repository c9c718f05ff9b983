/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-64 with the ISO polynomial, reflected, as the tar-split format uses it: the CRC of
 * "123456789" is b90956c775a41001. Pure. */
#ifndef CODEC_CRC64_H
#define CODEC_CRC64_H

#include <stddef.h>
#include <stdint.h>

/* crc: 0 at the start, later the result of the call before. */
uint64_t crc64_iso(uint64_t crc, const void *data, size_t size);
/* The same without a library's instructions for it, for processors and builds without ISA-L. */
uint64_t crc64_iso_portable(uint64_t crc, const void *data, size_t size);

#endif
