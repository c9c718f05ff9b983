/* SPDX-License-Identifier: Apache-2.0 */
/* Remembers the first path of each file that has several names. Memory grows with the number of
 * such files: their paths and about 24 bytes each. */
#ifndef TAR_HARD_LINKS_H
#define TAR_HARD_LINKS_H

#include <sys/types.h>

#include "base/macros.h"

struct hard_link {
    dev_t device;
    ino_t inode;
    char *path; /* owned; NULL = an empty slot */
};

struct hard_links {
    struct hard_link *slots;
    size_t capacity; /* 0 or a power of two */
    size_t count;
};

/* The first path of the file, or NULL: then this path is kept as its first one. 0 or NO_MEMORY. */
MUST_CHECK int hard_links_find_or_add(struct hard_links *links, dev_t device, ino_t inode,
                                      const char *path, const char **ret_earlier);
void hard_links_dispose(struct hard_links *links);

#endif
