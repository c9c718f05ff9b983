/* SPDX-License-Identifier: Apache-2.0 */
/* The paths of a layer's entries, to find two entries of the same path. It keeps a 64-bit hash of
 * each path, so that its memory does not depend on their length: two different paths are taken for
 * the same in one of 10^7 layers with a million entries. 16 to 32 bytes for each path. One thread
 * at a time. */
#ifndef TOC_PATH_SET_H
#define TOC_PATH_SET_H

#include <stdbool.h>

#include "base/fail.h"

struct path_set {
    uint64_t *hashes; /* 0 = free place */
    size_t capacity;  /* a power of two, or 0 */
    size_t count;
};

void path_set_dispose(struct path_set *set);
/* Adds a path; "./a", "a/" and "a" are the same. 1 when it is new, 0 when it was there, or
 * NO_MEMORY. */
MUST_CHECK int path_set_add(struct path_set *set, const char *path, struct lpipe_error *err);

#endif
