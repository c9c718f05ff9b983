/* SPDX-License-Identifier: Apache-2.0 */
/* Walks a directory tree: each directory before its entries, entries sorted by the bytes of
 * their names. Symbolic links are not followed, mounts are entered. Few descriptors are open for
 * any depth; memory holds the names in the directories on the current path only. An entry that
 * is removed, added or replaced during the walk is detected: SOURCE_IO. One thread. */
#ifndef TAR_DIRECTORY_WALK_H
#define TAR_DIRECTORY_WALK_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/fail.h"

struct directory_walk;

/* An entry, valid until the next one is asked for. */
struct directory_entry {
    const char *path; /* from the top, "" for the top itself */
    const char *name; /* in the directory of the descriptor parent; "" for the top */
    int parent;       /* -1 for the top */
    int fd;           /* open for reading: of files and directories; else -1 */
    struct stat info;
};

/* Says of each entry but the top whether it is left out, before it is opened. A directory that is
 * left out is not entered. path: from the top. */
struct directory_filter {
    int (*leaves_out)(void *ctx, const char *path, bool *ret_out, struct lpipe_error *err);
    void *ctx;
};

/* top is a descriptor of a directory; the caller keeps and closes it. */
MUST_CHECK int directory_walk_new(int top, struct directory_filter filter,
                                  struct directory_walk **ret_walk, struct lpipe_error *err);
struct directory_walk *directory_walk_free(struct directory_walk *walk);
/* *ret_found is NULL at the end. */
MUST_CHECK int directory_walk_next(struct directory_walk *walk,
                                   const struct directory_entry **ret_found,
                                   struct lpipe_error *err);
/* After the current file was read to its end: has it changed since it was found? */
MUST_CHECK int directory_walk_check(const struct directory_walk *walk, struct lpipe_error *err);

/* Failures with the path of the entry in their message. */
int directory_fail(const struct directory_entry *found, int sys_errno, const char *verb,
                   struct lpipe_error *err);
int directory_fail_changed(const struct directory_entry *found, struct lpipe_error *err);

#endif
