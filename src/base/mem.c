/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation. Test builds can make a chosen allocation fail. */
#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifdef LPIPE_FAULTS
#include <stdatomic.h>

static atomic_ulong fault_count;
static atomic_ulong fault_nth;
static atomic_int fault_persistent;

static int fault_here(void)
{
    unsigned long n = atomic_fetch_add(&fault_count, 1) + 1;
    unsigned long nth = atomic_load(&fault_nth);
    return nth != 0 && (n == nth || (n > nth && atomic_load(&fault_persistent)));
}

unsigned long mem_fail_nth(unsigned long nth, int persistent)
{
    atomic_store(&fault_nth, 0);
    unsigned long made = atomic_exchange(&fault_count, 0);
    atomic_store(&fault_persistent, persistent);
    atomic_store(&fault_nth, nth);
    return made;
}
#else
static inline int fault_here(void)
{
    return 0;
}
#endif

void *mem_new(size_t size)
{
    return fault_here() ? NULL : calloc(1, size > 0 ? size : 1);
}

void *mem_new_array(size_t count, size_t size)
{
    return fault_here() ? NULL : calloc(count > 0 ? count : 1, size > 0 ? size : 1);
}

void *mem_new_blocks(size_t count, size_t size)
{
    size_t total = 0;
    if (fault_here() || __builtin_mul_overflow(count, size, &total)) {
        return NULL;
    }
    void *blocks = NULL;
    return posix_memalign(&blocks, MEM_BLOCK_ALIGN, total > 0 ? total : 1) == 0 ? blocks : NULL;
}

void *mem_realloc(void *block, size_t size)
{
    return fault_here() ? NULL : realloc(block, size);
}

char *mem_strndup(const char *text, size_t size)
{
    char *copy = mem_new(size + 1);
    if (copy != NULL && size > 0) {
        memcpy(copy, text, size);
    }
    return copy;
}

char *mem_strdup(const char *text)
{
    return text == NULL ? NULL : mem_strndup(text, strlen(text));
}

char *mem_printf(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = size < 0 ? NULL : mem_new((size_t)size + 1);
    if (text != NULL) {
        va_start(args, format);
        (void)vsnprintf(text, (size_t)size + 1, format, args);
        va_end(args);
    }
    return text;
}

void mem_wipe_text(char *text)
{
    if (text != NULL) {
        explicit_bzero(text, strlen(text));
        free(text);
    }
}
