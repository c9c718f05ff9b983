/* SPDX-License-Identifier: Apache-2.0 */
/* An image into a store: blobs, then config, then manifest, then tags, each only when all before it
 * is in place. */
#ifndef IMAGE_IMAGE_PUSH_H
#define IMAGE_IMAGE_PUSH_H

#include "image/push_target.h"

/* options must be whole (see base/opts.h). *ret_result is filled on success; freed with
 * image_push_result_dispose(). */
MUST_CHECK int image_push(lpipe_image *image, const lpipe_ref *dest,
                          const struct lpipe_push_options *options,
                          struct lpipe_push_result *ret_result, struct lpipe_error *err);
/* The same once it is known where to. */
MUST_CHECK int image_push_into(lpipe_image *image, const struct push_target *target,
                               struct lpipe_push_result *ret_result, struct lpipe_error *err);
void image_push_result_dispose(struct lpipe_push_result *result);

#endif
