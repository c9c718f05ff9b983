/* SPDX-License-Identifier: Apache-2.0 */
#include "content/kept_links.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/layer_paths.h"
#include "tar/tar_scan.h"

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

static int fail_repeated(const char *path, struct lpipe_error *err)
{
    char shown[TAR_NAME_BYTES];
    return fail_with_advice(
        err, LPIPE_UNSUPPORTED,
        "the layer has several entries of %s, and hard links to them that cannot "
        "be flattened; read the layers one by one with `layer`",
        text_printable(shown, sizeof shown, path, strlen(path)));
}

/* How a link can be written, and what it points to. */
struct verdict {
    enum link_state state;
    unsigned times; /* as in struct kept_link */
};

/* The target is a hidden hard link of the layer: what it points to, if that is the same still. */
static int follow_alias(struct path_tree *tree, unsigned layer, const struct path_node *node,
                        struct buf *io_target, struct lpipe_error *err)
{
    const struct path_node *alias = path_tree_node(tree, node->alias);
    unsigned times = layer_paths_times(alias, layer);
    return times != node->alias_times || times == TIMES_MAX
               ? fail_repeated(io_target->data, err)
               : path_tree_text(tree, node->alias, io_target, err);
}

/* A link to a kept link of its layer points to the target of that one, which may be replaced. */
static int join_kept(const struct kept_link *kept, struct buf *io_target,
                     struct verdict *ret_verdict, struct lpipe_error *err)
{
    *ret_verdict = (struct verdict){ kept->state, kept->times };
    buf_clear(io_target);
    return buf_append_text(io_target, kept->target) == 0 ? 0 : fail_memory(err);
}

/* How the link can be written, seen from its layer. Follows hidden links: *io_target becomes the
 * path that is meant. */
static int judge(const struct kept_links *links, unsigned layer, struct buf *io_target,
                 struct verdict *ret_verdict, struct lpipe_error *err)
{
    struct path_tree *tree = links->tree;
    for (int i = 0; i < ALIASES_MAX; i++) {
        uint32_t index = layer_paths_find(tree, io_target->data);
        const struct path_node *node = index == PATH_NONE ? NULL : path_tree_node(tree, index);
        bool seen = node != NULL && node->seen == layer;
        if (layer_paths_shown(tree, layer, io_target->data, false)) {
            ret_verdict->state = seen || layer == 1 ? LINK_GOOD : LINK_LAST;
            return seen && node->kept != PATH_NONE
                       ? join_kept(&links->links[node->kept], io_target, ret_verdict, err)
                       : 0;
        }
        if (seen && node->alias_written) {
            ret_verdict->state = LINK_GOOD;
            return path_tree_text(tree, node->alias, io_target, err);
        }
        if (!seen || node->alias == PATH_NONE) {
            *ret_verdict =
                (struct verdict){ seen ? LINK_AGAIN : LINK_LOWER, seen ? node->times : 0 };
            return ret_verdict->times == TIMES_MAX ? fail_repeated(io_target->data, err) : 0;
        }
        int status = follow_alias(tree, layer, node, io_target, err);
        if (status != 0) {
            return status;
        }
    }
    return fail(err, LPIPE_NOT_TAR, "hard links point to each other");
}

