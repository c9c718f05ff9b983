/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a layer's result from the JSON object that `layerpipe layer --json` prints. */
#ifndef IMAGE_IMAGE_DESCRIPTOR_H
#define IMAGE_IMAGE_DESCRIPTOR_H

#include "base/fail.h"
#include "layerpipe/layer.h"

/* Reads mediaType, digest and size, which must exist, and diffId, uncompressedSize and
 * annotations, which may.
 * Other members are ignored. image_add_descriptor() checks the values. INVALID_ARGUMENT. */
MUST_CHECK int image_descriptor_parse(const char *json, size_t size,
                                      struct lpipe_layer_result *ret_layer,
                                      struct lpipe_error *err);

#endif
