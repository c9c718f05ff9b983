/* SPDX-License-Identifier: Apache-2.0 */
/* Odd entries: those that the unpackers of containerd, of Docker and of podman refuse, or two of
 * these three, whatever the layers below and the file system are. docs/tar.md has the table. */
#ifndef TAR_TAR_ODD_H
#define TAR_TAR_ODD_H

#include "tar/tar_header.h"

enum tar_odd_reason {
    TAR_ODD_NONE = 0,
    TAR_ODD_TYPE,   /* of the entry */
    TAR_ODD_FIELD,  /* of its header: no number */
    TAR_ODD_RECORD, /* of a PAX header: a value that cannot be read */
    TAR_ODD_SPARSE, /* the map of a sparse file */
    TAR_ODD_DEVICE, /* device numbers of more than 32 bits */
    TAR_ODD_PATH,   /* of the entry */
    TAR_ODD_LINK,   /* the target of a link */
    TAR_ODD_XATTR   /* the size of an extended attribute's name or value */
};

/* The first odd entry of an archive, and how many there are. */
struct tar_odd {
    enum tar_odd_reason reason; /* TAR_ODD_NONE: nothing else is set */
    uint64_t count;             /* entries */
    unsigned reasons;           /* of all of them: bits 1 << reason */
    uint64_t offset;            /* of the header at fault */
    char name[TAR_NAME_BYTES];  /* of the entry, printable; empty where it has not been seen */
    char what[96];              /* "its type is S (a sparse file of GNU tar)" */
    const char *cure;           /* "tar --format=posix writes ..." */
};

/* Whether no unpacker knows the type of an entry. */
bool tar_type_is_odd(char type);
/* Text for what and cure. */
void tar_odd_type_text(char type, char *ret_what, size_t size);
const char *tar_odd_type_cure(char type);
const char *tar_odd_cure(enum tar_odd_reason reason);

#endif
