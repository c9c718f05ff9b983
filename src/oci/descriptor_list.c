/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/descriptor_list.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"

#define FIRST_CAPACITY 8

bool descriptor_list_has(const struct descriptor_list *list, const char *digest)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i].digest, digest) == 0) {
            return true;
        }
    }
    return false;
}

int descriptor_list_add(struct descriptor_list *list, const struct descriptor *descriptor,
                        struct lpipe_error *err)
{
    if (descriptor_list_has(list, descriptor->digest)) {
        return 0;
    }
    if (list->count == DESCRIPTOR_LIST_MAX) {
        return fail(err, LPIPE_TOO_LARGE, "more than %d manifests", DESCRIPTOR_LIST_MAX);
    }
    if (list->count == list->capacity) {
        size_t capacity = MAX_OF(list->capacity * 2, (size_t)FIRST_CAPACITY);
        struct descriptor *grown = mem_realloc(list->items, capacity * sizeof *grown);
        if (grown == NULL) {
            return fail_memory(err);
        }
        list->items = grown;
        list->capacity = capacity;
    }
    list->items[list->count++] = *descriptor;
    return 0;
}

void descriptor_list_dispose(struct descriptor_list *list)
{
    free(list->items);
    *list = (struct descriptor_list){ .count = 0 };
}
