/* SPDX-License-Identifier: Apache-2.0 */
/* How many threads and blocks a pipeline gets, and the memory that takes, before anything is
 * allocated:
 *
 *   memory = in_blocks * block_bytes + out_blocks * output_bytes + codec state
 *
 * With W workers there are W + 2 blocks of each kind unless memory is limited: one for each
 * worker, one that the driver fills or writes, one that is ready for the next worker. The codec
 * state is, for gzip, one compressor per worker (0.35 MiB with ISA-L, 0.7 MiB with libdeflate, 9
 * MiB from level 10 on); for zstd what its library needs for that many workers and one more.
 * Compressed input needs no codec but a decompressor, whose window may have the memory that
 * memory_bytes_max leaves, or 128 MiB. */
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

/* has_toc: the layer gets a table of contents, so its units are compressed one by one.
 *
 * Plans fewer blocks, then fewer workers, until memory_bytes_max (0 = no limit) is enough;
 * neither changes the output. INVALID_ARGUMENT when the smallest pipeline needs more. */
MUST_CHECK int flow_plan_make(const struct codec_spec *spec, bool has_toc, unsigned workers,
                              uint64_t memory_bytes_max, struct flow_plan *ret_plan,
                              struct lpipe_error *err);
/* Changes the plan for input that is not compressed: the same blocks, no codec state. */
void flow_plan_copy(struct flow_plan *plan);

#endif
