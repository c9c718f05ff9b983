/* SPDX-License-Identifier: Apache-2.0 */
/* Work that nobody waits for until the end: each task runs in a thread of its own, and all are
 * joined when the object is disposed. Any thread. */
#ifndef BASE_BACKGROUND_H
#define BASE_BACKGROUND_H

#include <pthread.h>

struct background_task;
struct background {
    pthread_mutex_t mutex;
    struct background_task *tasks; /* guarded by the mutex */
};

void background_init(struct background *background);
/* Calls run(ctx); before it returns, if memory or a thread is missing. name: of the thread. */
void background_run(struct background *background, const char *name, void (*run)(void *ctx),
                    void *ctx);
/* Waits for all tasks. */
void background_dispose(struct background *background);

#endif
