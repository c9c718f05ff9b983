/* SPDX-License-Identifier: Apache-2.0 */
/* Holds back the end of a stream until it is verified, so that nobody takes unverified bytes for a
 * complete stream:
 *
 *   - zeros at the end, however many, because a tar's end-of-archive mark is made of them;
 *   - CONTENT_HOLD_BYTES in front of these;
 *   - of a tar, some bytes more, so that what has been given ends within a block of 512 bytes. Some
 *     readers accept an archive that ends between two entries without a mark.
 *
 * Constant memory. One thread at a time. */
#ifndef CONTENT_CONTENT_HOLD_H
#define CONTENT_CONTENT_HOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

#define CONTENT_HOLD_KEPT (CONTENT_HOLD_BYTES + 512)

struct content_hold {
    bool is_tar;
    uint64_t given;
    /* The bytes that are held back, or can be given now: */
    unsigned char tail[CONTENT_HOLD_KEPT]; /* first these ... */
    size_t tail_at;
    size_t tail_size;
    uint64_t zeros;            /* ... then so many zeros ... */
    const unsigned char *data; /* ... then these, borrowed ... */
    size_t data_size;
    uint64_t zeros_after; /* ... then these zeros */
    bool verified;        /* nothing is held back any more */
};

/* More bytes, borrowed until content_hold_take() has returned 0. Only then may more be put. */
void content_hold_put(struct content_hold *hold, const void *data, size_t size);
/* The stream has ended well. */
void content_hold_verified(struct content_hold *hold);
/* Copies bytes that need not be held back. Returns how many; 0: there are none. */
size_t content_hold_take(struct content_hold *hold, void *buf, size_t size);

#endif
