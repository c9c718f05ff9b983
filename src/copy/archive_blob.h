/* SPDX-License-Identifier: Apache-2.0 */
/* Stores the members of an image archive while they are read: each one becomes a blob of the
 * destination. A blob whose name says its digest keeps its bytes, unless it is an uncompressed tar
 * and layers are to be compressed; any other compressed tar keeps its bytes, too, and gets its diff
 * ID computed. What cannot be a blob of an image is passed over. One thread. */
#ifndef COPY_ARCHIVE_BLOB_H
#define COPY_ARCHIVE_BLOB_H

#include "archive/archive_read.h"
#include "image/tracked_writer.h"
#include "layerpipe/copy.h"

/* What is the same for all members. All pointers are borrowed. */
struct archive_target {
    lpipe_client *client;
    struct store *store;
    const char *mount_from; /* repository to mount blobs from; NULL = none */
    bool compress_named;    /* compress uncompressed tars whose names say their digest, too */
    const char *compress;   /* of struct lpipe_layer_options */
    int32_t threads;        /* the same */
    bool docker;            /* layers get Docker's media types */
    bool record_ztocs;      /* layers that are compressed here record a zTOC, and are kept */
    struct lpipe_copy_result *counts; /* of the blobs and their bytes */
};

struct archive_blob;

MUST_CHECK int archive_blob_new(const struct archive_target *target, struct archive_blob **ret_blob,
                                struct lpipe_error *err);
/* A blob that was begun and not ended is abandoned. */
struct archive_blob *archive_blob_free(struct archive_blob *blob);
static inline void cleanup_archive_blob(struct archive_blob **blob)
{
    archive_blob_free(*blob);
}
#define AUTO_ARCHIVE_BLOB CLEANUP(cleanup_archive_blob)
/* Takes the layer that made the blob with this digest out of those that were kept; NULL = none. */
lpipe_layer *archive_blob_take_layer(struct archive_blob *blob, const char *digest);
/* The sink for archive_read(). */
void archive_blob_sink(struct archive_blob *blob, struct archive_sink *ret_sink);

#endif
