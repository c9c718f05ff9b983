/* SPDX-License-Identifier: Apache-2.0 */
/* The pipeline's state and its tasks. For layer_flow.c and flow_*.c only. */
#ifndef FLOW_FLOW_TASK_H
#define FLOW_FLOW_TASK_H

#include <pthread.h>

#include "flow/input_check.h"
#include "flow/layer_flow.h"
#include "toc/toc.h"
#include "toc/ztoc.h"

struct in_block {
    unsigned char *data;
    size_t size;
    bool consumed;           /* only the check may still read it */
    struct toc_units *units; /* of a layer with a table of contents; set by the check */
};

struct out_block {
    unsigned char *memory;      /* its own; NULL when the output is the input */
    const unsigned char *bytes; /* memory, or the input block */
    size_t size;
    struct codec_block codec_block;
    uint32_t *unit_sizes; /* of a layer with a table of contents */
    size_t unit_count;
    bool ready; /* may be hashed */
};

struct flow_encoder;

/* Blocks are numbered from the start of the stream; block n is at index n % blocks. */
struct flow {
    struct flow_plan plan;
    const struct flow_encoder *encoder;
    struct codec *codec; /* NULL: the output is the input, or units are compressed */
    struct toc *toc;     /* NULL: the layer gets no table of contents */
    struct ztoc *ztoc;   /* NULL: the layer gets no zTOC */
    struct unit_codec *unit_codec;
    struct toc_units *unit_memory; /* of the input blocks */
    uint32_t *size_memory;         /* of the output blocks */
    struct input_check *check;
    struct digest *digest;
    bool one_digest; /* the output is the uncompressed input: its digest is the diff ID */
    bool pairs;      /* an input and an output block may be hashed at once: see flow_pair.h */
    struct in_block *in;
    struct out_block *out;
    unsigned char *in_memory;
    unsigned char *out_memory;
    uint64_t memory_bytes_max; /* 0 = no limit */

    /* Used by the driver only. */
    bool holding; /* fills block number `filled` */
    size_t fill;
    bool started; /* the first block has been submitted */
    uint64_t bytes_in;
    uint64_t bytes_out;
    pthread_t *threads;
    unsigned thread_count;

    pthread_mutex_t lock;  /* guards everything below */
    pthread_cond_t work;   /* a task may be ready */
    pthread_cond_t driver; /* the driver may have something to do */
    unsigned idle;         /* workers that wait */
    unsigned worker_count; /* workers that have started; each has its number */
    bool driver_waits;
    bool stop;
    struct lpipe_error failure; /* status 0 = none */

    uint64_t filled; /* input blocks handed over */
    bool input_ended;
    uint64_t freed;   /* input blocks that may be filled again */
    uint64_t checked; /* input blocks that passed the check */
    bool checking;
    bool check_ended;
    uint64_t claimed; /* input blocks claimed by workers, or used up by the stream codec */
    bool streaming;
    bool stream_ended;
    size_t stream_position; /* within input block `claimed` */
    size_t stream_size;     /* bytes in output block `made` */
    uint64_t made;          /* output blocks finished by the stream */
    uint64_t hashed;        /* output blocks hashed */
    bool hashing;
    uint64_t out_total; /* number of output blocks; UINT64_MAX = not known yet */
    bool trailer_ready; /* the trailer has bytes for the driver */
    bool trailer_ended; /* no more bytes come into it */
    uint64_t taken;     /* output blocks that the driver has used */

    /* Written by the ordered tasks, read by the driver after them. */
    unsigned char *trailer;
    size_t trailer_size;
    struct flow_summary summary;
};

enum task_kind {
    TASK_NONE = 0,
    TASK_CHECK_AND_HASH,
    TASK_HASH,
    TASK_TRAILER,
    TASK_CHECK,
    TASK_FINISH_CHECK,
    TASK_COMPRESS,
    TASK_STREAM
};

struct task {
    enum task_kind kind;
    uint64_t number; /* of the input block */
    uint64_t output_number;
    bool end;           /* TASK_STREAM: no more input */
    bool is_only_block; /* TASK_STREAM: this block is all the input there is */
};

/* With the lock held: whether a task is ready, and taking it. */
bool task_ready(const struct flow *flow);
bool task_take(struct flow *flow, struct task *ret_task);
/* Without the lock: does the work. worker names the codec state to use. */
int task_run(struct flow *flow, struct task *task, unsigned worker, struct lpipe_error *err);
/* With the lock held: records the outcome and wakes the threads that wait for it. */
void task_done(struct flow *flow, const struct task *task, int status,
               const struct lpipe_error *err);
/* With the lock held: frees the input blocks that nothing reads any more. */
void blocks_free(struct flow *flow);
/* With the lock held: whether the driver has something to do. */
bool flow_output_ready(const struct flow *flow);
bool flow_driver_ready(const struct flow *flow);

#endif
