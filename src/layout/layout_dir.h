/* SPDX-License-Identifier: Apache-2.0 */
/* The directory of a layout and the files in it: opened without following links, written as
 * temporary files and renamed, locked while index.json changes. For the layout room alone.
 *
 * A temporary file is named ".lp-" and 16 hex digits, stands in the layout directory, and is locked
 * by the process that writes it. A file of that name that nobody has locked is a dead run's and is
 * removed by the next one. */
#ifndef LAYOUT_LAYOUT_DIR_H
#define LAYOUT_LAYOUT_DIR_H

#include <sys/stat.h>

#include "layerpipe/observe.h"
#include "oci/store.h"

struct layout {
    struct store base;
    int fd;    /* the directory */
    char *dir; /* as the user wrote it, for messages */
    lpipe_cancel *cancel;
};

/* Opens the directory; create makes it and its parents. NOT_FOUND (create is false), OUTPUT_IO. */
MUST_CHECK int layout_dir_open(struct layout *layout, bool create, struct lpipe_error *err);

/* Opens a regular file of a directory for reading: 1, 0 when there is none, else the failure. */
MUST_CHECK int layout_file_open(const struct layout *layout, int dir_fd, const char *name,
                                int *ret_fd, struct stat *ret_info, struct lpipe_error *err);
/* The same and reads it whole. */
MUST_CHECK int layout_file_read(const struct layout *layout, int dir_fd, const char *name,
                                struct buf *buf, struct stat *ret_info, struct lpipe_error *err);

/* Opens blobs/<algorithm> of a digest; create makes both. 1, 0 when there is none, else the
 * failure. */
MUST_CHECK int layout_blobs_open(const struct layout *layout, const char *digest, bool create,
                                 int *ret_fd, struct lpipe_error *err);

/* Takes the lock of the layout, held until the descriptor is closed. CANCELLED;
 * OUTPUT_IO after LAYOUT_LOCK_WAIT_MS. */
MUST_CHECK int layout_lock(const struct layout *layout, int *ret_fd, struct lpipe_error *err);

/* Removes temporary files of dead runs. Failures do not matter. */
void layout_remove_stale(const struct layout *layout);
bool layout_is_temp_name(const char *name);

struct layout_temp {
    const struct layout *layout;
    int fd;        /* -1 = none */
    char name[24]; /* "" = none, or published */
};
#define LAYOUT_TEMP_INIT                                                                           \
    {                                                                                              \
        NULL, -1, ""                                                                               \
    }

MUST_CHECK int layout_temp_new(const struct layout *layout, struct layout_temp *ret_temp,
                               struct lpipe_error *err);
MUST_CHECK int layout_temp_write(struct layout_temp *temp, const void *data, size_t size,
                                 struct lpipe_error *err);
/* Brings the bytes to the disk. A failure is final: they may be lost although a later call would
 * succeed. */
MUST_CHECK int layout_temp_sync(struct layout_temp *temp, struct lpipe_error *err);
/* Renames a synced file to its final name and brings the name to the disk. */
MUST_CHECK int layout_temp_publish(struct layout_temp *temp, int dir_fd, const char *name,
                                   struct lpipe_error *err);
/* Closes; removes the file unless it was published. */
void layout_temp_dispose(struct layout_temp *temp);
#define AUTO_LAYOUT_TEMP CLEANUP(layout_temp_dispose)

/* fsync() of a directory. */
MUST_CHECK int layout_sync_dir(const struct layout *layout, int dir_fd, struct lpipe_error *err);

#endif
