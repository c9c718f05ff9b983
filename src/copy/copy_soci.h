/* SPDX-License-Identifier: Apache-2.0 */
/* A SOCI index for an image that is copied: what it cannot be combined with, and how many manifests
 * it adds. No I/O. */
#ifndef COPY_COPY_SOCI_H
#define COPY_COPY_SOCI_H

#include "flow/layer_format.h"
#include "layerpipe/copy.h"
#include "layerpipe/push.h"

/* Options that ask for other layers or for a SOCI index give one image another digest. format: of
 * the new layers. INVALID_ARGUMENT. */
MUST_CHECK int copy_soci_check(const struct lpipe_copy_options *options,
                               const struct layer_format *format, struct lpipe_error *err);
/* Manifests of such a copy: that of the image, and those of its SOCI index if one was made. */
size_t copy_soci_manifests(const struct lpipe_push_result *pushed, enum lpipe_soci version);

#endif
