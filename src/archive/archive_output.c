/* SPDX-License-Identifier: Apache-2.0 */
#include "archive/archive_output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"

const char *archive_output_name(const struct archive_output *output)
{
    return output->path != NULL ? output->path : "stdout";
}

static int fail_write(const struct archive_output *output, int code, struct lpipe_error *err)
{
    return fail_errno(err, LPIPE_OUTPUT_IO, code, "cannot write the image archive to %s",
                      archive_output_name(output));
}

static int open_stdout(struct archive_output *output, struct lpipe_error *err)
{
    if (isatty(STDOUT_FILENO)) {
        return fail_with_advice(err, LPIPE_INVALID_ARGUMENT,
                                "stdout is a terminal: an image archive is not written there; "
                                "connect it to a pipe, or name a file");
    }
    output->is_stream = true;
    output->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
    return output->fd >= 0 ? 0 : fail_write(output, errno, err);
}

static char *temp_name(const char *path)
{
    AUTO_FREE char *dir = path_directory(path);
    return dir == NULL ? NULL : mem_printf("%s/.layerpipe-XXXXXX", dir);
}

/* Sets the mode that open() would give a new file. mkstemp() gives 0600, and the umask of a process
 * cannot be read without changing it. */
static int open_temp(struct archive_output *output, struct lpipe_error *err)
{
    AUTO_FREE char *temp = temp_name(output->path);
    if (temp == NULL) {
        return fail_memory(err);
    }
    int fd = mkostemp(temp, O_CLOEXEC);
    if (fd < 0) {
        return fail_write(output, errno, err);
    }
    (void)unlink(temp);
    fd_close(&fd);
    output->fd = open(temp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (output->fd < 0) {
        return fail_write(output, errno, err);
    }
    output->temp = TAKE(temp);
    return 0;
}

/* A file without a name vanishes with the process, however that ends. link_file() needs /proc. */
static int open_unnamed(struct archive_output *output, struct lpipe_error *err)
{
    AUTO_FREE char *dir = path_directory(output->path);
    if (dir == NULL) {
        return fail_memory(err);
    }
    if (access("/proc/self/fd", X_OK) == 0) {
        output->fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
    }
    return output->fd >= 0 ? 0 : open_temp(output, err);
}

static int open_file(struct archive_output *output, const char *path, struct lpipe_error *err)
{
    struct stat info;
    bool exists = stat(path, &info) == 0;
    if (exists && !S_ISREG(info.st_mode)) {
        return fail_with_advice(err, LPIPE_INVALID_ARGUMENT,
                                "%s is not a regular file: an image archive is written to a file, "
                                "or to stdout (-)",
                                path);
    }
    /* A symbolic link stays, and its target is replaced or made. */
    int code = path_of_file(path, &output->path);
    return code == 0 ? open_unnamed(output, err)
                     : fail_errno(err, LPIPE_OUTPUT_IO, code,
                                  "cannot write the image archive to %s", path);
}

int archive_output_open(struct archive_output *output, const char *path, struct lpipe_error *err)
{
    return strcmp(path, "-") == 0 ? open_stdout(output, err) : open_file(output, path, err);
}

static int write_at(const struct archive_output *output, uint64_t position, const void *data,
                    size_t size, struct lpipe_error *err)
{
    int code = fd_write_all_at(output->fd, data, size, position);
    return code == 0 ? 0 : fail_write(output, code, err);
}

/* Waits until PIPE_BUF bytes can be written without blocking. */
static int wait_writable(const struct archive_output *output, struct lpipe_error *err)
{
    struct pollfd wait[3] = { { .fd = output->fd, .events = POLLOUT },
                              { .fd = cancel_fd(output->cancel), .events = POLLIN },
                              { .fd = cancel_fd(output->stop), .events = POLLIN } };
    int ready = 0;
    do {
        ready = poll(wait, 3, -1);
    } while (ready < 0 && errno == EINTR);
    if (cancel_requested(output->cancel)) {
        return fail_cancelled(err);
    }
    return cancel_requested(output->stop)
               ? fail(err, LPIPE_ABORTED, "writing the image archive was aborted")
               : 0;
}

static int write_stream(const struct archive_output *output, const void *data, size_t size,
                        struct lpipe_error *err)
{
    const char *next = data;
    while (size > 0) {
        int status = wait_writable(output, err);
        if (status != 0) {
            return status;
        }
        ssize_t done = write(output->fd, next, MIN_OF(size, (size_t)PIPE_BUF));
        if (done < 0 && errno != EINTR && errno != EAGAIN) {
            return fail_write(output, errno, err);
        }
        if (done > 0) {
            next += done;
            size -= (size_t)done;
        }
    }
    return 0;
}

int archive_output_write(struct archive_output *output, const void *data, size_t size,
                         struct lpipe_error *err)
{
    int status = output->is_stream ? write_stream(output, data, size, err)
                                   : write_at(output, output->position, data, size, err);
    output->position += status == 0 ? size : 0;
    return status;
}

int archive_output_change(const struct archive_output *output, uint64_t position, const void *data,
                          size_t size, struct lpipe_error *err)
{
    return write_at(output, position, data, size, err);
}

int archive_output_read(const struct archive_output *output, uint64_t position, void *ret_data,
                        size_t size, struct lpipe_error *err)
{
    ptrdiff_t got = fd_read_all_at(output->fd, ret_data, size, position);
    return got == (ptrdiff_t)size
               ? 0
               : fail_errno(err, LPIPE_OUTPUT_IO, got < 0 ? (int)-got : EIO,
                            "cannot read the image archive %s", archive_output_name(output));
}

/* Gives a file without a name a temporary one: rename() replaces a file, linkat() does not. */
static int link_file(struct archive_output *output, struct lpipe_error *err)
{
    char unnamed[48];
    (void)snprintf(unnamed, sizeof unnamed, "/proc/self/fd/%d", output->fd);
    for (int attempt = 0; attempt < 100; attempt++) {
        AUTO_FREE char *temp = temp_name(output->path);
        if (temp == NULL) {
            return fail_memory(err);
        }
        AUTO_FD int fd = mkostemp(temp, O_CLOEXEC); /* finds a name that is not used */
        if (fd < 0 || unlink(temp) != 0) {
            return fail_write(output, errno, err);
        }
        if (linkat(AT_FDCWD, unnamed, AT_FDCWD, temp, AT_SYMLINK_FOLLOW) == 0) {
            output->temp = TAKE(temp);
            return 0;
        }
        if (errno != EEXIST) {
            return fail_write(output, errno, err);
        }
    }
    return fail_write(output, EEXIST, err);
}

static int sync_directory(const struct archive_output *output, struct lpipe_error *err)
{
    AUTO_FREE char *dir = path_directory(output->path);
    AUTO_FD int fd = dir == NULL ? -1 : open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && fsync(fd) == 0 ? 0 : fail_write(output, errno, err);
}

static int publish_file(struct archive_output *output, struct lpipe_error *err)
{
    if (ftruncate(output->fd, (off_t)output->position) != 0 || fsync(output->fd) != 0) {
        return fail_write(output, errno, err);
    }
    int status = output->temp == NULL ? link_file(output, err) : 0;
    if (status != 0) {
        return status;
    }
    if (rename(output->temp, output->path) != 0) {
        return fail_write(output, errno, err);
    }
    free(output->temp);
    output->temp = NULL;
    return sync_directory(output, err);
}

int archive_output_publish(struct archive_output *output, struct lpipe_error *err)
{
    return output->is_stream ? 0 : publish_file(output, err);
}

void archive_output_dispose(struct archive_output *output)
{
    if (output->temp != NULL) {
        (void)unlink(output->temp);
    }
    free(output->temp);
    free(output->path);
    fd_close(&output->fd);
}
