/* SPDX-License-Identifier: Apache-2.0 */
#include "layout/layout_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

#define TEMP_PREFIX ".lp-"
#define TEMP_HEX_SIZE 16

static int fail_path(const struct layout *layout, struct lpipe_error *err, const char *verb,
                     const char *path)
{
    if (errno == ELOOP && !layout->read_only) {
        return fail_with_advice(
            err, LPIPE_OUTPUT_IO,
            "%s/%s is a symbolic link, which is not followed where layerpipe writes (cp -rL "
            "copies a layout without links)",
            layout->dir, path);
    }
    return fail_errno(err, layout_status(layout), errno, "cannot %s %s/%s", verb, layout->dir,
                      path);
}

static int nofollow(const struct layout *layout)
{
    return layout->read_only ? 0 : O_NOFOLLOW;
}

/* fsync() of the parent directory: without it a new directory may be lost in a crash. Returns 0 or
 * errno. */
static int sync_parent(char *path)
{
    char *slash = strrchr(path, '/');
    char *end = slash == NULL || slash == path ? NULL : slash;
    if (end != NULL) {
        *end = '\0';
    }
    const char *parent = slash == NULL ? "." : slash == path ? "/" : path;
    AUTO_FD int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int code = fd < 0 || fsync(fd) != 0 ? errno : 0;
    if (end != NULL) {
        *end = '/';
    }
    return code;
}

/* mkdir -p */
static int make_dirs(const char *dir, struct lpipe_error *err)
{
    AUTO_FREE char *path = mem_strdup(dir);
    if (path == NULL) {
        return fail_memory(err);
    }
    for (size_t i = 1; i <= strlen(dir); i++) {
        if ((dir[i] != '/' && dir[i] != '\0') || dir[i - 1] == '/') {
            continue;
        }
        path[i] = '\0';
        int code = mkdir(path, 0777) == 0 ? sync_parent(path) : errno == EEXIST ? 0 : errno;
        if (code != 0) {
            return fail_errno(err, LPIPE_OUTPUT_IO, code, "cannot create the directory %s", path);
        }
        path[i] = dir[i];
    }
    return 0;
}

int layout_dir_open(struct layout *layout, bool create, struct lpipe_error *err)
{
    int fd = open(layout->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && create) {
        int status = make_dirs(layout->dir, err);
        if (status != 0) {
            return status;
        }
        fd = open(layout->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    if (fd < 0) {
        int status = errno == ENOENT ? LPIPE_NOT_FOUND : layout_status(layout);
        return fail_errno(err, status, errno, "cannot open the image layout %s", layout->dir);
    }
    layout->fd = fd;
    return 0;
}

int layout_file_open(const struct layout *layout, int dir_fd, const char *path, int *ret_fd,
                     struct stat *ret_info, struct lpipe_error *err)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    /* O_NONBLOCK: if the name is a FIFO, open() must not wait. */
    AUTO_FD int fd = openat(dir_fd, name, O_RDONLY | nofollow(layout) | O_NONBLOCK | O_CLOEXEC);
    struct stat info;
    if (fd < 0 && errno == ENOENT) {
        return 0;
    }
    if (fd < 0 || fstat(fd, &info) != 0) {
        return fail_path(layout, err, "open", path);
    }
    if (!S_ISREG(info.st_mode)) {
        return fail(err, layout_status(layout), "%s/%s is not a regular file", layout->dir, path);
    }
    *ret_fd = TAKE_FD(fd);
    *ret_info = info;
    return 1;
}

int layout_file_read(const struct layout *layout, int dir_fd, const char *path, struct buf *buf,
                     struct stat *ret_info, struct lpipe_error *err)
{
    AUTO_FD int fd = -1;
    char part[16384];
    int found = layout_file_open(layout, dir_fd, path, &fd, ret_info, err);
    while (found == 1) {
        ptrdiff_t got = fd_read(fd, part, sizeof part, NULL);
        if (got == 0) {
            return 1;
        }
        if (got < 0) {
            return fail_errno(err, layout_status(layout), (int)-got, "cannot read %s/%s",
                              layout->dir, path);
        }
        int status = buf_append(buf, part, (size_t)got);
        if (status == LPIPE_TOO_LARGE) {
            return fail(err, LPIPE_TOO_LARGE, "%s/%s is larger than the %zu bytes allowed",
                        layout->dir, path, buf->size_max);
        }
        found = status == 0 ? 1 : fail_memory(err);
    }
    return found;
}

int layout_sync_dir(const struct layout *layout, int dir_fd, struct lpipe_error *err)
{
    if (fsync(dir_fd) != 0) {
        return fail_errno(err, LPIPE_OUTPUT_IO, errno, "cannot write a directory of %s to the disk",
                          layout->dir);
    }
    return 0;
}

/* 1 with a descriptor, 0 when there is no such directory. */
static int open_subdir(const struct layout *layout, int parent_fd, const char *name, bool create,
                       int *ret_fd, struct lpipe_error *err)
{
    if (create && mkdirat(parent_fd, name, 0777) == 0) {
        int status = layout_sync_dir(layout, parent_fd, err);
        if (status != 0) {
            return status;
        }
    } else if (create && errno != EEXIST) {
        return fail_path(layout, err, "create the directory", name);
    }
    int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | nofollow(layout) | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        return 0;
    }
    if (fd < 0 && errno == ENOTDIR && !layout->read_only) {
        return fail_with_advice(
            err, LPIPE_OUTPUT_IO,
            "'%s' in the layout %s is not a directory, or is a symbolic link (cp -rL copies a "
            "layout without links)",
            name, layout->dir);
    }
    if (fd < 0) {
        return fail_path(layout, err, "open", name);
    }
    *ret_fd = fd;
    return 1;
}

