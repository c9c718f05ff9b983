/* SPDX-License-Identifier: Apache-2.0 */
#include "toc/ztoc_document.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "toc/flatbuffer.h"
#include "toc/json_text.h"

#define VERSION "0.9"
#define BUILD_TOOL "layerpipe"
/* Before each span: two offsets, the bits that the span begins after, the window. */
#define WINDOW_BYTES 32768
#define CHECKPOINT_BYTES (8 + 8 + 1 + WINDOW_BYTES)
#define CHECKPOINTS_HEADER_BYTES (4 + 8)

/* An entry in the spool: this, then its texts, then its records, each after its sizes. */
enum { TEXT_PATH = 0, TEXT_TYPE, TEXT_LINK, TEXT_USER, TEXT_GROUP, TEXT_TIME, TEXTS };
struct entry_record {
    uint64_t start;
    uint64_t size;
    int64_t mode;
    int64_t device_major;
    int64_t device_minor;
    uint32_t uid;
    uint32_t gid;
    uint32_t text_sizes[TEXTS];
    uint32_t xattr_count;
    uint64_t xattr_bytes; /* in the flatbuffer, of all */
    uint64_t rest_bytes;  /* in the spool, after this */
};
struct xattr_record {
    uint32_t key_size;
    uint32_t value_size;
};

/* Tables: the size, and the place of each field. */
#define ZTOC_TABLE_BYTES 36
static const uint16_t ZTOC_FIELDS[] = { 20, 24, 4, 12, 28, 32 };
#define TOC_TABLE_BYTES 8
static const uint16_t TOC_FIELDS[] = { 4 };
/* The first field, the algorithm, has the default: gzip. */
#define INFO_TABLE_BYTES 16
static const uint16_t INFO_FIELDS[] = { 0, 4, 8, 12 };
#define FILE_TABLE_BYTES 80
static const uint16_t FILE_FIELDS[] = { 52, 56, 4, 12, 60, 20, 44, 48, 64, 68, 72, 28, 36, 76 };
#define XATTR_TABLE_BYTES 12
static const uint16_t XATTR_FIELDS[] = { 4, 8 };

void ztoc_entries_init(struct ztoc_entries *entries, const char *spool_dir)
{
    *entries = (struct ztoc_entries){ .record = BUF_INIT(TOC_ENTRY_BYTES_MAX) };
    spool_init(&entries->spool, spool_dir, TOC_MEMORY_MAX);
}

void ztoc_entries_dispose(struct ztoc_entries *entries)
{
    spool_dispose(&entries->spool);
    buf_dispose(&entries->record);
}

static int by_key(const void *a, const void *b)
{
    const struct tar_record *const *left = a;
    const struct tar_record *const *right = b;
    int order = strcmp((*left)->key, (*right)->key);
    /* Of records with the same key the last one comes first. */
    return order != 0 ? order : (*left < *right) - (*left > *right);
}

/* The records of an entry in the order of their keys; of each key the one that counts. */
static int add_xattrs(struct ztoc_entries *entries, const struct tar_reader_entry *entry,
                      struct entry_record *record)
{
    AUTO_FREE const struct tar_record **sorted =
        mem_new_array(entry->record_count + 1, sizeof(void *));
    int status = sorted == NULL ? LPIPE_NO_MEMORY : 0;
    for (size_t i = 0; i < entry->record_count && status == 0; i++) {
        sorted[i] = &entry->records[i];
    }
    if (status == 0) {
        qsort(sorted, entry->record_count, sizeof(void *), by_key);
    }
    for (size_t i = 0; i < entry->record_count && status == 0; i++) {
        const struct tar_record *item = sorted[i];
        if (i > 0 && strcmp(item->key, sorted[i - 1]->key) == 0) {
            continue;
        }
        struct xattr_record sizes = { (uint32_t)strlen(item->key), (uint32_t)item->value_size };
        status = buf_append(&entries->record, &sizes, sizeof sizes);
        status = status == 0 ? buf_append(&entries->record, item->key, sizes.key_size) : status;
        status = status == 0 ? buf_append(&entries->record, item->value, sizes.value_size) : status;
        record->xattr_count++;
        record->xattr_bytes += XATTR_TABLE_BYTES + flatbuffer_string_bytes(sizes.key_size) +
                               flatbuffer_string_bytes(sizes.value_size);
    }
    return status;
}

static int add_text(struct ztoc_entries *entries, struct entry_record *record, int which,
                    const char *text)
{
    record->text_sizes[which] = (uint32_t)strlen(text);
    return buf_append(&entries->record, text, record->text_sizes[which]);
}

