/* SPDX-License-Identifier: Apache-2.0 */
#include "image/latch.h"

#include "base/sync.h"

void latch_init(struct latch *latch, size_t count)
{
    latch->count = count;
    (void)pthread_mutex_init(&latch->lock, NULL);
    (void)pthread_cond_init(&latch->reached_zero, NULL);
}

void latch_dispose(struct latch *latch)
{
    (void)pthread_cond_destroy(&latch->reached_zero);
    (void)pthread_mutex_destroy(&latch->lock);
}

static void set_count(struct latch *latch, size_t count)
{
    latch->count = count;
    if (count == 0) {
        (void)pthread_cond_broadcast(&latch->reached_zero);
    }
}

void latch_count_down(struct latch *latch)
{
    GUARD(&latch->lock);
    set_count(latch, latch->count - (latch->count > 0)); /* latch_release_all() may have set 0 */
}

void latch_release_all(struct latch *latch)
{
    GUARD(&latch->lock);
    set_count(latch, 0);
}

void latch_wait(struct latch *latch)
{
    GUARD(&latch->lock);
    while (latch->count > 0) {
        (void)pthread_cond_wait(&latch->reached_zero, &latch->lock);
    }
}
