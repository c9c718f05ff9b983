/* SPDX-License-Identifier: Apache-2.0 */
/* The pipeline of one layer: input blocks are checked (diff ID, tar framing) and compressed by
 * workers, output blocks are hashed in order and handed out.
 *
 *   driver --fills--> input blocks --check (in order)-----> diff ID, verdict
 *                          \--------pack (any order)-----> output blocks --hash (in order)--> driver
 *
 * The driver is the caller's thread: it fills input blocks and takes output blocks; there is no
 * reader thread. Workers take whatever task is ready, the oldest kind of work first: hash, check,
 * pack. Without workers the driver runs the same tasks, so the bytes are the same. Workers are
 * started when a second block of input is certain: a small layer costs no thread.
 *
 * All buffers and codec states exist before the first worker does. One driver at a time; only
 * flow_stop() may be called by other threads. */
#ifndef FLOW_LAYER_FLOW_H
#define FLOW_LAYER_FLOW_H

#include "codec/digest.h"
#include "flow/flow_plan.h"

struct flow_setup {
    struct codec_spec codec;
    unsigned workers; /* 0 = inline */
    uint64_t memory_bytes_max;
    bool raw;            /* input is no tar */
    unsigned scan_flags; /* enum tar_scan_flag */
};

struct flow;

MUST_CHECK int flow_new(const struct flow_setup *setup, struct flow **ret_flow,
                        struct lpipe_error *err);
/* Stops and joins the workers wherever they are. */
struct flow *flow_free(struct flow *flow);
/* Makes a driver waiting in flow_next() return ABORTED. Any thread. */
void flow_stop(struct flow *flow);

/* The input is compressed already and becomes the output as it is. Before the first submit. */
MUST_CHECK int flow_pass(struct flow *flow, enum codec_kind packed, struct lpipe_error *err);

/* Room in the block being filled; 0 when the driver holds none and has to ask flow_next(). Takes no
 * lock: small writes are cheap. */
size_t flow_room(struct flow *flow, unsigned char **ret_data);
void flow_advance(struct flow *flow, size_t size);
/* Bytes in the block being filled. */
size_t flow_filled(const struct flow *flow, const unsigned char **ret_data);
/* True until the first block has been submitted. */
bool flow_at_start(const struct flow *flow);
/* Hands the block over. last: no more input follows (the block may be empty or absent then). */
void flow_submit(struct flow *flow, bool last);

enum flow_event {
    FLOW_OUTPUT = 0, /* ret_output holds bytes, until flow_taken() */
    FLOW_ROOM,       /* flow_room() is not 0 */
    FLOW_END         /* everything is done; flow_summary() is available */
};
struct flow_output {
    const unsigned char *data;
    size_t size;
};
/* What the driver has to do next; works or waits until there is something. 0 or the failure of any
 * stage; after a failure every call returns it. */
MUST_CHECK int flow_next(struct flow *flow, enum flow_event *ret_event,
                         struct flow_output *ret_output, struct lpipe_error *err);
void flow_taken(struct flow *flow);

struct flow_summary {
    char digest[DIGEST_TEXT_SIZE];
    char diff_id[DIGEST_TEXT_SIZE];
    uint64_t size;
    uint64_t uncompressed_size;
};
void flow_summary(const struct flow *flow, struct flow_summary *ret_summary);

/* Bytes that the pipeline holds, and that have gone in and out so far. Driver only; the first only
 * while no worker runs a task: before the first block or after the end. */
uint64_t flow_memory_bytes(const struct flow *flow);
uint64_t flow_bytes_in(const struct flow *flow);
uint64_t flow_bytes_out(const struct flow *flow);

#endif
