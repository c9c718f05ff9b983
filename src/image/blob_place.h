/* SPDX-License-Identifier: Apache-2.0 */
/* A blob whose digest is known into a store, by the cheapest way that works: it is there already, it
 * can be mounted, else it is copied from its place in a stream and verified on the way. Each call
 * belongs to one thread. */
#ifndef IMAGE_BLOB_PLACE_H
#define IMAGE_BLOB_PLACE_H

#include "image/blob_progress.h"

/* Where a blob may come from. */
struct blob_sources {
    const char *mount_first; /* repositories of the target's registry, NULL = none */
    const char *mount_second;
    struct store *from; /* to copy from, NULL = nowhere */
};

/* 1 when the store has the blob or could mount it, 0 when neither. */
MUST_CHECK int blob_find(struct store *store, const struct descriptor *blob,
                         const struct blob_sources *sources, enum lpipe_blob_origin *ret_origin,
                         struct lpipe_error *err);
/* NOT_FOUND when the blob is nowhere; INTEGRITY when its bytes are others than announced. */
MUST_CHECK int blob_ensure(const struct blob_job *job, const struct descriptor *blob,
                           const struct blob_sources *sources, enum lpipe_blob_origin *ret_origin,
                           struct lpipe_error *err);

/* Bytes in memory, unless the blob is there. */
MUST_CHECK int blob_ensure_bytes(const struct blob_job *job, const struct descriptor *blob,
                                 const void *bytes, struct lpipe_error *err);

#endif
