/* SPDX-License-Identifier: Apache-2.0 */
/* Measures the pipeline without an upload: reads standard input as a layer and discards the
 * blob; with
 * -o writes it to standard output.
 *   engine_probe [-o] [-r READ_BYTES] [-m MEMORY] COMPRESS THREADS [raw] < input */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "flow/layer.h"

static double seconds(const struct timeval *time)
{
    return (double)time->tv_sec + (double)time->tv_usec * 1e-6;
}

static double wall(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int write_all(void *ctx, const void *data, size_t size, struct lpipe_error *err)
{
    (void)err;
    return *(int *)ctx == 0 || write(1, data, size) == (ssize_t)size ? 0 : LPIPE_OUTPUT_IO;
}

static int read_through(lpipe_layer *layer, size_t size, int output, struct lpipe_error *err)
{
    lpipe_reader *reader = NULL;
    char *buf = malloc(size);
    int status = lpipe_layer_open(layer, &reader, err);
    size_t got = 1;
    while (status == 0 && got > 0) {
        status = lpipe_reader_read(reader, buf, size, &got, err);
        status = status == 0 ? write_all(&output, buf, got, err) : status;
    }
    free(buf);
    return status;
}

static void report(const struct lpipe_layer_result *result, double time)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    fprintf(stderr,
            "wall %.3f cpu %.3f (%.3f + %.3f) out %" PRIu64 " in %" PRIu64 " mem %" PRIu64
            "K rss %ldK %.23s\n",
            time, seconds(&usage.ru_utime) + seconds(&usage.ru_stime), seconds(&usage.ru_utime),
            seconds(&usage.ru_stime), result->size, result->uncompressed_size,
            result->memory_bytes >> 10, usage.ru_maxrss, result->digest);
}

int main(int argc, char **argv)
{
    struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
    struct lpipe_layer_result result = LPIPE_LAYER_RESULT_INIT;
    struct lpipe_error err = { 0 };
    lpipe_layer *layer = NULL;
    int output = 0;
    size_t read_bytes = 0;
    for (int option = getopt(argc, argv, "or:m:"); option != -1;
         option = getopt(argc, argv, "or:m:")) {
        output = option == 'o' ? 1 : output;
        read_bytes = option == 'r' ? strtoul(optarg, NULL, 10) : read_bytes;
        options.memory_bytes_max =
            option == 'm' ? strtoul(optarg, NULL, 10) : options.memory_bytes_max;
    }
    if (optind + 2 > argc) {
        return 2;
    }
    options.compress = strcmp(argv[optind], "-") == 0 ? NULL : argv[optind];
    options.threads = atoi(argv[optind + 1]) == 0 ? LPIPE_THREADS_INLINE : atoi(argv[optind + 1]);
    options.flags = argc > optind + 2 ? LPIPE_LAYER_RAW : 0;
    struct layer_sink sink = { .write = write_all, .ctx = &output };
    double start = wall();
    int status = lpipe_layer_new_fd(0, &options, &layer, &err);
    if (status == 0) {
        status = read_bytes > 0 ? read_through(layer, read_bytes, output, &err)
                                : layer_pump(layer, &sink, &err);
    }
    if (status == 0) {
        status = lpipe_layer_result(layer, &result, &err);
    }
    if (status != 0) {
        fprintf(stderr, "%s: %s\n", lpipe_status_name(status), err.message);
    } else {
        report(&result, wall() - start);
    }
    lpipe_layer_free(layer);
    return status != 0;
}
