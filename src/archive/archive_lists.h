/* SPDX-License-Identifier: Apache-2.0 */
/* The lists of images in an archive that is written: index.json (image-spec, image-layout.md) and
 * docker save's manifest.json. One thread at a time. */
#ifndef ARCHIVE_ARCHIVE_LISTS_H
#define ARCHIVE_ARCHIVE_LISTS_H

#include "oci/document.h"
#include "oci/manifest.h"

/* "blobs/sha256/<hex>", the name of a blob's member. */
#define ARCHIVE_BLOB_PATH_SIZE (sizeof "blobs/" + DIGEST_TEXT_SIZE)
const char *archive_blob_path(const char *digest, char buf[ARCHIVE_BLOB_PATH_SIZE]);

struct archive_image {
    struct descriptor manifest;
    char *tag;       /* docker-archive: NAME:TAG; NULL = none */
    char *full_name; /* docker-archive: docker.io/library/NAME:TAG; NULL = none */
    /* docker-archive: the digests of the manifest */
    char config[DIGEST_TEXT_SIZE];
    char (*layers)[DIGEST_TEXT_SIZE];
    size_t layer_count;
};
struct archive_images {
    struct archive_image *items;
    size_t count;
};

/* Adds an image. tag and full_name are copied; of an image manifest config and layers are kept,
 * too; manifest NULL = they are not needed. 0 or NO_MEMORY. */
MUST_CHECK int archive_images_add(struct archive_images *images,
                                  const struct descriptor *descriptor, const char *tag,
                                  const char *full_name, const struct manifest *manifest,
                                  struct lpipe_error *err);
void archive_images_dispose(struct archive_images *images);

/* Appends index.json. Every tag gets an entry; an image without a tag gets one entry. */
MUST_CHECK int archive_lists_index(const struct archive_images *images, struct buf *ret_text,
                                   struct lpipe_error *err);
/* Appends manifest.json. Every image gets one entry, with all its tags. */
MUST_CHECK int archive_lists_docker(const struct archive_images *images, struct buf *ret_text,
                                    struct lpipe_error *err);

#endif
