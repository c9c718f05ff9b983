/* SPDX-License-Identifier: Apache-2.0 */
#include "toc/chunker.h"

#include <string.h>

#define CHARACTER_OFFSET 31
#define SPLIT_MASK 0xffffu

void chunker_begin(struct chunker *chunker)
{
    memset(chunker, 0, sizeof *chunker);
    chunker->sum1 = CHUNKER_WINDOW * CHARACTER_OFFSET;
    chunker->sum2 = (uint16_t)(CHUNKER_WINDOW * (CHUNKER_WINDOW - 1) * CHARACTER_OFFSET);
}

/* Adds one byte to the rolling sum; true when a chunk ends after it. */
static inline bool roll(struct chunker *chunker, unsigned char byte)
{
    unsigned char *place = &chunker->window[chunker->window_next];
    chunker->sum1 = (uint16_t)(chunker->sum1 + byte - *place);
    chunker->sum2 =
        (uint16_t)(chunker->sum2 + chunker->sum1 - CHUNKER_WINDOW * (*place + CHARACTER_OFFSET));
    *place = byte;
    chunker->window_next = (chunker->window_next + 1) % CHUNKER_WINDOW;
    return chunker->sum2 == SPLIT_MASK;
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

/* Eight sums at once. They are needed modulo 2^16 only. */
typedef uint16_t lanes __attribute__((vector_size(16)));
typedef unsigned char octets __attribute__((vector_size(8)));
#define LANES 8

static inline lanes load(const unsigned char *data)
{
    octets bytes;
    memcpy(&bytes, data, sizeof bytes);
    return __builtin_convertvector(bytes, lanes);
}

/* Each lane becomes the sum of itself and all lanes before it. */
static inline lanes running_sum(lanes x)
{
    const lanes none = { 0 };
    x += __builtin_shufflevector(none, x, 7, 8, 9, 10, 11, 12, 13, 14);
    x += __builtin_shufflevector(none, x, 6, 7, 8, 9, 10, 11, 12, 13);
    x += __builtin_shufflevector(none, x, 4, 5, 6, 7, 8, 9, 10, 11);
    return x;
}

static inline lanes last_lane(lanes x)
{
    return __builtin_shufflevector(x, x, 7, 7, 7, 7, 7, 7, 7, 7);
}

struct sums {
    lanes one; /* all lanes are the same */
    lanes two;
};

/* Adds CHUNKER_WINDOW bytes; old are those before them. Returns whether a chunk ends among them. */
static inline bool add_window(struct sums *sums, const unsigned char *data,
                              const unsigned char *old)
{
    lanes ends = { 0 };
    for (size_t i = 0; i < CHUNKER_WINDOW; i += LANES) {
        lanes leaves = load(old + i);
        lanes one = sums->one + running_sum(load(data + i) - leaves);
        lanes two =
            sums->two + running_sum(one - CHUNKER_WINDOW * (leaves + (uint16_t)CHARACTER_OFFSET));
        ends |= (lanes)(two == SPLIT_MASK);
        sums->one = last_lane(one);
        sums->two = last_lane(two);
    }
    uint64_t halves[2];
    memcpy(halves, &ends, sizeof halves);
    return (halves[0] | halves[1]) != 0;
}

/* Adds whole windows as long as no chunk ends in them. Returns how many bytes. */
static size_t roll_windows(struct chunker *chunker, const unsigned char *data, size_t size)
{
    unsigned char old[CHUNKER_WINDOW];
    size_t first = CHUNKER_WINDOW - chunker->window_next;
    size_t done = 0;
    struct sums sums;
    sums.one = chunker->sum1 - (lanes){ 0 };
    sums.two = chunker->sum2 - (lanes){ 0 };
    memcpy(old, chunker->window + chunker->window_next, first);
    memcpy(old + first, chunker->window, chunker->window_next);
    while (size - done >= CHUNKER_WINDOW) {
        struct sums next = sums;
        if (add_window(&next, data + done, done == 0 ? old : data + done - CHUNKER_WINDOW)) {
            break;
        }
        sums = next;
        done += CHUNKER_WINDOW;
    }
    if (done > 0) {
        const unsigned char *last = data + done - CHUNKER_WINDOW;
        memcpy(chunker->window + chunker->window_next, last, first);
        memcpy(chunker->window, last + first, chunker->window_next);
        chunker->sum1 = sums.one[0];
        chunker->sum2 = sums.two[0];
    }
    return done;
}

/* Bytes from *io_used to the next end of a chunk, or to stop. True when a chunk ends there. */
static bool roll_until(struct chunker *chunker, const unsigned char *data, size_t stop,
                       size_t *io_used)
{
    size_t i = *io_used;
    bool ended = false;
    while (i < stop && !ended) {
        i += roll_windows(chunker, data + i, stop - i);
        for (size_t end = MIN_OF(stop, i + CHUNKER_WINDOW); i < end && !ended;) {
            ended = roll(chunker, data[i++]);
        }
    }
    *io_used = i;
    return ended;
}

/* The first zero of the run of zeros around `at`. */
static size_t run_start(const unsigned char *data, size_t from, size_t at)
{
    while (at > from && data[at - 1] == 0) {
        at--;
    }
    return at;
}

/* Where the next zeros begin that must be held back: CHUNKER_HOLE_BYTES of them, or all bytes to
 * the end; or the size. */
static size_t find_hole(const unsigned char *data, size_t from, size_t size)
{
    size_t end = run_start(data, from, size);
    size_t step = CHUNKER_HOLE_BYTES / 2;
    for (size_t at = from + step - 1; at < end; at += step) {
        if (data[at] != 0) {
            continue;
        }
        size_t start = run_start(data, from, at);
        if (at - start + count_zeros(data + at, end - at) >= CHUNKER_HOLE_BYTES) {
            return start;
        }
    }
    return end;
}

/* The next bytes, which begin with zeros if some are held back. */
static int hold_zeros(struct chunker *chunker, const unsigned char *data, size_t size,
                      size_t *io_used, const struct chunker_sink *sink, struct lpipe_error *err)
{
    size_t zeros = count_zeros(data + *io_used, size - *io_used);
    chunker->zeros += zeros;
    *io_used += zeros;
    return *io_used < size ? release(chunker, sink, err) : 0;
}

int chunker_bytes(struct chunker *chunker, const unsigned char *data, size_t size,
                  const struct chunker_sink *sink, struct lpipe_error *err)
{
    size_t used = 0;
    int status = chunker->zeros > 0 ? hold_zeros(chunker, data, size, &used, sink, err) : 0;
    size_t hole = find_hole(data, used, size);
    while (used < size && status == 0) {
        if (used == hole) {
            status = hold_zeros(chunker, data, size, &used, sink, err);
            hole = find_hole(data, used, size);
            continue;
        }
        size_t from = used;
        bool ended = roll_until(chunker, data, hole, &used);
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
