/* SPDX-License-Identifier: Apache-2.0 */
/* A wait for a number of things that other threads do. Any thread may call anything between
 * latch_init() and latch_dispose(). */
#ifndef IMAGE_LATCH_H
#define IMAGE_LATCH_H

#include <pthread.h>
#include <stddef.h>

struct latch {
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t opened;
    size_t missing;
};
void latch_init(struct latch *latch, size_t missing);
void latch_dispose(struct latch *latch);
/* One of the things is done. What its thread wrote before is seen by those who have waited. */
void latch_count(struct latch *latch);
/* Nothing is waited for any longer, whatever is missing. */
void latch_release_all(struct latch *latch);
void latch_wait(struct latch *latch);

#endif
