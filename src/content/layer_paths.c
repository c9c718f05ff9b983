/* SPDX-License-Identifier: Apache-2.0 */
#include "content/layer_paths.h"

#include <string.h>

#include "base/limits.h"
#include "base/text.h"

#define MARK ".wh."
#define MARK_SIZE (sizeof MARK - 1)
#define OPAQUE ".wh..wh..opq"

/* The size of the first part of a path; *ret_next is what follows it, "" at the end. */
static size_t first_part(const char *path, const char **ret_next)
{
    size_t size = strcspn(path, "/");
    *ret_next = path[size] == '/' ? path + size + 1 : path + size;
    return size;
}

/* Whether a parent of the path hides from the layer what is below it. *ret_index: the path's
 * node, or PATH_NONE. */
static bool is_closed(struct path_tree *tree, unsigned layer, const char *path, uint32_t *ret_index)
{
    uint32_t index = PATH_ROOT;
    while (*path != '\0') {
        const char *next = NULL;
        size_t size = first_part(path, &next);
        if (path_tree_node(tree, index)->closed > layer) {
            *ret_index = PATH_NONE;
            return true;
        }
        index = path_tree_child(tree, index, path, size);
        if (index == PATH_NONE) {
            break;
        }
        path = next;
    }
    *ret_index = index;
    return false;
}

bool layer_paths_shown(struct path_tree *tree, unsigned layer, const char *path, bool is_directory)
{
    uint32_t index = PATH_NONE;
    if (is_closed(tree, layer, path, &index)) {
        return false;
    }
    if (index == PATH_NONE) {
        return true;
    }
    const struct path_node *node = path_tree_node(tree, index);
    return node->covered <= layer && (is_directory || node->implied <= layer);
}

uint32_t layer_paths_find(const struct path_tree *tree, const char *path)
{
    uint32_t index = PATH_ROOT;
    while (*path != '\0' && index != PATH_NONE) {
        const char *next = NULL;
        size_t size = first_part(path, &next);
        index = path_tree_child(tree, index, path, size);
        path = next;
    }
    return index;
}

/* Adds the path. implied: the layer for the marks of its parents; 0: no marks. */
static int add_path(struct path_tree *tree, unsigned implied, const char *path, uint32_t *ret_index,
                    struct lpipe_error *err)
{
    uint32_t index = PATH_ROOT;
    int status = 0;
    while (*path != '\0' && status == 0) {
        const char *next = NULL;
        size_t size = first_part(path, &next);
        struct path_node *parent = path_tree_node(tree, index);
        if (parent->implied == 0) {
            parent->implied = (uint16_t)implied;
        }
        if (size > UINT16_MAX) {
            return fail(err, LPIPE_NOT_TAR, "a path has a part of more than %d bytes",
                        TAR_PART_BYTES_MAX);
        }
        status = path_tree_add(tree, index, path, size, &index, err);
        path = next;
    }
    *ret_index = index;
    return status;
}

int layer_paths_add(struct path_tree *tree, const char *path, uint32_t *ret_index,
                    struct lpipe_error *err)
{
    return add_path(tree, 0, path, ret_index, err);
}

unsigned layer_paths_times(const struct path_node *node, unsigned layer)
{
    return node->seen == layer ? node->times : 0;
}

static void count_entry(struct path_node *node, unsigned layer)
{
    unsigned times = layer_paths_times(node, layer);
    node->times = (uint8_t)(times < TIMES_MAX ? times + 1 : times);
    node->seen = (uint16_t)layer;
}

int layer_paths_give(struct path_tree *tree, unsigned layer, const char *path, bool is_directory,
                     struct lpipe_error *err)
{
    uint32_t index = layer == 1 ? layer_paths_find(tree, path) : PATH_NONE;
    int status = layer == 1 ? 0 : add_path(tree, layer, path, &index, err);
    if (status != 0 || index == PATH_NONE) {
        return status;
    }
    struct path_node *node = path_tree_node(tree, index);
    node->given = true;
    count_entry(node, layer);
    node->covered = node->covered == 0 ? (uint16_t)layer : node->covered;
    if (!is_directory && node->closed == 0) {
        node->closed = (uint16_t)layer;
    }
    return 0;
}

int layer_paths_hide(struct path_tree *tree, unsigned layer, const char *path, bool is_directory,
                     uint32_t *ret_index, struct lpipe_error *err)
{
    int status = add_path(tree, layer, path, ret_index, err);
    if (status == 0 && !is_directory) {
        struct path_node *node = path_tree_node(tree, *ret_index);
        count_entry(node, layer);
        node->covered = node->covered == 0 ? (uint16_t)layer : node->covered;
        node->closed = node->closed == 0 ? (uint16_t)layer : node->closed;
    }
    return status;
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

enum whiteout_kind layer_paths_whiteout_kind(const char *path)
{
    const char *name = last_part(path);
    if (!text_starts(name, MARK)) {
        return WHITEOUT_NONE;
    }
    if (strcmp(name, OPAQUE) == 0) {
        return WHITEOUT_OPAQUE;
    }
    return text_starts(name + MARK_SIZE, MARK) || name[MARK_SIZE] == '\0' ||
                   strcmp(name + MARK_SIZE, ".") == 0 || strcmp(name + MARK_SIZE, "..") == 0
               ? WHITEOUT_OTHER
               : WHITEOUT_PATH;
}

int layer_paths_whiteout(struct path_tree *tree, unsigned layer, const char *path,
                         struct lpipe_error *err)
{
    struct buf target AUTO_BUF = BUF_INIT(TAR_EXTENSION_BYTES_MAX);
    const char *name = last_part(path);
    bool opaque = layer_paths_whiteout_kind(path) == WHITEOUT_OPAQUE;
    uint32_t index = PATH_NONE;
    if (layer == 1 || is_closed(tree, layer, path, &index)) {
        return 0;
    }
    int status = buf_append(&target, path, (size_t)(name - path));
    if (opaque && target.size > 0) {
        target.data[--target.size] = '\0'; /* the slash */
    } else if (!opaque) {
        status = status == 0 ? buf_append_text(&target, name + MARK_SIZE) : status;
    }
    if (status != 0) {
        return fail_memory(err);
    }
    status = layer_paths_add(tree, target.data, &index, err);
    if (status == 0) {
        struct path_node *node = path_tree_node(tree, index);
        node->closed = node->closed == 0 ? (uint16_t)layer : node->closed;
        node->covered = node->covered == 0 && !opaque ? (uint16_t)layer : node->covered;
    }
    return status;
}
