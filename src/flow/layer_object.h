/* SPDX-License-Identifier: Apache-2.0 */
/* The layer object behind the public functions: its states and what moves between them. For
 * layer_*.c only.
 *
 *   NEW --open/pump/feed--> OPEN --end--> DONE      values available
 *                             |---failure--> FAILED   every call tells the cause
 *                             `---close--> ABORTED
 *   DONE, FAILED, ABORTED --rewind--> NEW             files, directories
 *
 * The caller's thread drives the layer. lpipe_layer_free() and lpipe_reader_close() may come from
 * another thread while a drive is going on: they make the driver leave first. */
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
    struct flow_output output; /* what the reader has not given out yet */
    bool holding;              /* output came from the flow and has to be given back */
    bool open;
};

struct lpipe_layer {
    struct layer_setup setup;
    struct source *source; /* NULL: the caller writes the bytes */

    /* The driver's. */
    struct flow *flow;
    struct lpipe_reader reader;
    struct layer_watch *watch; /* of the cancel token, or NULL */

    /* Of an earlier pass over what can be read again. */
    bool replay;
    char first_digest[DIGEST_TEXT_SIZE]; /* "" where that pass did not reach the end */

    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t left;  /* the driver has left */
    bool driving;
    bool closing; /* the driver has been made to leave for good: nobody enters any more */
    enum layer_state state;
    bool source_closed;
    int close_errno; /* of the source, to be told once */
    struct lpipe_error cause;
    struct lpipe_layer_result result;

    atomic_bool leave;           /* the driver is asked to leave */
    _Atomic(const char *) media; /* borrowed from setup.label or a literal */
};

/* All for the driving thread. */
MUST_CHECK int drive_enter(struct lpipe_layer *layer, struct lpipe_error *err);
/* Leaves; status and err are what the drive came to, and are returned. */
int drive_leave(struct lpipe_layer *layer, int status, struct lpipe_error *err);
/* Opens a NEW layer: the flow and everything in it. */
MUST_CHECK int layer_begin(struct lpipe_layer *layer, struct lpipe_error *err);
/* The flow has ended: checks, closes the source, publishes. */
MUST_CHECK int layer_finish(struct lpipe_layer *layer, struct lpipe_error *err);
/* Fills the block at hand from the source and submits it. */
MUST_CHECK int layer_fill(struct lpipe_layer *layer, struct lpipe_error *err);
/* Before the first block is submitted: what the input is, and what that makes of the output. */
MUST_CHECK int layer_submit(struct lpipe_layer *layer, bool last, struct lpipe_error *err);
void layer_close_source(struct lpipe_layer *layer);
/* With the lock held: makes a blocked read of the source return, unless it is closed. */
void layer_cancel_source(struct lpipe_layer *layer);
/* A thread that cancels the source when the caller's token is triggered, for sources that do not
 * look at the token themselves. Nothing where there is no token or no way to cancel. */
MUST_CHECK int layer_watch_start(struct lpipe_layer *layer, struct lpipe_error *err);
void layer_watch_stop(struct lpipe_layer *layer);
/* Whether closing the source failed; told once. */
int layer_close_verdict(struct lpipe_layer *layer, struct lpipe_error *err);
int fail_closed(struct lpipe_error *err);
/* With the lock held: what a layer answers whose values are not there. */
int layer_fail_state(const struct lpipe_layer *layer, struct lpipe_error *err);

#endif
