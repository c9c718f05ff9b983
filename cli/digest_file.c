/* SPDX-License-Identifier: Apache-2.0 */
#include "digest_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "path_open.h"
#include "print.h"

/* The directory part of a path; "." if it has none. */
static void directory_of(const char *path, char directory[PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        (void)snprintf(directory, PATH_MAX, ".");
    } else {
        (void)snprintf(directory, PATH_MAX, "%.*s", (int)(slash == path ? 1 : slash - path), path);
    }
}

/* How the digest gets to a path. */
enum kind {
    KIND_REPLACED,   /* a file, or nothing yet: replaced by rename() */
    KIND_DESCRIPTOR, /* /dev/fd/N, /dev/stdout */
    KIND_OPENED,     /* a FIFO or a device: cannot be replaced */
    KIND_DIRECTORY,
};

static enum kind kind_of(const char *path)
{
    struct stat info;
    if (path_descriptor_number(path) >= 0) {
        return KIND_DESCRIPTOR;
    }
    if (stat(path, &info) != 0 || S_ISREG(info.st_mode)) {
        return KIND_REPLACED;
    }
    return S_ISDIR(info.st_mode) ? KIND_DIRECTORY : KIND_OPENED;
}

static int check_replaced(const char *path)
{
    char directory[PATH_MAX];
    if (*path == '\0' || strlen(path) >= PATH_MAX - sizeof ".XXXXXX") {
        return *path == '\0' ? ENOENT : ENAMETOOLONG;
    }
    directory_of(path, directory);
    return access(directory, W_OK | X_OK) != 0 ? errno : 0;
}

/* 0 or an errno value. */
static int check_path(const char *path)
{
    switch (kind_of(path)) {
    case KIND_DIRECTORY:
        return EISDIR;
    case KIND_DESCRIPTOR:
        return fcntl(path_descriptor_number(path), F_GETFD) < 0 ? errno : 0;
    case KIND_OPENED:
        return access(path, W_OK) != 0 ? errno : 0;
    case KIND_REPLACED:
        break;
    }
    return check_replaced(path);
}

int digest_file_check(const char *path)
{
    int code = path == NULL ? 0 : check_path(path);
    return code == 0 ? 0
                     : print_errno(LPIPE_OUTPUT_IO, code, "cannot write --digest-file %s", path);
}

static int write_and_close(int fd, const char *digest, bool sync)
{
    int code = print_bytes(fd, digest, strlen(digest));
    if (code == 0 && sync && fsync(fd) != 0) {
        code = errno;
    }
    if (close(fd) != 0 && code == 0) {
        code = errno;
    }
    return code;
}

static int write_descriptor(const char *path, const char *digest)
{
    int fd = fcntl(path_descriptor_number(path), F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    return fd < 0 ? errno : write_and_close(fd, digest, false);
}

/* Another user may have put a link to a file in the place of the FIFO, so the opened file is
 * checked. */
static int write_opened(const char *path, const char *digest)
{
    struct stat info;
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return errno;
    }
    if (fstat(fd, &info) != 0 || S_ISREG(info.st_mode)) {
        (void)close(fd);
        return EEXIST;
    }
    return write_and_close(fd, digest, false);
}

static int sync_directory(const char *path)
{
    char directory[PATH_MAX];
    directory_of(path, directory);
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    int code = fsync(fd) != 0 ? errno : 0;
    (void)close(fd);
    return code;
}

/* A symbolic link is replaced itself: it could be another user's, and point to any file of ours. */
static int write_replacing(const char *path, const char *digest)
{
    char temporary[PATH_MAX];
    (void)snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    mode_t mask = umask(0);
    (void)umask(mask);
    int code = fchmod(fd, 0666 & ~mask) != 0 ? errno : 0;
    int written = write_and_close(fd, digest, true);
    code = code != 0 ? code : written;
    if (code == 0 && rename(temporary, path) != 0) {
        code = errno;
    }
    if (code != 0) {
        (void)unlink(temporary);
        return code;
    }
    return sync_directory(path);
}

/* 0 or an errno value. */
static int write_digest(const char *path, const char *digest)
{
    switch (kind_of(path)) {
    case KIND_DIRECTORY:
        return EISDIR;
    case KIND_DESCRIPTOR:
        return write_descriptor(path, digest);
    case KIND_OPENED:
        return write_opened(path, digest);
    case KIND_REPLACED:
        break;
    }
    return write_replacing(path, digest);
}

int digest_file_write(const char *path, const char *digest, const char *achieved)
{
    int code = path == NULL ? 0 : write_digest(path, digest);
    return code == 0 ? 0
                     : print_errno(LPIPE_OUTPUT_IO, code, "%s, but writing --digest-file %s failed",
                                   achieved, path);
}
