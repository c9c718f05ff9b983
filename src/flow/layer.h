/* SPDX-License-Identifier: Apache-2.0 */
/* The layer for the other folders: reads a source, or takes the bytes that the caller writes,
 * and gives the compressed bytes to a sink. The public functions are in layerpipe/layer.h. */
#ifndef FLOW_LAYER_H
#define FLOW_LAYER_H

#include "base/source.h"
#include "layerpipe/layer.h"
#include "tar/tar_odd.h"
#include "tar/tar_tops.h"

/* One output of a layer: takes the compressed bytes in order. Called by the thread that drives
 * the layer. */
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
/* Whether the layer should be read and hashed first, to find out whether it must be sent at all.
 * False for a source that cannot be read again. */
bool layer_wants_hash_first(const lpipe_layer *layer);
/* Puts a layer of such a source back to its first state. The same input gives the same bytes
 * again; a source that has changed since is INTEGRITY at the end. */
int layer_rewind(lpipe_layer *layer, struct lpipe_error *err);

/* A layer without a source: the caller writes its bytes with layer_feed(). */
int layer_new_fed(const struct lpipe_layer_options *options, lpipe_layer **ret_layer,
                  struct lpipe_error *err);
int layer_feed(lpipe_layer *layer, const void *data, size_t size, const struct layer_sink *sink,
               struct lpipe_error *err);
int layer_feed_end(lpipe_layer *layer, const struct layer_sink *sink, struct lpipe_error *err);

/* Chooses Docker (true) or OCI media types, before the layer is read. INVALID_ARGUMENT for zstd
 * or a table of contents with Docker's types, and when the caller named a media type of the other
 * family. */
int layer_set_docker(lpipe_layer *layer, bool docker, struct lpipe_error *err);

/* INVALID_ARGUMENT for a result struct that was not initialised; NULL is allowed. */
int layer_check_result(const struct lpipe_layer_result *result, struct lpipe_error *err);

/* The values of a layer that was read to its end, as far as struct_size of *ret_result reaches. */
MUST_CHECK int layer_result(const lpipe_layer *layer, struct lpipe_layer_result *ret_result,
                            struct lpipe_error *err);

/* Makes a running layer_pump() or layer_feed() in another thread end soon with ABORTED, and
 * later ones at once. Any thread, any number of times. */
void layer_stop(lpipe_layer *layer);
/* Sets the cancel token of a layer that has none and was not read yet. */
void layer_use_cancel(lpipe_layer *layer, lpipe_cancel *cancel);

/* One line about the recipe, the threads and the size of the buffers, before any byte is read. */
#define LAYER_PLAN_BYTES 160
void layer_describe(const lpipe_layer *layer, char ret_text[LAYER_PLAN_BYTES]);

/* A layer of a source, which belongs to the layer from this call on, also when it fails. */
MUST_CHECK int layer_new_source(struct source *source, const struct lpipe_layer_options *options,
                                lpipe_layer **ret_layer, struct lpipe_error *err);
/* The entries that container runtimes cannot unpack, of a layer that was read to its end.
 * Borrowed; for the thread that drives the layer. */
const struct tar_odd *layer_odd(const lpipe_layer *layer);
/* Its paths near the top, as above. */
const struct tar_tops *layer_tops(const lpipe_layer *layer);
/* Whether its bytes are an image archive (docker save) instead of a file system. */
bool layer_is_image_archive(const lpipe_layer *layer);
/* Whether it is a tar without entries, and the caller did not say that it may be empty. */
bool layer_is_empty_tar(const lpipe_layer *layer);
/* Whether the caller accepts odd entries and image archives in an image. */
bool layer_allows_odd(const lpipe_layer *layer);

/* What is known before the end: the name that the caller gave (NULL = none), and how many bytes
 * there will be; 0 = not known. For the thread that drives the layer. */
struct layer_expected {
    const char *name;
    uint64_t bytes_in, bytes_out;
};
struct layer_expected layer_expected(const lpipe_layer *layer);

/* Makes the layer record a zTOC while it is read, if it is one of gzip that is not compressed yet.
 * Before it is read. */
void layer_record_ztoc(lpipe_layer *layer);
/* The zTOC of a layer that was read to its end; NULL = none was recorded. Borrowed until the layer
 * is read again or freed; for the thread that drives the layer. */
struct ztoc;
const struct ztoc *layer_ztoc(const lpipe_layer *layer);

/* The digest of the uncompressed input of a layer that was read to its end. It is the diff ID,
 * except for an eStargz, whose table of contents counts for the diff ID. Borrowed; for the thread
 * that drives the layer. */
const char *layer_tar_digest(const lpipe_layer *layer);

/* The notice of the source or about the input's format, after the end, or NULL. For the thread
 * that drives the layer. */
const char *layer_notice(const lpipe_layer *layer);

#endif