static int add_texts(struct ztoc_entries *entries, const struct tar_reader_entry *entry,
                     struct entry_record *record)
{
    static const char *const types[] = { "reg",   "hardlink", "symlink", "char",
                                         "block", "dir",      "fifo" };
    size_t before = 0;
    int status = add_text(entries, record, TEXT_PATH, entry->path);
    status = status == 0 ? add_text(entries, record, TEXT_TYPE, types[entry->type - '0']) : status;
    status = status == 0 ? add_text(entries, record, TEXT_LINK, entry->link) : status;
    status = status == 0 ? add_text(entries, record, TEXT_USER, entry->user) : status;
    status = status == 0 ? add_text(entries, record, TEXT_GROUP, entry->group) : status;
    before = entries->record.size;
    if (status == 0 && json_text_add_time(&entries->record, entry->mtime.seconds,
                                          entry->mtime.nanoseconds) == LPIPE_NO_MEMORY) {
        status = LPIPE_NO_MEMORY;
    }
    record->text_sizes[TEXT_TIME] = (uint32_t)(entries->record.size - before);
    return status;
}

int ztoc_entries_add(struct ztoc_entries *entries, const struct tar_reader_entry *entry,
                     uint64_t start, struct lpipe_error *err)
{
    struct entry_record record = {
        .start = start,
        .size = entry->size,
        .mode = entry->mode,
        .device_major = entry->device_major,
        .device_minor = entry->device_minor,
        .uid = (uint32_t)entry->uid,
        .gid = (uint32_t)entry->gid,
    };
    buf_clear(&entries->record);
    int status = add_texts(entries, entry, &record);
    status = status == 0 ? add_xattrs(entries, entry, &record) : status;
    if (status != 0) {
        return status == LPIPE_TOO_LARGE
                   ? fail(err, status, "the headers of an entry are too long for a zTOC")
                   : fail_memory(err);
    }
    record.rest_bytes = entries->record.size;
    entries->count++;
    status = spool_append(&entries->spool, &record, sizeof record, err);
    return status != 0
               ? status
               : spool_append(&entries->spool, entries->record.data, entries->record.size, err);
}

/* Bytes of an entry's table with all that belongs to it; it begins at 4 modulo 8. */
static uint64_t entry_bytes(const struct entry_record *record)
{
    uint64_t size = FILE_TABLE_BYTES + 4 + 4 * (uint64_t)record->xattr_count + record->xattr_bytes;
    for (int i = 0; i < TEXTS; i++) {
        size += flatbuffer_string_bytes(record->text_sizes[i]);
    }
    return size;
}

/* Where the parts are. */
struct places {
    uint64_t ztoc_vtable;
    uint64_t toc_vtable;
    uint64_t info_vtable;
    uint64_t file_vtable;
    uint64_t xattr_vtable;
    uint64_t ztoc;
    uint64_t version;
    uint64_t build_tool;
    uint64_t toc;
    uint64_t info;
    uint64_t span_digests; /* a vector, then the strings */
    uint64_t checkpoints;
    uint64_t checkpoints_bytes;
    uint64_t files; /* a vector */
    uint64_t first_file;
};

static uint64_t vtable_place(uint64_t *position, unsigned fields)
{
    uint64_t place = *position;
    *position = flatbuffer_aligned(place + FLATBUFFER_VTABLE_BYTES(fields), 4, 0);
    return place;
}

static void find_places(const struct ztoc_document *document, struct places *places)
{
    uint64_t spans = document->spans->count;
    uint64_t position = 4;
    places->ztoc_vtable = vtable_place(&position, ARRAY_LEN(ZTOC_FIELDS));
    places->toc_vtable = vtable_place(&position, ARRAY_LEN(TOC_FIELDS));
    places->info_vtable = vtable_place(&position, ARRAY_LEN(INFO_FIELDS));
    places->file_vtable = vtable_place(&position, ARRAY_LEN(FILE_FIELDS));
    places->xattr_vtable = vtable_place(&position, ARRAY_LEN(XATTR_FIELDS));
    places->ztoc = flatbuffer_aligned(position, 8, 4);
    places->version = places->ztoc + ZTOC_TABLE_BYTES;
    places->build_tool = places->version + flatbuffer_string_bytes(strlen(VERSION));
    places->toc = places->build_tool + flatbuffer_string_bytes(strlen(BUILD_TOOL));
    places->info = places->toc + TOC_TABLE_BYTES;
    places->span_digests = places->info + INFO_TABLE_BYTES;
    places->checkpoints = places->span_digests + 4 + 4 * spans;
    for (size_t i = 0; i < spans; i++) {
        places->checkpoints += flatbuffer_string_bytes(strlen(document->spans->items[i].digest));
    }
    places->checkpoints_bytes = CHECKPOINTS_HEADER_BYTES + spans * CHECKPOINT_BYTES;
    places->files = flatbuffer_aligned(places->checkpoints + 4 + places->checkpoints_bytes, 4, 0);
    places->first_file = flatbuffer_aligned(places->files + 4 + 4 * document->entries->count, 8, 4);
}

