/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/flow_plan.h"

#include <inttypes.h>

#include "base/mem.h"
#include "codec/unit_codec.h"
#include "toc/toc.h"

#define SPARE_BLOCKS 2
/* Ordered tasks that can run at the same time: feed the stream codec, check the input, hash the
 * output. Input that is compressed already has only the last two. Without a codec input and output
 * are the same bytes, which are hashed once: a second thread would only move them between the
 * caches of two processors. */
#define STREAM_THREADS_MAX 3
#define COMPRESSED_THREADS_MAX 2
#define COPY_THREADS_MAX 1

static void plan_units(struct codec_plan *plan, const struct codec_spec *spec, unsigned workers)
{
    *plan = (struct codec_plan){
        .shape = CODEC_SHAPE_BLOCKS,
        .block_bytes = TOC_BLOCK_BYTES,
        .output_bytes = MEM_BLOCK_SIZE(unit_codec_output_bytes(TOC_BLOCK_BYTES, TOC_UNITS_MAX)),
        .state_bytes = unit_codec_state_bytes(spec, MAX_OF(workers, 1u)),
    };
}

static void plan_fill(struct flow_plan *plan, const struct codec_spec *spec, bool has_toc,
                      unsigned workers, unsigned spare)
{
    if (has_toc) {
        plan_units(&plan->codec, spec, workers);
    } else {
        codec_plan(spec, workers, &plan->codec);
    }
    plan->workers = workers;
    plan->threads = workers;
    if (plan->codec.shape == CODEC_SHAPE_STREAM) {
        plan->threads = MIN_OF(workers, (unsigned)STREAM_THREADS_MAX);
    } else if (plan->codec.shape == CODEC_SHAPE_COPY) {
        plan->threads = MIN_OF(workers, (unsigned)COPY_THREADS_MAX);
    }
    plan->in_blocks = MAX_OF(plan->threads + spare, 1u);
    plan->out_blocks = plan->in_blocks;
    plan->memory_bytes = (uint64_t)plan->in_blocks * plan->codec.block_bytes +
                         (uint64_t)plan->out_blocks * plan->codec.output_bytes +
                         plan->codec.state_bytes;
}

int flow_plan_make(const struct codec_spec *spec, bool has_toc, unsigned workers,
                   uint64_t memory_bytes_max, struct flow_plan *ret_plan, struct lpipe_error *err)
{
    struct flow_plan plan = { 0 };
    for (unsigned w = workers + 1; w-- > 0;) {
        for (unsigned spare = SPARE_BLOCKS + 1; spare-- > 0;) {
            /* Without workers nothing overlaps, so one block of each kind is enough. */
            plan_fill(&plan, spec, has_toc, w, w == 0 ? 0 : spare);
            if (memory_bytes_max == 0 || plan.memory_bytes <= memory_bytes_max) {
                *ret_plan = plan;
                return 0;
            }
        }
    }
    return fail(err, LPIPE_INVALID_ARGUMENT,
                "the memory limit is too small: %s:%d needs at least %" PRIu64 " bytes",
                codec_name(spec->kind), spec->level, plan.memory_bytes);
}

void flow_plan_copy(struct flow_plan *plan)
{
    plan->codec.shape = CODEC_SHAPE_COPY;
    plan->memory_bytes -= plan->codec.state_bytes;
    plan->codec.state_bytes = 0;
    plan->threads = MIN_OF(plan->threads, (unsigned)COMPRESSED_THREADS_MAX);
}
