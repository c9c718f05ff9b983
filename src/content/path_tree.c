/* SPDX-License-Identifier: Apache-2.0 */
#include "content/path_tree.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"

enum { FIRST_NODES = 256, FIRST_NAMES = 4096 };

struct path_tree {
    struct path_node *nodes;
    size_t count;
    size_t capacity;
    char *names;
    size_t names_size;
    size_t names_capacity;
    uint32_t *slots;   /* indexes of nodes by the hash of parent and name; PATH_NONE: empty */
    size_t slot_count; /* a power of two, at least twice the capacity of nodes */
    size_t charged;
    size_t bytes_max;
};

static size_t bytes_of(const struct path_tree *tree)
{
    return tree->capacity * sizeof *tree->nodes + tree->names_capacity +
           tree->slot_count * sizeof *tree->slots + tree->charged;
}

static int check_limit(const struct path_tree *tree, size_t more, struct lpipe_error *err)
{
    if (more <= tree->bytes_max && bytes_of(tree) <= tree->bytes_max - more) {
        return 0;
    }
    return fail_with_advice(err, LPIPE_NO_RESOURCES,
                            "flattening this image needs more than the %zu MiB that its paths may "
                            "take; read its layers one by one with `layer`",
                            tree->bytes_max / MIB);
}

static size_t hash(uint32_t parent, const char *name, size_t size)
{
    uint64_t value = UINT64_C(14695981039346656037) ^ parent;
    for (size_t i = 0; i < size; i++) {
        value = (value ^ (unsigned char)name[i]) * UINT64_C(1099511628211);
    }
    return (size_t)(value ^ value >> 29);
}

static bool is_node(const struct path_tree *tree, uint32_t index, uint32_t parent, const char *name,
                    size_t size)
{
    const struct path_node *node = &tree->nodes[index];
    return node->parent == parent && node->name_size == size &&
           memcmp(tree->names + node->name_at, name, size) == 0;
}

/* Where the node is, or where it would be put. */
static size_t find_slot(const struct path_tree *tree, uint32_t parent, const char *name,
                        size_t size)
{
    size_t at = hash(parent, name, size) & (tree->slot_count - 1);
    while (tree->slots[at] != PATH_NONE && !is_node(tree, tree->slots[at], parent, name, size)) {
        at = (at + 1) & (tree->slot_count - 1);
    }
    return at;
}

/* Makes the slots of all nodes but the root new, for twice as many nodes as there is memory for. */
static int new_slots(struct path_tree *tree, size_t capacity, struct lpipe_error *err)
{
    size_t count = capacity * 2;
    uint32_t *slots = mem_new_array(count, sizeof *slots);
    if (slots == NULL) {
        return fail_memory(err);
    }
    memset(slots, 0xff, count * sizeof *slots);
    free(tree->slots);
    tree->slots = slots;
    tree->slot_count = count;
    for (uint32_t i = 1; i < tree->count; i++) {
        const struct path_node *node = &tree->nodes[i];
        slots[find_slot(tree, node->parent, tree->names + node->name_at, node->name_size)] = i;
    }
    return 0;
}

static int more_nodes(struct path_tree *tree, struct lpipe_error *err)
{
    size_t capacity = tree->capacity == 0 ? FIRST_NODES : tree->capacity * 2;
    size_t more = (capacity - tree->capacity) * (sizeof *tree->nodes + 2 * sizeof *tree->slots);
    int status = check_limit(tree, more, err);
    if (status != 0) {
        return status;
    }
    struct path_node *nodes = mem_realloc(tree->nodes, capacity * sizeof *nodes);
    if (nodes == NULL) {
        return fail_memory(err);
    }
    tree->nodes = nodes;
    tree->capacity = capacity;
    return new_slots(tree, capacity, err);
}

