/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the config and the manifest of an image. No I/O. The same image gives the same bytes on
 * every machine. */
#ifndef IMAGE_IMAGE_DOCUMENTS_H
#define IMAGE_IMAGE_DOCUMENTS_H

#include "image/image.h"

struct image_documents {
    struct document config; /* for an artifact the empty blob */
    struct document manifest;
};
#define IMAGE_DOCUMENTS_INIT                                                                       \
    {                                                                                              \
        DOCUMENT_INIT, DOCUMENT_INIT                                                               \
    }
void image_documents_dispose(struct image_documents *documents);
#define AUTO_IMAGE_DOCUMENTS CLEANUP(image_documents_dispose)

/* Adds the layers' diff IDs to the image's config and writes it; call it once. Of the layers only
 * the diff IDs must be known. */
MUST_CHECK int image_documents_config(lpipe_image *image, struct document *ret_config,
                                      struct lpipe_error *err);
/* Makes the manifest. documents->config must be made, and all layers must be read. subject may be
 * NULL. */
MUST_CHECK int image_documents_manifest(const lpipe_image *image, const struct descriptor *subject,
                                        struct image_documents *documents, struct lpipe_error *err);

#endif
