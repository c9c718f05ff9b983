/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the table of contents (TOC) of a layer while its tar passes: zstd:chunked or eStargz. With
 * the table a snapshotter fetches single files of the blob instead of the whole of it.
 *
 *   input blocks --toc_input (in order)--> units: the parts of a block that are compressed alone
 *   compressed units --toc_output (in order)--> their places in the blob
 *   end --toc_finish--> the bytes after the last unit, annotations
 *
 * Units begin where the contents of a file or a chunk begin or end, and at the start of each block;
 * they depend on the tar alone. Where a format cannot carry a layer, the layer is completed without
 * a table, and toc_notice() says why: its blob is ordinary gzip or zstd then.
 *
 * Memory: see toc_log.h, tar_split.h and path_set.h. toc_input() and toc_output() may be called by
 * two threads at the same time; apart from that one thread at a time. */
#ifndef TOC_TOC_H
#define TOC_TOC_H

#include "toc/toc_trailer.h"

/* Units of one block, by the offset in the block where each ends; the last one ends with the
 * block. */
#define TOC_BLOCK_BYTES ((size_t)256 * 1024)
/* Ends of chunks within files; more of them in one block are not used. */
#define TOC_CHUNK_CUTS_MAX (TOC_BLOCK_BYTES / 4096)
/* Contents and the header before them take two blocks of 512 bytes at least. */
#define TOC_UNITS_MAX (TOC_BLOCK_BYTES / 512 + TOC_CHUNK_CUTS_MAX + 8)
struct toc_units {
    uint32_t ends[TOC_UNITS_MAX];
    size_t count;
};

struct toc;

/* spec: the layer's, zstd or gzip as the format needs. spool_dir is copied. */
MUST_CHECK int toc_new(enum toc_format format, const struct codec_spec *spec, const char *spool_dir,
                       struct toc **ret_toc, struct lpipe_error *err);
struct toc *toc_free(struct toc *toc);

/* The next block of the tar, TOC_BLOCK_BYTES long except for the last, not empty. tar_digest is
 * updated with the whole block: together with the digests of files this takes less time. 0,
 * NO_MEMORY, OUTPUT_IO. */
MUST_CHECK int toc_input(struct toc *toc, struct digest *tar_digest, const void *data, size_t size,
                         struct toc_units *ret_units, struct lpipe_error *err);
/* The sizes of the next units after compression. */
MUST_CHECK int toc_output(struct toc *toc, const uint32_t *sizes, size_t count,
                          struct lpipe_error *err);
/* All units have passed. sink takes the uncompressed bytes that follow the tar. */
MUST_CHECK int toc_finish(struct toc *toc, toc_tar_sink *sink, void *ctx, struct lpipe_error *err);

/* After toc_finish(): the bytes that follow the last unit; 0 = the end. */
MUST_CHECK int toc_trailer_read(struct toc *toc, void *buf, size_t size, size_t *ret_size,
                                struct lpipe_error *err);
/* Annotations of the layer's descriptor; borrowed. Returns how many. */
size_t toc_annotations(const struct toc *toc, const struct toc_annotation **ret_annotations);
/* Why the layer has no table, or NULL; borrowed. */
const char *toc_notice(const struct toc *toc);
struct toc_counts {
    uint64_t entries;
    uint64_t chunks;
    uint64_t bytes; /* of the records, in memory and in spool files */
};
void toc_counts(const struct toc *toc, struct toc_counts *ret_counts);
/* Memory in use. */
uint64_t toc_memory_bytes(const struct toc *toc);

#endif
