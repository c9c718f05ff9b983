/* SPDX-License-Identifier: Apache-2.0 */
/* Changes a complete deflate stream so that another can follow: finds the header of its last block
 * by walking the codes without producing output, clears the "final" bit, and fills up to a byte
 * boundary with an empty stored block. Any input is allowed: the result is correct or 0.
 * Distances are not checked. */
#ifndef CODEC_DEFLATE_SPLICE_H
#define CODEC_DEFLATE_SPLICE_H

#include <stddef.h>
#include <stdint.h>

/* This many bytes after the stream must be readable and writable. */
#define DEFLATE_SPLICE_BYTES 8

/* Scratch memory for the walk; one thread at a time. */
#define SPLICE_INDEX_BITS 10
#define SPLICE_CODE_BITS_MAX 15
struct deflate_splice_code {
    uint16_t counts[SPLICE_CODE_BITS_MAX + 1]; /* codes of each length */
    uint16_t symbols[288];                     /* in code order */
};
struct deflate_splice {
    /* Bits to skip, by the next bits: first half for literals and lengths, second half for
     * distances. */
    uint16_t skips[2 << SPLICE_INDEX_BITS];
    uint16_t single[1 << SPLICE_INDEX_BITS];
    struct deflate_splice_code litlen_code;
    struct deflate_splice_code dist_code;
};

/* stream: size bytes of raw deflate ending with its final block. Returns the new size (up to 5
 * more) or 0 when the bytes are not exactly one complete stream; they may then be changed. */
size_t deflate_splice_unfinish(struct deflate_splice *splice, unsigned char *stream, size_t size);

#endif
