/* SPDX-License-Identifier: Apache-2.0 */
#include "base/path.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#define LINKS_MAX 40 /* as in the kernel */

char *path_directory(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        return mem_strdup(".");
    }
    return slash == path ? mem_strdup("/") : mem_strndup(path, (size_t)(slash - path));
}

/* Where a link leads to; a relative target begins at the link's directory. NULL, with errno. */
static char *read_link(const char *path)
{
    char target[PATH_MAX];
    ssize_t size = readlink(path, target, sizeof target - 1);
    if (size < 0) {
        return NULL;
    }
    target[size] = '\0';
    AUTO_FREE char *directory = path_directory(path);
    char *found = directory == NULL  ? NULL
                  : target[0] == '/' ? mem_strdup(target)
                                     : mem_printf("%s/%s", directory, target);
    errno = ENOMEM;
    return found;
}

int path_of_file(const char *path, char **ret_file)
{
    AUTO_FREE char *here = mem_strdup(path);
    struct stat info;
    for (int links = 0; here != NULL && links <= LINKS_MAX; links++) {
        if (stat(here, &info) == 0) {
            *ret_file = realpath(here, NULL);
            return *ret_file == NULL ? errno : 0;
        }
        if (errno != ENOENT) {
            return errno;
        }
        if (lstat(here, &info) != 0 || !S_ISLNK(info.st_mode)) {
            *ret_file = TAKE(here);
            return 0;
        }
        char *next = read_link(here);
        free(here);
        here = next;
    }
    return here == NULL ? errno : ELOOP;
}
