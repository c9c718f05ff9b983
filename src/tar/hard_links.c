/* SPDX-License-Identifier: Apache-2.0 */
#include "tar/hard_links.h"

#include <stdint.h>

#include "base/mem.h"
#include "layerpipe/error.h"

#define FIRST_CAPACITY 256

/* Inode numbers are often consecutive; the multiplication spreads them. */
static size_t slot_of(dev_t device, ino_t inode)
{
    uint64_t mixed = ((uint64_t)inode ^ ((uint64_t)device << 32)) * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(mixed >> 32);
}

/* The slot that has the file. If the file is not in the table: the empty slot to put it into. */
static struct hard_link *find(const struct hard_links *links, dev_t device, ino_t inode)
{
    size_t at = slot_of(device, inode);
    for (;; at++) {
        struct hard_link *link = &links->slots[at & (links->capacity - 1)];
        if (link->path == NULL || (link->device == device && link->inode == inode)) {
            return link;
        }
    }
}

static int grow(struct hard_links *links)
{
    struct hard_links larger = { NULL, links->capacity == 0 ? FIRST_CAPACITY : links->capacity * 2,
                                 links->count };
    larger.slots = mem_new_array(larger.capacity, sizeof *larger.slots);
    if (larger.slots == NULL) {
        return LPIPE_NO_MEMORY;
    }
    for (size_t i = 0; i < links->capacity; i++) {
        const struct hard_link *link = &links->slots[i];
        if (link->path != NULL) {
            *find(&larger, link->device, link->inode) = *link;
        }
    }
    free(links->slots);
    *links = larger;
    return 0;
}

int hard_links_find_or_add(struct hard_links *links, dev_t device, ino_t inode, const char *path,
                           const char **ret_earlier)
{
    if (links->count >= links->capacity / 4 * 3 && grow(links) != 0) {
        return LPIPE_NO_MEMORY;
    }
    struct hard_link *link = find(links, device, inode);
    if (link->path != NULL) {
        *ret_earlier = link->path;
        return 0;
    }
    char *copy = mem_strdup(path);
    if (copy == NULL) {
        return LPIPE_NO_MEMORY;
    }
    *link = (struct hard_link){ device, inode, copy };
    links->count++;
    *ret_earlier = NULL;
    return 0;
}

void hard_links_dispose(struct hard_links *links)
{
    for (size_t i = 0; i < links->capacity; i++) {
        free(links->slots[i].path);
    }
    free(links->slots);
    *links = (struct hard_links){ NULL, 0, 0 };
}
