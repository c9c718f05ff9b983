/* SPDX-License-Identifier: Apache-2.0 */
/* A list of descriptors in which each digest is once. No I/O; one thread at a time. */
#ifndef OCI_DESCRIPTOR_LIST_H
#define OCI_DESCRIPTOR_LIST_H

#include <stdbool.h>

#include "base/fail.h"
#include "oci/descriptor.h"

struct descriptor_list {
    struct descriptor *items;
    size_t count;
    size_t capacity;
};

/* Appends the descriptor if its digest is new. TOO_LARGE above DESCRIPTOR_LIST_MAX. */
MUST_CHECK int descriptor_list_add(struct descriptor_list *list,
                                   const struct descriptor *descriptor, struct lpipe_error *err);
bool descriptor_list_has(const struct descriptor_list *list, const char *digest);
void descriptor_list_dispose(struct descriptor_list *list);
#define AUTO_DESCRIPTOR_LIST CLEANUP(descriptor_list_dispose)

#endif
