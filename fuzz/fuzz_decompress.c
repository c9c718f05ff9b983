/* SPDX-License-Identifier: Apache-2.0 */
/* Compressed input: the first byte says how it is cut into pieces. No crash; the same output and
 * the same verdict as in one piece; no more memory than a window that is allowed. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/macros.h"
#include "codec/decompress.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WINDOW_MAX (1 * MIB)
#define OUT_MAX (1 * MIB) /* what is made of more is not looked at */

struct taken {
    uint64_t sum; /* of all bytes, by place */
    uint64_t size;
    bool window; /* it was the window that was refused */
};

static int take(void *ctx, const void *data, size_t size, struct lpipe_error *err)
{
    struct taken *taken = ctx;
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++) {
        taken->sum = (taken->sum ^ bytes[i]) * UINT64_C(0x100000001b3);
    }
    taken->size += size;
    return taken->size > OUT_MAX ? fail(err, LPIPE_CANCELLED, "enough") : 0;
}

static int run(enum codec_kind kind, bool verified, const uint8_t *data, size_t size, size_t piece,
               struct taken *taken)
{
    struct decompressor *decompressor = NULL;
    struct lpipe_error err = { 0 };
    int made = verified ? decompress_new_verified(kind, WINDOW_MAX, &decompressor, &err)
                        : decompress_new(kind, WINDOW_MAX, &decompressor, &err);
    if (made != 0) {
        abort();
    }
    int status = 0;
    while (size > 0 && status == 0) {
        size_t part = MIN_OF(size, piece);
        status = decompress_bytes(decompressor, data, part, take, taken, &err);
        data += part;
        size -= part;
    }
    if (decompress_memory_bytes(decompressor) >
        WINDOW_MAX + DECOMPRESS_BYTES + DECOMPRESS_STATE_BYTES) {
        abort();
    }
    status = status == 0 ? decompress_end(decompressor, &err) : status;
    decompress_free(decompressor);
    taken->window = strstr(err.message, " window ") != NULL;
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum codec_kind kinds[] = { CODEC_GZIP, CODEC_ZSTD };
    if (size == 0) {
        return 0;
    }
    size_t piece = (size_t)data[0] + 1;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct taken whole = { 0, 0, false };
        struct taken parts = { 0, 0, false };
        int status = run(kinds[i], false, data + 1, size - 1, size, &whole);
        int again = run(kinds[i], false, data + 1, size - 1, piece, &parts);
        /* A small frame given whole is unpacked without a window: its size is not looked at. */
        if ((status != again && !whole.window && !parts.window) ||
            (status == 0 && again == 0 && (whole.sum != parts.sum || whole.size != parts.size))) {
            abort();
        }
        /* The fast library may accept more, but what zlib accepts it reads in the same way. */
        struct taken fast = { 0, 0, false };
        int other = run(kinds[i], true, data + 1, size - 1, piece, &fast);
        if (status == 0 && (other != 0 || fast.sum != whole.sum || fast.size != whole.size) &&
            !whole.window) {
            abort();
        }
    }
    return 0;
}
