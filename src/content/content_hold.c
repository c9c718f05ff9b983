/* SPDX-License-Identifier: Apache-2.0 */
#include "content/content_hold.h"

#include <string.h>

#include "base/macros.h"

enum { TAR_BLOCK = 512 };

static size_t zeros_at_end(const unsigned char *data, size_t size)
{
    size_t at = size;
    while (at > 0 && data[at - 1] == 0) {
        at--;
    }
    return size - at;
}

void content_hold_put(struct content_hold *hold, const void *data, size_t size)
{
    size_t zeros = zeros_at_end(data, size);
    if (zeros == size) {
        hold->zeros += size;
        return;
    }
    hold->data = data;
    hold->data_size = size - zeros;
    hold->zeros_after = zeros;
}

void content_hold_verified(struct content_hold *hold)
{
    hold->verified = true;
}

static uint64_t bytes_before_end(const struct content_hold *hold)
{
    return hold->tail_size + (hold->data_size > 0 ? hold->zeros + hold->data_size : 0);
}

/* How many bytes may be given now. */
static uint64_t bytes_free(const struct content_hold *hold)
{
    uint64_t all = bytes_before_end(hold);
    if (hold->verified) {
        return hold->tail_size + hold->zeros + hold->data_size + hold->zeros_after;
    }
    if (all <= CONTENT_HOLD_BYTES) {
        return 0;
    }
    uint64_t free_bytes = all - CONTENT_HOLD_BYTES;
    /* The count of all bytes given ends in the middle of a block. */
    uint64_t over = (hold->given + free_bytes + TAR_BLOCK / 2) % TAR_BLOCK;
    return hold->is_tar ? free_bytes - MIN_OF(over, free_bytes) : free_bytes;
}

static size_t take_tail(struct content_hold *hold, unsigned char *buf, size_t size)
{
    size_t used = MIN_OF(size, hold->tail_size);
    memcpy(buf, hold->tail + hold->tail_at, used);
    hold->tail_at += used;
    hold->tail_size -= used;
    return used;
}

static size_t take_zeros(uint64_t *zeros, unsigned char *buf, size_t size)
{
    size_t used = (size_t)MIN_OF((uint64_t)size, *zeros);
    memset(buf, 0, used);
    *zeros -= used;
    return used;
}

static size_t take_data(struct content_hold *hold, unsigned char *buf, size_t size)
{
    size_t used = MIN_OF(size, hold->data_size);
    if (used == 0) {
        return 0; /* there may be no data at all */
    }
    memcpy(buf, hold->data, used);
    hold->data += used;
    hold->data_size -= used;
    return used;
}

/* From the front, in order. */
static size_t take(struct content_hold *hold, unsigned char *buf, size_t size)
{
    size_t used = take_tail(hold, buf, size);
    if (hold->data_size > 0 || hold->verified) {
        used += take_zeros(&hold->zeros, buf + used, size - used);
    }
    used += take_data(hold, buf + used, size - used);
    if (hold->verified && hold->data_size == 0) {
        used += take_zeros(&hold->zeros_after, buf + used, size - used);
    }
    return used;
}

/* Nothing more can be given: what is left of the borrowed bytes is copied. */
static void keep_rest(struct content_hold *hold)
{
    if (hold->data_size == 0) {
        return;
    }
    memmove(hold->tail, hold->tail + hold->tail_at, hold->tail_size);
    hold->tail_at = 0;
    hold->tail_size +=
        take_zeros(&hold->zeros, hold->tail + hold->tail_size, sizeof hold->tail - hold->tail_size);
    size_t rest = hold->data_size;
    hold->tail_size += take_data(hold, hold->tail + hold->tail_size, rest);
    hold->zeros = hold->zeros_after;
    hold->zeros_after = 0;
}

size_t content_hold_take(struct content_hold *hold, void *buf, size_t size)
{
    uint64_t can = bytes_free(hold);
    size_t used = can == 0 ? 0 : take(hold, buf, (size_t)MIN_OF((uint64_t)size, can));
    hold->given += used;
    if (used == 0 && !hold->verified) {
        keep_rest(hold);
    }
    return used;
}
