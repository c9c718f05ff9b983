/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the zTOC of a gzip layer while it passes: the table with which the SOCI snapshotter reads
 * single files of an ordinary layer (soci-snapshotter, docs/glossary.md). The blob is not changed;
 * the zTOC is a blob of its own.
 *
 *   input blocks --ztoc_input (in order)--> entries
 *   output blocks --ztoc_output (in order)--> spans: parts of the blob that can be decompressed
 *                                            alone, their digests
 *   end --ztoc_finish--> the zTOC in a spool, its digest and size
 *
 * A span begins with a block of the gzip codec. These blocks begin at a byte and do not refer to
 * earlier ones, so the window that a zTOC keeps for each span is all zeros.
 *
 * Memory: 16 bytes and a digest for each span of 4 MiB; path_set.h; TOC_MEMORY_MAX of the entries
 * and of the zTOC, the rest is in spool files. ztoc_input() and ztoc_output() may be called by two
 * threads at the same time; apart from that one thread at a time. */
#ifndef TOC_ZTOC_H
#define TOC_ZTOC_H

#include "base/spool.h"
#include "codec/digest.h"

struct ztoc;

/* spool_dir is copied. */
MUST_CHECK int ztoc_new(const char *spool_dir, struct ztoc **ret_ztoc, struct lpipe_error *err);
struct ztoc *ztoc_free(struct ztoc *ztoc);

/* The next bytes of the tar. 0, NO_MEMORY, OUTPUT_IO. */
MUST_CHECK int ztoc_input(struct ztoc *ztoc, const void *data, size_t size,
                          struct lpipe_error *err);
/* The next block of the blob; in_size: of the tar's bytes in it. The trailer is a block with 0. */
MUST_CHECK int ztoc_output(struct ztoc *ztoc, const void *data, size_t size, size_t in_size,
                           struct lpipe_error *err);
/* All has passed. */
MUST_CHECK int ztoc_finish(struct ztoc *ztoc, struct lpipe_error *err);

/* After the end. NULL, or why the layer has no zTOC: a constant. */
const char *ztoc_refusal(const struct ztoc *ztoc);
const struct spool *ztoc_spool(const struct ztoc *ztoc);
const char *ztoc_digest(const struct ztoc *ztoc);
/* Input of a span, at least. */
#define ZTOC_SPAN_BYTES 4194304
uint64_t ztoc_memory_bytes(const struct ztoc *ztoc);

#endif
