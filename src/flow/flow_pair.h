/* SPDX-License-Identifier: Apache-2.0 */
/* When a block of input and a block of output are hashed in one task. It saves processor time,
 * so it is right as long as the processors are busy; each of the two then waits for the other.
 * For flow_task.c only; with the lock held. */
#ifndef FLOW_FLOW_PAIR_H
#define FLOW_FLOW_PAIR_H

#include "flow/flow_task.h"

/* Whether blocks that are ready should be hashed as a pair. */
bool pair_wanted(const struct flow *flow);
/* Whether the next output block should wait for an input block, or the next input block for an
 * output block. stream: a task of the stream codec is ready. A block never waits for one that needs
 * this block first. */
bool pair_hash_waits(const struct flow *flow, bool stream);
bool pair_check_waits(const struct flow *flow, bool stream);

#endif
