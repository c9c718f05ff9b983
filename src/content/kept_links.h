/* SPDX-License-Identifier: Apache-2.0 */
/* Hard links that cannot be written where they stand in their layer, because layers are read
 * from the highest one down:
 *
 *   - the target is in a lower layer: the link is written after all layers;
 *   - the target is hidden by a higher layer, but the link is not: the link becomes the file. If
 *     the target is in a lower layer than the link, it becomes the file when that layer gives it;
 *     else the link's layer has passed it already and is read again at the end.
 *
 * A layer may have several entries of a path. A hard link means what its target was when the link
 * was read; links of higher layers mean the last one. What cannot be done in this order is an
 * error.
 *
 * Paths and headers are kept in memory, within the limit of the path tree. One thread at a time. */
#ifndef CONTENT_KEPT_LINKS_H
#define CONTENT_KEPT_LINKS_H

#include "content/path_tree.h"
#include "tar/tar_fields.h"

enum link_state {
    LINK_GOOD = 0, /* its target is in the tar already: it can be written */
    LINK_LAST,     /* is written at the end */
    LINK_LOWER,    /* waits for a lower layer to give its content */
    LINK_AGAIN,    /* waits for its own layer to be read again */
    LINK_DONE
};

struct kept_link {
    enum link_state state;
    unsigned layer; /* the one that it is judged in: it sees this one and lower ones */
    unsigned times; /* LINK_AGAIN: which of its layer's entries of the target it waits for */
    uint32_t next;  /* that waits for the same content */
    char *path;     /* clean, as all paths here */
    char *target;
    unsigned char *headers; /* as the layer has them */
    size_t headers_size;
};

struct kept_links {
    struct path_tree *tree; /* borrowed */
    struct kept_link *links;
    size_t count;
    size_t capacity;
};
void kept_links_dispose(struct kept_links *links);

/* A hard link of the layer that is shown. LINK_GOOD: nothing is kept; *ret_target is the path that
 * it points to, which differs from target where that is a hidden link itself. */
MUST_CHECK int kept_links_add(struct kept_links *links, unsigned layer,
                              const struct tar_reader_entry *entry, const char *path,
                              const char *target, enum link_state *ret_state,
                              struct buf *ret_target, struct lpipe_error *err);
/* The layer's entry of the path, no directory, is hidden (layer_paths_hide()), but may be what
 * links of higher layers wait for. target: what it points to, if it is a hard link, else NULL.
 * ret_path: where the entry has to be written, "" if nowhere; ret_target: what it points to there.
 * Links that wait for it become links to that path; those that have to wait for the target of a
 * hard link are judged again. */
MUST_CHECK int kept_links_hidden(struct kept_links *links, unsigned layer, const char *path,
                                 const char *target, struct buf *ret_path, struct buf *ret_target,
                                 struct lpipe_error *err);
/* The layer is read again and has an entry of the path. Returns the link that becomes this entry,
 * or NULL; all others that wait for it become links to that one. */
MUST_CHECK int kept_links_take(struct kept_links *links, unsigned layer, const char *path,
                               const struct kept_link **ret_link, struct lpipe_error *err);
/* The layer gives the path now: its links to the path that came before mean what lower layers have
 * there, and its link that stood at the path is replaced. */
void kept_links_replaced(struct kept_links *links, unsigned layer, const char *path);
/* The highest layer up to `below` that must be read again; 0: none. */
unsigned kept_links_again(const struct kept_links *links, unsigned below);
/* Whether the link's target has been written. */
bool kept_links_has_target(const struct kept_links *links, const struct kept_link *link);

#endif
