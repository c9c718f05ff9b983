/* SPDX-License-Identifier: Apache-2.0 */
/* The layers of an image and its config into a store, several at a time: new layers are read and
 * written, those of the base mounted or copied. The config follows as soon as all layers have been
 * read, while the last ones may still be on their way. */
#ifndef IMAGE_IMAGE_BLOBS_H
#define IMAGE_IMAGE_BLOBS_H

#include "image/image.h"

struct image_blobs_target {
    struct store *store;
    const char *mount_from; /* repository of the store's registry, NULL = none */
    bool remote;            /* bytes on the way there cost more than reading a file twice */
};

/* On success every layer's result is filled in, and all blobs are in the store. On failure all work
 * has ended; streams that were begun are consumed.
 *
 * At a time as many as the client's settings say; where they leave it open, every stream that cannot
 * be read again is begun at once (up to JOBS_MAX), because its producer may be waiting for another
 * one's. */
MUST_CHECK int image_blobs(lpipe_image *image, const struct image_blobs_target *target,
                           struct document *ret_config, struct lpipe_error *err);

#endif
