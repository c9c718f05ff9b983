/* SPDX-License-Identifier: Apache-2.0 */
/* How many threads and blocks a pipeline gets, and the memory that takes, before anything is
 * allocated:
 *
 *   memory = in_blocks * block_bytes + out_blocks * output_bytes + codec state
 *
 * With W workers there are at first W + 2 blocks of each kind: one in each worker's hands, one being
 * filled or written out by the driver, one ready for whoever finishes first. Codec state is, for
 * gzip, one compressor a worker (0.35 MiB with ISA-L, 0.7 MiB with libdeflate, 9 MiB from level 10
 * on); for zstd what its library needs for that many workers and one more. Input that is compressed
 * already needs no codec; a decoder takes its place, with a window of what memory_bytes_max leaves
 * beside the blocks, or 128 MiB. */
#ifndef FLOW_FLOW_PLAN_H
#define FLOW_FLOW_PLAN_H

#include "codec/codec.h"

struct flow_plan {
    struct codec_plan codec;
    unsigned workers; /* for the codec; 0 = all work in the driver's thread */
    unsigned threads; /* of the pipeline */
    unsigned in_blocks;
    unsigned out_blocks;
    uint64_t memory_bytes;
};

/* Fewer blocks, then fewer workers, until memory_bytes_max (0 = no limit) is kept: neither changes
 * the output. INVALID_ARGUMENT when even the smallest pipeline needs more. */
MUST_CHECK int flow_plan_make(const struct codec_spec *spec, unsigned workers,
                              uint64_t memory_bytes_max, struct flow_plan *ret_plan,
                              struct lpipe_error *err);
/* The same blocks when it turns out that there is nothing to compress: memory_bytes is that of the
 * blocks alone. */
void flow_plan_copy(struct flow_plan *plan);

#endif
