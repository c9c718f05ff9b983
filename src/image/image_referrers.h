/* SPDX-License-Identifier: Apache-2.0 */
/* The list of what refers to a manifest, where the store does not keep it by itself: an index under
 * the tag that the distribution specification names ("Referrers Tag Schema"). */
#ifndef IMAGE_IMAGE_REFERRERS_H
#define IMAGE_IMAGE_REFERRERS_H

#include "oci/manifest.h"
#include "oci/store.h"

#define REFERRERS_TAG_SIZE 98 /* algorithm to 32, '-', digest to 64 characters */

/* "sha256-<hex>". Returns buf. */
char *image_referrers_tag(const char *digest, char buf[REFERRERS_TAG_SIZE]);

/* Enters a manifest that refers to a digest, as item tells: descriptor, artifact type, annotations.
 * Entries of others stay. The list has no lock: it is read again afterwards, and written anew when
 * somebody else has overwritten the entry. */
MUST_CHECK int image_referrers_enter(struct store *store, const char *subject_digest,
                                     const struct manifest_item *item, struct lpipe_error *err);

#endif
