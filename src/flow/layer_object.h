/* SPDX-License-Identifier: Apache-2.0 */
/* The layer object and its states. For flow/layer_*.c and api/api_layer.c only.
 *
 *   NEW --open/pump/feed--> OPEN --end--> DONE      result available
 *                             |---failure--> FAILED   every call returns the cause
 *                             `---close--> ABORTED
 *   DONE, FAILED, ABORTED --rewind--> NEW             files, directories
 *
 * The caller's thread drives the layer. lpipe_layer_free() and lpipe_reader_close() may be
 * called by another thread during a drive: they end the drive first. */
#ifndef FLOW_LAYER_OBJECT_H
#define FLOW_LAYER_OBJECT_H

#include <pthread.h>
#include <stdatomic.h>

#include "codec/digest.h"
#include "flow/layer.h"
#include "flow/layer_flow.h"
#include "flow/layer_setup.h"

enum layer_state { LAYER_NEW = 0, LAYER_OPEN, LAYER_DONE, LAYER_FAILED, LAYER_ABORTED };

struct lpipe_reader {
    struct lpipe_layer *layer;
    struct flow_output output; /* bytes that were not read yet */
    bool holding;              /* output belongs to the pipeline and must be returned to it */
    bool open;
};

struct lpipe_layer {
    struct layer_setup setup;
    struct source *source; /* NULL: the caller writes the bytes */

    /* Used by the driver only. */
    struct flow *flow;
    struct lpipe_reader reader;
    struct layer_watch *watch; /* of the cancel token, or NULL */

    /* Of an earlier pass over a source that can be read again. */
    bool replay;
    char first_digest[DIGEST_TEXT_SIZE]; /* "" if that pass did not reach the end */

    pthread_mutex_t lock;       /* guards everything below */
    pthread_cond_t drive_ended; /* a drive has ended */
    bool driving;
    bool closing; /* the layer is closed or freed: no further drive may start */
    enum layer_state state;
    bool source_closed;
    int close_errno; /* of the source; reported once */
    struct lpipe_error cause;
    struct lpipe_layer_result result;
    bool is_input_compressed;
    const char *notice;                /* about the format of the input, or NULL */
    char toc_notice[256];              /* why the layer has no table of contents */
    struct ztoc *ztoc;                 /* of the last complete pass, or NULL */
    char tar_digest[DIGEST_TEXT_SIZE]; /* of the input */
    struct tar_odd odd;                /* of the last complete pass, as is the next one */
    struct tar_tops tops;
    bool is_image_archive;
    bool has_no_entries;

    atomic_int process;          /* that made the pipeline; 0 = there is none */
    atomic_bool stop_requested;  /* the current drive must end */
    _Atomic(const char *) media; /* borrowed from setup.label or a literal */
};

/* INVALID_STATE when the pipeline, and so its threads, are another process's: after fork(). */
MUST_CHECK int layer_check_process(const struct lpipe_layer *layer, struct lpipe_error *err);

/* For the driving thread only. */
MUST_CHECK int drive_begin(struct lpipe_layer *layer, struct lpipe_error *err);
/* Ends a drive with this outcome, and returns status. */
int drive_end(struct lpipe_layer *layer, int status, struct lpipe_error *err);
/* Opens a NEW layer: makes its pipeline. */
MUST_CHECK int layer_begin(struct lpipe_layer *layer, struct lpipe_error *err);
/* The pipeline has ended: checks a replay, makes the result available, closes the source. */
MUST_CHECK int layer_finish(struct lpipe_layer *layer, struct lpipe_error *err);
/* Fills the current block from the source and submits it. */
MUST_CHECK int layer_fill(struct lpipe_layer *layer, struct lpipe_error *err);
/* Submits the current block; the first one decides whether the input is compressed. */
MUST_CHECK int layer_submit(struct lpipe_layer *layer, bool last, struct lpipe_error *err);
void layer_close_source(struct lpipe_layer *layer);
/* With the lock held: makes a blocked read of the source return, unless it is closed. */
void layer_cancel_source(struct lpipe_layer *layer);
/* Starts a thread that cancels the source when the caller's token is triggered, for sources that
 * cannot watch the token themselves. Does nothing without a token or without a cancel function. */
MUST_CHECK int layer_watch_start(struct lpipe_layer *layer, struct lpipe_error *err);
void layer_watch_stop(struct lpipe_layer *layer);
/* The failure of closing the source, reported once. */
int layer_close_error(struct lpipe_layer *layer, struct lpipe_error *err);
int layer_fail_aborted(struct lpipe_error *err);
/* With the lock held: the error of a layer that has no result. */
int layer_fail_state(const struct lpipe_layer *layer, struct lpipe_error *err);

#endif
