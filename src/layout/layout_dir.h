/* SPDX-License-Identifier: Apache-2.0 */
/* The directory of a layout and its files. Symbolic links are followed only in a layout that is
 * opened for reading: build tools make layouts whose blobs are links, and every blob is
 * verified. Files are written as temporary files that are renamed. Only for files in src/layout.
 *
 * The name of a temporary file is ".lp-" and 16 hex digits. It is in the layout directory, and
 * the process that writes it holds a lock on it. A temporary file without a lock was left by a
 * process that was killed; the next process removes it. */
#ifndef LAYOUT_LAYOUT_DIR_H
#define LAYOUT_LAYOUT_DIR_H

#include <pthread.h>
#include <sys/stat.h>

#include "layerpipe/observe.h"
#include "oci/store.h"

/* Manifests with the tags that index.json will get. */
struct layout_entry {
    struct descriptor manifest;
    char *tag; /* NULL = none */
};
struct layout_entries {
    struct layout_entry *items;
    size_t count;
};

struct layout {
    struct store base;
    int fd;    /* the directory */
    char *dir; /* as the user wrote it, for messages */
    lpipe_cancel *cancel;
    bool read_only; /* links are followed; failures are SOURCE_IO, not OUTPUT_IO */
    pthread_mutex_t mutex;
    struct {
        struct layout_entries entries; /* put, but not in index.json yet */
    } locked;                          /* by mutex */
};

/* The status of a failure to read or write a file of the layout. */
static inline int layout_status(const struct layout *layout)
{
    return layout->read_only ? LPIPE_SOURCE_IO : LPIPE_OUTPUT_IO;
}

/* Opens the directory. With create, it is created if missing, with its parents. NOT_FOUND (without
 * create), or layout_status(). */
MUST_CHECK int layout_dir_open(struct layout *layout, bool create, struct lpipe_error *err);

/* Opens a regular file for reading: 1, 0 when there is no file, else the failure. path is
 * relative to the layout; its last component is opened in the directory dir_fd. */
MUST_CHECK int layout_file_open(const struct layout *layout, int dir_fd, const char *path,
                                int *ret_fd, struct stat *ret_info, struct lpipe_error *err);
/* Opens and reads the whole file. */
MUST_CHECK int layout_file_read(const struct layout *layout, int dir_fd, const char *path,
                                struct buf *buf, struct stat *ret_info, struct lpipe_error *err);

/* Opens blobs/<algorithm of the digest>. With create, both directories are created if missing. 1, 0
 * when there is no directory, else the failure. */
MUST_CHECK int layout_blobs_open(const struct layout *layout, const char *digest, bool create,
                                 int *ret_fd, struct lpipe_error *err);

/* "blobs/sha256/<hex>", the path of a blob's file. */
#define LAYOUT_BLOB_PATH_SIZE (sizeof "blobs/" + DIGEST_TEXT_SIZE)
const char *layout_blob_path(const char *digest, char buf[LAYOUT_BLOB_PATH_SIZE]);

/* Takes the lock of the layout. It is released when the descriptor is closed. CANCELLED; OUTPUT_IO
 * after LAYOUT_LOCK_WAIT_MS. */
MUST_CHECK int layout_lock(const struct layout *layout, int *ret_fd, struct lpipe_error *err);

/* Removes temporary files that killed processes left. Failures are ignored. */
void layout_remove_stale(const struct layout *layout);
bool layout_is_temp_name(const char *name);

struct layout_temp {
    const struct layout *layout;
    int fd;        /* -1 = none */
    char name[24]; /* "" = no file, or published */
};
#define LAYOUT_TEMP_INIT                                                                           \
    {                                                                                              \
        NULL, -1, ""                                                                               \
    }

MUST_CHECK int layout_temp_new(const struct layout *layout, struct layout_temp *ret_temp,
                               struct lpipe_error *err);
MUST_CHECK int layout_temp_write(struct layout_temp *temp, const void *data, size_t size,
                                 struct lpipe_error *err);
/* fsync() of the file. A failure is final: the bytes may be lost even if a later call succeeds. */
MUST_CHECK int layout_temp_sync(struct layout_temp *temp, struct lpipe_error *err);
/* Renames a synced file to its final name and syncs the directory. */
MUST_CHECK int layout_temp_publish(struct layout_temp *temp, int dir_fd, const char *name,
                                   struct lpipe_error *err);
/* Closes the file, and removes it unless it was published. */
void layout_temp_dispose(struct layout_temp *temp);
#define AUTO_LAYOUT_TEMP CLEANUP(layout_temp_dispose)

/* fsync() of a directory. */
MUST_CHECK int layout_sync_dir(const struct layout *layout, int dir_fd, struct lpipe_error *err);

#endif
