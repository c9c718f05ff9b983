/* SPDX-License-Identifier: Apache-2.0 */
#include "base/spool.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/environment.h"
#include "base/fd.h"
#include "base/mem.h"

#define DEFAULT_SPOOL_DIR "/var/tmp"

const char *spool_dir_choose(const char *given)
{
    const char *dir = given != NULL ? given : environment_get(ENVIRONMENT_TMPDIR);
    return dir != NULL ? dir : DEFAULT_SPOOL_DIR;
}

int spool_file_open(const char *dir, int *ret_fd, struct lpipe_error *err)
{
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
        AUTO_FREE char *path = mem_printf("%s/.layerpipe-XXXXXX", dir);
        if (path == NULL) {
            return fail_memory(err);
        }
        fd = mkostemp(path, O_CLOEXEC);
        if (fd >= 0) {
            (void)unlink(path);
        }
    }
    if (fd < 0) {
        int status =
            fail_errno(err, LPIPE_OUTPUT_IO, errno, "cannot create a spool file in %s", dir);
        return status == LPIPE_OUTPUT_IO
                   ? fail_add_advice(err, status, "name another directory: `spool_dir` or TMPDIR")
                   : status;
    }
    *ret_fd = fd;
    return 0;
}

void spool_init(struct spool *spool, const char *dir, size_t memory_max)
{
    *spool = (struct spool){ .dir = dir, .memory = BUF_INIT(memory_max), .fd = -1 };
}

void spool_dispose(struct spool *spool)
{
    buf_dispose(&spool->memory);
    fd_close(&spool->fd);
}

static int file_append(struct spool *spool, const void *data, size_t size, struct lpipe_error *err)
{
    int status = spool->fd < 0 ? spool_file_open(spool->dir, &spool->fd, err) : 0;
    int code = status == 0 ? fd_write_all(spool->fd, data, size) : 0;
    if (code != 0) {
        status =
            fail_errno(err, LPIPE_OUTPUT_IO, code, "cannot write the spool file in %s", spool->dir);
    }
    spool->stored += status == 0 ? size : 0;
    return status;
}

int spool_append(struct spool *spool, const void *data, size_t size, struct lpipe_error *err)
{
    if (size > spool->memory.size_max - spool->memory.size) {
        int status = file_append(spool, spool->memory.data, spool->memory.size, err);
        if (status != 0) {
            return status;
        }
        buf_clear(&spool->memory);
    }
    if (size > spool->memory.size_max) {
        return file_append(spool, data, size, err);
    }
    return buf_append(&spool->memory, data, size) != 0 ? fail_memory(err) : 0;
}

uint64_t spool_size(const struct spool *spool)
{
    return spool->stored + spool->memory.size;
}

uint64_t spool_memory_bytes(const struct spool *spool)
{
    return spool->memory.capacity;
}

void spool_cursor_init(struct spool_cursor *cursor, const struct spool *spool)
{
    cursor->spool = spool;
    cursor->position = 0;
    cursor->from = 0;
    cursor->to = 0;
}

/* Fills the empty buffer with bytes of the file. */
static int cursor_fill(struct spool_cursor *cursor, struct lpipe_error *err)
{
    const struct spool *spool = cursor->spool;
    size_t wanted =
        (size_t)MIN_OF((uint64_t)sizeof cursor->buffer, spool->stored - cursor->position);
    ptrdiff_t got = fd_read_at(spool->fd, cursor->buffer, wanted, cursor->position);
    if (got <= 0) {
        return fail_errno(err, LPIPE_OUTPUT_IO, got < 0 ? (int)-got : EIO,
                          "cannot read the spool file in %s", spool->dir);
    }
    cursor->from = 0;
    cursor->to = (size_t)got;
    return 0;
}

/* The bytes at the cursor that need no further read. */
static size_t cursor_available(struct spool_cursor *cursor, const unsigned char **ret_data,
                               struct lpipe_error *err)
{
    const struct spool *spool = cursor->spool;
    if (cursor->position >= spool->stored) {
        size_t offset = (size_t)(cursor->position - spool->stored);
        *ret_data = (const unsigned char *)spool->memory.data + offset;
        return spool->memory.size - offset;
    }
    if (cursor->from == cursor->to && cursor_fill(cursor, err) != 0) {
        return 0;
    }
    *ret_data = cursor->buffer + cursor->from;
    return cursor->to - cursor->from;
}

int spool_read(struct spool_cursor *cursor, void *ret_data, size_t size, struct lpipe_error *err)
{
    assert(size <= spool_size(cursor->spool) - cursor->position);
    unsigned char *to = ret_data;
    while (size > 0) {
        const unsigned char *data = NULL;
        size_t part = MIN_OF(cursor_available(cursor, &data, err), size);
        if (part == 0) {
            return LPIPE_OUTPUT_IO;
        }
        memcpy(to, data, part);
        if (cursor->position < cursor->spool->stored) {
            cursor->from += part;
        }
        cursor->position += part;
        to += part;
        size -= part;
    }
    return 0;
}
