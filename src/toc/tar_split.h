/* SPDX-License-Identifier: Apache-2.0 */
/* Writes tar-split: the bytes of a tar that are not contents of files, as JSON lines, compressed
 * with zstd. With it and the files a reader makes the same tar again. It is kept in a spool,
 * TOC_MEMORY_MAX bytes of it in memory. One thread at a time. */
#ifndef TOC_TAR_SPLIT_H
#define TOC_TAR_SPLIT_H

#include "base/spool.h"
#include "codec/digest.h"

struct tar_split;

/* spool_dir: borrowed. 0 or NO_MEMORY. */
MUST_CHECK int tar_split_new(const char *spool_dir, struct tar_split **ret_split,
                             struct lpipe_error *err);
struct tar_split *tar_split_free(struct tar_split *split);

/* Bytes of headers, padding and the end of the archive. All between two contents are one record. */
MUST_CHECK int tar_split_bytes(struct tar_split *split, const void *data, size_t size,
                               struct lpipe_error *err);
/* The headers of an entry are complete. */
MUST_CHECK int tar_split_headers_end(struct tar_split *split, struct lpipe_error *err);
/* The entry with these headers has ended; crc64 of its contents when it has any. */
MUST_CHECK int tar_split_entry(struct tar_split *split, const char *name, uint64_t size,
                               uint64_t crc64, struct lpipe_error *err);
/* The archive has ended. */
MUST_CHECK int tar_split_end(struct tar_split *split, struct lpipe_error *err);

/* After the end. */
const struct spool *tar_split_spool(const struct tar_split *split);
uint64_t tar_split_raw_size(const struct tar_split *split);
const char *tar_split_digest(const struct tar_split *split);
uint64_t tar_split_memory_bytes(const struct tar_split *split);

#endif
