/* SPDX-License-Identifier: Apache-2.0 */
#include "digest_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

int digest_file_check(const char *path)
{
    struct stat info;
    char directory[PATH_MAX];
    int code = 0;
    if (path == NULL) {
        return 0;
    }
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) {
        /* A pipe or a device is written to; it cannot be replaced. */
        code = S_ISDIR(info.st_mode) ? EISDIR : access(path, W_OK) != 0 ? errno : 0;
    } else if (*path == '\0' || strlen(path) >= PATH_MAX - sizeof ".XXXXXX") {
        code = *path == '\0' ? ENOENT : ENAMETOOLONG;
    } else {
        directory_of(path, directory);
        code = access(directory, W_OK | X_OK) != 0 ? errno : 0;
    }
    if (code != 0) {
        print_message("cannot write --digest-file %s: %s", path, strerror(code));
        return EXIT_OUTPUT;
    }
    return 0;
}

static int write_and_close(int fd, const char *digest, bool sync)
{
    size_t size = strlen(digest);
    ssize_t written = write(fd, digest, size);
    int code = written < 0 ? errno : (size_t)written != size ? ENOSPC : 0;
    if (code == 0 && sync && fsync(fd) != 0) {
        code = errno;
    }
    if (close(fd) != 0 && code == 0) {
        code = errno;
    }
    return code;
}

static int write_direct(const char *path, const char *digest)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    return fd < 0 ? errno : write_and_close(fd, digest, false);
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

int digest_file_write(const char *path, const char *digest, const char *achieved)
{
    struct stat info;
    if (path == NULL) {
        return 0;
    }
    bool direct = stat(path, &info) == 0 && !S_ISREG(info.st_mode);
    /* For a symbolic link, the file that it points to is replaced. */
    char *resolved = realpath(path, NULL);
    const char *target = resolved != NULL && strlen(resolved) < PATH_MAX - 8 ? resolved : path;
    int code = direct ? write_direct(path, digest) : write_replacing(target, digest);
    free(resolved);
    if (code != 0) {
        print_message("%s, but writing --digest-file %s failed: %s", achieved, path,
                      strerror(code));
        return EXIT_OUTPUT;
    }
    return 0;
}
