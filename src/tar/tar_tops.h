/* SPDX-License-Identifier: Apache-2.0 */
/* The directories, symbolic links and whiteouts near the top of a tar: paths of at most two parts,
 * where file systems have links like bin -> usr/bin and var/run -> /run. Constant memory: of more
 * or longer paths nothing is kept. Pure; one thread at a time. */
#ifndef TAR_TAR_TOPS_H
#define TAR_TAR_TOPS_H

#include "base/limits.h"
#include "tar/tar_name.h"

#define TAR_TOP_BYTES 28 /* with the NUL */

struct tar_top_list {
    size_t count;
    char paths[TAR_TOPS_MAX][TAR_TOP_BYTES]; /* "bin", without slashes at the ends */
};

struct tar_tops {
    struct tar_top_list directories;
    struct tar_top_list links;     /* symbolic ones */
    struct tar_top_list whiteouts; /* the paths that they delete */
};

/* An entry, of any type. is_directory: it is one in whatever way. */
void tar_tops_add(struct tar_tops *tops, const struct tar_text *name, char type, bool is_directory);
bool tar_top_has(const struct tar_top_list *list, const char *path);

#endif
