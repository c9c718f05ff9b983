/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a manifest, and the config of an image, as text for people. Control characters in the
 * remote side's texts are replaced. No I/O. */
#ifndef IMAGE_IMAGE_TEXT_H
#define IMAGE_IMAGE_TEXT_H

#include "image/image_fetch.h"
#include "image/layer_table.h"

struct image_view {
    const char *reference;
    const struct fetched *fetched;
    const struct document *config;    /* NULL for an index or an artifact */
    const struct layer_table *tables; /* of each layer; NULL for an index */
};

/* Appends to text. PROTOCOL when the config is not valid JSON. */
MUST_CHECK int image_text(const struct image_view *view, struct buf *text, struct lpipe_error *err);

#endif
