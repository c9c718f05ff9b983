/* SPDX-License-Identifier: Apache-2.0 */
/* The values in the headers of one entry, put together as Go's archive/tar does it: GNU's long
 * names go before PAX records, and these before the fields of the header. The headers have
 * passed tar_scan.h, so their framing is good; a value that is malformed counts as 0 or as
 * absent. Pure. */
#ifndef TAR_TAR_FIELDS_H
#define TAR_TAR_FIELDS_H

#include "base/fail.h"

struct tar_record { /* of a PAX header */
    const char *key;
    const char *value; /* value_size bytes, then a NUL */
    size_t value_size;
};

struct tar_time {
    bool given;
    int64_t seconds;
    uint32_t nanoseconds;
};

/* All pointers are valid during the call that gets the entry. */
struct tar_reader_entry {
    char type; /* '0' also for old files, '5' for old directories; 'g': a global header */
    const char *path;
    const char *link; /* the target of a link; other types have mostly "" */
    const char *user;
    const char *group;
    uint64_t size;        /* bytes of contents that follow in the archive */
    bool is_sparse;       /* then they are not the contents of the file */
    uint64_t stated_size; /* what the headers say, also for a type that has no contents */
    int64_t mode;
    int64_t uid;
    int64_t gid;
    int64_t device_major;
    int64_t device_minor;
    struct tar_time mtime;
    struct tar_time atime;
    struct tar_time ctime;
    const struct tar_record *records; /* of its PAX headers; the last one of a key counts */
    size_t record_count;
    const unsigned char *headers; /* all its headers, whole blocks */
    size_t headers_size;
    uint64_t offset; /* of the first of them in the archive; the contents follow the headers */
};

/* The record with that key which counts, NULL when the entry has none. */
const struct tar_record *tar_reader_record(const struct tar_reader_entry *entry, const char *key);

/* Memory for the texts and records of one entry; it is used again for the next. */
struct tar_fields {
    char *text; /* each text of the entry with a NUL */
    size_t text_size;
    size_t text_capacity;
    struct tar_record *records;
    size_t record_count;
    size_t record_capacity;
};

void tar_fields_dispose(struct tar_fields *fields);
/* Fills in everything but headers, headers_size, offset and size, which must be set. 0 or
 * NO_MEMORY. */
MUST_CHECK int tar_fields_read(struct tar_fields *fields, struct tar_reader_entry *entry);

#endif
