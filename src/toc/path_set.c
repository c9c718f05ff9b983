/* SPDX-License-Identifier: Apache-2.0 */
#include "toc/path_set.h"

#include <string.h>

#include "base/mem.h"

#define CAPACITY_FIRST 1024

/* FNV-1a. */
#define HASH_START UINT64_C(0xcbf29ce484222325)
#define HASH_FACTOR UINT64_C(0x100000001b3)

#define IS_FILE UINT64_C(1)

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

/* The size of the next part that is not empty and not "."; *path is moved to it. 0 = the end. */
static size_t next_part(const char **path)
{
    for (;;) {
        *path += strspn(*path, "/");
        size_t size = strcspn(*path, "/");
        if (size != 1 || (*path)[0] != '.') {
            return size;
        }
        *path += size;
    }
}

/* The value in the set, for a directory. Never 0. */
static uint64_t settle(uint64_t hash)
{
    hash = (hash ^ hash >> 32) & ~IS_FILE; /* the low bits choose the place */
    return hash == 0 ? 2 : hash;
}

struct path_hashes {
    uint64_t own;
    uint64_t parent;
    bool has_parent; /* which is not the root */
};

static struct path_hashes path_hash(const char *path)
{
    uint64_t hash = HASH_START;
    uint64_t parent = HASH_START;
    for (size_t size = next_part(&path); size > 0; size = next_part(&path)) {
        parent = hash;
        hash = hash_part(hash, path, size);
        path += size;
    }
    return (struct path_hashes){ settle(hash), settle(parent), parent != HASH_START };
}

/* The place of a hash: where it is, or a free one. */
static uint64_t *place_of(uint64_t *hashes, size_t capacity, uint64_t hash)
{
    size_t at = (size_t)(hash >> 1) & (capacity - 1);
    while (hashes[at] != 0 && (hashes[at] & ~IS_FILE) != hash) {
        at = (at + 1) & (capacity - 1);
    }
    return &hashes[at];
}

/* 0 = no entry has the path. */
static uint64_t find(const struct path_set *set, uint64_t hash)
{
    return set->capacity == 0 ? 0 : *place_of(set->hashes, set->capacity, hash);
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
            *place_of(hashes, capacity, set->hashes[i] & ~IS_FILE) = set->hashes[i];
        }
    }
    free(set->hashes);
    set->hashes = hashes;
    set->capacity = capacity;
    return 0;
}

/* Whether one of the entries above the path is no directory. */
static bool has_file_above(const struct path_set *set, const char *path)
{
    uint64_t hash = HASH_START;
    bool found = false;
    for (size_t size = next_part(&path); size > 0 && !found; size = next_part(&path)) {
        found = (find(set, settle(hash)) & IS_FILE) != 0;
        hash = hash_part(hash, path, size);
        path += size;
    }
    return found;
}

/* Mostly the parent has an entry, which was looked at when it was added. */
static bool is_below_file(const struct path_set *set, const char *path,
                          const struct path_hashes *hashes)
{
    uint64_t parent = hashes->has_parent ? find(set, hashes->parent) : hashes->parent;
    return parent == 0 ? has_file_above(set, path) : (parent & IS_FILE) != 0;
}

int path_set_add(struct path_set *set, const char *path, bool is_directory, struct lpipe_error *err)
{
    struct path_hashes hashes = path_hash(path);
    if (is_below_file(set, path, &hashes)) {
        return PATH_BELOW_FILE;
    }
    if (set->count >= set->capacity / 2) {
        int status = grow(set, err);
        if (status != 0) {
            return status;
        }
    }
    uint64_t *place = place_of(set->hashes, set->capacity, hashes.own);
    enum path_place result = *place == 0 ? PATH_NEW : PATH_AGAIN;
    *place = hashes.own | (is_directory ? 0 : IS_FILE);
    set->count += result == PATH_NEW;
    return result;
}

bool path_set_has_file(const struct path_set *set, const char *path)
{
    return (find(set, path_hash(path).own) & IS_FILE) != 0;
}
