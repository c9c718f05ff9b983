/* SPDX-License-Identifier: Apache-2.0 */
#include "tar/tar_fields.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "tar/tar_decimal.h"
#include "tar/tar_header.h"

/* Names and link of a header, with their NULs. */
#define HEADER_TEXT_BYTES 1024
#define RECORDS_FIRST 16
#define NANOSECONDS 1000000000

/* Fields that tar_header.h has no function for: offset and size. */
enum {
    MODE_AT = 100,
    UID_AT = 108,
    GID_AT = 116,
    MTIME_AT = 136,
    USER_AT = 265,
    GROUP_AT = 297,
    OWNER_SIZE = 32,
    DEVICE_MAJOR_AT = 329,
    DEVICE_MINOR_AT = 337,
    GNU_ATIME_AT = 345,
    GNU_CTIME_AT = 357,
    STAR_ATIME_AT = 476,
    STAR_CTIME_AT = 488,
    NUMBER_SIZE = 8,
    TIME_SIZE = 12
};

/* The long names of GNU's extension headers, NULL = none. */
struct long_names {
    const char *path;
    const char *link;
};

void tar_fields_dispose(struct tar_fields *fields)
{
    free(fields->text);
    free(fields->records);
    *fields = (struct tar_fields){ 0 };
}

/* Makes the memory large enough for all texts of the headers, so that no text moves later. */
static int begin(struct tar_fields *fields, size_t headers_size)
{
    size_t needed = headers_size + HEADER_TEXT_BYTES;
    fields->text_size = 0;
    fields->record_count = 0;
    if (fields->text_capacity >= needed) {
        return 0;
    }
    free(fields->text);
    fields->text = mem_new(needed);
    fields->text_capacity = fields->text == NULL ? 0 : needed;
    return fields->text == NULL ? LPIPE_NO_MEMORY : 0;
}

static const char *add_text(struct tar_fields *fields, const void *text, size_t size)
{
    char *to = fields->text + fields->text_size;
    memcpy(to, text, size);
    to[size] = '\0';
    fields->text_size += size + 1;
    return to;
}

static int add_record(struct tar_fields *fields, const char *key, size_t key_size,
                      const char *value, size_t value_size)
{
    if (fields->record_count == fields->record_capacity) {
        size_t capacity = MAX_OF(fields->record_capacity * 2, (size_t)RECORDS_FIRST);
        struct tar_record *records = mem_realloc(fields->records, capacity * sizeof *records);
        if (records == NULL) {
            return LPIPE_NO_MEMORY;
        }
        fields->records = records;
        fields->record_capacity = capacity;
    }
    struct tar_record *record = &fields->records[fields->record_count++];
    record->key = add_text(fields, key, key_size);
    record->value = add_text(fields, value, value_size);
    record->value_size = value_size;
    return 0;
}

/* The records of a PAX header, "LENGTH KEY=VALUE\n" each. Those of an earlier header of the same
 * entry are forgotten, as archive/tar does it. */
static int read_records(struct tar_fields *fields, const char *body, size_t size)
{
    int status = 0;
    fields->record_count = 0;
    while (size > 0 && status == 0) {
        uint64_t length = 0;
        const char *blank = memchr(body, ' ', size);
        if (blank == NULL || !text_to_u64(body, (size_t)(blank - body), size, &length) ||
            length <= (size_t)(blank - body) + 1) {
            break; /* not possible after the scan */
        }
        const char *key = blank + 1;
        const char *end = body + length - 1;
        const char *equals = memchr(key, '=', (size_t)(end - key));
        if (equals != NULL) {
            status = add_record(fields, key, (size_t)(equals - key), equals + 1,
                                (size_t)(end - equals - 1));
        }
        body += length;
        size -= length;
    }
    return status;
}

static int read_extension(struct tar_fields *fields, char type, const char *body, size_t size,
                          struct long_names *names)
{
    if (type == 'L') {
        names->path = add_text(fields, body, strnlen(body, size));
    } else if (type == 'K') {
        names->link = add_text(fields, body, strnlen(body, size));
    } else {
        return read_records(fields, body, size);
    }
    return 0;
}

