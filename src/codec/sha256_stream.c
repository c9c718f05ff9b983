/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/sha256_stream.h"

#include <string.h>

#include "base/macros.h"

#define LENGTH_BYTES 8 /* of the message's length in bits, at the end of the padding */

void sha256_stream_init(struct sha256_stream *stream)
{
    static const uint32_t start[SHA256_STATE_WORDS] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372,
                                                        0xa54ff53a, 0x510e527f, 0x9b05688c,
                                                        0x1f83d9ab, 0x5be0cd19 };
    memcpy(stream->state, start, sizeof start);
    stream->size = 0;
}

/* Adds bytes to a block that is not full. Returns how many bytes were used. */
static size_t rest_fill(struct sha256_stream *stream, const unsigned char *data, size_t size)
{
    size_t held = stream->size % SHA256_BLOCK_BYTES;
    size_t used = held == 0 ? 0 : MIN_OF(size, SHA256_BLOCK_BYTES - held);
    if (used > 0) {
        memcpy(stream->rest + held, data, used);
        stream->size += used;
        if (held + used == SHA256_BLOCK_BYTES) {
            sha256_blocks(stream->state, stream->rest, 1);
        }
    }
    return used;
}

void sha256_stream_update(struct sha256_stream *stream, const unsigned char *data, size_t size)
{
    size_t used = rest_fill(stream, data, size);
    size_t whole = (size - used) / SHA256_BLOCK_BYTES;
    if (whole > 0) {
        sha256_blocks(stream->state, data + used, whole);
        used += whole * SHA256_BLOCK_BYTES;
    }
    if (used < size) {
        memcpy(stream->rest, data + used, size - used);
    }
    stream->size += whole * SHA256_BLOCK_BYTES + (size - used);
}

void sha256_stream_update_pair(struct sha256_stream *a, const unsigned char *data_a, size_t size_a,
                               struct sha256_stream *b, const unsigned char *data_b, size_t size_b)
{
    size_t used_a = rest_fill(a, data_a, size_a);
    size_t used_b = rest_fill(b, data_b, size_b);
    size_t both = MIN_OF(size_a - used_a, size_b - used_b) / SHA256_BLOCK_BYTES;
    if (both > 0) {
        size_t bytes = both * SHA256_BLOCK_BYTES;
        sha256_blocks_pair(a->state, data_a + used_a, b->state, data_b + used_b, both);
        a->size += bytes;
        b->size += bytes;
        used_a += bytes;
        used_b += bytes;
    }
    if (used_a < size_a) {
        sha256_stream_update(a, data_a + used_a, size_a - used_a);
    }
    if (used_b < size_b) {
        sha256_stream_update(b, data_b + used_b, size_b - used_b);
    }
}

static void put_big_endian(unsigned char *to, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        to[i] = (unsigned char)(value >> 8 * (bytes - 1 - i));
    }
}

void sha256_stream_finish(struct sha256_stream *stream, unsigned char ret_raw[SHA256_RAW_BYTES])
{
    /* FIPS 180-4, 5.1.1: a one bit, zero bits, and the length in bits at the end of a block. */
    unsigned char padding[2 * SHA256_BLOCK_BYTES] = { 0x80 };
    size_t held = stream->size % SHA256_BLOCK_BYTES;
    size_t blocks = held < SHA256_BLOCK_BYTES - LENGTH_BYTES ? 1 : 2;
    size_t size = blocks * SHA256_BLOCK_BYTES - held;
    put_big_endian(padding + size - LENGTH_BYTES, stream->size * 8, LENGTH_BYTES);
    sha256_stream_update(stream, padding, size);
    for (unsigned i = 0; i < SHA256_STATE_WORDS; i++) {
        put_big_endian(ret_raw + i * sizeof stream->state[i], stream->state[i],
                       sizeof stream->state[i]);
    }
}
