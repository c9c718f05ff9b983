/* SPDX-License-Identifier: Apache-2.0 */
/* The pipeline of one layer: input blocks are checked (diff ID, tar framing) and compressed by
 * workers, output blocks are hashed in order and handed out.
 *
 *   driver --fills--> input blocks --check (in order)-----> diff ID, is it a complete tar?
 *                          \----compress (any order)---> output blocks --hash (in order)--> driver
 *
 * The driver is the caller's thread: it fills input blocks and takes output blocks; there is no
 * reader thread. Workers run any task that is ready, in this order: check and hash, compress.
 * Where two digests at once cost less (digest_pair_is_faster()), a block of input is checked in the
 * same task in which a block of output is hashed. Without workers the driver runs the same tasks,
 * so the bytes are the same. Workers start when the second input block is filled, so a small layer
 * needs no thread.
 *
 * All buffers and codec states are allocated before the first worker starts. One driver at a
 * time; other threads may call only flow_stop(). */
#ifndef FLOW_LAYER_FLOW_H
#define FLOW_LAYER_FLOW_H

#include "codec/digest.h"
#include "flow/flow_plan.h"
#include "tar/tar_odd.h"
#include "tar/tar_tops.h"
#include "toc/toc_document.h"

struct flow_setup {
    struct codec_spec codec;
    unsigned workers; /* 0 = inline */
    uint64_t memory_bytes_max;
    bool raw;              /* the input is not a tar */
    unsigned scan_flags;   /* enum tar_scan_flag */
    bool hash_separately;  /* never both digests at once: for tests */
    enum toc_format toc;   /* 0 = no table of contents */
    bool ztoc;             /* make a zTOC; only for gzip without a table of contents */
    const char *spool_dir; /* for a table that is too long for memory */
};

struct flow;

MUST_CHECK int flow_new(const struct flow_setup *setup, struct flow **ret_flow,
                        struct lpipe_error *err);
/* Stops and joins the workers; they may be in the middle of a task. */
struct flow *flow_free(struct flow *flow);
/* Makes a driver waiting in flow_next() return ABORTED. Any thread. */
void flow_stop(struct flow *flow);

/* The input is compressed and becomes the output unchanged. To be called before the first
 * submit. */
MUST_CHECK int flow_use_compressed_input(struct flow *flow, enum codec_kind kind,
                                         struct lpipe_error *err);

/* Free space in the current input block; 0 when there is no block: then call flow_next(). Takes
 * no lock, so small writes are cheap. */
size_t flow_free_space(struct flow *flow, unsigned char **ret_data);
void flow_advance(struct flow *flow, size_t size);
/* The bytes in the current input block. */
size_t flow_filled(const struct flow *flow, const unsigned char **ret_data);
/* True until the first block has been submitted. */
bool flow_at_start(const struct flow *flow);
/* Gives the current block to the pipeline. last: no more input follows (the block may be empty,
 * or there may be none). */
void flow_submit(struct flow *flow, bool last);

enum flow_event {
    FLOW_OUTPUT = 0,  /* ret_output has bytes, until flow_release_output() */
    FLOW_NEEDS_INPUT, /* flow_free_space() is not 0 */
    FLOW_END          /* all tasks are done; flow_summary() is available */
};
struct flow_output {
    const unsigned char *data;
    size_t size;
};
/* The driver's next event; runs tasks or waits until there is one. 0, or the failure of any
 * task; after a failure every call returns it. */
MUST_CHECK int flow_next(struct flow *flow, enum flow_event *ret_event,
                         struct flow_output *ret_output, struct lpipe_error *err);
void flow_release_output(struct flow *flow);

struct flow_summary {
    char digest[DIGEST_TEXT_SIZE];
    char diff_id[DIGEST_TEXT_SIZE];
    char tar_digest[DIGEST_TEXT_SIZE]; /* of the input; the diff ID of an eStargz has more bytes */
    uint64_t size;
    uint64_t uncompressed_size;
    struct tar_odd odd; /* entries that container runtimes cannot unpack */
    struct tar_tops tops;
    bool is_image_archive;
    bool has_no_entries; /* a tar that is only its end mark */
};
void flow_summary(const struct flow *flow, struct flow_summary *ret_summary);

/* The table of contents, after FLOW_END; NULL = none was asked for. Borrowed. */
struct toc;
const struct toc *flow_toc(const struct flow *flow);
/* The zTOC, after FLOW_END; NULL = none was asked for, or the input was compressed. The caller owns
 * it then. */
struct ztoc;
struct ztoc *flow_take_ztoc(struct flow *flow);

/* Bytes of memory, of input and of output so far. For the driver only; the first one only while
 * no worker runs a task: before the first block or after the end. */
uint64_t flow_memory_bytes(const struct flow *flow);
uint64_t flow_bytes_in(const struct flow *flow);
uint64_t flow_bytes_out(const struct flow *flow);

#endif
