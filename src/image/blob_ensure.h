/* SPDX-License-Identifier: Apache-2.0 */
/* Makes sure that a store has a blob with a known digest. The cheapest step that works is taken:
 * the blob exists already, it is mounted, or it is copied from another store and verified. Any
 * thread; one thread for each blob. */
#ifndef IMAGE_BLOB_ENSURE_H
#define IMAGE_BLOB_ENSURE_H

#include "image/blob_progress.h"

/* Where a blob may come from. */
struct blob_sources {
    const char *mount_first; /* repositories of the target's registry; NULL = none */
    const char *mount_second;
    struct store *from; /* store to copy from; NULL = none */
};

/* Mounts the blob if the store does not have it. 1 when the store has the blob then, 0 when not,
 * STORE_BLOB_UNKNOWN when it does not say. */
MUST_CHECK int blob_exists_or_mount(struct store *store, const struct descriptor *blob,
                                    const struct blob_sources *sources,
                                    enum lpipe_blob_origin *ret_origin, struct lpipe_error *err);
/* NOT_FOUND when no source has the blob, PROTOCOL when the store does not say whether it has it;
 * INTEGRITY when the copied bytes do not match the descriptor. */
MUST_CHECK int blob_ensure(const struct blob_job *job, const struct descriptor *blob,
                           const struct blob_sources *sources, enum lpipe_blob_origin *ret_origin,
                           struct lpipe_error *err);

/* Writes the bytes in memory, unless the store has the blob already. The store is not asked for a
 * blob that is new (job->presence). */
MUST_CHECK int blob_ensure_bytes(const struct blob_job *job, const struct descriptor *blob,
                                 const void *bytes, struct lpipe_error *err);

#endif
