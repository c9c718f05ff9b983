/* SPDX-License-Identifier: Apache-2.0 */
#include "content/path_clean.h"

#include <string.h>

static bool part_is(const char *part, size_t size, const char *text)
{
    return size == strlen(text) && memcmp(part, text, size) == 0;
}

/* Takes the last part away. */
static void drop_part(struct buf *path)
{
    const char *slash = memrchr(path->data, '/', path->size);
    path->size = slash == NULL ? 0 : (size_t)(slash - path->data);
    path->data[path->size] = '\0';
}

static int add_part(struct buf *path, const char *part, size_t size)
{
    int status = path->size == 0 ? 0 : buf_append(path, "/", 1);
    return status == 0 ? buf_append(path, part, size) : status;
}

int path_clean(const char *path, struct buf *ret_path, enum path_kind *ret_kind)
{
    bool absolute = *path == '/';
    enum path_kind kind = absolute ? PATH_CHANGED : PATH_AS_IT_IS;
    buf_clear(ret_path);
    int status = buf_append(ret_path, "", 0);
    while (*path != '\0' && status == 0) {
        size_t size = strcspn(path, "/");
        if (part_is(path, size, "..")) {
            bool at_top = ret_path->size == 0;
            kind = kind == PATH_LEADS_OUT || (at_top && !absolute) ? PATH_LEADS_OUT : PATH_CHANGED;
            drop_part(ret_path);
        } else if (size > 0 && !part_is(path, size, ".")) {
            status = add_part(ret_path, path, size);
        }
        path += path[size] == '/' ? size + 1 : size;
    }
    *ret_kind = kind;
    return status;
}
