/* SPDX-License-Identifier: Apache-2.0 */
#include "image/latch.h"

#include "base/sync.h"

void latch_init(struct latch *latch, size_t missing)
{
    latch->missing = missing;
    (void)pthread_mutex_init(&latch->lock, NULL);
    (void)pthread_cond_init(&latch->opened, NULL);
}

void latch_dispose(struct latch *latch)
{
    (void)pthread_cond_destroy(&latch->opened);
    (void)pthread_mutex_destroy(&latch->lock);
}

static void set_missing(struct latch *latch, size_t missing)
{
    latch->missing = missing;
    if (missing == 0) {
        (void)pthread_cond_broadcast(&latch->opened);
    }
}

void latch_count(struct latch *latch)
{
    GUARD(&latch->lock);
    set_missing(latch, latch->missing - (latch->missing > 0)); /* it may have been opened */
}

void latch_release_all(struct latch *latch)
{
    GUARD(&latch->lock);
    set_missing(latch, 0);
}

void latch_wait(struct latch *latch)
{
    GUARD(&latch->lock);
    while (latch->missing > 0) {
        (void)pthread_cond_wait(&latch->opened, &latch->lock);
    }
}
