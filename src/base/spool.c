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
    *spool = (struct spool){ .dir = dir, .memory_max = memory_max, .fd = -1 };
}

void spool_dispose(struct spool *spool)
{
    for (size_t i = 0; i < spool->segment_count; i++) {
        free(spool->segments[i]);
    }
    free(spool->segments);
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

/* Writes the bytes in memory to the file. */
static int memory_flush(struct spool *spool, struct lpipe_error *err)
{
    int status = 0;
    for (size_t at = 0; at < spool->memory_size && status == 0; at += SPOOL_SEGMENT_BYTES) {
        status = file_append(spool, spool->segments[at / SPOOL_SEGMENT_BYTES],
                             MIN_OF(spool->memory_size - at, SPOOL_SEGMENT_BYTES), err);
    }
    spool->memory_size = 0;
    return status;
}

static bool segment_add(struct spool *spool)
{
    if (spool->segments == NULL) {
        spool->segments =
            mem_new_array(spool->memory_max / SPOOL_SEGMENT_BYTES + 1, sizeof *spool->segments);
    }
    unsigned char *segment =
        spool->segments == NULL ? NULL : mem_new_blocks(1, SPOOL_SEGMENT_BYTES);
    if (segment != NULL) {
        spool->segments[spool->segment_count++] = segment;
    }
    return segment != NULL;
}

static int memory_append(struct spool *spool, const unsigned char *data, size_t size,
                         struct lpipe_error *err)
{
    while (size > 0) {
        size_t number = spool->memory_size / SPOOL_SEGMENT_BYTES;
        size_t offset = spool->memory_size % SPOOL_SEGMENT_BYTES;
        size_t part = MIN_OF(size, SPOOL_SEGMENT_BYTES - offset);
        if (number == spool->segment_count && !segment_add(spool)) {
            return fail_memory(err);
        }
        memcpy(spool->segments[number] + offset, data, part);
        spool->memory_size += part;
        data += part;
        size -= part;
    }
    return 0;
}

int spool_append(struct spool *spool, const void *data, size_t size, struct lpipe_error *err)
{
    if (size > spool->memory_max - spool->memory_size) {
        int status = memory_flush(spool, err);
        if (status != 0) {
            return status;
        }
    }
    return size > spool->memory_max ? file_append(spool, data, size, err)
                                    : memory_append(spool, data, size, err);
}

uint64_t spool_size(const struct spool *spool)
{
    return spool->stored + spool->memory_size;
}

uint64_t spool_memory_bytes(const struct spool *spool)
{
    return spool->segment_count * SPOOL_SEGMENT_BYTES;
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
        size_t at = (size_t)(cursor->position - spool->stored);
        size_t offset = at % SPOOL_SEGMENT_BYTES;
        *ret_data = spool->segments[at / SPOOL_SEGMENT_BYTES] + offset;
        return MIN_OF(spool->memory_size - at, SPOOL_SEGMENT_BYTES - offset);
    }
    if (cursor->from == cursor->to && cursor_fill(cursor, err) != 0) {
        return 0;
    }
    *ret_data = cursor->buffer + cursor->from;
    return cursor->to - cursor->from;
}

static void cursor_advance(struct spool_cursor *cursor, size_t size)
{
    if (cursor->position < cursor->spool->stored) {
        cursor->from += size;
    }
    cursor->position += size;
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
        cursor_advance(cursor, part);
        to += part;
        size -= part;
    }
    return 0;
}

int spool_read_buf(struct spool_cursor *cursor, struct buf *buf, size_t size,
                   struct lpipe_error *err)
{
    assert(size <= spool_size(cursor->spool) - cursor->position);
    while (size > 0) {
        const unsigned char *data = NULL;
        size_t part = MIN_OF(cursor_available(cursor, &data, err), size);
        if (part == 0) {
            return LPIPE_OUTPUT_IO;
        }
        if (buf_append(buf, data, part) != 0) {
            return fail_memory(err);
        }
        cursor_advance(cursor, part);
        size -= part;
    }
    return 0;
}
