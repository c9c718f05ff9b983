/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image_tasks.h"

#include "base/mem.h"
#include "base/sync.h"

struct task_pool {
    const struct task_list *tasks;
    pthread_mutex_t lock; /* guards all below */
    size_t next;
    struct lpipe_error failure; /* the first one; status 0 = none */
};

/* Number of the next task to start; task count when there is none, or after a failure. */
static size_t next_task(struct task_pool *pool)
{
    GUARD(&pool->lock);
    bool more = pool->failure.status == 0 && pool->next < pool->tasks->count;
    return more ? pool->next++ : pool->tasks->count;
}

static void record_failure(struct task_pool *pool, const struct lpipe_error *err)
{
    pthread_mutex_lock(&pool->lock);
    bool first = pool->failure.status == 0;
    if (first) {
        pool->failure = *err;
    }
    pthread_mutex_unlock(&pool->lock);
    if (first && pool->tasks->abort != NULL) {
        pool->tasks->abort(pool->tasks->ctx);
    }
}

static void task_loop(struct task_pool *pool, size_t first)
{
    const struct task_list *tasks = pool->tasks;
    for (size_t index = first; index < tasks->count; index = next_task(pool)) {
        struct lpipe_error err = { 0 };
        if (tasks->run(tasks->ctx, index, &err) != 0) {
            record_failure(pool, &err);
        }
    }
}

static void *thread_main(void *ctx)
{
    struct task_pool *pool = ctx;
    task_loop(pool, next_task(pool));
    return NULL;
}

int tasks_run(const struct task_list *tasks, struct lpipe_error *err)
{
    size_t wanted = MIN_OF(tasks->threads, tasks->count);
    size_t started = 0;
    AUTO_FREE pthread_t *threads = wanted > 1 ? mem_new_array(wanted - 1, sizeof *threads) : NULL;
    if (wanted > 1 && threads == NULL) {
        return fail_memory(err);
    }
    struct task_pool pool = { .tasks = tasks };
    pthread_mutex_init(&pool.lock, NULL);
    size_t first = next_task(&pool);
    while (started + 1 < wanted) {
        struct lpipe_error failure = { 0 };
        if (thread_start(&threads[started], "lpipe-blob", thread_main, &pool, &failure) != 0) {
            if (started + 1 < tasks->threads_min) {
                record_failure(&pool, &failure);
                first = tasks->count;
            }
            break;
        }
        started++;
    }
    task_loop(&pool, first);
    for (size_t i = 0; i < started; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    pthread_mutex_destroy(&pool.lock);
    if (pool.failure.status != 0 && err != NULL) {
        *err = pool.failure;
    }
    return pool.failure.status;
}
