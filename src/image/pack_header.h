/* SPDX-License-Identifier: Apache-2.0 */
/* An entry's description as the bytes of a tar header: POSIX ustar, and a PAX header before it only
 * where ustar has no room. Ours and not libarchive's, for the reasons in HACKING.md; and what is
 * written here is part of every directory's diff ID, which no library's version shall change. Pure. */
#ifndef IMAGE_PACK_HEADER_H
#define IMAGE_PACK_HEADER_H

#include "base/buf.h"

#define PACK_BLOCK_BYTES 512

enum pack_type {
    PACK_FILE = '0',
    PACK_HARD_LINK = '1',
    PACK_SYMLINK = '2',
    PACK_CHARACTER_DEVICE = '3',
    PACK_BLOCK_DEVICE = '4',
    PACK_DIRECTORY = '5',
    PACK_FIFO = '6',
    PACK_PAX = 'x' /* what pack_header() writes by itself */
};

struct pack_entry {
    enum pack_type type;
    const char *path;         /* a directory's ends with '/' */
    const char *link;         /* where a link points to, else NULL */
    const struct buf *xattrs; /* PAX records, or NULL */
    uint64_t size;            /* of a file's data */
    int64_t mtime;            /* seconds */
    unsigned mode;            /* permission bits */
    unsigned uid;
    unsigned gid;
    unsigned device_major;
    unsigned device_minor;
};

/* Appends the header. TOO_LARGE when what it says does not fit into ret_header. */
MUST_CHECK int pack_header(const struct pack_entry *entry, struct buf *ret_header);
/* Appends one PAX record. */
MUST_CHECK int pack_pax_record(struct buf *records, const char *key, const void *value,
                               size_t size);
/* Zeros from the end of size bytes to the next block edge. */
size_t pack_padding(uint64_t size);

#endif
