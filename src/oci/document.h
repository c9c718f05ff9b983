/* SPDX-License-Identifier: Apache-2.0 */
/* A manifest, index or config as bytes, with the descriptor of exactly these bytes. */
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

/* Makes a document of bytes: takes them (bytes is left empty) and computes digest and size. A
 * digest asked for (NULL = none) chooses the algorithm and must come out: INTEGRITY. media_type may
 * be "" where the source did not tell. */
MUST_CHECK int document_make(struct buf *bytes, const char *media_type, const char *wanted_digest,
                             struct document *ret_document, struct lpipe_error *err);
/* Compares a document with the descriptor that led to it: digest and size. INTEGRITY. */
MUST_CHECK int document_check(const struct document *document, const struct descriptor *wanted,
                              struct lpipe_error *err);
void document_dispose(struct document *document);
#define AUTO_DOCUMENT CLEANUP(document_dispose)

#endif