/* Adds the link to those that wait for its target's content. */
static int wait_for_target(struct kept_links *links, size_t at, struct lpipe_error *err)
{
    struct kept_link *link = &links->links[at];
    uint32_t index = PATH_NONE;
    int status = layer_paths_add(links->tree, link->target, &index, err);
    if (status == 0) {
        struct path_node *node = path_tree_node(links->tree, index);
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

static int keep(struct kept_links *links, const struct verdict *verdict, unsigned layer,
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
    links->links[at] = (struct kept_link){
        .state = verdict->state, .layer = layer, .times = verdict->times, .next = PATH_NONE
    };
    status = fill_link(&links->links[at], entry, path, target, err);
    status = status == 0 ? wait_for_target(links, at, err) : status;
    status = status == 0 ? layer_paths_add(links->tree, path, &index, err) : status;
    if (status == 0) {
        path_tree_node(links->tree, index)->kept = (uint32_t)at;
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
    struct verdict verdict = { .state = LINK_GOOD };
    int status = judge(links, layer, ret_target, &verdict, err);
    *ret_state = verdict.state;
    return status == 0 && verdict.state != LINK_GOOD
               ? keep(links, &verdict, layer, entry, path, ret_target->data, err)
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

/* Whether the link waits for what a lower layer has at the path. A link that comes last does where
 * its own layer deletes the target that a lower layer has. */
static bool waits_for_lower(const struct kept_link *link, unsigned layer, bool given)
{
    return link->layer > layer &&
           (link->state == LINK_LOWER || (link->state == LINK_LAST && !given));
}

/* Whether the link waits for this entry of its own layer. Counts down the entries before it. */
static bool waits_no_longer(struct kept_link *link)
{
    return --link->times == 0;
}

static bool waits_for_again(const struct kept_link *link, unsigned layer)
{
    return link->state == LINK_AGAIN && link->layer == layer;
}

/* Takes the links out of those that wait for the path, of which the layer now has an entry. The
 * others stay. Without `again` it is the layer's first entry of the path: no link of higher layers
 * waits for a later one. */
static uint32_t take_waiting(struct kept_links *links, unsigned layer, bool again, uint32_t index)
{
    struct path_node *node = path_tree_node(links->tree, index);
    bool others_wait = false;
    uint32_t taken = PATH_NONE;
    uint32_t *from = &node->waiting;
    while (*from != PATH_NONE) {
        uint32_t at = *from;
        struct kept_link *link = &links->links[at];
        bool is_own = again && waits_for_again(link, layer);
        if (is_own ? waits_no_longer(link) : !again && waits_for_lower(link, layer, node->given)) {
            *from = link->next;
            link->next = taken;
            taken = at;
        } else {
            others_wait = others_wait || is_own;
            from = &link->next;
        }
    }
    node->again = again && !others_wait ? (uint16_t)layer : node->again;
    return taken;
}

/* The first link is written now; the other ones become links to it. */
static int give_to_first(struct kept_links *links, uint32_t first, struct lpipe_error *err)
{
    struct kept_link *link = &links->links[first];
    uint32_t own = PATH_NONE;
    int status = 0;
    for (uint32_t i = link->next; i != PATH_NONE && status == 0; i = links->links[i].next) {
        status = link_to(&links->links[i], link->path, err);
    }
    link->state = LINK_DONE;
    status = status == 0 ? layer_paths_add(links->tree, link->path, &own, err) : status;
    if (status == 0) {
        path_tree_node(links->tree, own)->given = true;
    }
    return status;
}

int kept_links_take(struct kept_links *links, unsigned layer, const char *path,
                    const struct kept_link **ret_link, struct lpipe_error *err)
{
    uint32_t index = layer_paths_find(links->tree, path);
    /* A path may have many entries and many links, so they are not all compared. */
    bool is_done = index == PATH_NONE || path_tree_node(links->tree, index)->again == layer;
    uint32_t at = is_done ? PATH_NONE : take_waiting(links, layer, true, index);
    *ret_link = at == PATH_NONE ? NULL : &links->links[at];
    return at == PATH_NONE ? 0 : give_to_first(links, at, err);
}

/* The links wait for the target of the hard link that they waited for. */
static int pass_on(struct kept_links *links, uint32_t at, unsigned layer,
                   const struct verdict *verdict, const char *target, struct lpipe_error *err)
{
    int status = 0;
    while (at != PATH_NONE && status == 0) {
        struct kept_link *link = &links->links[at];
        uint32_t next = link->next;
        status = link_to(link, target, err);
        link->layer = layer;
        link->state = verdict->state;
        link->times = verdict->times;
        status = status == 0 ? wait_for_target(links, at, err) : status;
        at = next;
    }
    return status;
}

static int set_alias(struct path_tree *tree, uint32_t index, unsigned layer, const char *target,
                     bool written, struct lpipe_error *err)
{
    uint32_t alias = PATH_NONE;
    int status = layer_paths_add(tree, target, &alias, err);
    if (status == 0) {
        struct path_node *node = path_tree_node(tree, index);
        node->alias = alias;
        node->alias_times = (uint8_t)layer_paths_times(path_tree_node(tree, alias), layer);
        node->alias_written = written;
    }
    return status;
}

/* Where the entry is written: at the path of the first link that waits for it, or where an earlier
 * entry of its path was written, or nowhere. */
static int write_at(struct kept_links *links, uint32_t index, unsigned layer, uint32_t waiting,
                    struct buf *io_path, struct lpipe_error *err)
{
    int status = 0;
    if (waiting != PATH_NONE) {
        buf_clear(io_path);
        status = give_to_first(links, waiting, err);
        if (status == 0 && buf_append_text(io_path, links->links[waiting].path) != 0) {
            status = fail_memory(err);
        }
    }
    return status == 0 && io_path->size > 0
               ? set_alias(links->tree, index, layer, io_path->data, true, err)
               : status;
}

static int hide_link(struct kept_links *links, uint32_t index, unsigned layer, const char *path,
                     uint32_t waiting, struct buf *io_path, struct buf *io_target,
                     struct lpipe_error *err)
{
    struct verdict verdict = { .state = LINK_GOOD };
    int status = set_alias(links->tree, index, layer, io_target->data, false, err);
    if (status != 0 || (waiting == PATH_NONE && io_path->size == 0)) {
        return status;
    }
    status = judge(links, layer, io_target, &verdict, err);
    if (status != 0) {
        return status;
    }
    if (verdict.state == LINK_GOOD) {
        return write_at(links, index, layer, waiting, io_path, err);
    }
    path_tree_node(links->tree, index)->followed = true;
    return io_path->size > 0 ? fail_repeated(path, err)
                             : pass_on(links, waiting, layer, &verdict, io_target->data, err);
}

int kept_links_hidden(struct kept_links *links, unsigned layer, const char *path,
                      const char *target, struct buf *ret_path, struct buf *ret_target,
                      struct lpipe_error *err)
{
    uint32_t index = layer_paths_find(links->tree, path);
    struct path_node *node = path_tree_node(links->tree, index);
    bool repeated = node->times > 1;
    uint32_t waiting = repeated ? PATH_NONE : take_waiting(links, layer, false, index);
    if (repeated && node->followed) {
        return fail_repeated(path, err);
    }
    buf_clear(ret_path);
    buf_clear(ret_target);
    int status = repeated && node->alias_written
                     ? path_tree_text(links->tree, node->alias, ret_path, err)
                     : 0;
    node->alias = PATH_NONE;
    node->alias_written = node->followed = false;
    if (status != 0 || target == NULL) {
        return status == 0 ? write_at(links, index, layer, waiting, ret_path, err) : status;
    }
    return buf_append_text(ret_target, target) == 0
               ? hide_link(links, index, layer, path, waiting, ret_path, ret_target, err)
               : fail_memory(err);
}

void kept_links_replaced(struct kept_links *links, unsigned layer, const char *path)
{
    uint32_t index = layer_paths_find(links->tree, path);
    struct path_node *node = index == PATH_NONE ? NULL : path_tree_node(links->tree, index);
    if (node != NULL && node->kept != PATH_NONE) {
        links->links[node->kept].state = LINK_DONE;
        node->kept = PATH_NONE;
    }
    bool is_first = node != NULL && layer > 1 && layer_paths_times(node, layer) == 1;
    for (uint32_t at = is_first ? node->waiting : PATH_NONE; at != PATH_NONE;) {
        struct kept_link *link = &links->links[at];
        if (link->state == LINK_LAST && link->layer == layer) {
            link->state = LINK_LOWER;
        }
        at = link->next;
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