int layout_blobs_open(const struct layout *layout, const char *digest, bool create, int *ret_fd,
                      struct lpipe_error *err)
{
    AUTO_FD int blobs = -1;
    int found = open_subdir(layout, layout->fd, "blobs", create, &blobs, err);
    return found == 1 ? open_subdir(layout, blobs, digest_alg_name(digest_alg_of(digest)), create,
                                    ret_fd, err)
                      : found;
}

const char *layout_blob_path(const char *digest, char buf[LAYOUT_BLOB_PATH_SIZE])
{
    (void)snprintf(buf, LAYOUT_BLOB_PATH_SIZE, "blobs/%s/%s",
                   digest_alg_name(digest_alg_of(digest)), digest_hex_of(digest));
    return buf;
}

int layout_lock(const struct layout *layout, int *ret_fd, struct lpipe_error *err)
{
    AUTO_FD int fd = openat(layout->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return fail_errno(err, LPIPE_OUTPUT_IO, errno, "cannot open %s", layout->dir);
    }
    int code = fd_lock(fd, LAYOUT_LOCK_WAIT_MS, layout->cancel);
    if (code == ECANCELED) {
        return fail_cancelled(err);
    }
    if (code == EWOULDBLOCK) {
        return fail_with_advice(err, LPIPE_OUTPUT_IO,
                                "another process has held the lock of %s for %d seconds; try "
                                "again when it has ended",
                                layout->dir, LAYOUT_LOCK_WAIT_MS / 1000);
    }
    if (code != 0) {
        return fail_errno(err, LPIPE_OUTPUT_IO, code,
                          "cannot lock %s (its file system must support flock)", layout->dir);
    }
    *ret_fd = TAKE_FD(fd);
    return 0;
}

bool layout_is_temp_name(const char *name)
{
    size_t prefix = sizeof TEMP_PREFIX - 1;
    return text_starts(name, TEMP_PREFIX) && strlen(name) == prefix + TEMP_HEX_SIZE &&
           text_is_hex_lower(name + prefix, TEMP_HEX_SIZE);
}

/* Removes a temporary file that is not locked. It may be a new file whose writer has not locked it
 * yet: layout_temp_new() checks for that. */