static void write_vtable(struct flatbuffer *out, uint16_t table_bytes, const uint16_t *fields,
                         unsigned count)
{
    flatbuffer_vtable(out, table_bytes, fields, count);
    flatbuffer_align(out, 4, 0);
}

/* Everything up to the list of spans. */
static void write_top(struct flatbuffer *out, const struct ztoc_document *document,
                      const struct places *places)
{
    flatbuffer_offset(out, places->ztoc);
    write_vtable(out, ZTOC_TABLE_BYTES, ZTOC_FIELDS, ARRAY_LEN(ZTOC_FIELDS));
    write_vtable(out, TOC_TABLE_BYTES, TOC_FIELDS, ARRAY_LEN(TOC_FIELDS));
    write_vtable(out, INFO_TABLE_BYTES, INFO_FIELDS, ARRAY_LEN(INFO_FIELDS));
    write_vtable(out, FILE_TABLE_BYTES, FILE_FIELDS, ARRAY_LEN(FILE_FIELDS));
    write_vtable(out, XATTR_TABLE_BYTES, XATTR_FIELDS, ARRAY_LEN(XATTR_FIELDS));
    flatbuffer_align(out, 8, 4);
    flatbuffer_table(out, places->ztoc_vtable);
    flatbuffer_u64(out, document->compressed_size);
    flatbuffer_u64(out, document->uncompressed_size);
    flatbuffer_offset(out, places->version);
    flatbuffer_offset(out, places->build_tool);
    flatbuffer_offset(out, places->toc);
    flatbuffer_offset(out, places->info);
    flatbuffer_string(out, VERSION, strlen(VERSION));
    flatbuffer_string(out, BUILD_TOOL, strlen(BUILD_TOOL));
    flatbuffer_table(out, places->toc_vtable);
    flatbuffer_offset(out, places->files);
    flatbuffer_table(out, places->info_vtable);
    flatbuffer_u32(out, (uint32_t)(document->spans->count - 1));
    flatbuffer_offset(out, places->span_digests);
    flatbuffer_offset(out, places->checkpoints);
}

static void write_spans(struct flatbuffer *out, const struct ztoc_document *document,
                        const struct places *places)
{
    static const unsigned char window[WINDOW_BYTES];
    const struct ztoc_spans *spans = document->spans;
    uint64_t string = places->span_digests + 4 + 4 * (uint64_t)spans->count;
    flatbuffer_u32(out, (uint32_t)spans->count);
    for (size_t i = 0; i < spans->count; i++) {
        flatbuffer_offset(out, string);
        string += flatbuffer_string_bytes(strlen(spans->items[i].digest));
    }
    for (size_t i = 0; i < spans->count; i++) {
        flatbuffer_string(out, spans->items[i].digest, strlen(spans->items[i].digest));
    }
    flatbuffer_u32(out, (uint32_t)places->checkpoints_bytes);
    flatbuffer_u32(out, (uint32_t)spans->count);
    flatbuffer_u64(out, document->span_bytes);
    for (size_t i = 0; i < spans->count; i++) {
        flatbuffer_u64(out, spans->items[i].in);
        flatbuffer_u64(out, spans->items[i].out);
        flatbuffer_u8(out, 0);
        flatbuffer_bytes(out, window, sizeof window);
    }
    flatbuffer_align(out, 4, 0);
}

static int read_record(struct spool_cursor *cursor, struct entry_record *ret_record,
                       struct buf *rest, struct lpipe_error *err)
{
    char part[4096];
    int status = spool_read(cursor, ret_record, sizeof *ret_record, err);
    uint64_t left = status == 0 ? ret_record->rest_bytes : 0;
    buf_clear(rest);
    while (left > 0 && status == 0) {
        size_t now = (size_t)MIN_OF(left, (uint64_t)sizeof part);
        status = spool_read(cursor, part, now, err);
        if (status == 0 && buf_append(rest, part, now) != 0) {
            status = fail_memory(err);
        }
        left -= now;
    }
    return status;
}

/* The vector of entries: their places follow from their sizes. */
static int write_file_vector(struct flatbuffer *out, const struct ztoc_document *document,
                             const struct places *places, struct spool_cursor *cursor,
                             struct buf *rest)
{
    struct entry_record record;
    uint64_t place = places->first_file;
    flatbuffer_u32(out, (uint32_t)document->entries->count);
    for (uint64_t i = 0; i < document->entries->count; i++) {
        int status = read_record(cursor, &record, rest, out->err);
        if (status != 0) {
            return status;
        }
        if (place > FLATBUFFER_BYTES_MAX) {
            return LPIPE_TOO_LARGE;
        }
        flatbuffer_offset(out, place);
        place = flatbuffer_aligned(place + entry_bytes(&record), 8, 4);
    }
    return 0;
}

