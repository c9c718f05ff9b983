/* SPDX-License-Identifier: Apache-2.0 */
/* Puts a manifest into a store, under its digest or its tags. All blobs and manifests that it names
 * must be in the store before. Any thread. */
#ifndef IMAGE_MANIFEST_PUBLISH_H
#define IMAGE_MANIFEST_PUBLISH_H

#include "layerpipe/client.h"
#include "oci/manifest.h"
#include "oci/store.h"

/* All members are borrowed for the call. */
struct publication {
    lpipe_client *client;
    struct store *store;
    /* The store did not have one of the manifest's blobs before: so it hardly has the manifest, and
     * is not asked for it. */
    bool is_new;
    /* A tag or digest that the store was seen to have for this manifest; NULL = none. */
    const char *found_reference;
    const struct document *manifest;
    const char **tags; /* without tags the manifest is put under its digest */
    size_t tag_count;
    const char *subject_digest; /* NULL = the manifest has no subject */
    /* What the subject's referrers tag says of the manifest, where the store does not list
     * referrers. Not used without a subject. */
    const struct manifest_item *referrer;
};

/* LPIPE_ERROR_MAYBE_PUBLISHED in err->flags means that a tag may be set. */
MUST_CHECK int manifest_publish(const struct publication *publication, struct lpipe_error *err);
/* Puts a manifest that an index names. In a layout it gets no entry in index.json. */
MUST_CHECK int manifest_publish_child(const struct publication *publication,
                                      struct lpipe_error *err);

#endif
