/* SPDX-License-Identifier: Apache-2.0 */
/* A growable byte buffer with a mandatory maximum. Always NUL-terminated once written to. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/fail.h"

struct buf {
    char *data;
    size_t size;     /* bytes in use, without the NUL */
    size_t capacity; /* bytes allocated */
    size_t size_max;
};

#define BUF_INIT(max)                                                                              \
    {                                                                                              \
        NULL, 0, 0, (max)                                                                          \
    }

/* All return 0, NO_MEMORY, or TOO_LARGE when the maximum would be exceeded (buf unchanged). When a
 * buffer grows, its old memory is overwritten, because any buffer may contain a secret. */
MUST_CHECK int buf_append(struct buf *buf, const void *data, size_t size);
MUST_CHECK int buf_append_text(struct buf *buf, const char *text);
MUST_CHECK int buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);

/* Empties the buffer and keeps its memory. */
void buf_clear(struct buf *buf);
/* Returns the contents (NUL-terminated, the caller frees them) and leaves the buffer empty. NULL
 * when memory runs out. */
char *buf_take(struct buf *buf);
void buf_dispose(struct buf *buf);
/* Overwrites the contents before freeing them: for buffers that contain a secret. */
void buf_wipe(struct buf *buf);
#define AUTO_BUF CLEANUP(buf_dispose)

#endif