/* Reads the extension headers; *ret_header is the entry's own header. */
static int read_extensions(struct tar_fields *fields, const struct tar_reader_entry *entry,
                           struct long_names *names, const unsigned char **ret_header)
{
    const unsigned char *header = entry->headers;
    const unsigned char *end = header + entry->headers_size;
    int status = 0;
    for (;;) {
        char type = tar_header_type(header);
        uint64_t size = 0;
        *ret_header = header;
        if (strchr("xXgLK", type) == NULL || type == '\0' || !tar_header_size(header, &size)) {
            return 0;
        }
        size = MIN_OF(size, (uint64_t)(end - header) - TAR_BLOCK_BYTES);
        status = read_extension(fields, type, (const char *)header + TAR_BLOCK_BYTES, (size_t)size,
                                names);
        uint64_t blocks = 1 + (size + TAR_BLOCK_BYTES - 1) / TAR_BLOCK_BYTES;
        if (status != 0 || type == 'g' || blocks * TAR_BLOCK_BYTES >= (uint64_t)(end - header)) {
            return status;
        }
        header += blocks * TAR_BLOCK_BYTES;
    }
}

const struct tar_record *tar_reader_record(const struct tar_reader_entry *entry, const char *key)
{
    for (size_t i = entry->record_count; i-- > 0;) {
        if (strcmp(entry->records[i].key, key) == 0) {
            return &entry->records[i];
        }
    }
    return NULL;
}

/* A record that counts and is not empty: an empty one leaves the header's value as it is. */
static const struct tar_record *find(const struct tar_reader_entry *entry, const char *key)
{
    const struct tar_record *record = tar_reader_record(entry, key);
    return record != NULL && record->value_size > 0 ? record : NULL;
}

static int64_t header_number(const unsigned char *field, size_t width)
{
    int64_t value = 0;
    return tar_number_of_go(field, width, &value) ? value : 0;
}

static bool decimal(const char *text, size_t size, int64_t *ret_value)
{
    struct tar_decimal number;
    tar_decimal_begin(&number);
    for (size_t i = 0; i < size; i++) {
        tar_decimal_byte(&number, (unsigned char)text[i]);
    }
    return tar_decimal_end(&number, ret_value);
}

static int64_t number_of(const struct tar_reader_entry *entry, const char *key,
                         const unsigned char *field)
{
    const struct tar_record *record = find(entry, key);
    int64_t value = 0;
    return record != NULL && decimal(record->value, record->value_size, &value)
               ? value
               : header_number(field, NUMBER_SIZE);
}

/* "-1.5" is one and a half seconds before 1970. */
static bool parse_time(const struct tar_record *record, struct tar_time *ret_time)
{
    const char *dot = memchr(record->value, '.', record->value_size);
    size_t whole = dot == NULL ? record->value_size : (size_t)(dot - record->value);
    struct tar_time time = { .given = true };
    uint32_t factor = NANOSECONDS / 10;
    if (!decimal(record->value, whole, &time.seconds)) {
        return false;
    }
    for (const char *digit = dot == NULL ? "" : dot + 1; *digit >= '0' && *digit <= '9'; digit++) {
        time.nanoseconds += factor * (uint32_t)(*digit - '0');
        factor /= 10;
    }
    if (record->value[0] == '-' && time.nanoseconds > 0) {
        time.seconds--;
        time.nanoseconds = NANOSECONDS - time.nanoseconds;
    }
    *ret_time = time;
    return true;
}

/* field: NULL where the header's format has none. */
static struct tar_time time_of(const struct tar_reader_entry *entry, const char *key,
                               const unsigned char *field)
{
    struct tar_time time = { .given = field != NULL };
    const struct tar_record *record = find(entry, key);
    if (record == NULL || !parse_time(record, &time)) {
        time.seconds = field == NULL ? 0 : header_number(field, TIME_SIZE);
    }
    return time;
}

static uint64_t stated_size(const struct tar_reader_entry *entry, const unsigned char *header)
{
    const struct tar_record *record = find(entry, "size");
    uint64_t size = 0;
    if (record != NULL && text_to_u64(record->value, record->value_size, INT64_MAX, &size)) {
        return size;
    }
    return tar_header_size(header, &size) ? size : 0;
}

