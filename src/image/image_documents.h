/* SPDX-License-Identifier: Apache-2.0 */
/* Config and manifest of an image whose layers are all known. No I/O; the same image gives the same
 * bytes everywhere. */
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
void image_documents_done(struct image_documents *documents);
#define AUTO_IMAGE_DOCUMENTS CLEANUP(image_documents_done)

/* Enters the layers into the image's config, so it is called once. subject may be NULL. */
MUST_CHECK int image_documents_make(lpipe_image *image, const struct descriptor *subject,
                                    struct image_documents *ret_documents, struct lpipe_error *err);

#endif
