/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 of a message that comes in pieces, on top of sha256_blocks.h. For digest.c only; the
 * processor must have the instructions. Allocates nothing; one thread at a time for each stream. */
#ifndef CODEC_SHA256_STREAM_H
#define CODEC_SHA256_STREAM_H

#include "codec/sha256_blocks.h"

#define SHA256_RAW_BYTES 32

struct sha256_stream {
    uint32_t state[SHA256_STATE_WORDS];
    uint64_t size; /* bytes so far */
    /* The last size % SHA256_BLOCK_BYTES of them, not hashed yet. */
    unsigned char rest[SHA256_BLOCK_BYTES];
};

void sha256_stream_init(struct sha256_stream *stream);
void sha256_stream_update(struct sha256_stream *stream, const unsigned char *data, size_t size);
/* Updates two different streams, at once as far as the smaller piece reaches. */
void sha256_stream_update_pair(struct sha256_stream *a, const unsigned char *data_a, size_t size_a,
                               struct sha256_stream *b, const unsigned char *data_b, size_t size_b);
/* The stream needs sha256_stream_init() before more bytes. */
void sha256_stream_finish(struct sha256_stream *stream, unsigned char ret_raw[SHA256_RAW_BYTES]);

#endif
