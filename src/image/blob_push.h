/* SPDX-License-Identifier: Apache-2.0 */
/* Puts one unread layer into a store. The blob is written while the layer is read, and committed
 * when the digest is known. Any thread; one thread for each layer. */
#ifndef IMAGE_BLOB_PUSH_H
#define IMAGE_BLOB_PUSH_H

#include "image/blob_ensure.h"
#include "layerpipe/layer.h"

/* mount_sources: for a layer with LPIPE_LAYER_LOOK_FIRST that can be read again. Such a layer is
 * read once to get its digest, and is sent only if the store does not have the blob and cannot
 * mount it. NULL = every layer is sent at once.
 *
 * When an upload is lost, a layer that can be read again is sent again, at most BLOB_PASSES_MAX
 * times in all. */
MUST_CHECK int blob_push(const struct blob_job *job, lpipe_layer *layer,
                         const struct blob_sources *mount_sources,
                         struct lpipe_layer_result *ret_result, struct lpipe_error *err);

#endif
