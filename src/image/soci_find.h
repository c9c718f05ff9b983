/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the SOCI index of an image: one of version 2 is named by the image's manifest, one of
 * version 1 names the image as its subject. Any thread. */
#ifndef IMAGE_SOCI_FIND_H
#define IMAGE_SOCI_FIND_H

#include "image/image_fetch.h"
#include "layerpipe/push.h"

/* The artifact type of an index, by version. */
const char *soci_index_type(enum lpipe_soci version);
/* Fetches the index of the image. *ret_index stays empty when there is none, or when the one that
 * the manifest names is missing: the image is whole without it. What refers to the image is asked
 * for only if referrers is true, because that takes more requests. */
MUST_CHECK int soci_index_find(struct store *store, const struct fetched *image, bool referrers,
                               struct fetched *ret_index, struct lpipe_error *err);

#endif
