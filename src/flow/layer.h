/* SPDX-License-Identifier: Apache-2.0 */
/* The layer object as the other rooms see it: where its bytes go, and where they come from when
 * the caller produces them. The public face is layerpipe/layer.h. */
#ifndef FLOW_LAYER_H
#define FLOW_LAYER_H

#include "base/source.h"
#include "layerpipe/layer.h"

/* Takes the compressed bytes in order, called by the thread that drives the layer. */
struct layer_sink {
    int (*write)(void *ctx, const void *data, size_t size, struct lpipe_error *err);
    /* Counters, after each block; may be NULL. */
    void (*progress)(void *ctx, uint64_t bytes_in, uint64_t bytes_out);
    void *ctx;
};

/* Reads the source to its end into the sink, without copying. The layer's result is available
 * afterwards. A failure of the sink makes the layer fail with the same error. */
int layer_pump(lpipe_layer *layer, const struct layer_sink *sink, struct lpipe_error *err);

/* 1 when the source can be read again from its start (a regular file, a directory), else 0. */
int layer_can_rewind(const lpipe_layer *layer);
/* Whether its maker wants it read once in advance, to see whether it has to be sent at all; false for
 * what cannot be read again. */
bool layer_wants_hash_first(const lpipe_layer *layer);
/* Puts a failed or aborted layer of such a source back to its first state. The same bytes come out
 * again, by construction; a source that has changed since is detected at the end as INTEGRITY. */
int layer_rewind(lpipe_layer *layer, struct lpipe_error *err);

/* A layer without a source: its bytes are given with layer_feed(). */
int layer_new_fed(const struct lpipe_layer_options *options, lpipe_layer **ret_layer,
                  struct lpipe_error *err);
int layer_feed(lpipe_layer *layer, const void *data, size_t size, const struct layer_sink *sink,
               struct lpipe_error *err);
int layer_feed_end(lpipe_layer *layer, const struct layer_sink *sink, struct lpipe_error *err);

/* Docker (true) or OCI media types, for a layer not yet read. INVALID_ARGUMENT for a combination that
 * does not exist (zstd in the Docker family), and for a media type of its own of the other family. */
int layer_set_docker(lpipe_layer *layer, bool docker, struct lpipe_error *err);

/* INVALID_ARGUMENT where there is a place for a result that was not initialised; NULL is none. */
int layer_check_result(const struct lpipe_layer_result *result, struct lpipe_error *err);

/* Makes a drive in another thread end soon with ABORTED, and later ones at once. Any thread, as often
 * as needed; the layer stays what it is. */
void layer_stop(lpipe_layer *layer);
/* A token for a layer not yet read that has none of its own. */
void layer_use_cancel(lpipe_layer *layer, lpipe_cancel *cancel);

/* For a person, before any byte is read: the recipe, the threads, and the bytes of the buffers. */
#define LAYER_PLAN_BYTES 160
void layer_describe(const lpipe_layer *layer, char ret_text[LAYER_PLAN_BYTES]);

/* A layer of a source, which belongs to the layer from this call on, also when it fails. */
MUST_CHECK int layer_new_source(struct source *source, const struct lpipe_layer_options *options,
                                lpipe_layer **ret_layer, struct lpipe_error *err);
/* The source's notice after the end, or NULL. For the thread that drives the layer. */
const char *layer_notice(const lpipe_layer *layer);

#endif
