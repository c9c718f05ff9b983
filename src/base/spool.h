/* SPDX-License-Identifier: Apache-2.0 */
/* A spool: bytes that are appended and later read again from the start. The first ones are kept in
 * memory. When they are more than the maximum, all go to a spool file, which has no name, so that
 * nothing is left of it however the process ends. One thread at a time. */
#ifndef BASE_SPOOL_H
#define BASE_SPOOL_H

#include "base/buf.h"

/* Opens a file without a name in the directory dir. 0 or OUTPUT_IO; the caller closes it. */
MUST_CHECK int spool_file_open(const char *dir, int *ret_fd, struct lpipe_error *err);

/* Where spool files go: the given directory, $TMPDIR, or /var/tmp, which is on a disk where /tmp
 * may be memory. Borrowed. */
const char *spool_dir_choose(const char *given);

#define SPOOL_SEGMENT_BYTES ((size_t)64 * 1024)

struct spool {
    const char *dir; /* borrowed; where the file is made when it is needed */
    size_t memory_max;
    size_t memory_size; /* bytes that are not in the file */
    /* They are in parts of SPOOL_SEGMENT_BYTES, so that none are copied when more come. */
    unsigned char **segments;
    size_t segment_count;
    uint64_t stored; /* bytes in the file */
    int fd;          /* -1 = there is no file yet */
};

/* Up to memory_max bytes stay in memory. Allocates nothing. */
void spool_init(struct spool *spool, const char *dir, size_t memory_max);
void spool_dispose(struct spool *spool);

/* 0, NO_MEMORY, or OUTPUT_IO when the spool file cannot be made or written. After a failure the
 * spool can only be disposed of. */
MUST_CHECK int spool_append(struct spool *spool, const void *data, size_t size,
                            struct lpipe_error *err);
uint64_t spool_size(const struct spool *spool);
/* Bytes of memory in use. */
uint64_t spool_memory_bytes(const struct spool *spool);

/* A position in a spool from which bytes are read in order. Several cursors may read one spool,
 * after the last byte was appended. */
struct spool_cursor {
    const struct spool *spool;
    uint64_t position;
    size_t from; /* of the bytes in buffer, those not read yet */
    size_t to;
    unsigned char buffer[16 * 1024];
};

void spool_cursor_init(struct spool_cursor *cursor, const struct spool *spool);
/* Appends exactly size bytes to buf, which the spool must have. 0, OUTPUT_IO or NO_MEMORY. */
MUST_CHECK int spool_read_buf(struct spool_cursor *cursor, struct buf *buf, size_t size,
                              struct lpipe_error *err);
/* Reads exactly size bytes, which the spool must have. 0 or OUTPUT_IO. */
MUST_CHECK int spool_read(struct spool_cursor *cursor, void *ret_data, size_t size,
                          struct lpipe_error *err);

#endif
