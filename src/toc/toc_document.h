/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the JSON document of a table of contents from the log of a layer. No I/O but the log's
 * spools. */
#ifndef TOC_TOC_DOCUMENT_H
#define TOC_TOC_DOCUMENT_H

#include "toc/toc_log.h"

enum toc_format {
    TOC_ZSTD_CHUNKED = 1, /* containers/storage, pkg/chunked */
    TOC_ESTARGZ = 2       /* stargz-snapshotter, docs/estargz.md */
};

/* Takes the next bytes of the document; a failure is returned to the caller. */
typedef int toc_document_sink(void *ctx, const void *data, size_t size, struct lpipe_error *err);

/* tar_split_digest: NULL for eStargz. The same log gives the same bytes again. 0, NO_MEMORY,
 * OUTPUT_IO, or the sink's failure. */
MUST_CHECK int toc_document_write(const struct toc_log *log, enum toc_format format,
                                  const char *tar_split_digest, toc_document_sink *sink, void *ctx,
                                  struct lpipe_error *err);

#endif
