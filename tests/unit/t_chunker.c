/* SPDX-License-Identifier: Apache-2.0 */
/* Chunks by content: the chunker's ends are those of a plain implementation that looks at the whole
 * window for each byte, for any division of the contents into calls. */
#include "support/unit.h"

#include "toc/chunker.h"

#define CHUNKS_MAX 20000

struct chunks {
    uint64_t ends[CHUNKS_MAX];
    bool zeros[CHUNKS_MAX];
    size_t count;
    uint64_t position;
    const unsigned char *contents;
};

static void chunks_add(struct chunks *chunks, uint64_t end, bool zeros)
{
    uint64_t start = chunks->count == 0 ? 0 : chunks->ends[chunks->count - 1];
    if (end > start) {
        assert_true(chunks->count < CHUNKS_MAX);
        chunks->ends[chunks->count] = end;
        chunks->zeros[chunks->count++] = zeros;
    }
}

/* Whether a chunk ends after the first `end` bytes. The sum gives the newest byte the weight 1, the
 * oldest one the weight 64. */
static bool plain_split(const unsigned char *contents, size_t end)
{
    uint32_t sum = CHUNKER_WINDOW * (CHUNKER_WINDOW - 1) * 31;
    for (size_t age = 0; age < CHUNKER_WINDOW && age < end; age++) {
        sum += (uint32_t)(age + 1) * contents[end - 1 - age];
    }
    return (sum & 0xffff) == 0xffff;
}

static void plain_chunks(const unsigned char *contents, size_t size, struct chunks *ret_chunks)
{
    for (size_t i = 0; i < size;) {
        size_t run = 0;
        while (i + run < size && contents[i + run] == 0) {
            run++;
        }
        if (run >= CHUNKER_HOLE_BYTES) {
            chunks_add(ret_chunks, i, false);
            chunks_add(ret_chunks, i + run, true);
            i += run;
            continue;
        }
        for (size_t stop = i + MAX_OF(run, (size_t)1); i < stop; i++) {
            if (plain_split(contents, i + 1)) {
                chunks_add(ret_chunks, i + 1, false);
            }
        }
    }
    chunks_add(ret_chunks, size, false);
}

static int take_bytes(void *ctx, const unsigned char *data, uint64_t size, struct lpipe_error *err)
{
    (void)err;
    struct chunks *chunks = ctx;
    for (uint64_t i = 0; i < size; i++) {
        assert_int_equal(data == NULL ? 0 : data[i], chunks->contents[chunks->position + i]);
    }
    chunks->position += size;
    return 0;
}

static int take_end(void *ctx, bool is_zeros, struct lpipe_error *err)
{
    (void)err;
    struct chunks *chunks = ctx;
    chunks_add(chunks, chunks->position, is_zeros);
    return 0;
}

static void run_chunker(const unsigned char *contents, size_t size, size_t step,
                        struct chunks *ret_chunks)
{
    struct chunker chunker;
    const struct chunker_sink sink = { take_bytes, take_end, ret_chunks };
    ret_chunks->contents = contents;
    chunker_begin(&chunker);
    for (size_t at = 0; at < size; at += step) {
        assert_int_equal(
            chunker_bytes(&chunker, contents + at, MIN_OF(step, size - at), &sink, NULL), 0);
    }
    assert_int_equal(chunker_finish(&chunker, &sink, NULL), 0);
    assert_int_equal(ret_chunks->position, size);
    chunks_add(ret_chunks, size, false);
}

static void compare(const unsigned char *contents, size_t size)
{
    static const size_t steps[] = { 1, 7, 63, 1000, 1024, 4096, 65536, 1 << 20 };
    struct chunks *expected = calloc(1, sizeof *expected);
    assert_non_null(expected);
    plain_chunks(contents, size, expected);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        struct chunks *chunks = calloc(1, sizeof *chunks);
        assert_non_null(chunks);
        run_chunker(contents, size, steps[i], chunks);
        assert_int_equal(chunks->count, expected->count);
        assert_memory_equal(chunks->ends, expected->ends, sizeof expected->ends);
        assert_memory_equal(chunks->zeros, expected->zeros, sizeof expected->zeros);
        free(chunks);
    }
    free(expected);
}

/* A generator with a fixed start, so that every run has the same contents. */
static unsigned next_random(unsigned *state)
{
    *state = *state * 1103515245u + 12345u;
    return *state >> 16;
}

static void test_random_contents(void **state)
{
    (void)state;
    size_t size = 400000;
    unsigned seed = 1;
    unsigned char *contents = malloc(size);
    assert_non_null(contents);
    for (size_t i = 0; i < size; i++) {
        contents[i] = (unsigned char)next_random(&seed);
    }
    compare(contents, size);
    /* The same with many short and some long runs of zeros. */
    for (size_t i = 0; i < size;) {
        size_t run = next_random(&seed) % 8 == 0 ? next_random(&seed) % 3000 : 1;
        memset(contents + i, 0, MIN_OF(run, size - i));
        i += run + next_random(&seed) % 500;
    }
    compare(contents, size);
    free(contents);
}

static void test_zeros(void **state)
{
    (void)state;
    static unsigned char contents[5000];
    static const size_t sizes[] = { 0, 1, 1023, 1024, 1025, 5000 };
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        memset(contents, 0, sizeof contents);
        compare(contents, sizes[i]);
        contents[0] = 1;
        compare(contents, sizes[i]);
        contents[1100] = 1;
        compare(contents, sizes[i]);
        contents[4999] = 1;
        compare(contents, sizes[i]);
    }
}

/* The ends that a chunk may have within zeros that are held back. */
static void test_possible_ends(void **state)
{
    (void)state;
    static unsigned char contents[3000];
    struct chunker chunker;
    uint64_t distances[4];
    static struct chunks chunks;
    /* A run of zeros has ends only while the bytes before it are in the window. */
    memset(contents, 1, 1000);
    chunks.contents = contents;
    const struct chunker_sink sink = { take_bytes, take_end, &chunks };
    chunker_begin(&chunker);
    assert_int_equal(chunker_bytes(&chunker, contents, 1500, &sink, NULL), 0);
    unsigned count = chunker_possible_ends(&chunker, distances, ARRAY_LEN(distances));
    assert_true(count <= ARRAY_LEN(distances));
    for (unsigned i = 0; i < count; i++) {
        assert_true(plain_split(contents, 1000 + (size_t)distances[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_contents),
        cmocka_unit_test(test_zeros),
        cmocka_unit_test(test_possible_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
