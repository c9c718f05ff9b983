/* SPDX-License-Identifier: Apache-2.0 */
/* gzip by ISA-L: about three times as fast as zlib. It accepts some streams that zlib refuses,
 * so it is only for bytes that a digest verifies. One thread at a time. */
#ifndef CODEC_INFLATE_ISAL_H
#define CODEC_INFLATE_ISAL_H

#include <stdbool.h>
#include <stddef.h>

struct inflate_isal;

/* NULL: no memory, or this build has no ISA-L. */
struct inflate_isal *inflate_isal_new(void);
struct inflate_isal *inflate_isal_free(struct inflate_isal *inflate);
/* Decompresses from data to out, as much as fits. *ret_end: a member has ended; the next call
 * begins another one. NULL, or what is wrong with the data. */
const char *inflate_isal_step(struct inflate_isal *inflate, const unsigned char *data, size_t size,
                              size_t *ret_used, unsigned char *out, size_t out_size,
                              size_t *ret_made, bool *ret_end);

#endif
