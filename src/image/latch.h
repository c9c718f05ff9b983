/* SPDX-License-Identifier: Apache-2.0 */
/* A count-down latch: threads wait until other threads have counted it down to 0. Any thread may
 * call any of these functions between latch_init() and latch_dispose(). */
#ifndef IMAGE_LATCH_H
#define IMAGE_LATCH_H

#include <pthread.h>
#include <stddef.h>

struct latch {
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t reached_zero;
    size_t count;
};
void latch_init(struct latch *latch, size_t count);
void latch_dispose(struct latch *latch);
/* Subtracts 1, unless the count is 0 already. A thread that has waited sees everything that the
 * counting thread wrote before. */
void latch_count_down(struct latch *latch);
/* Sets the count to 0. */
void latch_release_all(struct latch *latch);
/* Waits until the count is 0. */
void latch_wait(struct latch *latch);

#endif
