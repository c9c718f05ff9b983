/* SPDX-License-Identifier: Apache-2.0 */
/* A layer's result as the JSON object that `layerpipe layer --json` prints. */
#ifndef IMAGE_IMAGE_DESCRIPTOR_H
#define IMAGE_IMAGE_DESCRIPTOR_H

#include "base/fail.h"
#include "layerpipe/layer.h"

/* Reads mediaType, digest, size, and where told diffId and uncompressedSize; other members are
 * passed over. Whether the values make sense is checked by image_add_known(). INVALID_ARGUMENT. */
MUST_CHECK int image_descriptor_parse(const char *json, size_t size,
                                      struct lpipe_layer_result *ret_layer,
                                      struct lpipe_error *err);

#endif
