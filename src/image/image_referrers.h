/* SPDX-License-Identifier: Apache-2.0 */
/* The referrers tag of a manifest: an index under a tag made from the digest, which lists the
 * manifests that refer to it (distribution-spec, "Referrers Tag Schema"). For stores that do not
 * list referrers. */
#ifndef IMAGE_IMAGE_REFERRERS_H
#define IMAGE_IMAGE_REFERRERS_H

#include "oci/manifest.h"
#include "oci/store.h"

#define REFERRERS_TAG_SIZE 98 /* 32 characters of the algorithm, '-', 64 of the hex */

/* "sha256-<hex>". Returns buf. */
char *image_referrers_tag(const char *digest, char buf[REFERRERS_TAG_SIZE]);

/* Adds a manifest that refers to a digest: item has its descriptor, artifact type and annotations.
 * All other entries stay. The index has no lock, so it is read again after it was written; when
 * another client has overwritten the entry, it is added again, at most REFERRERS_ATTEMPTS times in
 * all. */
MUST_CHECK int image_referrers_add(struct store *store, const char *subject_digest,
                                   const struct manifest_item *item, struct lpipe_error *err);
/* Appends all manifests that refer to the digest: those that the store lists, else the entries of
 * the referrers tag. */
MUST_CHECK int image_referrers_list(struct store *store, const char *subject_digest,
                                    struct descriptor_list *list, struct lpipe_error *err);

#endif
