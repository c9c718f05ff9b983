/* SPDX-License-Identifier: Apache-2.0 */
/* Config and manifest of an image. No I/O; the same image gives the same bytes everywhere. */
#ifndef IMAGE_IMAGE_DOCUMENTS_H
#define IMAGE_IMAGE_DOCUMENTS_H

#include "image/image.h"

struct image_documents {
    struct document config; /* of an artifact: the empty one */
    struct document manifest;
};
#define IMAGE_DOCUMENTS_INIT                                                                       \
    {                                                                                              \
        DOCUMENT_INIT, DOCUMENT_INIT                                                               \
    }
void image_documents_dispose(struct image_documents *documents);
#define AUTO_IMAGE_DOCUMENTS CLEANUP(image_documents_dispose)

/* The config needs the layers' diff IDs only. Enters them into the image's config, so it is called
 * once. */
MUST_CHECK int image_documents_config(lpipe_image *image, struct document *ret_config,
                                      struct lpipe_error *err);
/* Adds the manifest to a config that is made, for an image whose layers are all known. subject may be
 * NULL. */
MUST_CHECK int image_documents_manifest(const lpipe_image *image, const struct descriptor *subject,
                                        struct image_documents *documents, struct lpipe_error *err);

#endif
