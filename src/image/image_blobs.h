/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the layers and the config of an image into a store, several blobs at a time. Unread layers
 * are read and written; layers of the base are mounted or copied. The config is written when all
 * layers have been read, while the last layers may still be uploading. */
#ifndef IMAGE_IMAGE_BLOBS_H
#define IMAGE_IMAGE_BLOBS_H

#include "image/image.h"

struct image_blobs_target {
    struct store *store;
    const char *mount_from; /* repository of the store's registry, NULL = none */
    bool remote;            /* over a network: an upload costs more than reading a file twice */
};

/* On success all blobs are in the store and every layer's result is filled in. On failure all work
 * has ended, and layers that were started are consumed.
 *
 * The client's jobs setting says how many blobs are worked on at a time. With its default all
 * streams that cannot be read again are read at the same time (up to JOBS_MAX), because the
 * producer of one stream may be waiting until another stream is read. */
MUST_CHECK int image_blobs(lpipe_image *image, const struct image_blobs_target *target,
                           struct document *ret_config, struct lpipe_error *err);

#endif
