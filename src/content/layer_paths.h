/* SPDX-License-Identifier: Apache-2.0 */
/* Which entries of an image's layers can be seen in a container, when the layers are read from the
 * highest one down (image-spec, layer.md, "Applying Changesets"):
 *
 *   - an entry hides lower layers' entries of its path; two directories become one with the higher
 *     one's owner, mode and times;
 *   - what is no directory hides what lower layers have below its path; an entry below a path makes
 *     a directory of it, which hides what lower layers have there instead of one;
 *   - a whiteout (".wh.NAME") hides lower layers' NAME and what is below it; an opaque whiteout
 *     (".wh..wh..opq") what lower layers have below its directory. Both leave their own layer's
 *     entries alone, wherever they stand in it;
 *   - within a layer all entries are shown, in their order: the last one of a path counts, as for
 *     a program that unpacks the layer.
 *
 * Paths are clean (path_clean.h). One thread at a time. */
#ifndef CONTENT_LAYER_PATHS_H
#define CONTENT_LAYER_PATHS_H

#include "content/path_tree.h"

/* How many entries of the path the layer has had; see TIMES_MAX. */
unsigned layer_paths_times(const struct path_node *node, unsigned layer);
/* The layer's mark for its own path is not set yet. */
bool layer_paths_shown(struct path_tree *tree, unsigned layer, const char *path, bool is_directory);
/* PATH_NONE: no mark is set on the path. */
uint32_t layer_paths_find(const struct path_tree *tree, const char *path);
MUST_CHECK int layer_paths_add(struct path_tree *tree, const char *path, uint32_t *ret_index,
                               struct lpipe_error *err);
/* The entry is shown. Nothing is below the lowest layer, so its entries are not added. */
MUST_CHECK int layer_paths_give(struct path_tree *tree, unsigned layer, const char *path,
                                bool is_directory, struct lpipe_error *err);
/* The entry is hidden. What it hides in lower layers is hidden still. */
MUST_CHECK int layer_paths_hide(struct path_tree *tree, unsigned layer, const char *path,
                                bool is_directory, uint32_t *ret_index, struct lpipe_error *err);

enum whiteout_kind {
    WHITEOUT_NONE = 0, /* an entry like others */
    WHITEOUT_PATH,
    WHITEOUT_OPAQUE,
    WHITEOUT_OTHER /* a file of AUFS itself (".wh..wh.plnk"), or no name: is left out */
};
enum whiteout_kind layer_paths_whiteout_kind(const char *path);
/* Takes a whiteout's own path. */
MUST_CHECK int layer_paths_whiteout(struct path_tree *tree, unsigned layer, const char *path,
                                    struct lpipe_error *err);

#endif
