/* SPDX-License-Identifier: Apache-2.0 */
/* Copies an image whose layers are compressed in another way while they pass. Layers that are as
 * they should be keep their bytes. The config keeps its bytes, unless a diff ID changes (eStargz).
 * Any thread. */
#ifndef COPY_IMAGE_CONVERT_H
#define COPY_IMAGE_CONVERT_H

#include "base/fail.h"
#include "layerpipe/copy.h"

/* Whether options ask for it. */
bool image_convert_is_wanted(const struct lpipe_copy_options *options);
/* With LPIPE_COPY_ALL also a whole index: see copy/index_convert.h. INVALID_ARGUMENT (compression
 * that Docker's format or a SOCI index cannot have), UNSUPPORTED (an artifact; a layer that cannot
 * be read), and the failures of lpipe_copy() and of a layer. */
MUST_CHECK int image_convert(lpipe_client *client, const lpipe_ref *source, const lpipe_ref *dest,
                             const struct lpipe_copy_options *options,
                             struct lpipe_copy_result *ret_result, struct lpipe_error *err);

#endif