static void read_times(struct tar_reader_entry *entry, const unsigned char *header)
{
    const unsigned char *atime = NULL;
    const unsigned char *ctime = NULL;
    enum tar_format format = tar_header_format(header);
    if (format == TAR_FORMAT_GNU && tar_header_has_gnu_times(header)) {
        atime = header[GNU_ATIME_AT] == 0 ? NULL : header + GNU_ATIME_AT;
        ctime = header[GNU_CTIME_AT] == 0 ? NULL : header + GNU_CTIME_AT;
    } else if (format == TAR_FORMAT_STAR) {
        atime = header + STAR_ATIME_AT;
        ctime = header + STAR_CTIME_AT;
    }
    entry->mtime = time_of(entry, "mtime", header + MTIME_AT);
    entry->atime = time_of(entry, "atime", atime);
    entry->ctime = time_of(entry, "ctime", ctime);
}

static const char *text_of(struct tar_fields *fields, const struct tar_reader_entry *entry,
                           const char *key, const void *field, size_t size)
{
    const struct tar_record *record = find(entry, key);
    return record != NULL ? record->value : add_text(fields, field, strnlen(field, size));
}

static bool is_sparse(const struct tar_reader_entry *entry)
{
    if (entry->type == 'S') {
        return true;
    }
    for (size_t i = 0; i < entry->record_count; i++) {
        if (text_starts(entry->records[i].key, "GNU.sparse.")) {
            return true;
        }
    }
    return false;
}

static void read_names(struct tar_fields *fields, const unsigned char *header,
                       const struct long_names *names, struct tar_reader_entry *entry)
{
    char name[TAR_NAME_BYTES];
    const char *link = NULL;
    size_t link_size = tar_header_link(header, &link);
    bool has_owner = tar_header_format(header) != TAR_FORMAT_V7;
    size_t owner_size = has_owner ? OWNER_SIZE : 0;
    size_t name_size = tar_header_name(header, name);
    const struct tar_record *sparse = find(entry, "GNU.sparse.name");
    entry->path = names->path != NULL && names->path[0] != '\0'
                      ? names->path
                      : text_of(fields, entry, "path", name, name_size);
    if (sparse != NULL) {
        entry->path = sparse->value;
    }
    entry->link = names->link != NULL && names->link[0] != '\0'
                      ? names->link
                      : text_of(fields, entry, "linkpath", link, link_size);
    entry->user = text_of(fields, entry, "uname", header + USER_AT, owner_size);
    entry->group = text_of(fields, entry, "gname", header + GROUP_AT, owner_size);
}

static char type_of(const struct tar_reader_entry *entry, const unsigned char *header)
{
    char type = tar_header_type(header);
    if (type != '\0') {
        return type;
    }
    return text_ends(entry->path, "/") ? '5' : '0';
}

int tar_fields_read(struct tar_fields *fields, struct tar_reader_entry *entry)
{
    struct long_names names = { NULL, NULL };
    const unsigned char *header = NULL;
    int status = begin(fields, entry->headers_size);
    if (status == 0) {
        status = read_extensions(fields, entry, &names, &header);
    }
    if (status != 0) {
        return status;
    }
    entry->records = fields->records;
    entry->record_count = fields->record_count;
    read_names(fields, header, &names, entry);
    entry->type = type_of(entry, header);
    entry->is_sparse = is_sparse(entry);
    entry->stated_size = stated_size(entry, header);
    entry->mode = header_number(header + MODE_AT, NUMBER_SIZE);
    entry->uid = number_of(entry, "uid", header + UID_AT);
    entry->gid = number_of(entry, "gid", header + GID_AT);
    if (tar_header_format(header) != TAR_FORMAT_V7) {
        entry->device_major = header_number(header + DEVICE_MAJOR_AT, NUMBER_SIZE);
        entry->device_minor = header_number(header + DEVICE_MINOR_AT, NUMBER_SIZE);
    }
    read_times(entry, header);
    return 0;
}
