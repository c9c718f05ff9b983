/* SPDX-License-Identifier: Apache-2.0 */
/* Paths with marks, kept as a tree: each part of a path once. Its memory is limited. One thread
 * at a time. */
#ifndef CONTENT_PATH_TREE_H
#define CONTENT_PATH_TREE_H

#include "base/buf.h"

#define PATH_ROOT 0u
#define PATH_NONE UINT32_MAX

/* Layers are counted from 1, the lowest; 0 in a mark: none. Of several layers the highest counts,
 * which is the first one that sets a mark. */
struct path_node {
    uint32_t parent;
    uint32_t name_at;
    uint32_t waiting;    /* the first of the kept links that wait for its content */
    uint32_t kept;       /* the kept link that is the entry of the path; PATH_NONE: none */
    uint32_t alias;      /* what the hard link at this path points to, in the layer `seen` */
    uint16_t name_size;  /* a part is no longer than Linux takes */
    uint16_t covered;    /* gives or deletes the path, so that lower layers' entries are hidden */
    uint16_t closed;     /* hides what lower layers have below the path */
    uint16_t implied;    /* has an entry below the path, which makes it a directory */
    uint16_t seen;       /* the last layer that has an entry of the path, hidden or not */
    uint16_t again;      /* is read again, and none of its links waits for the path any more */
    uint8_t times;       /* how many entries of the path the layer `seen` has; see TIMES_MAX */
    uint8_t alias_times; /* those of `alias`, when the hard link was read */
    bool alias_written : 1; /* the tar has the layer's entry of this path under the path `alias` */
    bool followed : 1;      /* links that waited for it wait for `alias` now */
    bool given : 1;         /* the tar has an entry of the path */
};

/* Further entries of a path in one layer are not counted. */
#define TIMES_MAX UINT8_MAX

struct path_tree;

MUST_CHECK int path_tree_new(size_t bytes_max, struct path_tree **ret_tree,
                             struct lpipe_error *err);
struct path_tree *path_tree_free(struct path_tree *tree);
/* Borrowed until the next path_tree_add(). */
struct path_node *path_tree_node(struct path_tree *tree, uint32_t index);
/* PATH_NONE: the directory has no such entry. */
uint32_t path_tree_child(const struct path_tree *tree, uint32_t parent, const char *name,
                         size_t size);
/* Finds it or adds it. NO_MEMORY, or NO_RESOURCES above the limit. */
MUST_CHECK int path_tree_add(struct path_tree *tree, uint32_t parent, const char *name, size_t size,
                             uint32_t *ret_index, struct lpipe_error *err);
/* Counts bytes that the caller keeps for paths, within the same limit. */
MUST_CHECK int path_tree_charge(struct path_tree *tree, size_t bytes, struct lpipe_error *err);
/* The whole path, "a/b"; "" for the root. Replaces the contents of the buffer. */
MUST_CHECK int path_tree_text(struct path_tree *tree, uint32_t index, struct buf *ret_path,
                              struct lpipe_error *err);

#endif
