/* SPDX-License-Identifier: Apache-2.0 */
/* How the pipeline makes a blob of its blocks: plain, with a zTOC beside it, or in units with a
 * table of contents at its end. For layer_flow.c and flow_*.c only.
 *
 * The functions run in the tasks of flow_task.c. check, take_input and end_input are called in the
 * order of the input; take_output and trailer in the order of the output, perhaps by another thread
 * at the same time; compress in any order. */
#ifndef FLOW_FLOW_ENCODER_H
#define FLOW_FLOW_ENCODER_H

#include "flow/flow_task.h"

struct flow_encoder {
    /* The check divides each block into units. So a block is compressed after its check, the check
     * ends after the last output, and the trailer is the table, which comes in parts. */
    bool in_units;
    /* The trailer is made when the check has ended. */
    bool trailer_waits;
    /* Checks an input block and computes its digest. */
    int (*check)(struct flow *flow, const struct in_block *in, struct lpipe_error *err);
    /* An input block that was checked in another way; after the last one. NULL: nothing to do. */
    int (*take_input)(struct flow *flow, const struct in_block *in, struct lpipe_error *err);
    int (*end_input)(struct flow *flow, struct lpipe_error *err);
    /* Compresses a block in any thread; worker names the codec state. */
    int (*compress)(struct flow *flow, uint64_t number, const struct in_block *in,
                    struct out_block *out, unsigned worker, struct lpipe_error *err);
    int (*take_output)(struct flow *flow, const struct out_block *out, struct lpipe_error *err);
    /* The next bytes after the last block; at the end the digest of the blob. */
    int (*trailer)(struct flow *flow, struct lpipe_error *err);
};

extern const struct flow_encoder flow_encoder_plain;
extern const struct flow_encoder flow_encoder_ztoc;
extern const struct flow_encoder flow_encoder_units;

/* Calls take_input, if there is one. */
int flow_encoder_input(struct flow *flow, const struct in_block *in, struct lpipe_error *err);

#endif
