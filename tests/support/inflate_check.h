/* SPDX-License-Identifier: Apache-2.0 */
/* Decompresses what the library has compressed, with zlib. */
#ifndef SUPPORT_INFLATE_CHECK_H
#define SUPPORT_INFLATE_CHECK_H

#define ZLIB_CONST
#include <zlib.h>

#include "support/tar_make.h"

#define INFLATE_RAW (-15) /* deflate without header and trailer */
#define INFLATE_GZIP (15 + 16)

/* Fails the test unless the stream has these bytes in it, and its end is the last compressed
 * byte. */
static inline void expect_inflates(const struct bytes *compressed, const struct bytes *plain,
                                   int format)
{
    struct bytes out AUTO_BYTES = { malloc(plain->size + 1), 0, 0 };
    z_stream stream = { .next_in = compressed->data, .avail_in = (uInt)compressed->size };
    assert_non_null(out.data);
    stream.next_out = out.data;
    stream.avail_out = (uInt)plain->size + 1;
    assert_int_equal(inflateInit2(&stream, format), Z_OK);
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(stream.avail_in, 0);
    assert_int_equal(stream.total_out, plain->size);
    assert_memory_equal(out.data, plain->data, plain->size);
    inflateEnd(&stream);
}

#endif
