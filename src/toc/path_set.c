/* SPDX-License-Identifier: Apache-2.0 */
#include "toc/path_set.h"

#include <string.h>

#include "base/mem.h"

#define CAPACITY_FIRST 1024

/* FNV-1a. */
#define HASH_START UINT64_C(0xcbf29ce484222325)
#define HASH_FACTOR UINT64_C(0x100000001b3)

void path_set_dispose(struct path_set *set)
{
    free(set->hashes);
    *set = (struct path_set){ 0 };
}

static uint64_t hash_part(uint64_t hash, const char *part, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ (unsigned char)part[i]) * HASH_FACTOR;
    }
    return (hash ^ '/') * HASH_FACTOR;
}

/* The hash of the path's parts without empty ones and ".". Never 0. */
static uint64_t path_hash(const char *path)
{
    uint64_t hash = HASH_START;
    while (*path != '\0') {
        size_t size = strcspn(path, "/");
        if (size > 0 && !(size == 1 && path[0] == '.')) {
            hash = hash_part(hash, path, size);
        }
        path += size + (path[size] == '/');
    }
    hash ^= hash >> 32; /* the low bits choose the place */
    return hash == 0 ? 1 : hash;
}

/* Puts a hash into its place; false if it is there already. */
static bool place(uint64_t *hashes, size_t capacity, uint64_t hash)
{
    size_t at = (size_t)hash & (capacity - 1);
    while (hashes[at] != 0) {
        if (hashes[at] == hash) {
            return false;
        }
        at = (at + 1) & (capacity - 1);
    }
    hashes[at] = hash;
    return true;
}

static int grow(struct path_set *set, struct lpipe_error *err)
{
    size_t capacity = set->capacity == 0 ? CAPACITY_FIRST : set->capacity * 2;
    uint64_t *hashes = mem_new_array(capacity, sizeof *hashes);
    if (hashes == NULL) {
        return fail_memory(err);
    }
    for (size_t i = 0; i < set->capacity; i++) {
        if (set->hashes[i] != 0) {
            (void)place(hashes, capacity, set->hashes[i]);
        }
    }
    free(set->hashes);
    set->hashes = hashes;
    set->capacity = capacity;
    return 0;
}

int path_set_add(struct path_set *set, const char *path, struct lpipe_error *err)
{
    if (set->count >= set->capacity / 2) {
        int status = grow(set, err);
        if (status != 0) {
            return status;
        }
    }
    bool added = place(set->hashes, set->capacity, path_hash(path));
    set->count += added;
    return added;
}
