/* SPDX-License-Identifier: Apache-2.0 */
/* A path of an entry, or the target of a link, read in pieces of any size: what unpackers look at
 * before they take it. Constant memory. */
#ifndef TAR_TAR_NAME_H
#define TAR_TAR_NAME_H

#include "tar/tar_header.h"

struct tar_parts {
    size_t size;       /* bytes so far; several slashes in a row are one */
    size_t part_size;  /* of the last part */
    char part[8];      /* its beginning */
    bool part_ended;   /* by a slash */
    bool has_nul;      /* some byte is one */
    bool absolute;     /* the first byte is a slash */
    bool leads_out;    /* by ".." of the directory that it is relative to */
    bool marks_none;   /* its last part is the deletion mark of no name */
    size_t depth;      /* parts before the last one; ".." takes one away */
    size_t long_depth; /* of the first part that is too long, counted from 1; 0: none is */
};

/* The beginning of a name, as it is: not fit for printing. */
struct tar_text {
    size_t size;
    char bytes[TAR_NAME_BYTES];
};

struct tar_name {
    struct tar_parts parts;
    char last; /* byte */
    struct tar_text text;
};

void tar_name_begin(struct tar_name *name);
void tar_name_feed(struct tar_name *name, const char *bytes, size_t size);
/* No more bytes. NULL, or what unpackers refuse in the path of an entry, of a global header (for
 * which no file is made), in the target of a hard link, in the target of a symbolic link. */
const char *tar_name_wrong_path(const struct tar_name *name);
const char *tar_name_wrong_global(const struct tar_name *name);
const char *tar_name_wrong_link(const struct tar_name *name);
const char *tar_name_wrong_symlink(const struct tar_name *name);

#endif
