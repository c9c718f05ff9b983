/* SPDX-License-Identifier: Apache-2.0 */
#include "toc/toc_log.h"

#include <assert.h>
#include <string.h>

#include "base/limits.h"

/* A digest in a record: SHA-256, as text with its NUL. */
#define RECORD_DIGEST_BYTES 72

struct chunk_record {
    uint64_t offset;
    uint64_t size;
    uint64_t unit;
    uint32_t is_zeros;
    char digest[RECORD_DIGEST_BYTES];
};

/* Its text follows. */
struct entry_record {
    uint64_t text_size;
    uint64_t name_size;
    uint64_t chunk_count;
    uint64_t end_unit;
    char digest[RECORD_DIGEST_BYTES];
};

void toc_log_init(struct toc_log *log, const char *spool_dir)
{
    memset(log, 0, sizeof *log);
    spool_init(&log->entries, spool_dir, TOC_MEMORY_MAX);
    spool_init(&log->chunks, spool_dir, TOC_MEMORY_MAX);
    spool_init(&log->units, spool_dir, TOC_MEMORY_MAX);
}

void toc_log_dispose(struct toc_log *log)
{
    spool_dispose(&log->entries);
    spool_dispose(&log->chunks);
    spool_dispose(&log->units);
}

uint64_t toc_log_bytes(const struct toc_log *log)
{
    return spool_size(&log->entries) + spool_size(&log->chunks) + spool_size(&log->units);
}

uint64_t toc_log_memory_bytes(const struct toc_log *log)
{
    return spool_memory_bytes(&log->entries) + spool_memory_bytes(&log->chunks) +
           spool_memory_bytes(&log->units);
}

int toc_log_chunk(struct toc_log *log, const struct toc_chunk *chunk, struct lpipe_error *err)
{
    struct chunk_record record = { chunk->offset, chunk->size, chunk->unit, chunk->is_zeros, "" };
    assert(strlen(chunk->digest) < sizeof record.digest);
    memcpy(record.digest, chunk->digest, strlen(chunk->digest));
    log->chunk_count++;
    return spool_append(&log->chunks, &record, sizeof record, err);
}

int toc_log_entry(struct toc_log *log, const struct toc_entry *entry, struct lpipe_error *err)
{
    struct entry_record record = { entry->text_size, entry->name_size, entry->chunk_count,
                                   entry->end_unit, "" };
    assert(strlen(entry->digest) < sizeof record.digest);
    memcpy(record.digest, entry->digest, strlen(entry->digest));
    log->entry_count++;
    int status = spool_append(&log->entries, &record, sizeof record, err);
    return status != 0 ? status : spool_append(&log->entries, entry->text, entry->text_size, err);
}

int toc_log_units(struct toc_log *log, const uint32_t *sizes, size_t count, struct lpipe_error *err)
{
    return spool_append(&log->units, sizes, count * sizeof *sizes, err);
}

static void unit_cursor_init(struct toc_unit_cursor *cursor, const struct toc_log *log)
{
    spool_cursor_init(&cursor->sizes, &log->units);
    cursor->unit = 0;
    cursor->offset = 0;
}

/* Moves forward to the unit; *ret_offset is its offset in the blob. */
static int unit_cursor_seek(struct toc_unit_cursor *cursor, uint64_t unit, uint64_t *ret_offset,
                            struct lpipe_error *err)
{
    assert(cursor->unit <= unit);
    while (cursor->unit < unit) {
        uint32_t size = 0;
        int status = spool_read(&cursor->sizes, &size, sizeof size, err);
        if (status != 0) {
            return status;
        }
        cursor->unit++;
        cursor->offset += size;
    }
    *ret_offset = cursor->offset;
    return 0;
}

void toc_log_reader_init(struct toc_log_reader *reader, const struct toc_log *log)
{
    spool_cursor_init(&reader->entries, &log->entries);
    spool_cursor_init(&reader->chunks, &log->chunks);
    unit_cursor_init(&reader->starts, log);
    unit_cursor_init(&reader->ends, log);
    reader->entries_left = log->entry_count;
    reader->text = (struct buf)BUF_INIT(TOC_ENTRY_BYTES_MAX);
}

void toc_log_reader_dispose(struct toc_log_reader *reader)
{
    buf_dispose(&reader->text);
}

int toc_log_next(struct toc_log_reader *reader, struct toc_entry *ret_entry,
                 struct lpipe_error *err)
{
    struct entry_record record;
    if (reader->entries_left == 0) {
        return 0;
    }
    int status = spool_read(&reader->entries, &record, sizeof record, err);
    buf_clear(&reader->text);
    if (status == 0) {
        status = spool_read_buf(&reader->entries, &reader->text, record.text_size, err);
    }
    struct toc_entry entry = { .text = reader->text.data,
                               .text_size = reader->text.size,
                               .name_size = record.name_size,
                               .chunk_count = record.chunk_count };
    if (status == 0 && record.chunk_count > 0) {
        status = unit_cursor_seek(&reader->ends, record.end_unit, &entry.blob_end, err);
    }
    if (status != 0) {
        return status;
    }
    memcpy(entry.digest, record.digest, sizeof record.digest);
    entry.end_unit = record.end_unit;
    reader->entries_left--;
    *ret_entry = entry;
    return 1;
}

int toc_log_next_chunk(struct toc_log_reader *reader, struct toc_chunk *ret_chunk,
                       struct lpipe_error *err)
{
    struct chunk_record record;
    int status = spool_read(&reader->chunks, &record, sizeof record, err);
    if (status != 0) {
        return status;
    }
    struct toc_chunk chunk = { .offset = record.offset,
                               .size = record.size,
                               .unit = record.unit,
                               .is_zeros = record.is_zeros != 0 };
    memcpy(chunk.digest, record.digest, sizeof record.digest);
    status = unit_cursor_seek(&reader->starts, record.unit, &chunk.blob_offset, err);
    if (status == 0) {
        *ret_chunk = chunk;
    }
    return status;
}
