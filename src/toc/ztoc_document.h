/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a zTOC, version 0.9: a flatbuffer of soci-snapshotter's schema (ztoc/fbs/ztoc.fbs).
 * The entries of the tar are kept in a spool until it is written. */
#ifndef TOC_ZTOC_DOCUMENT_H
#define TOC_ZTOC_DOCUMENT_H

#include "base/spool.h"
#include "codec/digest.h"
#include "tar/tar_reader.h"

struct ztoc_entries {
    struct spool spool;
    uint64_t count;
    struct buf record; /* of the entry that is added */
};
void ztoc_entries_init(struct ztoc_entries *entries, const char *spool_dir);
void ztoc_entries_dispose(struct ztoc_entries *entries);
/* start: of its contents in the tar. */
MUST_CHECK int ztoc_entries_add(struct ztoc_entries *entries, const struct tar_reader_entry *entry,
                                uint64_t start, struct lpipe_error *err);

/* A part of the blob that can be decompressed alone. */
struct ztoc_span {
    uint64_t in;  /* its offset in the blob */
    uint64_t out; /* its offset in the tar */
    char digest[DIGEST_TEXT_SIZE];
};
struct ztoc_spans {
    struct ztoc_span *items;
    size_t count;
    size_t capacity;
};

struct ztoc_document {
    const struct ztoc_entries *entries;
    const struct ztoc_spans *spans;
    uint64_t span_bytes;
    uint64_t compressed_size;
    uint64_t uncompressed_size;
};
/* 0, NO_MEMORY, OUTPUT_IO, or TOO_LARGE. */
MUST_CHECK int ztoc_document_write(const struct ztoc_document *document, struct spool *spool,
                                   char ret_digest[DIGEST_TEXT_SIZE], struct lpipe_error *err);

#endif
