/* SPDX-License-Identifier: Apache-2.0 */
/* One unread layer into a store: read to its end while it is written, committed when its digest is
 * known. Each call belongs to one thread. */
#ifndef IMAGE_BLOB_PUSH_H
#define IMAGE_BLOB_PUSH_H

#include "image/blob_place.h"
#include "layerpipe/layer.h"

/* first: where to look for the blob before it is sent, NULL = nowhere. For that the layer is read
 * once more, so it matters only to a layer that can be rewound and whose maker wants it
 * (LPIPE_LAYER_LOOK_FIRST).
 *
 * A rewindable layer whose writer lost everything is read again, a bounded number of times. */
MUST_CHECK int blob_push(const struct blob_job *job, lpipe_layer *layer,
                         const struct blob_sources *first, struct lpipe_layer_result *ret_result,
                         struct lpipe_error *err);

#endif
