/* SPDX-License-Identifier: Apache-2.0 */
/* Remembers under which path a file with several names was packed first. It grows with the number of
 * such files, by their path and a few words each. */
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
    size_t room; /* 0 or a power of two */
    size_t count;
};

/* The path of an earlier name of the file, or NULL: then path is kept for later ones. NO_MEMORY. */
MUST_CHECK int hard_links_find_or_add(struct hard_links *links, dev_t device, ino_t inode,
                                      const char *path, const char **ret_earlier);
void hard_links_dispose(struct hard_links *links);

#endif
