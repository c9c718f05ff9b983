/* SPDX-License-Identifier: Apache-2.0 */
/* The few macros that every file may use. */
#ifndef BASE_MACROS_H
#define BASE_MACROS_H

#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(fn) __attribute__((cleanup(fn)))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define MUST_CHECK __attribute__((warn_unused_result))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MIN_OF(a, b) ((a) < (b) ? (a) : (b))
#define MAX_OF(a, b) ((a) > (b) ? (a) : (b))

/* A macro's value as text. */
#define TEXT_OF(value) TEXT_OF_WORD(value)
#define TEXT_OF_WORD(word) #word

/* Moves a pointer: returns its value and sets it to NULL, so that cleanup does nothing. */
#define TAKE(p)                                                                                    \
    ({                                                                                             \
        __typeof__(p) take_ptr = (p);                                                              \
        (p) = NULL;                                                                                \
        take_ptr;                                                                                  \
    })

/* The same for a descriptor, where -1 is "none". */
#define TAKE_FD(fd)                                                                                \
    ({                                                                                             \
        int take_fd_val = (fd);                                                                    \
        (fd) = -1;                                                                                 \
        take_fd_val;                                                                               \
    })

static inline void cleanup_free(void *p)
{
    free(*(void **)p);
}
#define AUTO_FREE CLEANUP(cleanup_free)

#endif
