/* SPDX-License-Identifier: Apache-2.0 */
/* The interface to a deflate library: it compresses one block into raw deflate data that is not
 * final, ends at a byte boundary and does not refer to earlier blocks. */
#ifndef CODEC_DEFLATE_H
#define CODEC_DEFLATE_H

#include "base/macros.h"

#include <stddef.h>
#include <stdint.h>

/* Returns the bytes put into out, or 0 when they are more than capacity. */
typedef size_t deflate_compress(void *state, const void *in, size_t size, void *out,
                                size_t capacity);

struct deflate_backend {
    const char *name;
    const char *(*version)(void);
    uint64_t (*state_bytes)(int level);
    /* State for one thread; NULL when out of memory. */
    void *(*state_new)(int level);
    void (*state_free)(void *state);
    deflate_compress *compress;
    /* The same for a short block: faster, with the codes that deflate itself defines. NULL: the
     * library has no faster way. */
    deflate_compress *compress_short;
    /* A complete stream, with a final block. NULL: that is not faster than a block that is not
     * final. */
    deflate_compress *compress_final;
    uint32_t (*crc)(uint32_t crc, const void *data, size_t size);
};

/* NULL for a library that this build does not have. */
extern const struct deflate_backend *const deflate_isal;       /* levels 1 to 3 */
extern const struct deflate_backend *const deflate_libdeflate; /* levels 1 to 12 */
extern const struct deflate_backend *const deflate_zlib;       /* -2 (Huffman only), 1 to 9 */

/* Stored blocks: need no library; no other backend may need more bytes. */
#define DEFLATE_STORED_BYTES(size) ((size) + 5 * ((size) / 65535 + 1))
size_t deflate_store(const void *in, size_t size, void *out);

/* Output capacity that every compress() may need for a block of that size. */
#define DEFLATE_BYTES(size) (DEFLATE_STORED_BYTES(size) + 64)

#endif
