/* SPDX-License-Identifier: Apache-2.0 */
/* The paths that a snapshotter shall fetch first, and which entries of a tar they name. An entry
 * comes with the directories that lead to it, and a hard link with its target, so that the moved
 * entries are a tar that can be unpacked. One thread at a time. */
#ifndef FLOW_PREFETCH_LIST_H
#define FLOW_PREFETCH_LIST_H

#include "base/fail.h"

struct prefetch_path {
    char *path;     /* without "./" and '/' at its start, and without '/' at its end */
    bool is_listed; /* by the user; else a directory above it, or the target of a hard link */
    bool is_found;
    bool is_written;
    char *target;     /* of a hard link; NULL = none */
    uint64_t offset;  /* of its entry in the tar */
    uint64_t size;    /* of headers, contents and padding */
    uint64_t kept_at; /* where its bytes are in the spool */
};

struct prefetch_list {
    struct prefetch_path **by_order; /* the listed ones, in the user's order */
    size_t count;
    struct prefetch_path **by_path; /* all, sorted; owned */
    size_t path_count;
};

/* text: one path a line; empty lines are skipped. TOO_LARGE above PREFETCH_PATHS_MAX. */
MUST_CHECK int prefetch_list_parse(const char *text, struct prefetch_list *ret_list,
                                   struct lpipe_error *err);
void prefetch_list_dispose(struct prefetch_list *list);
/* The entry of that path, NULL when it is not wanted. */
struct prefetch_path *prefetch_list_find(const struct prefetch_list *list, const char *path);
/* Adds a path that is wanted because of another one. 1 when it is new, 0 when not. */
MUST_CHECK int prefetch_list_add(struct prefetch_list *list, const char *path,
                                 struct lpipe_error *err);

#endif
