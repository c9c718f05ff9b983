/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/source_fd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/cancel.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"

struct source_fd {
    struct source base;
    uint64_t offset; /* bytes read so far */
    int fd;
    bool borrowed;
    bool closed;
    bool regular; /* always ready, may be read again */
    bool pipe;
    bool prepared;
    off_t start;
    struct stat before;   /* of a regular file, when it was opened */
    lpipe_cancel *cancel; /* the caller's */
    lpipe_cancel *own;    /* triggered by cancel() */
};

static int wait_readable(const struct source_fd *source)
{
    struct pollfd wait[3] = {
        { .fd = source->fd, .events = POLLIN },
        { .fd = cancel_fd(source->own), .events = POLLIN },
        { .fd = cancel_fd(source->cancel), .events = POLLIN },
    };
    /* After a signal it is not known whether input is readable: a read might block and miss the
     * token. */
    while (poll(wait, ARRAY_LEN(wait), -1) < 0) {
        if (errno != EINTR) {
            return -errno;
        }
    }
    return wait[1].revents != 0 || wait[2].revents != 0 ? -ECANCELED : 0;
}

static void prepare(struct source_fd *source)
{
    source->prepared = true;
    /* Fewer switches between the producer and us. Fails when the user's limit for pipes is
     * reached. */
    if (source->pipe && fcntl(source->fd, F_GETPIPE_SZ) < (int)PIPE_BYTES) {
        (void)fcntl(source->fd, F_SETPIPE_SZ, (int)PIPE_BYTES);
    }
}

/* Bytes, 0 at the end, or a negative errno value. */
static ptrdiff_t read_some(struct source_fd *source, void *buf, size_t size)
{
    if (!source->prepared) {
        prepare(source);
    }
    for (;;) {
        if (cancel_requested(source->own) || cancel_requested(source->cancel)) {
            return -ECANCELED;
        }
        int code = source->regular ? 0 : wait_readable(source);
        if (code < 0) {
            return code;
        }
        ssize_t done = read(source->fd, buf, size);
        if (done >= 0) {
            return done;
        }
        /* EAGAIN: another process has read the bytes that poll() announced. */
        if (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK) {
            return -errno;
        }
    }
}

/* A file that became shorter has lost bytes that were to be read, which nobody would notice if the
 * input is no tar. Some files of the kernel have always fewer bytes than they say. */
static int check_end(const struct source_fd *source, struct lpipe_error *err)
{
    struct stat now;
    off_t size = source->before.st_size;
    if (!source->regular || source->start + (off_t)source->offset >= size ||
        fstat(source->fd, &now) != 0 || now.st_size >= size) {
        return 0;
    }
    return fail_with_advice(
        err, LPIPE_SOURCE_IO,
        "the input was cut from %jd bytes to %jd while it was read; push it when "
        "nothing writes to it",
        (intmax_t)size, (intmax_t)now.st_size);
}

/* A packet that is longer than the space for it would lose its end. */
static bool keeps_packets_apart(int fd)
{
    int type = 0;
    socklen_t size = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type != SOCK_STREAM;
}

static ptrdiff_t fd_source_read(struct source *base, void *buf, size_t size,
                                struct lpipe_error *err)
{
    struct source_fd *source = (struct source_fd *)base;
    if (source->offset == 0 && keeps_packets_apart(source->fd)) {
        return fail_with_advice(err, LPIPE_SOURCE_IO,
                                "the input is a socket of packets, whose ends could be lost; use a "
                                "stream socket or a pipe");
    }
    ptrdiff_t got = read_some(source, buf, size);
    if (got == 0) {
        return check_end(source, err);
    }
    if (got < 0) {
        return fail_errno(err, LPIPE_SOURCE_IO, (int)-got,
                          "reading the input failed at byte %" PRIu64, source->offset);
    }
    source->offset += (uint64_t)got;
    return got;
}

static int fd_source_close(struct source *base)
{
    struct source_fd *source = (struct source_fd *)base;
    if (source->closed || source->borrowed) {
        source->closed = true;
        return 0;
    }
    source->closed = true;
    return close(source->fd) != 0 && errno != EINTR ? -errno : 0;
}

static void fd_source_cancel(struct source *base)
{
    lpipe_cancel_trigger(((struct source_fd *)base)->own);
}

static void fd_source_use_cancel(struct source *base, lpipe_cancel *cancel)
{
    struct source_fd *source = (struct source_fd *)base;
    lpipe_cancel_unref(source->cancel);
    source->cancel = cancel_ref(cancel);
}

static bool fd_source_can_rewind(const struct source *base)
{
    const struct source_fd *source = (const struct source_fd *)base;
    return source->regular && !source->closed;
}

static int fd_source_rewind(struct source *base, struct lpipe_error *err)
{
    struct source_fd *source = (struct source_fd *)base;
    lpipe_cancel *own = NULL;
    int status = lpipe_cancel_new(&own, err);
    if (status != 0) {
        return status;
    }
    lpipe_cancel_unref(source->own);
    source->own = own;
    source->offset = 0;
    if (lseek(source->fd, source->start, SEEK_SET) < 0) {
        return fail_errno(err, LPIPE_SOURCE_IO, errno, "cannot read the input again");
    }
    return 0;
}

static bool fd_source_is_unchanged(const struct source *base)
{
    const struct source_fd *source = (const struct source_fd *)base;
    struct stat now;
    return fstat(source->fd, &now) == 0 && now.st_size == source->before.st_size &&
           now.st_mtim.tv_sec == source->before.st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == source->before.st_mtim.tv_nsec;
}

static const char *fd_source_notice(struct source *base)
{
    const struct source_fd *source = (const struct source_fd *)base;
    return source->regular && !source->closed && !fd_source_is_unchanged(base)
               ? "the input was changed while it was read, so it may have parts of several versions"
               : NULL;
}

static uint64_t fd_source_size(const struct source *base)
{
    const struct source_fd *source = (const struct source_fd *)base;
    return source->regular && source->before.st_size > source->start
               ? (uint64_t)(source->before.st_size - source->start)
               : 0;
}

static void fd_source_free(struct source *base)
{
    struct source_fd *source = (struct source_fd *)base;
    (void)fd_source_close(base);
    lpipe_cancel_unref(source->cancel);
    lpipe_cancel_unref(source->own);
    free(source);
}

static const struct source_ops ops = {
    .read = fd_source_read,
    .close = fd_source_close,
    .cancel = fd_source_cancel,
    .use_cancel = fd_source_use_cancel,
    .can_rewind = fd_source_can_rewind,
    .rewind = fd_source_rewind,
    .is_unchanged = fd_source_is_unchanged,
    .size = fd_source_size,
    .notice = fd_source_notice,
    .free = fd_source_free,
};

int source_fd_new(int fd, bool borrowed, struct source **ret_source, struct lpipe_error *err)
{
    struct source_fd *source = NEW(struct source_fd);
    lpipe_cancel *own = NULL;
    int status = source == NULL ? fail_memory(err) : lpipe_cancel_new(&own, err);
    if (status != 0) {
        free(source);
        if (!borrowed) {
            fd_close(&fd);
        }
        return status;
    }
    source->base.ops = &ops;
    source->fd = fd;
    source->borrowed = borrowed;
    source->own = own;
    /* If fstat() fails, the first read will report why. */
    if (fstat(fd, &source->before) == 0) {
        source->start = lseek(fd, 0, SEEK_CUR);
        source->regular = S_ISREG(source->before.st_mode) && source->start >= 0;
        source->pipe = S_ISFIFO(source->before.st_mode);
    }
    *ret_source = &source->base;
    return 0;
}
