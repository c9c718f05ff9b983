/* SPDX-License-Identifier: Apache-2.0 */
#include "base/background.h"

#include "base/mem.h"
#include "base/sync.h"

struct background_task {
    struct background_task *next;
    pthread_t thread;
    void (*run)(void *ctx);
    void *ctx;
};

static void *task_main(void *ctx)
{
    const struct background_task *task = ctx;
    task->run(task->ctx);
    return NULL;
}

void background_init(struct background *background)
{
    pthread_mutex_init(&background->mutex, NULL);
    background->tasks = NULL;
}

void background_run(struct background *background, const char *name, void (*run)(void *ctx),
                    void *ctx)
{
    struct background_task *task = NEW(struct background_task);
    if (task != NULL) {
        task->run = run;
        task->ctx = ctx;
    }
    if (task == NULL || thread_start(&task->thread, name, task_main, task, NULL) != 0) {
        free(task);
        run(ctx);
        return;
    }
    GUARD(&background->mutex);
    task->next = background->tasks;
    background->tasks = task;
}

void background_dispose(struct background *background)
{
    while (background->tasks != NULL) {
        struct background_task *task = background->tasks;
        background->tasks = task->next;
        (void)pthread_join(task->thread, NULL);
        free(task);
    }
    pthread_mutex_destroy(&background->mutex);
}
