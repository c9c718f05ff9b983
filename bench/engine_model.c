/* SPDX-License-Identifier: Apache-2.0 */
/* Shows what limits the pipeline on machines with more processors than this one. The pipeline is
 * the real one and computes both digests, but the codec sleeps for the processor time that one
 * block needs, instead of compressing it. So many workers "compress" at a time on few
 * processors. No arrangement can be faster than the larger of
 *
 *   the SHA-256 of the input by one thread, and
 *   (codec + both SHA-256) / workers
 *
 * The linker replaces codec_compress() (see meson.build).
 *   engine_model COMPRESS ROUNDS FILE */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "codec/codec.h"
#include "codec/digest.h"
#include "flow/layer_flow.h"

#include "bench_numbers.h"

#define ROUNDS_MAX 99
#define MODEL_BLOCKS 2000

void __real_codec_compress(struct codec *codec, unsigned worker, bool first, const void *in,
                           size_t size, void *out, struct codec_block *ret_block);
void __wrap_codec_compress(struct codec *codec, unsigned worker, bool first, const void *in,
                           size_t size, void *out, struct codec_block *ret_block);

/* Of one block; written before any thread starts. */
static struct {
    double codec_s;
    double hash_s; /* SHA-256 of the input */
    double both_hashes_s;
    size_t in_size;
    size_t out_size;
} measured;

static void sleep_for(double seconds)
{
    static __thread bool exact;
    if (!exact) {
        exact = prctl(PR_SET_TIMERSLACK, 1000ul, 0, 0, 0) == 0;
    }
    double end = clock_of(CLOCK_MONOTONIC) + seconds;
    struct timespec until = { (time_t)end, (long)((end - (double)(time_t)end) * 1e9) };
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {
    }
}

void __wrap_codec_compress(struct codec *codec, unsigned worker, bool first, const void *in,
                           size_t size, void *out, struct codec_block *ret_block)
{
    (void)codec;
    (void)worker;
    (void)first;
    (void)in;
    (void)out;
    sleep_for(measured.codec_s);
    *ret_block = (struct codec_block){ .in_size = size, .out_size = measured.out_size };
}

/* Mean processor time and output of the codec for a block of the file. */
static void measure_codec(const struct codec_spec *spec, const char *path)
{
    struct codec_plan plan;
    struct codec *codec = NULL;
    size_t out_total = 0;
    size_t blocks = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    codec_plan(spec, 1, &plan);
    unsigned char *in = mem_new_blocks(1, plan.block_bytes);
    unsigned char *out = mem_new_blocks(1, plan.output_bytes);
    if (fd < 0 || in == NULL || out == NULL || plan.shape != CODEC_SHAPE_BLOCKS ||
        codec_new(spec, 1, &codec, NULL) != 0) {
        bench_die("cannot begin");
    }
    while (read(fd, in, plan.block_bytes) == (ssize_t)plan.block_bytes) {
        struct codec_block block;
        double start = clock_of(CLOCK_THREAD_CPUTIME_ID);
        __real_codec_compress(codec, 0, blocks == 0, in, plan.block_bytes, out, &block);
        measured.codec_s += clock_of(CLOCK_THREAD_CPUTIME_ID) - start;
        out_total += block.out_size;
        blocks++;
    }
    if (blocks == 0) {
        bench_die("the file is too small");
    }
    measured.codec_s /= (double)blocks;
    measured.in_size = plan.block_bytes;
    measured.out_size = out_total / blocks;
    codec_free(codec);
    close(fd);
    free(in);
    free(out);
}

static void measure_hashes(void)
{
    struct digest *input = NULL;
    struct digest *output = NULL;
    unsigned char *bytes = mem_new(measured.in_size);
    if (bytes == NULL || digest_new(DIGEST_SHA256, &input, NULL) != 0 ||
        digest_new(DIGEST_SHA256, &output, NULL) != 0) {
        bench_die("cannot begin");
    }
    double start = clock_of(CLOCK_THREAD_CPUTIME_ID);
    for (int i = 0; i < MODEL_BLOCKS; i++) {
        digest_update(input, bytes, measured.in_size);
    }
    double middle = clock_of(CLOCK_THREAD_CPUTIME_ID);
    for (int i = 0; i < MODEL_BLOCKS; i++) {
        digest_update_pair(input, bytes, measured.in_size, output, bytes, measured.out_size);
    }
    measured.hash_s = (middle - start) / MODEL_BLOCKS;
    measured.both_hashes_s = (clock_of(CLOCK_THREAD_CPUTIME_ID) - middle) / MODEL_BLOCKS;
    digest_free(input);
    digest_free(output);
    free(bytes);
}

/* Wall seconds of a pipeline for MODEL_BLOCKS blocks. The input costs nothing. */
static double run(const struct codec_spec *spec, unsigned workers)
{
    struct flow_setup setup = { .codec = *spec, .workers = workers, .raw = true };
    struct flow *flow = NULL;
    enum flow_event event = FLOW_NEEDS_INPUT;
    struct flow_output output;
    double start = clock_of(CLOCK_MONOTONIC);
    if (flow_new(&setup, &flow, NULL) != 0) {
        bench_die("cannot begin");
    }
    for (int blocks = 0; event != FLOW_END;) {
        if (flow_next(flow, &event, &output, NULL) != 0) {
            bench_die("the pipeline failed");
        }
        if (event == FLOW_OUTPUT) {
            flow_release_output(flow);
        } else if (event == FLOW_NEEDS_INPUT) {
            unsigned char *space = NULL;
            flow_advance(flow, flow_free_space(flow, &space));
            flow_submit(flow, ++blocks == MODEL_BLOCKS);
        }
    }
    flow_free(flow);
    return clock_of(CLOCK_MONOTONIC) - start;
}

static void report(const struct codec_spec *spec, const char *name, unsigned workers, int rounds)
{
    double walls[ROUNDS_MAX];
    for (int i = 0; i < rounds; i++) {
        walls[i] = run(spec, workers);
    }
    double wall = median(walls, rounds);
    double shared = (measured.codec_s + measured.both_hashes_s) / workers;
    double limit = MODEL_BLOCKS * (shared > measured.hash_s ? shared : measured.hash_s);
    double bytes = (double)MODEL_BLOCKS * (double)measured.in_size;
    printf("compress=%s workers=%u speed=%.0f limit=%.0f sha256=%.0f\n", name, workers,
           bytes / wall / 1e6, bytes / limit / 1e6,
           (double)measured.in_size / measured.hash_s / 1e6);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct codec_spec spec;
    int rounds = argc == 4 ? atoi(argv[2]) : 0;
    if (rounds < 1 || rounds > ROUNDS_MAX || codec_parse(argv[1], &spec, NULL) != 0) {
        bench_die("usage: engine_model COMPRESS ROUNDS FILE");
    }
    measure_codec(&spec, argv[3]);
    for (unsigned workers = 2; workers <= 64; workers *= 2) {
        measure_hashes();
        report(&spec, argv[1], workers, rounds);
    }
    return 0;
}
