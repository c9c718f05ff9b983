/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation. The library allocates only with these functions, so that tests can make each one
 * fail. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include "base/macros.h"

/* NULL on failure; memory is zeroed. Freed with free(). */
void *mem_new(size_t size);
/* count * size with overflow check, zeroed. */
void *mem_new_array(size_t count, size_t size);
/* Memory for blocks: count * size with overflow check, aligned to a page, not zeroed. The kernel
 * copies to unaligned addresses at a third of the speed. */
void *mem_new_blocks(size_t count, size_t size);
/* As realloc(); the old block stays valid on failure. */
void *mem_realloc(void *block, size_t size);
char *mem_strdup(const char *text); /* NULL gives NULL */
char *mem_strndup(const char *text, size_t size);
/* printf into new memory. */
char *mem_printf(const char *format, ...) PRINTF_LIKE(1, 2);

/* The sizes of adjacent blocks must be multiples of this. */
#define MEM_BLOCK_ALIGN 4096
#define MEM_BLOCK_SIZE(size) (((size) + MEM_BLOCK_ALIGN - 1) / MEM_BLOCK_ALIGN * MEM_BLOCK_ALIGN)

#define NEW(type) ((type *)mem_new(sizeof(type)))

/* Overwrites a text and frees it: for secrets. NULL is fine. */
void mem_wipe_text(char *text);

#ifdef LPIPE_FAULTS
/* Test builds only: the n-th allocation from now fails (1 = the next); persistent fails all later
 * ones too. 0 switches off. Returns how many allocations were made since the last call. */
unsigned long mem_fail_nth(unsigned long nth, int persistent);
#endif

#endif
