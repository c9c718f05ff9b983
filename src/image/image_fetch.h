/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests, indexes and configs out of a store: verified against what led to them, parsed, within
 * their maxima. Any thread. */
#ifndef IMAGE_IMAGE_FETCH_H
#define IMAGE_IMAGE_FETCH_H

#include "layerpipe/ref.h"
#include "oci/manifest.h"
#include "oci/store.h"

struct fetched {
    struct document document; /* media_type is always told */
    struct manifest *manifest;
};
#define FETCHED_INIT                                                                               \
    {                                                                                              \
        DOCUMENT_INIT, NULL                                                                        \
    }
void fetched_dispose(struct fetched *fetched);
#define AUTO_FETCHED CLEANUP(fetched_dispose)

/* What a reference asks a store for: its digest, its tag, or "" for the only image of a layout. */
const char *image_fetch_reference(const lpipe_ref *ref);

MUST_CHECK int image_fetch_manifest(struct store *store, const char *reference,
                                    struct fetched *ret_fetched, struct lpipe_error *err);
/* The image of an index for a platform, through nested indexes; an image stays what it is. Replaces
 * *fetched. NOT_FOUND lists what the index has. */
MUST_CHECK int image_fetch_choose(struct store *store, const struct platform *platform,
                                  struct fetched *fetched, struct lpipe_error *err);
/* Whether it is an image, as opposed to an index or an artifact. */
bool image_has_config(const struct manifest *manifest);
/* The config of an image manifest. */
MUST_CHECK int image_fetch_config(struct store *store, const struct manifest *manifest,
                                  struct document *ret_document, struct lpipe_error *err);

#endif
