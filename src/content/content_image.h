/* SPDX-License-Identifier: Apache-2.0 */
/* The image whose content is read: its manifest, verified, and what is needed to read its
 * layers. */
#ifndef CONTENT_CONTENT_IMAGE_H
#define CONTENT_CONTENT_IMAGE_H

#include "content/layer_stream.h"
#include "image/image_fetch.h"
#include "oci/image_config.h"

struct content_image {
    struct fetched fetched;
    struct image_config *config; /* NULL: an artifact */
};
void content_image_dispose(struct content_image *image);

/* Fetches the manifest that the reference names, for an index that of the platform, and its
 * config. */
MUST_CHECK int content_image_fetch(struct store *store, const lpipe_ref *ref,
                                   const struct platform *platform, struct content_image *ret_image,
                                   struct lpipe_error *err);
size_t content_image_layers(const struct content_image *image);
/* Finds a layer by its number from 1 or by the digest of its blob. */
MUST_CHECK int content_image_find(const struct content_image *image, const char *layer,
                                  size_t *ret_index, struct lpipe_error *err);
/* How the layer is read; it borrows from the image. UNSUPPORTED: its media type says that its tar
 * cannot be read. */
MUST_CHECK int content_image_layer(const struct content_image *image, size_t index,
                                   struct layer_spec *ret_layer, struct lpipe_error *err);
/* Whether the layer is an eStargz: then its tar has files for lazy pulls at its top. */
bool content_image_is_estargz(const struct content_image *image, size_t index);
/* Whether the layer's media type says that it is a tar, maybe compressed. */
bool content_image_is_tar(const struct content_image *image, size_t index);

#endif
