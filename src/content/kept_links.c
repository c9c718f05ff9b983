/* SPDX-License-Identifier: Apache-2.0 */
#include "content/kept_links.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "content/layer_paths.h"

enum { FIRST_LINKS = 16, ALIASES_MAX = 64 };

static void link_dispose(struct kept_link *link)
{
    free(link->path);
    free(link->target);
    free(link->headers);
}

void kept_links_dispose(struct kept_links *links)
{
    for (size_t i = 0; i < links->count; i++) {
        link_dispose(&links->links[i]);
    }
    free(links->links);
    links->links = NULL;
    links->count = links->capacity = 0;
}

/* How the link can be written, seen from its layer. Follows hidden links: *io_target becomes the
 * path that is meant. */
static int judge(struct path_tree *tree, unsigned layer, struct buf *io_target,
                 enum link_state *ret_state, struct lpipe_error *err)
{
    for (int i = 0; i < ALIASES_MAX; i++) {
        uint32_t index = layer_paths_find(tree, io_target->data);
        const struct path_node *node = index == PATH_NONE ? NULL : path_tree_node(tree, index);
        bool seen = node != NULL && node->seen == layer;
        if (layer_paths_shown(tree, layer, io_target->data, false)) {
            bool good = (seen || layer == 1) && (node == NULL || !node->deferred);
            *ret_state = good ? LINK_GOOD : LINK_LAST;
            return 0;
        }
        if (seen && node->alias_written) {
            *ret_state = LINK_GOOD;
            return path_tree_text(tree, node->alias, io_target, err);
        }
        if (!seen || node->alias == PATH_NONE) {
            *ret_state = seen ? LINK_AGAIN : LINK_LOWER;
            return 0;
        }
        int status = path_tree_text(tree, node->alias, io_target, err);
        if (status != 0) {
            return status;
        }
    }
    return fail(err, LPIPE_NOT_TAR, "hard links point to each other");
}

/* Adds the link to those that wait for its target's content. given: the tar has the target. */
static int wait_for_target(struct kept_links *links, size_t at, bool given, struct lpipe_error *err)
{
    struct kept_link *link = &links->links[at];
    uint32_t index = PATH_NONE;
    int status = layer_paths_add(links->tree, link->target, &index, err);
    if (status == 0) {
        struct path_node *node = path_tree_node(links->tree, index);
        node->given = node->given || given;
        link->next = node->waiting;
        node->waiting = (uint32_t)at;
    }
    return status;
}

static int more_links(struct kept_links *links, struct lpipe_error *err)
{
    size_t capacity = links->capacity == 0 ? FIRST_LINKS : links->capacity * 2;
    int status =
        path_tree_charge(links->tree, (capacity - links->capacity) * sizeof *links->links, err);
    if (status != 0) {
        return status;
    }
    struct kept_link *grown = mem_realloc(links->links, capacity * sizeof *grown);
    if (grown == NULL) {
        return fail_memory(err);
    }
    links->links = grown;
    links->capacity = capacity;
    return 0;
}

static int fill_link(struct kept_link *link, const struct tar_reader_entry *entry, const char *path,
                     const char *target, struct lpipe_error *err)
{
    link->path = mem_strdup(path);
    link->target = mem_strdup(target);
    link->headers = mem_new(entry->headers_size);
    link->headers_size = entry->headers_size;
    if (link->path == NULL || link->target == NULL || link->headers == NULL) {
        return fail_memory(err);
    }
    memcpy(link->headers, entry->headers, entry->headers_size);
    return 0;
}

static int keep(struct kept_links *links, enum link_state state, unsigned layer,
                const struct tar_reader_entry *entry, const char *path, const char *target,
                struct lpipe_error *err)
{
    uint32_t index = PATH_NONE;
    int status = links->count == links->capacity ? more_links(links, err) : 0;
    if (status == 0) {
        status =
            path_tree_charge(links->tree, entry->headers_size + strlen(path) + strlen(target), err);
    }
    if (status != 0) {
        return status;
    }
    size_t at = links->count++;
    links->links[at] = (struct kept_link){ .state = state, .layer = layer, .next = PATH_NONE };
    status = fill_link(&links->links[at], entry, path, target, err);
    status = status == 0 ? wait_for_target(links, at, false, err) : status;
    status = status == 0 ? layer_paths_add(links->tree, path, &index, err) : status;
    if (status == 0) {
        path_tree_node(links->tree, index)->deferred = true;
        path_tree_node(links->tree, index)->seen = (uint16_t)layer;
    }
    return status;
}

int kept_links_add(struct kept_links *links, unsigned layer, const struct tar_reader_entry *entry,
                   const char *path, const char *target, enum link_state *ret_state,
                   struct buf *ret_target, struct lpipe_error *err)
{
    buf_clear(ret_target);
    if (buf_append_text(ret_target, target) != 0) {
        return fail_memory(err);
    }
    int status = judge(links->tree, layer, ret_target, ret_state, err);
    return status == 0 && *ret_state != LINK_GOOD
               ? keep(links, *ret_state, layer, entry, path, ret_target->data, err)
               : status;
}

