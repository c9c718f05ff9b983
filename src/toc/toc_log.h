/* SPDX-License-Identifier: Apache-2.0 */
/* What a table of contents (TOC) needs of a layer, recorded while the layer passes: its entries,
 * the chunks of its files, and the size of each compressed unit. Each of the three lists is only
 * appended to, and read from its start when the layer has ended. They are spools: TOC_MEMORY_MAX
 * bytes of each stay in memory.
 *
 * Cost: 100 bytes and its JSON text for an entry, 104 bytes for a chunk, 4 bytes for a unit.
 * One thread at a time. */
#ifndef TOC_TOC_LOG_H
#define TOC_TOC_LOG_H

#include "base/spool.h"
#include "codec/digest.h"

struct toc_log {
    struct spool entries;
    struct spool chunks;
    struct spool units;
    uint64_t entry_count;
    uint64_t chunk_count;
};

/* spool_dir: borrowed; where a list that is too long for memory goes. */
void toc_log_init(struct toc_log *log, const char *spool_dir);
void toc_log_dispose(struct toc_log *log);
uint64_t toc_log_bytes(const struct toc_log *log);
uint64_t toc_log_memory_bytes(const struct toc_log *log);

/* A chunk of a file's contents. */
struct toc_chunk {
    uint64_t offset; /* in the file */
    uint64_t size;
    uint64_t unit;        /* the unit that begins with it */
    uint64_t blob_offset; /* of that unit; only when it is read */
    bool is_zeros;
    char digest[DIGEST_TEXT_SIZE];
};
/* The next chunk of the entry that is added after its chunks. */
MUST_CHECK int toc_log_chunk(struct toc_log *log, const struct toc_chunk *chunk,
                             struct lpipe_error *err);

/* An entry of the tar. */
struct toc_entry {
    const char *text; /* members of its JSON object, in the format's notation; borrowed */
    size_t text_size;
    size_t name_size;              /* of the member "name", which comes first in text */
    uint64_t chunk_count;          /* 0: it has no contents */
    uint64_t end_unit;             /* the unit after its contents */
    uint64_t blob_end;             /* offset of that unit; only when it is read */
    char digest[DIGEST_TEXT_SIZE]; /* of the contents; "" = none */
};
MUST_CHECK int toc_log_entry(struct toc_log *log, const struct toc_entry *entry,
                             struct lpipe_error *err);

/* Sizes of the next compressed units. */
MUST_CHECK int toc_log_units(struct toc_log *log, const uint32_t *sizes, size_t count,
                             struct lpipe_error *err);

/* Reads the lists: an entry, then its chunks, then the next entry. */
struct toc_unit_cursor {
    struct spool_cursor sizes;
    uint64_t unit;
    uint64_t offset;
};
struct toc_log_reader {
    struct spool_cursor entries;
    struct spool_cursor chunks;
    struct toc_unit_cursor starts;
    struct toc_unit_cursor ends;
    uint64_t entries_left;
    struct buf text; /* of the entry that was read last */
};
void toc_log_reader_init(struct toc_log_reader *reader, const struct toc_log *log);
void toc_log_reader_dispose(struct toc_log_reader *reader);
/* 1 with the next entry, whose text is valid until the next call; 0 at the end. */
MUST_CHECK int toc_log_next(struct toc_log_reader *reader, struct toc_entry *ret_entry,
                            struct lpipe_error *err);
/* Called chunk_count times after each entry. */
MUST_CHECK int toc_log_next_chunk(struct toc_log_reader *reader, struct toc_chunk *ret_chunk,
                                  struct lpipe_error *err);

#endif
