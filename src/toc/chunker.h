/* SPDX-License-Identifier: Apache-2.0 */
/* Divides the contents of a file into chunks by content, at the same places as
 * containers/storage does, so that equal parts of files become equal chunks, whatever program
 * made the layer: a chunk ends where the low 16 bits of a rolling sum over the last 64 bytes are
 * all ones, and a run of 1024 zeros or more is a chunk of its own. Pure; one thread at a time. */
#ifndef TOC_CHUNKER_H
#define TOC_CHUNKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fail.h"

#define CHUNKER_WINDOW 64
#define CHUNKER_HOLE_BYTES 1024

/* What the chunker says about the contents, in order. Zeros that may still become a run are held
 * back and come later. */
struct chunker_sink {
    /* The next bytes of the current chunk; data NULL: size zeros. */
    int (*bytes)(void *ctx, const unsigned char *data, uint64_t size, struct lpipe_error *err);
    /* The current chunk ends after the bytes so far. is_zeros: it is a run of zeros. A chunk that
     * has no bytes may end too. */
    int (*end)(void *ctx, bool is_zeros, struct lpipe_error *err);
    void *ctx;
};

struct chunker {
    uint16_t sum1; /* the sums modulo 2^16, which decides */
    uint16_t sum2;
    unsigned char window[CHUNKER_WINDOW];
    unsigned window_next;
    uint64_t zeros; /* held back */
};

/* A new file. */
void chunker_begin(struct chunker *chunker);
/* 0, or the failure of the sink. */
MUST_CHECK int chunker_bytes(struct chunker *chunker, const unsigned char *data, size_t size,
                             const struct chunker_sink *sink, struct lpipe_error *err);
/* The file has no more bytes. The last chunk ends without a call of end(), unless it is a run of
 * zeros. */
MUST_CHECK int chunker_finish(struct chunker *chunker, const struct chunker_sink *sink,
                              struct lpipe_error *err);

/* Where chunks could end within the zeros that are held back, as distances from the first of them,
 * increasing and without 0. Returns how many, at most count. */
unsigned chunker_possible_ends(const struct chunker *chunker, uint64_t *ret_distances,
                               unsigned count);

#endif
