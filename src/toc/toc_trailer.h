/* SPDX-License-Identifier: Apache-2.0 */
/* Makes what follows the compressed tar in a blob with a table of contents: for zstd:chunked the
 * skippable frames with the table, tar-split and the footer, for eStargz the member with the entry
 * stargz.index.json and the footer. One thread at a time. */
#ifndef TOC_TOC_TRAILER_H
#define TOC_TOC_TRAILER_H

#include "codec/codec.h"
#include "toc/tar_split.h"
#include "toc/toc_document.h"

/* Annotations of the layer's descriptor that readers of the table need. */
#define TOC_ANNOTATIONS_MAX 3
struct toc_annotation {
    const char *key; /* a constant */
    char value[DIGEST_TEXT_SIZE];
};

struct toc_trailer {
    struct spool bytes;
    struct toc_annotation annotations[TOC_ANNOTATIONS_MAX];
    size_t annotation_count;
};

/* Takes uncompressed bytes that follow the tar and count for the diff ID; a failure is returned. */
typedef int toc_tar_sink(void *ctx, const void *data, size_t size, struct lpipe_error *err);

void toc_trailer_init(struct toc_trailer *trailer, const char *spool_dir);
void toc_trailer_dispose(struct toc_trailer *trailer);

/* blob_size: of the compressed tar. split has ended. */
MUST_CHECK int toc_trailer_zstd(struct toc_trailer *trailer, const struct toc_log *log,
                                const struct tar_split *split, uint64_t blob_size,
                                struct lpipe_error *err);
/* tar_size: of the uncompressed tar. spec: gzip, with the level of the layer. */
MUST_CHECK int toc_trailer_estargz(struct toc_trailer *trailer, const struct toc_log *log,
                                   const struct codec_spec *spec, uint64_t blob_size,
                                   uint64_t tar_size, toc_tar_sink *sink, void *ctx,
                                   struct lpipe_error *err);

#endif
