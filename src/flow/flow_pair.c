/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/flow_pair.h"

/* When so many blocks are compressed and not checked, the check is slower than the codec, and
 * processors are idle. Then two threads hash, one the input and one the output. */
#define BACKLOG_BLOCKS 4

static bool in_blocks_shape(const struct flow *flow)
{
    return flow->plan.codec.shape == CODEC_SHAPE_BLOCKS;
}

static bool has_backlog(const struct flow *flow)
{
    uint64_t last = flow->checked + BACKLOG_BLOCKS - 1;
    return last < flow->hashed ||
           (last < flow->claimed && last < flow->taken + flow->plan.out_blocks &&
            flow->out[last % flow->plan.out_blocks].ready);
}

bool pair_wanted(const struct flow *flow)
{
    return flow->pairs && !(in_blocks_shape(flow) && has_backlog(flow));
}

bool pair_hash_waits(const struct flow *flow, bool stream)
{
    if (!pair_wanted(flow)) {
        return false;
    }
    if (in_blocks_shape(flow)) {
        return flow->checked <= flow->hashed;
    }
    /* A source may be slow, so no more than one block waits for the source. */
    bool more_input = !flow->input_ended || flow->checked < flow->filled;
    bool driver_fills = flow->claimed == flow->filled && flow->made == flow->hashed + 1 &&
                        flow->made < flow->taken + flow->plan.out_blocks;
    return more_input && (flow->streaming || stream || driver_fills);
}

bool pair_check_waits(const struct flow *flow, bool stream)
{
    if (!pair_wanted(flow)) {
        return false;
    }
    if (in_blocks_shape(flow)) {
        return flow->hashed <= flow->checked;
    }
    /* If nearly all input blocks wait, the check is slower than the codec and must not rest. */
    bool behind = flow->filled - flow->checked + 1 >= flow->plan.in_blocks;
    return !behind && (flow->streaming || stream);
}
