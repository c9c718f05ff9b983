/* SPDX-License-Identifier: Apache-2.0 */
/* Runs numbered tasks in several threads. The calling thread is one of them and runs the first
 * task. After the first failure no task is started, abort() is called for the running ones, all
 * threads are joined, and that failure is returned. Tasks are started in the order of their
 * numbers, so a task may wait for a task with a lower number, but not for one with a higher
 * number. */
#ifndef IMAGE_IMAGE_TASKS_H
#define IMAGE_IMAGE_TASKS_H

#include "base/fail.h"

struct task_list {
    size_t count;
    size_t threads; /* at least 1 */
    size_t
        threads_min; /* with fewer threads a task could wait forever for one that is not started */
    /* Runs the task with this number; called once for each task, by any of the threads. */
    int (*run)(void *ctx, size_t index, struct lpipe_error *err);
    /* Called once, while tasks are running, after a task failed or fewer than threads_min threads
     * could be started. May be NULL. */
    void (*abort)(void *ctx);
    void *ctx;
};

/* 0, or the first failure; NO_RESOURCES when fewer than threads_min threads could be started. */
MUST_CHECK int tasks_run(const struct task_list *tasks, struct lpipe_error *err);

#endif
