/* SPDX-License-Identifier: Apache-2.0 */
/* Opening deflate streams: what zlib reads to the last byte is opened, and what is opened gives,
 * with an end put behind it, what it gave before. Whatever zlib does not read is not opened. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#define ZLIB_CONST
#include <zlib.h>

#include "codec/deflate_splice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUT_MAX ((size_t)1 << 20)

/* The stream's output, behind a window of zeros (how far back it refers is not the walker's
 * business), and its size; -1 when it is not one whole stream, -2 when that is not known because
 * it gives too much. */
static long decompressor(const uint8_t *data, size_t size, uint8_t *out)
{
    z_stream stream = { .next_in = data, .avail_in = (uInt)size };
    stream.next_out = out;
    stream.avail_out = OUT_MAX;
    static const uint8_t window[32768];
    if (inflateInit2(&stream, -15) != Z_OK ||
        inflateSetDictionary(&stream, window, sizeof window) != Z_OK) {
        abort();
    }
    int code = inflate(&stream, Z_FINISH);
    long made = (long)(OUT_MAX - stream.avail_out);
    if (code != Z_STREAM_END) {
        made = stream.avail_out == 0 ? -2 : -1;
    } else if (stream.avail_in > 0) {
        made = -1;
    }
    (void)inflateEnd(&stream);
    return made;
}

static void check(const uint8_t *data, size_t size, uint8_t *first, uint8_t *second)
{
    static struct deflate_splice splice;
    uint8_t *stream = malloc(size + DEFLATE_SPLICE_BYTES + 2);
    if (stream == NULL) {
        abort();
    }
    memcpy(stream, data, size);
    memset(stream + size, 0xee, DEFLATE_SPLICE_BYTES);
    long made = decompressor(data, size, first);
    size_t opened = deflate_splice_unfinish(&splice, stream, size);
    if (opened != 0 && made != -2) {
        memcpy(stream + opened, "\x03\x00", 2);
        if (made < 0 || opened < size || opened > size + 5 ||
            decompressor(stream, opened + 2, second) != made ||
            memcmp(first, second, (size_t)made) != 0) {
            abort();
        }
    }
    free(stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t first[OUT_MAX];
    static uint8_t second[OUT_MAX];
    check(data, size, first, second);
    return 0;
}
