/* SPDX-License-Identifier: Apache-2.0 */
/* A manifest, and its config where it is an image, as text for people. What the remote side wrote
 * is printed without control characters. No I/O. */
#ifndef IMAGE_IMAGE_TEXT_H
#define IMAGE_IMAGE_TEXT_H

#include "image/image_fetch.h"

struct image_view {
    const char *reference;
    const struct fetched *fetched;
    const struct document *config; /* NULL = none that could be shown */
};

/* Appends to text. PROTOCOL when the config is none. */
MUST_CHECK int image_text(const struct image_view *view, struct buf *text, struct lpipe_error *err);

#endif
