/* SPDX-License-Identifier: Apache-2.0 */
/* One unread layer into a store: read to its end while it is written, committed when its digest is
 * known. Each call belongs to one thread. */
#ifndef IMAGE_BLOB_PUSH_H
#define IMAGE_BLOB_PUSH_H

#include "image/blob_progress.h"
#include "layerpipe/layer.h"

/* A rewindable layer whose writer lost everything is read again, a bounded number of times. known
 * is what blob_preview() said, or NULL. On success the layer's result is available. */
MUST_CHECK int blob_push(const struct blob_job *job, lpipe_layer *layer,
                         const struct descriptor *known, struct lpipe_error *err);

/* Reads a rewindable layer once without writing it, and puts it back to its first state: what it
 * will be is in *ret_result. */
MUST_CHECK int blob_preview(const struct blob_job *job, lpipe_layer *layer,
                            struct lpipe_layer_result *ret_result, struct lpipe_error *err);

#endif
