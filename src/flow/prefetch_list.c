/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/prefetch_list.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"

/* A copy without "./" and '/' at the start and '/' at the end. */
static char *clean_path(const char *path, size_t size)
{
    while (size > 0 && (path[0] == '/' || (path[0] == '.' && size > 1 && path[1] == '/'))) {
        path++;
        size--;
    }
    while (size > 0 && path[size - 1] == '/') {
        size--;
    }
    char *copy = mem_new(size + 1);
    if (copy != NULL) {
        memcpy(copy, path, size);
        copy[size] = '\0';
    }
    return copy;
}

/* Where the path is, or would be, among the sorted ones. */
static size_t place_of(const struct prefetch_list *list, const char *path)
{
    size_t first = 0;
    size_t end = list->path_count;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        if (strcmp(list->by_path[middle]->path, path) < 0) {
            first = middle + 1;
        } else {
            end = middle;
        }
    }
    return first;
}

static struct prefetch_path *find_clean(const struct prefetch_list *list, const char *path)
{
    size_t at = place_of(list, path);
    return at < list->path_count && strcmp(list->by_path[at]->path, path) == 0 ? list->by_path[at]
                                                                               : NULL;
}

static int grow(struct prefetch_path ***list, size_t count, struct lpipe_error *err)
{
    if (count == PREFETCH_PATHS_MAX) {
        return fail(err, LPIPE_TOO_LARGE, "the list of files to prefetch has more than %d paths",
                    PREFETCH_PATHS_MAX);
    }
    if ((count & (count + 1)) != 0 && count != 0) {
        return 0; /* the capacity is the next power of two */
    }
    void *larger = mem_realloc(*list, (2 * count + 2) * sizeof(struct prefetch_path *));
    *list = larger != NULL ? larger : *list;
    return larger == NULL ? fail_memory(err) : 0;
}

/* Takes the path. */
static int add_clean(struct prefetch_list *list, char *path, struct prefetch_path **ret_path,
                     struct lpipe_error *err)
{
    AUTO_FREE char *taken = path;
    size_t at = place_of(list, path);
    int status = grow(&list->by_path, list->path_count, err);
    struct prefetch_path *added = status == 0 ? NEW(struct prefetch_path) : NULL;
    if (added == NULL) {
        return status != 0 ? status : fail_memory(err);
    }
    added->path = TAKE(taken);
    memmove(&list->by_path[at + 1], &list->by_path[at], (list->path_count - at) * sizeof(void *));
    list->by_path[at] = added;
    list->path_count++;
    *ret_path = added;
    return 0;
}

/* The directories that lead to the path. */
static int add_parents(struct prefetch_list *list, const char *path, struct lpipe_error *err)
{
    struct prefetch_path *added = NULL;
    int status = 0;
    for (const char *slash = strchr(path, '/'); slash != NULL && status == 0;
         slash = strchr(slash + 1, '/')) {
        char *parent = clean_path(path, (size_t)(slash - path));
        if (parent == NULL) {
            return fail_memory(err);
        }
        if (find_clean(list, parent) == NULL) {
            status = add_clean(list, parent, &added, err);
        } else {
            free(parent);
        }
    }
    return status;
}

static int add_line(struct prefetch_list *list, const char *line, size_t size,
                    struct lpipe_error *err)
{
    char *path = clean_path(line, size);
    if (path == NULL) {
        return fail_memory(err);
    }
    struct prefetch_path *found = find_clean(list, path);
    int status = 0;
    if (path[0] == '\0' || (found != NULL && found->is_listed)) {
        free(path);
        return 0;
    }
    if (found == NULL) {
        status = add_clean(list, path, &found, err);
        status = status == 0 ? add_parents(list, found->path, err) : status;
    } else {
        free(path);
    }
    status = status == 0 ? grow(&list->by_order, list->count, err) : status;
    if (status == 0) {
        found->is_listed = true;
        list->by_order[list->count++] = found;
    }
    return status;
}

int prefetch_list_parse(const char *text, struct prefetch_list *ret_list, struct lpipe_error *err)
{
    struct prefetch_list list = { 0 };
    int status = 0;
    while (*text != '\0' && status == 0) {
        size_t size = strcspn(text, "\n");
        size_t used = size > 0 && text[size - 1] == '\r' ? size - 1 : size;
        status = add_line(&list, text, used, err);
        text += size + (text[size] != '\0');
    }
    if (status != 0) {
        prefetch_list_dispose(&list);
        return status;
    }
    *ret_list = list;
    return 0;
}

void prefetch_list_dispose(struct prefetch_list *list)
{
    for (size_t i = 0; i < list->path_count; i++) {
        free(list->by_path[i]->path);
        free(list->by_path[i]->target);
        free(list->by_path[i]);
    }
    free(list->by_path);
    free(list->by_order);
    *list = (struct prefetch_list){ 0 };
}

struct prefetch_path *prefetch_list_find(const struct prefetch_list *list, const char *path)
{
    AUTO_FREE char *clean = clean_path(path, strlen(path));
    return clean == NULL ? NULL : find_clean(list, clean);
}

int prefetch_list_add(struct prefetch_list *list, const char *path, struct lpipe_error *err)
{
    struct prefetch_path *added = NULL;
    char *clean = clean_path(path, strlen(path));
    if (clean == NULL) {
        return fail_memory(err);
    }
    if (clean[0] == '\0' || find_clean(list, clean) != NULL) {
        free(clean);
        return 0;
    }
    int status = add_clean(list, clean, &added, err);
    status = status == 0 ? add_parents(list, added->path, err) : status;
    return status == 0 ? 1 : status;
}
