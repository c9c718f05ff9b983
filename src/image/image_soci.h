/* SPDX-License-Identifier: Apache-2.0 */
/* The SOCI index of an image: a manifest that lists the zTOCs of the image's layers, with which
 * the SOCI snapshotter reads single files of them (soci-snapshotter,
 * docs/soci-index-manifest-v2.md). */
#ifndef IMAGE_IMAGE_SOCI_H
#define IMAGE_IMAGE_SOCI_H

#include "image/image.h"
#include "image/push_target.h"

/* Makes the layers that are not read yet record their zTOCs. */
void image_soci_record(lpipe_image *image);

/* Puts the zTOCs of the layers with at least bytes_min bytes into the store, and writes the index,
 * which is not put yet. For layers of the base the zTOCs of its index are used. 1, or 0 when no
 * layer has a zTOC: a notice says so. subject: of version 1, NULL = version 2. */
MUST_CHECK int image_soci_index(lpipe_image *image, const struct push_target *target,
                                uint64_t bytes_min, const struct descriptor *subject,
                                struct document *ret_index, struct lpipe_error *err);
/* The entry of an index for a SOCI index of version 2, which stands beside the image. annotations:
 * empty, and in use by the item. */
MUST_CHECK int image_soci_item(const lpipe_image *image, const struct descriptor *manifest,
                               const struct descriptor *soci_index, struct string_map *annotations,
                               struct manifest_item *ret_item, struct lpipe_error *err);
/* Writes the OCI index of an image and its SOCI index of version 2: this is what the tags name. */
MUST_CHECK int image_soci_wrap(const lpipe_image *image, const struct descriptor *manifest,
                               const struct descriptor *soci_index, struct document *ret_document,
                               struct lpipe_error *err);

#endif
