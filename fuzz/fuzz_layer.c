/* SPDX-License-Identifier: Apache-2.0 */
/* The whole layer, inline and with a worker: the same bytes and values or the same failure, and
 * what a good layer says of itself is so. The first bytes choose options and pieces. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "codec/digest.h"
#include "layerpipe/layer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *data;
    size_t size;
    size_t piece;
};

struct outcome {
    int status;
    struct lpipe_layer_result result;
    struct lpipe_error err;
    char digest[DIGEST_TEXT_SIZE]; /* of what came out */
    uint64_t size;
};

static ptrdiff_t input_read(void *ctx, void *buf, size_t size)
{
    struct input *input = ctx;
    size_t part = MIN_OF(MIN_OF(size, input->piece), input->size);
    if (part > 0) {
        memcpy(buf, input->data, part);
    }
    input->data += part;
    input->size -= part;
    return (ptrdiff_t)part;
}

static void drain(lpipe_layer *layer, struct outcome *outcome)
{
    uint8_t buf[5000];
    size_t got = 1;
    lpipe_reader *reader = NULL;
    struct digest *digest = NULL;
    outcome->status = lpipe_layer_open(layer, &reader, &outcome->err);
    if (outcome->status != 0 || digest_new(DIGEST_SHA256, &digest, NULL) != 0) {
        abort();
    }
    while (outcome->status == 0 && got > 0) {
        outcome->status = lpipe_reader_read(reader, buf, sizeof buf, &got, &outcome->err);
        if (outcome->status == 0 && got > 0) {
            outcome->size += got;
            digest_update(digest, buf, got);
        }
    }
    if (digest_finish(digest, outcome->digest, NULL) != 0) {
        abort();
    }
    digest_free(digest);
    (void)lpipe_reader_close(reader, NULL);
}

static int run(const uint8_t *data, size_t size, size_t piece, uint8_t choice, int32_t threads,
               struct outcome *outcome)
{
    static const char *const codecs[] = { NULL,   "gzip:1", "gzip:6", "zstd:1",
                                          "none", "gzip:0", NULL,     NULL };
    struct input input = { data, size, piece };
    struct lpipe_source source = { .read = input_read, .ctx = &input };
    struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
    lpipe_layer *layer = NULL;
    *outcome = (struct outcome){ .result = LPIPE_LAYER_RESULT_INIT };
    options.compress = codecs[choice & 7];
    options.flags = (choice >> 3) & (LPIPE_LAYER_RAW | LPIPE_LAYER_ALLOW_TRUNCATED |
                                     LPIPE_LAYER_ALLOW_EMPTY | LPIPE_LAYER_DOCKER);
    options.threads = threads;
    if (lpipe_layer_new(&source, &options, &layer, &outcome->err) != 0) {
        return 0;
    }
    drain(layer, outcome);
    int status = lpipe_layer_result(layer, &outcome->result, NULL);
    if (status != outcome->status ||
        (status == 0 && (strcmp(outcome->result.digest, outcome->digest) != 0 ||
                         outcome->result.size != outcome->size))) {
        abort();
    }
    lpipe_layer_free(layer);
    return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome first;
    struct outcome second;
    if (size < 2) {
        return 0;
    }
    size_t piece = (size_t)data[1] * 16 + 1;
    if (!run(data + 2, size - 2, size, data[0], LPIPE_THREADS_INLINE, &first)) {
        return 0;
    }
    (void)run(data + 2, size - 2, piece, data[0], 1, &second);
    if (first.status != second.status) {
        abort();
    }
    if (first.status == 0 && (strcmp(first.result.digest, second.result.digest) != 0 ||
                              strcmp(first.result.diff_id, second.result.diff_id) != 0 ||
                              strcmp(first.result.media_type, second.result.media_type) != 0 ||
                              first.result.uncompressed_size != second.result.uncompressed_size)) {
        abort();
    }
    return 0;
}
