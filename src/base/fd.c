/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/cancel.h"
#include "base/clock.h"

void fd_close(int *fd)
{
    if (*fd >= 0) {
        int saved = errno;
        (void)close(*fd);
        errno = saved;
        *fd = -1;
    }
}

int fd_write_all(int fd, const void *data, size_t size)
{
    const char *next = data;
    while (size > 0) {
        ssize_t done = write(fd, next, size);
        if (done >= 0) {
            next += done;
            size -= (size_t)done;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            struct pollfd wait = { .fd = fd, .events = POLLOUT };
            (void)poll(&wait, 1, -1);
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

/* Waits for input or cancellation. Only called when there is a cancel token, or when the
 * descriptor does not block. */
static int wait_readable(int fd, const lpipe_cancel *cancel)
{
    struct pollfd wait[2] = {
        { .fd = fd, .events = POLLIN },
        { .fd = cancel_fd(cancel), .events = POLLIN },
    };
    if (cancel_requested(cancel)) {
        return -ECANCELED;
    }
    /* After a signal it is not known whether input is readable: a read might block and miss the
     * token. */
    while (poll(wait, 2, -1) < 0) {
        if (errno != EINTR) {
            return -errno;
        }
    }
    return wait[1].revents != 0 ? -ECANCELED : 0;
}

ptrdiff_t fd_read(int fd, void *buf, size_t size, const lpipe_cancel *cancel)
{
    bool wait = cancel != NULL;
    for (;;) {
        int code = wait ? wait_readable(fd, cancel) : 0;
        if (code < 0) {
            return code;
        }
        ssize_t done = read(fd, buf, size);
        if (done >= 0) {
            return done;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            wait = true;
        } else if (errno != EINTR) {
            return -errno;
        }
    }
}

ptrdiff_t fd_read_at(int fd, void *buf, size_t size, uint64_t offset)
{
    ssize_t done = -1;
    do {
        done = pread(fd, buf, size, (off_t)offset);
    } while (done < 0 && errno == EINTR);
    return done < 0 ? -errno : done;
}

ptrdiff_t fd_read_all_at(int fd, void *buf, size_t size, uint64_t offset)
{
    size_t got = 0;
    ptrdiff_t done = 1;
    while (got < size && done > 0) {
        done = fd_read_at(fd, (char *)buf + got, size - got, offset + got);
        got += done > 0 ? (size_t)done : 0;
    }
    return done < 0 ? done : (ptrdiff_t)got;
}

int fd_write_all_at(int fd, const void *data, size_t size, uint64_t offset)
{
    const char *next = data;
    while (size > 0) {
        ssize_t done = pwrite(fd, next, size, (off_t)offset);
        if (done >= 0) {
            next += done;
            offset += (uint64_t)done;
            size -= (size_t)done;
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

int fd_lock(int fd, uint64_t time_ms, const lpipe_cancel *cancel)
{
    uint64_t start = clock_ms();
    uint64_t pause_ms = 1;
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return errno;
        }
        if (clock_ms() - start > time_ms) {
            return EWOULDBLOCK;
        }
        if (cancel_sleep(cancel, pause_ms, NULL) != 0) {
            return ECANCELED;
        }
        pause_ms = MIN_OF(pause_ms * 2, (uint64_t)16);
    }
    return 0;
}

int fd_read_file(const char *path, struct buf *buf, int status, struct lpipe_error *err)
{
    AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) != 0) {
        return fail_errno(err, status, errno, "cannot read %s", path);
    }
    if (S_ISDIR(info.st_mode)) {
        return fail_errno(err, status, EISDIR, "cannot read %s", path);
    }
    if (!S_ISREG(info.st_mode)) {
        return fail(err, status, "cannot read %s: not a regular file", path);
    }
    for (;;) {
        char part[16384];
        ptrdiff_t done = fd_read(fd, part, sizeof part, NULL);
        if (done == 0) {
            return 0;
        }
        if (done < 0) {
            return fail_errno(err, status, (int)-done, "cannot read %s", path);
        }
        int code = buf_append(buf, part, (size_t)done);
        if (code == LPIPE_NO_MEMORY) {
            return fail_memory(err);
        }
        if (code != 0) {
            return fail(err, status, "%s is larger than %zu bytes", path, buf->size_max);
        }
    }
}
