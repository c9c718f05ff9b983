/* SPDX-License-Identifier: Apache-2.0 */
#include "toc/ztoc.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "tar/tar_scan.h"
#include "tar/tar_write.h"
#include "toc/path_set.h"
#include "toc/ztoc_document.h"

/* Before the first block of a gzip member. */
#define GZIP_HEADER_BYTES 10

struct ztoc {
    char *spool_dir;
    struct tar_reader *reader;
    struct ztoc_entries entries;
    struct path_set paths;
    uint64_t next_header; /* where the tar's next header begins */
    uint64_t tar_size;    /* bytes so far */
    uint64_t archive_end; /* 0 = not reached */
    const char *refusal;
    /* Of ztoc_output(). */
    struct ztoc_spans spans;
    struct digest *span_digest;
    uint64_t blob_size;
    uint64_t blocks_size; /* of the tar's bytes in the blocks so far */
    struct spool spool;
    char digest[DIGEST_TEXT_SIZE];
};

static const char *refusal_of(const struct tar_reader_entry *entry)
{
    if (entry->type == 'g') {
        return "it has a global PAX header";
    }
    if (entry->is_sparse) {
        return "it has a sparse file";
    }
    if (entry->type < '0' || entry->type > '6') {
        return "it has an entry of a type that a zTOC does not have";
    }
    return entry->stated_size != entry->size ? "it has a size at an entry without contents" : NULL;
}

/* Of several entries with one path the last one counts. */
static int take_path(struct ztoc *ztoc, const struct tar_reader_entry *entry,
                     struct lpipe_error *err)
{
    if (entry->type == '1' && !path_set_has_file(&ztoc->paths, entry->link)) {
        ztoc->refusal = "it has a hard link to what is not in front of it";
        return 0;
    }
    int place = path_set_add(&ztoc->paths, entry->path, entry->type == '5', err);
    if (place == PATH_BELOW_FILE) {
        ztoc->refusal = "it has an entry below a file or a link";
    }
    return MIN_OF(place, 0);
}

static int on_entry(void *ctx, const struct tar_reader_entry *entry, struct lpipe_error *err)
{
    struct ztoc *ztoc = ctx;
    uint64_t start = entry->offset + entry->headers_size;
    ztoc->next_header = start + entry->size + tar_padding(entry->size);
    if (ztoc->refusal == NULL) {
        ztoc->refusal = refusal_of(entry);
    }
    int status = ztoc->refusal == NULL ? take_path(ztoc, entry, err) : 0;
    return ztoc->refusal != NULL || status != 0
               ? status
               : ztoc_entries_add(&ztoc->entries, entry, start, err);
}

static int on_archive_end(void *ctx, struct lpipe_error *err)
{
    (void)err;
    struct ztoc *ztoc = ctx;
    ztoc->archive_end = ztoc->next_header + UINT64_C(2) * TAR_WRITE_BLOCK_BYTES;
    return 0;
}

static int ztoc_init(struct ztoc *ztoc, const char *spool_dir, struct lpipe_error *err)
{
    const struct tar_reader_sink sink = { .entry = on_entry,
                                          .archive_end = on_archive_end,
                                          .ctx = ztoc };
    ztoc->spool_dir = mem_strdup(spool_dir);
    if (ztoc->spool_dir == NULL) {
        return fail_memory(err);
    }
    ztoc_entries_init(&ztoc->entries, ztoc->spool_dir);
    spool_init(&ztoc->spool, ztoc->spool_dir, TOC_MEMORY_MAX);
    int status = digest_new(DIGEST_SHA256, &ztoc->span_digest, err);
    return status != 0 ? status
                       : tar_reader_new(TAR_SCAN_ALLOW_TRUNCATED | TAR_SCAN_ALLOW_EMPTY, &sink,
                                        &ztoc->reader, err);
}

int ztoc_new(const char *spool_dir, struct ztoc **ret_ztoc, struct lpipe_error *err)
{
    struct ztoc *ztoc = NEW(struct ztoc);
    if (ztoc == NULL) {
        return fail_memory(err);
    }
    int status = ztoc_init(ztoc, spool_dir, err);
    if (status != 0) {
        ztoc_free(ztoc);
        return status;
    }
    *ret_ztoc = ztoc;
    return 0;
}

