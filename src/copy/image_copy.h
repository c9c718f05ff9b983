/* SPDX-License-Identifier: Apache-2.0 */
/* Copies an image or an index from one store to another. Any thread. */
#ifndef COPY_IMAGE_COPY_H
#define COPY_IMAGE_COPY_H

#include "layerpipe/copy.h"
#include "oci/store.h"

/* options must come from opts_take() (base/opts.h). *ret_result is filled in on success; free it
 * with copy_result_dispose(). */
MUST_CHECK int image_copy(lpipe_client *client, const lpipe_ref *source, const lpipe_ref *dest,
                          const struct lpipe_copy_options *options,
                          struct lpipe_copy_result *ret_result, struct lpipe_error *err);

#endif