/* Makes the link one to target, which is written at the end. */
static int link_to(struct kept_link *link, const char *target, struct lpipe_error *err)
{
    char *text = mem_strdup(target);
    if (text == NULL) {
        return fail_memory(err);
    }
    free(link->target);
    link->target = text;
    link->state = LINK_LAST;
    return 0;
}

/* Whether the link waits for what the layer has at the path. A link that comes last does where its
 * own layer deletes the target that a lower layer has. */
static bool waits_for(const struct kept_link *link, unsigned layer, bool again, bool given)
{
    if (again) {
        return link->state == LINK_AGAIN && link->layer == layer;
    }
    return link->layer > layer &&
           (link->state == LINK_LOWER || (link->state == LINK_LAST && !given));
}

/* Takes the links out of those that wait for the path, of which the layer now has an entry. The
 * others stay. */
static uint32_t take_waiting(struct kept_links *links, unsigned layer, bool again, const char *path)
{
    uint32_t index = layer_paths_find(links->tree, path);
    uint32_t taken = PATH_NONE;
    if (index == PATH_NONE) {
        return PATH_NONE;
    }
    bool given = path_tree_node(links->tree, index)->given;
    uint32_t *from = &path_tree_node(links->tree, index)->waiting;
    while (*from != PATH_NONE) {
        uint32_t at = *from;
        struct kept_link *link = &links->links[at];
        if (waits_for(link, layer, again, given)) {
            *from = link->next;
            link->next = taken;
            taken = at;
        } else {
            from = &link->next;
        }
    }
    return taken;
}

int kept_links_take(struct kept_links *links, unsigned layer, bool again, const char *path,
                    const struct kept_link **ret_link, struct lpipe_error *err)
{
    uint32_t at = take_waiting(links, layer, again, path);
    uint32_t own = PATH_NONE;
    *ret_link = NULL;
    if (at == PATH_NONE) {
        return 0;
    }
    struct kept_link *first = &links->links[at];
    int status = 0;
    for (uint32_t i = first->next; i != PATH_NONE && status == 0; i = links->links[i].next) {
        status = link_to(&links->links[i], first->path, err);
    }
    first->state = LINK_DONE;
    status = status == 0 ? layer_paths_add(links->tree, first->path, &own, err) : status;
    if (status == 0) {
        struct path_node *node = path_tree_node(links->tree, layer_paths_find(links->tree, path));
        node->alias = own;
        node->alias_written = true;
        path_tree_node(links->tree, own)->given = true;
        *ret_link = first;
    }
    return status;
}

static int judge_again(struct kept_links *links, uint32_t at, unsigned layer, const char *target,
                       struct lpipe_error *err)
{
    struct buf text AUTO_BUF = BUF_INIT(TAR_EXTENSION_BYTES_MAX);
    struct kept_link *link = &links->links[at];
    enum link_state state = LINK_LAST;
    int status = buf_append_text(&text, target) == 0 ? 0 : fail_memory(err);
    status = status == 0 ? judge(links->tree, layer, &text, &state, err) : status;
    status = status == 0 ? link_to(link, text.data, err) : status;
    if (status == 0) {
        link->layer = layer;
        link->state = state == LINK_GOOD ? LINK_LAST : state;
        status = wait_for_target(links, at, state == LINK_GOOD, err);
    }
    return status;
}

int kept_links_follow(struct kept_links *links, unsigned layer, const char *path,
                      const char *target, struct lpipe_error *err)
{
    uint32_t at = take_waiting(links, layer, false, path);
    int status = 0;
    while (at != PATH_NONE && status == 0) {
        uint32_t next = links->links[at].next;
        links->links[at].next = PATH_NONE;
        status = judge_again(links, at, layer, target, err);
        at = next;
    }
    return status;
}

void kept_links_replaced(struct kept_links *links, unsigned layer, const char *path)
{
    uint32_t index = layer_paths_find(links->tree, path);
    uint32_t at = index == PATH_NONE ? PATH_NONE : path_tree_node(links->tree, index)->waiting;
    for (; at != PATH_NONE; at = links->links[at].next) {
        struct kept_link *link = &links->links[at];
        if (link->state == LINK_LAST && link->layer == layer && layer > 1) {
            link->state = LINK_LOWER;
        }
    }
}

unsigned kept_links_again(const struct kept_links *links, unsigned below)
{
    unsigned layer = 0;
    for (size_t i = 0; i < links->count; i++) {
        const struct kept_link *link = &links->links[i];
        if (link->state == LINK_AGAIN && link->layer <= below) {
            layer = MAX_OF(layer, link->layer);
        }
    }
    return layer;
}

bool kept_links_has_target(const struct kept_links *links, const struct kept_link *link)
{
    uint32_t index = layer_paths_find(links->tree, link->target);
    return index != PATH_NONE && path_tree_node(links->tree, index)->given;
}