struct ztoc *ztoc_free(struct ztoc *ztoc)
{
    if (ztoc != NULL) {
        tar_reader_free(ztoc->reader);
        ztoc_entries_dispose(&ztoc->entries);
        path_set_dispose(&ztoc->paths);
        free(ztoc->spans.items);
        digest_free(ztoc->span_digest);
        spool_dispose(&ztoc->spool);
        free(ztoc->spool_dir);
        free(ztoc);
    }
    return NULL;
}

int ztoc_input(struct ztoc *ztoc, const void *data, size_t size, struct lpipe_error *err)
{
    ztoc->tar_size += size;
    return tar_reader_bytes(ztoc->reader, data, size, err);
}

/* The current span ends here. */
static int end_span(struct ztoc *ztoc, struct lpipe_error *err)
{
    if (ztoc->spans.count == 0) {
        return 0;
    }
    struct ztoc_span *span = &ztoc->spans.items[ztoc->spans.count - 1];
    char text[DIGEST_TEXT_SIZE];
    int status = digest_finish(ztoc->span_digest, text, err);
    if (status == 0) {
        memcpy(span->digest, text, sizeof span->digest);
    }
    digest_reset(ztoc->span_digest);
    return status;
}

static int begin_span(struct ztoc *ztoc, struct lpipe_error *err)
{
    struct ztoc_spans *spans = &ztoc->spans;
    int status = end_span(ztoc, err);
    if (status != 0) {
        return status;
    }
    if (spans->count == spans->capacity) {
        size_t capacity = MAX_OF(spans->capacity * 2, (size_t)16);
        struct ztoc_span *items = mem_realloc(spans->items, capacity * sizeof *items);
        if (items == NULL) {
            return fail_memory(err);
        }
        spans->items = items;
        spans->capacity = capacity;
    }
    spans->items[spans->count] = (struct ztoc_span){
        .in = spans->count == 0 ? GZIP_HEADER_BYTES : ztoc->blob_size,
        .out = ztoc->blocks_size,
    };
    spans->count++;
    return 0;
}

static bool is_span_start(const struct ztoc *ztoc)
{
    const struct ztoc_spans *spans = &ztoc->spans;
    return spans->count == 0 ||
           ztoc->blocks_size - spans->items[spans->count - 1].out > ZTOC_SPAN_BYTES;
}

int ztoc_output(struct ztoc *ztoc, const void *data, size_t size, size_t in_size,
                struct lpipe_error *err)
{
    size_t skip = in_size > 0 && ztoc->spans.count == 0 ? GZIP_HEADER_BYTES : 0;
    int status = in_size > 0 && is_span_start(ztoc) ? begin_span(ztoc, err) : 0;
    if (status == 0 && ztoc->spans.count > 0) {
        digest_update(ztoc->span_digest, (const char *)data + skip, size - skip);
    }
    ztoc->blob_size += size;
    ztoc->blocks_size += in_size;
    return status;
}

int ztoc_finish(struct ztoc *ztoc, struct lpipe_error *err)
{
    const struct ztoc_document document = {
        .entries = &ztoc->entries,
        .spans = &ztoc->spans,
        .span_bytes = ZTOC_SPAN_BYTES,
        .compressed_size = ztoc->blob_size,
        .uncompressed_size = ztoc->archive_end != 0 ? ztoc->archive_end : ztoc->tar_size,
    };
    int status = end_span(ztoc, err);
    if (status == 0 && ztoc->refusal == NULL && ztoc->spans.count == 0) {
        ztoc->refusal = "it is empty";
    }
    if (status != 0 || ztoc->refusal != NULL) {
        return status;
    }
    status = ztoc_document_write(&document, &ztoc->spool, ztoc->digest, err);
    if (status == LPIPE_TOO_LARGE) {
        ztoc->refusal = "the zTOC would have more than 2 GiB";
        return 0;
    }
    return status;
}

const char *ztoc_refusal(const struct ztoc *ztoc)
{
    return ztoc->refusal;
}

const struct spool *ztoc_spool(const struct ztoc *ztoc)
{
    return &ztoc->spool;
}

const char *ztoc_digest(const struct ztoc *ztoc)
{
    return ztoc->digest;
}

uint64_t ztoc_memory_bytes(const struct ztoc *ztoc)
{
    return spool_memory_bytes(&ztoc->entries.spool) + spool_memory_bytes(&ztoc->spool) +
           ztoc->paths.capacity * sizeof *ztoc->paths.hashes +
           ztoc->spans.capacity * sizeof *ztoc->spans.items;
}
