/* SPDX-License-Identifier: Apache-2.0 */
/* zlib's allocation functions: memory from base/mem.h, so that tests can make it fail. */
#ifndef CODEC_ZLIB_MEMORY_H
#define CODEC_ZLIB_MEMORY_H

#define ZLIB_CONST /* input pointers are const */
#include <zlib.h>

#include "base/mem.h"

static inline voidpf zlib_alloc(voidpf opaque, uInt items, uInt size)
{
    (void)opaque;
    return mem_new_array(items, size);
}

static inline void zlib_free(voidpf opaque, voidpf address)
{
    (void)opaque;
    free(address);
}

/* To be called before deflateInit2() or inflateInit2(). */
static inline void zlib_use_mem(z_stream *stream)
{
    stream->zalloc = zlib_alloc;
    stream->zfree = zlib_free;
}

#endif