static int more_names(struct path_tree *tree, size_t size, struct lpipe_error *err)
{
    size_t capacity = MAX_OF(tree->names_capacity * 2, (size_t)FIRST_NAMES);
    capacity = MAX_OF(capacity, tree->names_size + size);
    int status = check_limit(tree, capacity - tree->names_capacity, err);
    if (status != 0) {
        return status;
    }
    char *names = mem_realloc(tree->names, capacity);
    if (names == NULL) {
        return fail_memory(err);
    }
    tree->names = names;
    tree->names_capacity = capacity;
    return 0;
}

int path_tree_new(size_t bytes_max, struct path_tree **ret_tree, struct lpipe_error *err)
{
    struct path_tree *tree = NEW(struct path_tree);
    if (tree == NULL) {
        return fail_memory(err);
    }
    tree->bytes_max = bytes_max;
    int status = more_nodes(tree, err);
    status = status == 0 ? more_names(tree, 0, err) : status;
    if (status != 0) {
        path_tree_free(tree);
        return status;
    }
    tree->nodes[PATH_ROOT] = (struct path_node){
        .parent = PATH_NONE,
        .alias = PATH_NONE,
        .kept = PATH_NONE,
        .waiting = PATH_NONE,
    };
    tree->count = 1;
    *ret_tree = tree;
    return 0;
}

struct path_tree *path_tree_free(struct path_tree *tree)
{
    if (tree != NULL) {
        free(tree->nodes);
        free(tree->names);
        free(tree->slots);
        free(tree);
    }
    return NULL;
}

struct path_node *path_tree_node(struct path_tree *tree, uint32_t index)
{
    return &tree->nodes[index];
}

uint32_t path_tree_child(const struct path_tree *tree, uint32_t parent, const char *name,
                         size_t size)
{
    return tree->slots[find_slot(tree, parent, name, size)];
}

static int add_node(struct path_tree *tree, uint32_t parent, const char *name, size_t size,
                    struct lpipe_error *err)
{
    int status = 0;
    if (tree->count == tree->capacity) {
        status = more_nodes(tree, err);
    }
    if (status == 0 && tree->names_capacity - tree->names_size < size) {
        status = more_names(tree, size, err);
    }
    if (status != 0) {
        return status;
    }
    memcpy(tree->names + tree->names_size, name, size);
    tree->nodes[tree->count] = (struct path_node){
        .parent = parent,
        .name_at = (uint32_t)tree->names_size,
        .name_size = (uint16_t)size,
        .alias = PATH_NONE,
        .kept = PATH_NONE,
        .waiting = PATH_NONE,
    };
    tree->names_size += size;
    tree->slots[find_slot(tree, parent, name, size)] = (uint32_t)tree->count++;
    return 0;
}

int path_tree_add(struct path_tree *tree, uint32_t parent, const char *name, size_t size,
                  uint32_t *ret_index, struct lpipe_error *err)
{
    uint32_t found = path_tree_child(tree, parent, name, size);
    if (found == PATH_NONE) {
        int status = add_node(tree, parent, name, size, err);
        if (status != 0) {
            return status;
        }
        found = (uint32_t)tree->count - 1;
    }
    *ret_index = found;
    return 0;
}

int path_tree_charge(struct path_tree *tree, size_t bytes, struct lpipe_error *err)
{
    int status = check_limit(tree, bytes, err);
    tree->charged += status == 0 ? bytes : 0;
    return status;
}

int path_tree_text(struct path_tree *tree, uint32_t index, struct buf *ret_path,
                   struct lpipe_error *err)
{
    uint32_t parts[TAR_PATH_BYTES_MAX];
    size_t count = 0;
    int status = 0;
    for (; index != PATH_ROOT && count < ARRAY_LEN(parts); index = tree->nodes[index].parent) {
        parts[count++] = index;
    }
    buf_clear(ret_path);
    while (count > 0 && status == 0) {
        const struct path_node *node = &tree->nodes[parts[--count]];
        status = buf_append(ret_path, tree->names + node->name_at, node->name_size);
        status = status == 0 && count > 0 ? buf_append(ret_path, "/", 1) : status;
    }
    return status == 0 ? 0 : fail_memory(err);
}
