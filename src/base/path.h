/* SPDX-License-Identifier: Apache-2.0 */
/* Paths of files that are written, as those who gave them mean them. Any thread. */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include "base/macros.h"

/* The path of the file that open() with O_CREAT would open or make: if the path names a symbolic
 * link, the file that this leads to, whether it exists or not. So a new file that is renamed to
 * this path leaves the link as it is. 0 or an errno value: a link that the kernel does not let this
 * process follow (fs.protected_symlinks) is EACCES. *ret_file is owned. */
MUST_CHECK int path_of_file(const char *path, char **ret_file);
/* The directory that the path is in, "." if it names none; owned. NULL = no memory. */
char *path_directory(const char *path);

#endif
