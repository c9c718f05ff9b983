/* SPDX-License-Identifier: Apache-2.0 */
/* The result of a copy. No I/O. */
#ifndef COPY_COPY_RESULT_H
#define COPY_COPY_RESULT_H

#include "image/push_target.h"
#include "layerpipe/copy.h"

/* Sets reference, descriptor and tags of a result whose counts may be set. */
MUST_CHECK int copy_result_fill(const struct push_target *target, const struct descriptor *manifest,
                                struct lpipe_copy_result *result, struct lpipe_error *err);
/* True when the destination lacked a blob. */
static inline bool copy_result_has_new_blob(const struct lpipe_copy_result *result)
{
    return result->blobs_copied > 0 || result->blobs_mounted > 0;
}
void copy_result_dispose(struct lpipe_copy_result *result);
#define AUTO_COPY_RESULT CLEANUP(copy_result_dispose)

#endif
