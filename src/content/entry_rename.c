/* SPDX-License-Identifier: Apache-2.0 */
#include "content/entry_rename.h"

#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "tar/tar_header.h"
#include "tar/tar_write.h"

#define SPARSE_NAME "GNU.sparse.name"

enum {
    NAME_SIZE = 100,
    LINK_AT = 157,
    LINK_SIZE = 100,
    PREFIX_AT = 345,
    PREFIX_SIZE = 155,
    STAR_PREFIX_SIZE = 131,
};

static bool is_extension(char type)
{
    return type == 'x' || type == 'X' || type == 'L' || type == 'K';
}

/* The entry's own header, which follows its extensions, and the blocks of a sparse map. */
static const unsigned char *own_header(const struct tar_reader_entry *entry)
{
    const unsigned char *header = entry->headers;
    const unsigned char *end = entry->headers + entry->headers_size;
    uint64_t size = 0;
    while (is_extension(tar_header_type(header)) && tar_header_size(header, &size)) {
        uint64_t blocks = 1 + (size + TAR_BLOCK_BYTES - 1) / TAR_BLOCK_BYTES;
        if (blocks >= (uint64_t)(end - header) / TAR_BLOCK_BYTES) {
            break;
        }
        header += blocks * TAR_BLOCK_BYTES;
    }
    return header;
}

static bool is_name(const char *key)
{
    return strcmp(key, "path") == 0 || strcmp(key, "linkpath") == 0 ||
           strcmp(key, SPARSE_NAME) == 0;
}

static int add_record(struct buf *records, const char *key, const char *value)
{
    return tar_write_pax_record(records, key, value, strlen(value));
}

/* The records that stay, then those of the names. */
static int make_records(const struct tar_reader_entry *entry, const char *path, const char *link,
                        struct buf *records)
{
    int status = 0;
    for (size_t i = 0; i < entry->record_count && status == 0; i++) {
        const struct tar_record *record = &entry->records[i];
        if (!is_name(record->key)) {
            status = tar_write_pax_record(records, record->key, record->value, record->value_size);
        }
    }
    bool sparse = entry->is_sparse && tar_reader_record(entry, SPARSE_NAME) != NULL;
    if (status == 0 && (sparse || strlen(path) > NAME_SIZE)) {
        status = add_record(records, sparse ? SPARSE_NAME : "path", path);
    }
    if (status == 0 && link != NULL && strlen(link) > LINK_SIZE) {
        status = add_record(records, "linkpath", link);
    }
    return status;
}

static void put_text(unsigned char *field, size_t width, const char *text)
{
    size_t size = strnlen(text, width);
    memcpy(field, text, size);
    memset(field + size, 0, width - size);
}

/* What of the header's prefix names the entry. GNU's format has other fields there, but Go's reader
 * takes them for a prefix where they are no numbers. */
static void clear_prefix(unsigned char *header)
{
    size_t size = tar_header_format(header) == TAR_FORMAT_STAR ? STAR_PREFIX_SIZE : PREFIX_SIZE;
    char name[TAR_NAME_BYTES];
    bool has_prefix = tar_header_name(header, name) > strnlen((const char *)header, NAME_SIZE);
    if (has_prefix) {
        memset(header + PREFIX_AT, 0, size);
    }
}

static int put_headers(unsigned char *own, const unsigned char *rest, size_t rest_size,
                       const char *path, const char *link, const struct buf *records,
                       struct buf *ret_headers)
{
    clear_prefix(own);
    put_text(own, NAME_SIZE, path);
    if (link != NULL) {
        put_text(own + LINK_AT, LINK_SIZE, link);
    }
    tar_write_checksum(own);
    int status = records->size == 0 ? 0 : tar_write_pax_header(records, ret_headers);
    status = status == 0 ? buf_append(ret_headers, own, TAR_BLOCK_BYTES) : status;
    return status == 0 ? buf_append(ret_headers, rest, rest_size) : status;
}

int entry_rename(const struct tar_reader_entry *entry, const char *path, const char *link,
                 struct buf *ret_headers)
{
    struct buf records AUTO_BUF = BUF_INIT(TAR_HEADERS_BYTES_MAX);
    unsigned char own[TAR_BLOCK_BYTES];
    const unsigned char *header = own_header(entry);
    const unsigned char *rest = header + TAR_BLOCK_BYTES;
    const char *its_link = entry->type == '1' || entry->type == '2' ? link : NULL;
    memcpy(own, header, sizeof own);
    int status = make_records(entry, path, its_link, &records);
    return status == 0
               ? put_headers(own, rest, (size_t)(entry->headers + entry->headers_size - rest), path,
                             its_link, &records, ret_headers)
               : status;
}
