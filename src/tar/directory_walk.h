/* SPDX-License-Identifier: Apache-2.0 */
/* Walks a directory tree: each directory before what is in it, the entries of one sorted by their
 * bytes. No symbolic link is followed, mounts are entered. However deep the tree, few descriptors are
 * open; memory holds the names of the directories on the current path and nothing else. What is
 * removed, added or exchanged meanwhile is noticed and is a failure (SOURCE_IO). One thread. */
#ifndef TAR_DIRECTORY_WALK_H
#define TAR_DIRECTORY_WALK_H

#include <sys/stat.h>

#include "base/fail.h"

struct directory_walk;

/* An entry, valid until the next one is asked for. */
struct directory_entry {
    const char *path; /* from the top, "" for the top itself */
    const char *name; /* in the directory that parent is open on; "" for the top */
    int parent;       /* -1 for the top */
    int fd;           /* open for reading: of files and directories; else -1 */
    struct stat info;
};

/* top is open on a directory and stays the caller's. */
MUST_CHECK int directory_walk_new(int top, struct directory_walk **ret_walk,
                                  struct lpipe_error *err);
struct directory_walk *directory_walk_free(struct directory_walk *walk);
/* *ret_found is NULL at the end. */
MUST_CHECK int directory_walk_next(struct directory_walk *walk,
                                   const struct directory_entry **ret_found,
                                   struct lpipe_error *err);
/* The file at hand was read to the end: is it still the one that was found? */
MUST_CHECK int directory_walk_check(const struct directory_walk *walk, struct lpipe_error *err);

/* The path of an entry in messages. */
int directory_fail(const struct directory_entry *found, int sys_errno, const char *verb,
                   struct lpipe_error *err);
int directory_fail_changed(const struct directory_entry *found, struct lpipe_error *err);

#endif
