/* SPDX-License-Identifier: Apache-2.0 */
#include "tar/tar_tops.h"

#include <string.h>

#define WHITEOUT ".wh."

bool tar_top_has(const struct tar_top_list *list, const char *path)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->paths[i], path) == 0) {
            return true;
        }
    }
    return false;
}

/* The path without "./" and slashes at its ends; false for one that is not kept. */
static bool path_of(const struct tar_text *name, char ret_path[TAR_TOP_BYTES])
{
    const char *path = name->bytes;
    size_t size = name->size;
    while (size > 0 && (path[0] == '/' || (size > 1 && path[0] == '.' && path[1] == '/'))) {
        size_t skipped = path[0] == '/' ? 1 : 2;
        path += skipped;
        size -= skipped;
    }
    while (size > 0 && path[size - 1] == '/') {
        size--;
    }
    if (size == 0 || size >= TAR_TOP_BYTES || memchr(path, '\0', size) != NULL) {
        return false;
    }
    memcpy(ret_path, path, size);
    ret_path[size] = '\0';
    const char *slash = strchr(ret_path, '/');
    return slash == NULL || strchr(slash + 1, '/') == NULL;
}

/* Takes the mark out of "var/.wh.run". False when there is none. */
static bool take_whiteout(char path[TAR_TOP_BYTES])
{
    char *slash = strrchr(path, '/');
    char *last = slash == NULL ? path : slash + 1;
    size_t mark = strlen(WHITEOUT);
    bool found = strncmp(last, WHITEOUT, mark) == 0 && strncmp(last + mark, WHITEOUT, mark) != 0;
    if (found) {
        memmove(last, last + mark, strlen(last + mark) + 1);
    }
    return found;
}

void tar_tops_add(struct tar_tops *tops, const struct tar_text *name, char type, bool is_directory)
{
    char path[TAR_TOP_BYTES];
    if (!path_of(name, path)) {
        return;
    }
    struct tar_top_list *list = is_directory          ? &tops->directories
                                : type == '2'         ? &tops->links
                                : take_whiteout(path) ? &tops->whiteouts
                                                      : NULL;
    if (list != NULL && list->count < TAR_TOPS_MAX && !tar_top_has(list, path)) {
        memcpy(list->paths[list->count++], path, TAR_TOP_BYTES);
    }
}
