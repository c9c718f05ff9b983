/* SPDX-License-Identifier: Apache-2.0 */
/* Walks a directory tree: each directory before what is in it, the entries of one sorted by their
 * bytes. No symbolic link is followed, mounts are entered. However deep the tree, few descriptors are
 * open; memory holds the names of the directories on the current path and nothing else. What is
 * removed, added or exchanged meanwhile is noticed and is a failure (SOURCE_IO). One thread. */
#ifndef IMAGE_PACK_WALK_H
#define IMAGE_PACK_WALK_H

#include <sys/stat.h>

#include "base/fail.h"

struct pack_walk;

/* An entry, valid until the next one is asked for. */
struct pack_found {
    const char *path; /* from the top, "" for the top itself */
    const char *name; /* in the directory that parent is open on; "" for the top */
    int parent;       /* -1 for the top */
    int fd;           /* open for reading: of files and directories; else -1 */
    struct stat info;
};

/* top is open on a directory and stays the caller's. */
MUST_CHECK int pack_walk_new(int top, struct pack_walk **ret_walk, struct lpipe_error *err);
struct pack_walk *pack_walk_free(struct pack_walk *walk);
/* *ret_found is NULL at the end. */
MUST_CHECK int pack_walk_next(struct pack_walk *walk, const struct pack_found **ret_found,
                              struct lpipe_error *err);
/* The file at hand was read to the end: is it still the one that was found? */
MUST_CHECK int pack_walk_check(const struct pack_walk *walk, struct lpipe_error *err);

/* The path of an entry in messages. */
int pack_fail(const struct pack_found *found, int sys_errno, const char *verb,
              struct lpipe_error *err);
int pack_fail_changed(const struct pack_found *found, struct lpipe_error *err);

#endif
