/* SPDX-License-Identifier: Apache-2.0 */
/* The paths of a layer's entries: to find two entries of the same path, entries below one that is
 * not a directory, and hard links to what is not there. It keeps a 63-bit hash of each path, so
 * that its memory does not depend on their length: two different paths are taken for the same in
 * one of 10^7 layers with a million entries. 16 to 32 bytes for each path. One thread at a time. */
#ifndef TOC_PATH_SET_H
#define TOC_PATH_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/fail.h"

struct path_set {
    uint64_t *hashes; /* 0 = free place; the lowest bit: the entry is no directory */
    size_t capacity;  /* a power of two, or 0 */
    size_t count;
};

enum path_place {
    PATH_AGAIN = 0, /* an entry has the path already; the last one counts */
    PATH_NEW = 1,
    PATH_BELOW_FILE = 2 /* what is above it is a file or a link; the path is not added */
};

void path_set_dispose(struct path_set *set);
/* Adds a path; "./a", "a/" and "a" are the same. enum path_place, or NO_MEMORY. */
MUST_CHECK int path_set_add(struct path_set *set, const char *path, bool is_directory,
                            struct lpipe_error *err);
/* Whether an entry that is no directory has the path. */
bool path_set_has_file(const struct path_set *set, const char *path);

#endif
