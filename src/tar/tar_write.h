/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the tar header of an entry: POSIX ustar, and a PAX header before it only when a value
 * does not fit. Not done with libarchive, for the reasons in HACKING.md; also, these bytes are
 * part of the diff ID of every directory, which must not change with the version of a library.
 * Pure. */
#ifndef TAR_TAR_WRITE_H
#define TAR_TAR_WRITE_H

#include <stdbool.h>

#include "base/buf.h"

#define TAR_WRITE_BLOCK_BYTES 512

enum tar_entry_type {
    TAR_ENTRY_FILE = '0',
    TAR_ENTRY_HARD_LINK = '1',
    TAR_ENTRY_SYMLINK = '2',
    TAR_ENTRY_CHARACTER_DEVICE = '3',
    TAR_ENTRY_BLOCK_DEVICE = '4',
    TAR_ENTRY_DIRECTORY = '5',
    TAR_ENTRY_FIFO = '6',
    TAR_ENTRY_PAX = 'x' /* written by tar_write_header() when needed */
};

struct tar_write_entry {
    enum tar_entry_type type;
    const char *path;         /* of a directory, ends with '/' */
    const char *link;         /* where a link points to, else NULL */
    const struct buf *xattrs; /* PAX records, or NULL */
    uint64_t size;            /* of a file's data */
    int64_t mtime;            /* seconds */
    unsigned mode;            /* permission bits */
    unsigned uid;
    unsigned gid;
    unsigned device_major;
    unsigned device_minor;
    /* A size from 8 GiB on is written in GNU's base-256 only, without a PAX record. Then the header
     * of a short path is one block for any size. */
    bool in_one_block;
};

/* Appends the header. TOO_LARGE when it does not fit into ret_header. */
MUST_CHECK int tar_write_header(const struct tar_write_entry *entry, struct buf *ret_header);
/* Appends one PAX record. */
MUST_CHECK int tar_write_pax_record(struct buf *records, const char *key, const void *value,
                                    size_t size);
/* Appends a PAX header with these records. */
MUST_CHECK int tar_write_pax_header(const struct buf *records, struct buf *ret_header);
/* Computes the checksum of a header and writes it into its field. */
void tar_write_checksum(unsigned char header[TAR_WRITE_BLOCK_BYTES]);
/* The number of zero bytes from the end of size bytes to the next block. */
size_t tar_padding(uint64_t size);

#endif
