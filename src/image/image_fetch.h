/* SPDX-License-Identifier: Apache-2.0 */
/* Fetches manifests, indexes and configs from a store, verifies them against the digest and size
 * that were asked for, and parses them. Any thread. */
#ifndef IMAGE_IMAGE_FETCH_H
#define IMAGE_IMAGE_FETCH_H

#include "layerpipe/ref.h"
#include "oci/manifest.h"
#include "oci/store.h"

struct fetched {
    struct document document; /* its media_type is always set */
    struct manifest *manifest;
};
#define FETCHED_INIT                                                                               \
    {                                                                                              \
        DOCUMENT_INIT, NULL                                                                        \
    }
void fetched_dispose(struct fetched *fetched);
#define AUTO_FETCHED CLEANUP(fetched_dispose)
/* Parses the document. Sets its media type, which a store may have left empty. */
MUST_CHECK int fetched_parse(struct fetched *fetched, struct lpipe_error *err);

/* The reference argument of a store's manifest_get operation: the digest, else the tag, else ""
 * (the only image of a layout). */
const char *image_fetch_reference(const lpipe_ref *ref);

MUST_CHECK int image_fetch_manifest(struct store *store, const char *reference,
                                    struct fetched *ret_fetched, struct lpipe_error *err);
/* Fetches an entry of an index. Size, digest and media type must be the ones in the index. */
MUST_CHECK int image_fetch_child(struct store *store, const struct descriptor *child,
                                 struct fetched *ret_fetched, struct lpipe_error *err);
/* While *fetched is an index, replaces it by its manifest for the platform. An image is left as it
 * is. NOT_FOUND lists the platforms of the index. */
MUST_CHECK int image_fetch_choose(struct store *store, const struct platform *platform,
                                  struct fetched *fetched, struct lpipe_error *err);
/* True for an image, false for an index or an artifact. */
bool image_has_config(const struct manifest *manifest);
/* The config of an image manifest. */
MUST_CHECK int image_fetch_config(struct store *store, const struct manifest *manifest,
                                  struct document *ret_document, struct lpipe_error *err);

#endif