static void write_xattrs(struct flatbuffer *out, const struct entry_record *record,
                         const char *data, const struct places *places)
{
    uint64_t place = out->position + 4 + 4 * (uint64_t)record->xattr_count;
    const char *next = data;
    struct xattr_record sizes;
    flatbuffer_u32(out, record->xattr_count);
    for (uint32_t i = 0; i < record->xattr_count; i++) {
        memcpy(&sizes, next, sizeof sizes);
        flatbuffer_offset(out, place);
        place += XATTR_TABLE_BYTES + flatbuffer_string_bytes(sizes.key_size) +
                 flatbuffer_string_bytes(sizes.value_size);
        next += sizeof sizes + sizes.key_size + sizes.value_size;
    }
    for (uint32_t i = 0; i < record->xattr_count; i++) {
        memcpy(&sizes, data, sizeof sizes);
        data += sizeof sizes;
        uint64_t key = out->position + XATTR_TABLE_BYTES;
        flatbuffer_table(out, places->xattr_vtable);
        flatbuffer_offset(out, key);
        flatbuffer_offset(out, key + flatbuffer_string_bytes(sizes.key_size));
        flatbuffer_string(out, data, sizes.key_size);
        flatbuffer_string(out, data + sizes.key_size, sizes.value_size);
        data += sizes.key_size + sizes.value_size;
    }
}

/* Its fields in the order of their places: see FILE_FIELDS. */
static void write_file(struct flatbuffer *out, const struct entry_record *record, const char *rest,
                       const struct places *places)
{
    flatbuffer_align(out, 8, 4);
    uint64_t string = out->position + FILE_TABLE_BYTES;
    flatbuffer_table(out, places->file_vtable);
    flatbuffer_u64(out, record->start);
    flatbuffer_u64(out, record->size);
    flatbuffer_u64(out, (uint64_t)record->mode);
    flatbuffer_u64(out, (uint64_t)record->device_major);
    flatbuffer_u64(out, (uint64_t)record->device_minor);
    flatbuffer_u32(out, record->uid);
    flatbuffer_u32(out, record->gid);
    for (int i = 0; i < TEXTS; i++) {
        flatbuffer_offset(out, string);
        string += flatbuffer_string_bytes(record->text_sizes[i]);
    }
    flatbuffer_offset(out, string);
    for (int i = 0; i < TEXTS; i++) {
        flatbuffer_string(out, rest, record->text_sizes[i]);
        rest += record->text_sizes[i];
    }
    write_xattrs(out, record, rest, places);
}

static int write_files(struct flatbuffer *out, const struct ztoc_document *document,
                       const struct places *places, struct spool_cursor *cursor, struct buf *rest)
{
    struct entry_record record;
    spool_cursor_init(cursor, &document->entries->spool);
    int status = write_file_vector(out, document, places, cursor, rest);
    spool_cursor_init(cursor, &document->entries->spool);
    for (uint64_t i = 0; i < document->entries->count && status == 0; i++) {
        status = read_record(cursor, &record, rest, out->err);
        if (status == 0) {
            write_file(out, &record, rest->data, places);
            status = out->status;
        }
    }
    return status;
}

static void see_bytes(void *ctx, const void *data, size_t size)
{
    digest_update(ctx, data, size);
}

int ztoc_document_write(const struct ztoc_document *document, struct spool *spool,
                        char ret_digest[DIGEST_TEXT_SIZE], struct lpipe_error *err)
{
    struct places places;
    AUTO_DIGEST struct digest *digest = NULL;
    AUTO_BUF struct buf rest = BUF_INIT(TOC_ENTRY_BYTES_MAX);
    AUTO_FREE struct spool_cursor *cursor = NEW(struct spool_cursor);
    int status = cursor == NULL ? fail_memory(err) : digest_new(DIGEST_SHA256, &digest, err);
    if (status != 0) {
        return status;
    }
    struct flatbuffer out = { .spool = spool, .sink = see_bytes, .ctx = digest, .err = err };
    find_places(document, &places);
    if (places.first_file > FLATBUFFER_BYTES_MAX) {
        return LPIPE_TOO_LARGE;
    }
    write_top(&out, document, &places);
    write_spans(&out, document, &places);
    status = write_files(&out, document, &places, cursor, &rest);
    status = status == 0 ? out.status : status;
    return status == 0 ? digest_finish(digest, ret_digest, err) : status;
}
