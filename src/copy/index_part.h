/* SPDX-License-Identifier: Apache-2.0 */
/* One of the references that an index is made of: an image, or the entries of another index. For
 * one thread. */
#ifndef COPY_INDEX_PART_H
#define COPY_INDEX_PART_H

#include "image/image_fetch.h"
#include "image/push_target.h"
#include "layerpipe/index.h"

struct index_part {
    lpipe_client *client;
    const struct lpipe_index_entry *entry;
    struct store *store;               /* NULL: the reference does not exist */
    struct descriptor named;           /* what the reference names */
    struct fetched fetched;            /* the image, or the index whose entries are taken */
    struct manifest_item image;        /* its entry in the new index */
    const struct manifest_item *items; /* the entries that it gives; in this struct */
    size_t item_count;
};

/* Fetches the manifest, and the config of an image. With skip_missing, a reference that does not
 * exist gives no entries. part must be zeroed, and stay where it is; index_part_dispose() in every
 * case. */
MUST_CHECK int index_part_load(lpipe_client *client, const struct lpipe_index_entry *entry,
                               bool skip_missing, struct index_part *part, struct lpipe_error *err);
/* Copies the images of the part into the target, and adds to the counts. Afterwards only items is
 * valid. */
MUST_CHECK int index_part_copy(struct index_part *part, const lpipe_ref *dest,
                               const struct push_target *target, struct lpipe_copy_result *counts,
                               struct lpipe_error *err);
/* 1 when the reference names now what it named when the part was loaded, else 0. */
MUST_CHECK int index_part_is_current(const struct index_part *part, struct lpipe_error *err);
void index_part_dispose(struct index_part *part);

#endif
