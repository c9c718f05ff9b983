/* SPDX-License-Identifier: Apache-2.0 */
/* Pushes an image into a store: first layers and config, then the manifest, then the tags. Each
 * step begins only when the steps before it have succeeded. */
#ifndef IMAGE_IMAGE_PUSH_H
#define IMAGE_IMAGE_PUSH_H

#include "image/push_target.h"

/* INVALID_STATE, or INVALID_ARGUMENT: options that the image's format cannot have. */
MUST_CHECK int image_push_check(const lpipe_image *image, const struct lpipe_push_options *options,
                                struct lpipe_error *err);
/* options must come from opts_take() (base/opts.h). *ret_result is filled in on success; free it
 * with image_push_result_dispose(). */
MUST_CHECK int image_push(lpipe_image *image, const lpipe_ref *dest,
                          const struct lpipe_push_options *options,
                          struct lpipe_push_result *ret_result, struct lpipe_error *err);
/* The same with an open target. */
MUST_CHECK int image_push_into(lpipe_image *image, const struct push_target *target,
                               struct lpipe_push_result *ret_result, struct lpipe_error *err);
void image_push_result_dispose(struct lpipe_push_result *result);

#endif
