/* SPDX-License-Identifier: Apache-2.0 */
/* Numbered pieces of work by several threads, the caller's among them: it does the first piece. The
 * first failure is the failure of the whole: no more pieces are claimed, those under way are told to
 * stop, and all threads are joined. A piece may wait for those before it, which were begun before
 * it, but not for those after it. */
#ifndef IMAGE_IMAGE_TASKS_H
#define IMAGE_IMAGE_TASKS_H

#include "base/fail.h"

struct task_list {
    size_t count;
    size_t threads;     /* at a time, at least 1 */
    size_t threads_min; /* with fewer of them a piece could wait forever for one not begun */
    /* Does piece index; called once for each, in order of their numbers, by any of the threads. */
    int (*run)(void *ctx, size_t index, struct lpipe_error *err);
    /* A piece has failed, or too few threads can be had; called once, while others are under way. */
    void (*stop)(void *ctx);
    void *ctx;
};

/* 0, or the first failure; NO_RESOURCES when less than threads_min can be had. */
MUST_CHECK int tasks_run(const struct task_list *tasks, struct lpipe_error *err);

#endif
