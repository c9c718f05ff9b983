/* SPDX-License-Identifier: Apache-2.0 */
/* Compares the wall time of the pipeline with the sum of its parts. The sum is the CPU time of
 * the parts, each run alone in one thread, divided by the number of threads:
 *
 *   (reading + codec + SHA-256 of the input + SHA-256 of the output) / threads
 *
 * The parts' SHA-256 is OpenSSL's. The pipeline can be faster than this sum, because it computes
 * two digests at once where the processor can do that.
 *
 * Parts and pipeline run in turn, so that other load on the machine affects both. Prints
 * medians.
 *   engine_limit COMPRESS THREADS ROUNDS FILE */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "codec/codec.h"
#include "codec/digest.h"
#include "flow/layer.h"

#include "bench_numbers.h"

#define ROUNDS_MAX 99

enum part { PART_READ = 0, PART_HASH_IN, PART_HASH_OUT, PART_CODEC, PART_COUNT };

struct bench {
    const char *path;
    const char *compress;
    struct codec_spec spec;
    int threads;
    uint64_t size_in;
    uint64_t size_out;
    unsigned char *in;
    unsigned char *out;
};

static void feed_stream(struct bench *bench, struct codec *codec, size_t size, bool end)
{
    struct codec_span in = { bench->in, size, 0 };
    bool done = false;
    do {
        struct codec_span out = { bench->out, ZSTD_BLOCK_BYTES, 0 };
        if (codec_stream(codec, &in, &out, end, &done, NULL) != 0) {
            bench_die("the codec failed");
        }
    } while (end ? !done : in.position < in.size);
}

static void feed_block(struct bench *bench, struct codec *codec, bool first, size_t size)
{
    struct codec_block block;
    codec_compress(codec, 0, first, bench->in, size, bench->out, &block);
    codec_add_block(codec, &block);
}

/* CPU seconds of reading the file and running one part on it. */
static double run_part(struct bench *bench, enum part part)
{
    double start = clock_of(CLOCK_PROCESS_CPUTIME_ID);
    int fd = open(bench->path, O_RDONLY | O_CLOEXEC);
    struct codec_plan plan;
    struct codec *codec = NULL;
    struct digest *digest = NULL;
    bool first = true;
    uint64_t hash_left = part == PART_HASH_OUT ? bench->size_out : UINT64_MAX;
    codec_plan(&bench->spec, 1, &plan);
    bool compresses = part == PART_CODEC && plan.shape != CODEC_SHAPE_COPY;
    if (fd < 0 || digest_new_openssl(DIGEST_SHA256, &digest, NULL) != 0 ||
        (compresses && codec_new(&bench->spec, 1, &codec, NULL) != 0)) {
        bench_die("cannot begin");
    }
    for (;;) {
        ssize_t got = read(fd, bench->in, plan.block_bytes);
        if (got <= 0) {
            break;
        }
        size_t size = (size_t)got;
        if (part == PART_HASH_IN || part == PART_HASH_OUT) {
            digest_update(digest, bench->in, (size_t)MIN_OF((uint64_t)size, hash_left));
            hash_left -= MIN_OF((uint64_t)size, hash_left);
        } else if (compresses && plan.shape == CODEC_SHAPE_STREAM) {
            feed_stream(bench, codec, size, false);
        } else if (compresses) {
            feed_block(bench, codec, first, size);
        }
        first = false;
    }
    if (compresses && plan.shape == CODEC_SHAPE_STREAM) {
        feed_stream(bench, codec, 0, true);
    }
    codec_free(codec);
    digest_free(digest);
    close(fd);
    return clock_of(CLOCK_PROCESS_CPUTIME_ID) - start;
}

static int discard_output(void *ctx, const void *data, size_t size, struct lpipe_error *err)
{
    (void)ctx;
    (void)data;
    (void)size;
    (void)err;
    return 0;
}

static double run_pipeline(struct bench *bench, double *ret_cpu)
{
    struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
    struct lpipe_layer_result result = LPIPE_LAYER_RESULT_INIT;
    struct layer_sink sink = { .write = discard_output };
    struct lpipe_error err = { 0 };
    lpipe_layer *layer = NULL;
    options.compress = bench->compress;
    options.threads = bench->threads;
    options.flags = LPIPE_LAYER_RAW;
    double cpu = clock_of(CLOCK_PROCESS_CPUTIME_ID);
    double start = clock_of(CLOCK_MONOTONIC);
    if (lpipe_layer_new_fd(open(bench->path, O_RDONLY | O_CLOEXEC), &options, &layer, &err) != 0 ||
        layer_pump(layer, &sink, &err) != 0 || lpipe_layer_result(layer, &result, &err) != 0) {
        bench_die(err.message);
    }
    lpipe_layer_free(layer);
    *ret_cpu = clock_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    bench->size_in = result.uncompressed_size;
    bench->size_out = result.size;
    return clock_of(CLOCK_MONOTONIC) - start;
}

int main(int argc, char **argv)
{
    static double parts[PART_COUNT][ROUNDS_MAX];
    static double walls[ROUNDS_MAX];
    static double cpus[ROUNDS_MAX];
    struct bench bench = { 0 };
    int rounds = argc == 5 ? atoi(argv[3]) : 0;
    if (rounds < 1 || rounds > ROUNDS_MAX || codec_parse(argv[1], &bench.spec, NULL) != 0) {
        bench_die("usage: engine_limit COMPRESS THREADS ROUNDS FILE");
    }
    struct codec_plan plan;
    codec_plan(&bench.spec, 1, &plan);
    bench.compress = argv[1];
    bench.threads = atoi(argv[2]);
    bench.path = argv[4];
    bench.in = mem_new_blocks(1, plan.block_bytes);
    bench.out = mem_new_blocks(1, plan.output_bytes + ZSTD_BLOCK_BYTES);
    if (bench.in == NULL || bench.out == NULL) {
        bench_die("out of memory");
    }
    (void)run_pipeline(&bench, &cpus[0]); /* fills the caches, and finds the output's size */
    for (int i = 0; i < rounds; i++) {
        for (int part = 0; part < PART_COUNT; part++) {
            parts[part][i] = run_part(&bench, (enum part)part);
        }
        walls[i] = run_pipeline(&bench, &cpus[i]);
    }
    double read_s = median(parts[PART_READ], rounds);
    double hash_s =
        median(parts[PART_HASH_IN], rounds) + median(parts[PART_HASH_OUT], rounds) - 2 * read_s;
    double codec_s = median(parts[PART_CODEC], rounds) - read_s;
    double limit = (read_s + hash_s + codec_s) / bench.threads;
    double wall = median(walls, rounds);
    printf("compress=%s threads=%d read=%.3f hashes=%.3f codec=%.3f limit=%.3f wall=%.3f "
           "wall_min=%.3f ratio=%.2f cpu=%.3f in=%" PRIu64 " out=%" PRIu64 "\n",
           bench.compress, bench.threads, read_s, hash_s, codec_s, limit, wall, walls[0],
           wall / limit, median(cpus, rounds), bench.size_in, bench.size_out);
    free(bench.in);
    free(bench.out);
    return 0;
}
