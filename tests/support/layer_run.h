/* SPDX-License-Identifier: Apache-2.0 */
/* A source in memory that can fail like a real one, and functions that read a layer to its end. */
#ifndef SUPPORT_LAYER_RUN_H
#define SUPPORT_LAYER_RUN_H

#include <errno.h>
#include <pthread.h>

#include "support/tar_make.h"

#include "codec/digest.h"
#include "layerpipe/layer.h"

struct memory_source {
    const unsigned char *data;
    size_t size;
    size_t position;
    size_t piece;        /* maximum of one read; 0 = as much as fits */
    size_t fail_at;      /* position at which reads fail */
    ptrdiff_t fail_code; /* negative value that they return; 0 = reads do not fail */
    int interrupts;      /* every n-th read is interrupted; 0 = none */
    int reads;
    int closes;
    int close_code;
    int cancels;
};

static inline ptrdiff_t memory_read(void *ctx, void *buf, size_t size)
{
    struct memory_source *source = ctx;
    assert_int_equal(source->closes, 0);
    assert_true(size > 0);
    source->reads++;
    if (source->interrupts > 0 && source->reads % source->interrupts == 0) {
        return -EINTR;
    }
    size_t end = source->fail_code != 0 ? source->fail_at : source->size;
    size_t part = end - source->position;
    if (part == 0 && source->fail_code != 0) {
        return source->fail_code;
    }
    part = part < size ? part : size;
    if (source->piece != 0 && part > source->piece) {
        part = source->piece;
    }
    if (part > 0) {
        memcpy(buf, source->data + source->position, part);
    }
    source->position += part;
    return (ptrdiff_t)part;
}

static inline int memory_close(void *ctx)
{
    struct memory_source *source = ctx;
    source->closes++;
    return source->close_code;
}

static inline void memory_cancel(void *ctx)
{
    struct memory_source *source = ctx;
    assert_int_equal(source->closes, 0);
    source->cancels++;
}

static inline struct lpipe_source source_of(struct memory_source *source)
{
    return (struct lpipe_source){ memory_read, memory_close, memory_cancel, source };
}

static inline struct memory_source memory_of(const struct bytes *bytes)
{
    return (struct memory_source){ .data = bytes->data, .size = bytes->size };
}

/* Makes a layer from a source; fails the test when the source is refused. */
static inline lpipe_layer *layer_of(struct memory_source *memory,
                                    const struct lpipe_layer_options *options)
{
    struct lpipe_source source = source_of(memory);
    struct lpipe_error err = { 0 };
    lpipe_layer *layer = NULL;
    int status = lpipe_layer_new(&source, options, &layer, &err);
    if (status != 0) {
        fail_msg("layer refused: %s", err.message);
    }
    return layer;
}

/* Reads until the end or a failure; returns the status. out may be NULL. */
static inline int layer_drain(lpipe_layer *layer, size_t piece, struct bytes *out,
                              struct lpipe_error *err)
{
    lpipe_reader *reader = NULL;
    int status = lpipe_layer_open(layer, &reader, err);
    unsigned char *buf = malloc(piece);
    size_t got = 1;
    assert_non_null(buf);
    while (status == 0 && got > 0) {
        status = lpipe_reader_read(reader, buf, piece, &got, err);
        if (status == 0 && out != NULL) {
            bytes_put(out, buf, got);
        }
    }
    free(buf);
    return status;
}

static inline void layer_values(const lpipe_layer *layer, struct lpipe_layer_result *ret_result)
{
    struct lpipe_error err = { 0 };
    *ret_result = (struct lpipe_layer_result)LPIPE_LAYER_RESULT_INIT;
    if (lpipe_layer_result(layer, ret_result, &err) != 0) {
        fail_msg("no result: %s", err.message);
    }
}

/* Every getter returns this status and leaves its output unchanged. */
static inline void expect_no_values(const lpipe_layer *layer, int status)
{
    struct lpipe_layer_result result = LPIPE_LAYER_RESULT_INIT;
    struct lpipe_error err = { 0 };
    const char *text = "untouched";
    uint64_t size = 77;
    assert_int_equal(lpipe_layer_result(layer, &result, &err), status);
    assert_int_equal(err.status, status);
    assert_string_equal(result.digest, "");
    assert_int_equal(lpipe_layer_digest(layer, &text, &err), status);
    assert_int_equal(lpipe_layer_diff_id(layer, &text, &err), status);
    assert_int_equal(lpipe_layer_size(layer, &size, NULL), status);
    assert_string_equal(text, "untouched");
    assert_int_equal(size, 77);
    assert_true(strlen(lpipe_layer_media_type(layer)) > 0);
}

/* Every getter returns the values of the bytes in `out`. */
static inline void expect_values(const lpipe_layer *layer, const struct bytes *out,
                                 const char *diff_id)
{
    struct lpipe_layer_result result;
    char digest[DIGEST_TEXT_SIZE];
    const char *text = NULL;
    uint64_t size = 0;
    layer_values(layer, &result);
    assert_int_equal(digest_of(DIGEST_SHA256, out->data, out->size, digest, NULL), 0);
    assert_string_equal(result.digest, digest);
    assert_string_equal(result.diff_id, diff_id);
    assert_int_equal(result.size, out->size);
    assert_int_equal(lpipe_layer_digest(layer, &text, NULL), 0);
    assert_string_equal(text, digest);
    assert_int_equal(lpipe_layer_diff_id(layer, &text, NULL), 0);
    assert_string_equal(text, diff_id);
    assert_int_equal(lpipe_layer_size(layer, &size, NULL), 0);
    assert_int_equal(size, out->size);
    assert_string_equal(lpipe_layer_media_type(layer), result.media_type);
}

#endif
