/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors: complete reads and writes, and closing. -1 means "none". */
#ifndef BASE_FD_H
#define BASE_FD_H

#include "base/buf.h"
#include "layerpipe/observe.h"

void fd_close(int *fd); /* keeps errno, sets -1 */
#define AUTO_FD CLEANUP(fd_close)

/* Writes all; 0 or an errno value. */
MUST_CHECK int fd_write_all(int fd, const void *data, size_t size);
/* Reads once. Handles EINTR and non-blocking descriptors, and stops when the cancel token is
 * triggered. Returns the number of bytes, 0 at the end, or a negative errno value (-ECANCELED). */
ptrdiff_t fd_read(int fd, void *buf, size_t size, const lpipe_cancel *cancel);
/* The same for a file, from the offset. Never cancelled. */
ptrdiff_t fd_read_at(int fd, void *buf, size_t size, uint64_t offset);
/* As fd_read_at(), but fewer bytes than size are the end of the file. */
ptrdiff_t fd_read_all_at(int fd, void *buf, size_t size, uint64_t offset);
/* Writes all to a file, from the offset on; 0 or an errno value. */
MUST_CHECK int fd_write_all_at(int fd, const void *data, size_t size, uint64_t offset);
/* Locks the open file or directory for this open file description, so that threads of one process
 * exclude each other, too. Waits time_ms at most. 0, or an errno value: EWOULDBLOCK when others
 * still have the lock, ECANCELED. Closing the descriptor ends it. */
MUST_CHECK int fd_lock(int fd, uint64_t time_ms, const lpipe_cancel *cancel);
/* Reads a whole regular file into buf (its maximum applies). status: what a failure is reported
 * as. */
MUST_CHECK int fd_read_file(const char *path, struct buf *buf, int status, struct lpipe_error *err);

#endif
