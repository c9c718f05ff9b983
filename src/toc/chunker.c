/* SPDX-License-Identifier: Apache-2.0 */
#include "toc/chunker.h"

#include <string.h>

#define CHARACTER_OFFSET 31
#define SPLIT_MASK 0xffffu

void chunker_begin(struct chunker *chunker)
{
    memset(chunker, 0, sizeof *chunker);
    chunker->sum1 = CHUNKER_WINDOW * CHARACTER_OFFSET;
    chunker->sum2 = CHUNKER_WINDOW * (CHUNKER_WINDOW - 1) * CHARACTER_OFFSET;
}

/* Adds one byte to the rolling sum; true when a chunk ends after it. */
static inline bool roll(struct chunker *chunker, unsigned char byte)
{
    unsigned char *place = &chunker->window[chunker->window_next];
    chunker->sum1 += (uint32_t)byte - *place;
    chunker->sum2 += chunker->sum1 - CHUNKER_WINDOW * ((uint32_t)*place + CHARACTER_OFFSET);
    *place = byte;
    chunker->window_next = (chunker->window_next + 1) % CHUNKER_WINDOW;
    return (chunker->sum2 & SPLIT_MASK) == SPLIT_MASK;
}

/* Adds a long run of zeros: after CHUNKER_WINDOW of them the window is all zeros, and each further
 * zero leaves the sums as they are. */
static void roll_zeros(struct chunker *chunker, uint64_t count)
{
    for (uint64_t i = 0; i < MIN_OF(count, (uint64_t)CHUNKER_WINDOW); i++) {
        (void)roll(chunker, 0);
    }
    chunker->window_next =
        (chunker->window_next + (unsigned)(count - MIN_OF(count, (uint64_t)CHUNKER_WINDOW))) %
        CHUNKER_WINDOW;
}

/* Zeros that were held back turn out to be ordinary bytes. */
static int release_zeros(struct chunker *chunker, const struct chunker_sink *sink,
                         struct lpipe_error *err)
{
    uint64_t given = 0;
    int status = 0;
    for (uint64_t i = 0; i < chunker->zeros && status == 0; i++) {
        if (roll(chunker, 0)) {
            status = sink->bytes(sink->ctx, NULL, i + 1 - given, err);
            given = i + 1;
            status = status == 0 ? sink->end(sink->ctx, false, err) : status;
        }
    }
    if (status == 0 && given < chunker->zeros) {
        status = sink->bytes(sink->ctx, NULL, chunker->zeros - given, err);
    }
    chunker->zeros = 0;
    return status;
}

/* Zeros that were held back are a chunk of their own. */
static int release_hole(struct chunker *chunker, const struct chunker_sink *sink,
                        struct lpipe_error *err)
{
    int status = sink->end(sink->ctx, false, err);
    roll_zeros(chunker, chunker->zeros);
    if (status == 0) {
        status = sink->bytes(sink->ctx, NULL, chunker->zeros, err);
    }
    chunker->zeros = 0;
    return status == 0 ? sink->end(sink->ctx, true, err) : status;
}

static int release(struct chunker *chunker, const struct chunker_sink *sink,
                   struct lpipe_error *err)
{
    return chunker->zeros == 0                    ? 0
           : chunker->zeros >= CHUNKER_HOLE_BYTES ? release_hole(chunker, sink, err)
                                                  : release_zeros(chunker, sink, err);
}

static size_t count_zeros(const unsigned char *data, size_t size)
{
    size_t count = 0;
    uint64_t word = 0;
    while (size - count >= sizeof word) {
        memcpy(&word, data + count, sizeof word);
        if (word != 0) {
            break;
        }
        count += sizeof word;
    }
    while (count < size && data[count] == 0) {
        count++;
    }
    return count;
}

/* Bytes up to the next end of a chunk, or up to zeros that must be held back. *io_used is where
 * they begin, and then where they end. True when a chunk ends there. */
static bool take_bytes(struct chunker *chunker, const unsigned char *data, size_t size,
                       size_t *io_used)
{
    size_t i = *io_used;
    bool ended = false;
    while (i < size && !ended) {
        size_t zeros = data[i] == 0 ? count_zeros(data + i, size - i) : 0;
        if (zeros >= CHUNKER_HOLE_BYTES || (zeros > 0 && i + zeros == size)) {
            break;
        }
        size_t stop = i + MAX_OF(zeros, (size_t)1);
        while (i < stop && !ended) {
            ended = roll(chunker, data[i++]);
        }
    }
    *io_used = i;
    return ended;
}

int chunker_bytes(struct chunker *chunker, const unsigned char *data, size_t size,
                  const struct chunker_sink *sink, struct lpipe_error *err)
{
    size_t used = 0;
    int status = 0;
    while (used < size && status == 0) {
        if (chunker->zeros > 0 || data[used] == 0) {
            size_t zeros = count_zeros(data + used, size - used);
            bool known = chunker->zeros == 0 && zeros < CHUNKER_HOLE_BYTES && used + zeros < size;
            if (!known) {
                chunker->zeros += zeros;
                used += zeros;
                status = used < size ? release(chunker, sink, err) : 0;
                continue;
            }
        }
        size_t from = used;
        bool ended = take_bytes(chunker, data, size, &used);
        status = sink->bytes(sink->ctx, data + from, used - from, err);
        if (status == 0 && ended) {
            status = sink->end(sink->ctx, false, err);
        }
    }
    return status;
}

int chunker_finish(struct chunker *chunker, const struct chunker_sink *sink,
                   struct lpipe_error *err)
{
    return release(chunker, sink, err);
}

unsigned chunker_possible_ends(const struct chunker *chunker, uint64_t *ret_distances,
                               unsigned count)
{
    struct chunker copy = *chunker;
    unsigned found = 0;
    for (uint64_t i = 0; i < MIN_OF(chunker->zeros, (uint64_t)CHUNKER_HOLE_BYTES) && found < count;
         i++) {
        if (roll(&copy, 0)) {
            ret_distances[found++] = i + 1;
        }
    }
    return found;
}
