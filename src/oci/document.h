/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a manifest, index or config, and the descriptor of these bytes. */
#ifndef OCI_DOCUMENT_H
#define OCI_DOCUMENT_H

#include "base/buf.h"
#include "oci/descriptor.h"

struct document {
    struct descriptor descriptor;
    struct buf bytes;
};
#define DOCUMENT_INIT                                                                              \
    {                                                                                              \
        { "", "", 0 }, BUF_INIT(0)                                                                 \
    }

/* Makes a document from bytes, which it takes (bytes is empty afterwards), and computes digest and
 * size. INTEGRITY when wanted_digest (NULL = none) does not match; it also chooses the algorithm.
 * media_type is "" when it is not known. */
MUST_CHECK int document_make(struct buf *bytes, const char *media_type, const char *wanted_digest,
                             struct document *ret_document, struct lpipe_error *err);
/* Checks digest and size of a document that was fetched by a descriptor. INTEGRITY. */
MUST_CHECK int document_check(const struct document *document, const struct descriptor *wanted,
                              struct lpipe_error *err);
void document_dispose(struct document *document);
#define AUTO_DOCUMENT CLEANUP(document_dispose)

#endif