static void remove_if_stale(const struct layout *layout, const char *name)
{
    AUTO_FD int fd = openat(layout->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat info;
    if (fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode) &&
        flock(fd, LOCK_EX | LOCK_NB) == 0) {
        (void)unlinkat(layout->fd, name, 0);
    }
}

static void close_dir(DIR **dir)
{
    if (*dir != NULL) {
        (void)closedir(*dir);
    }
}

void layout_remove_stale(const struct layout *layout)
{
    int fd = openat(layout->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir CLEANUP(close_dir) = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL) {
        fd_close(&fd);
        return;
    }
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (layout_is_temp_name(entry->d_name)) {
            remove_if_stale(layout, entry->d_name);
        }
    }
}

static int random_name(char *name, size_t size, struct lpipe_error *err)
{
    unsigned char raw[TEMP_HEX_SIZE / 2];
    char hex[TEMP_HEX_SIZE + 1];
    if (getrandom(raw, sizeof raw, 0) != (ssize_t)sizeof raw) {
        return fail_errno(err, LPIPE_NO_RESOURCES, errno, "cannot get random bytes");
    }
    text_hex(hex, raw, sizeof raw);
    (void)snprintf(name, size, TEMP_PREFIX "%s", hex);
    return 0;
}

int layout_temp_new(const struct layout *layout, struct layout_temp *ret_temp,
                    struct lpipe_error *err)
{
    for (int attempt = 0; attempt < 100; attempt++) {
        struct layout_temp temp AUTO_LAYOUT_TEMP = { .layout = layout, .fd = -1 };
        struct stat info;
        char name[sizeof temp.name];
        int status = random_name(name, sizeof name, err);
        if (status != 0) {
            return status;
        }
        temp.fd =
            openat(layout->fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (temp.fd < 0 && errno == EEXIST) {
            continue;
        }
        if (temp.fd < 0) {
            return fail_errno(err, LPIPE_OUTPUT_IO, errno, "cannot create a file in %s",
                              layout->dir);
        }
        memcpy(temp.name, name, sizeof name);
        bool locked = flock(temp.fd, LOCK_EX | LOCK_NB) == 0;
        if (!locked && errno != EWOULDBLOCK) {
            return fail_errno(err, LPIPE_OUTPUT_IO, errno, "cannot lock a file in %s", layout->dir);
        }
        /* remove_if_stale() of another process may have removed the file before we locked it. */
        if (locked && fstat(temp.fd, &info) == 0 && info.st_nlink > 0) {
            *ret_temp = temp;
            temp = (struct layout_temp)LAYOUT_TEMP_INIT;
            return 0;
        }
    }
    return fail_with_advice(
        err, LPIPE_OUTPUT_IO,
        "cannot create a file in %s: another program keeps removing it; stop that program",
        layout->dir);
}

int layout_temp_write(struct layout_temp *temp, const void *data, size_t size,
                      struct lpipe_error *err)
{
    int code = fd_write_all(temp->fd, data, size);
    return code == 0
               ? 0
               : fail_errno(err, LPIPE_OUTPUT_IO, code, "cannot write to %s", temp->layout->dir);
}

int layout_temp_sync(struct layout_temp *temp, struct lpipe_error *err)
{
    if (fsync(temp->fd) != 0) {
        return fail_errno(err, LPIPE_OUTPUT_IO, errno, "cannot write a file of %s to the disk",
                          temp->layout->dir);
    }
    return 0;
}

int layout_temp_publish(struct layout_temp *temp, int dir_fd, const char *name,
                        struct lpipe_error *err)
{
    if (renameat(temp->layout->fd, temp->name, dir_fd, name) != 0) {
        return fail_path(temp->layout, err, "rename a file to", name);
    }
    temp->name[0] = '\0';
    return layout_sync_dir(temp->layout, dir_fd, err);
}

void layout_temp_dispose(struct layout_temp *temp)
{
    if (temp->name[0] != '\0') {
        (void)unlinkat(temp->layout->fd, temp->name, 0);
        temp->name[0] = '\0';
    }
    fd_close(&temp->fd);
}
