/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image_tasks.h"

#include "base/mem.h"
#include "base/sync.h"

struct crew {
    const struct task_list *tasks;
    pthread_mutex_t lock; /* guards all below */
    size_t next;
    struct lpipe_error failure; /* the first; status 0 = none */
};

/* The number of the next piece, or the count when there is none to be begun. */
static size_t claim(struct crew *crew)
{
    GUARD(&crew->lock);
    bool more = crew->failure.status == 0 && crew->next < crew->tasks->count;
    return more ? crew->next++ : crew->tasks->count;
}

static void failed(struct crew *crew, const struct lpipe_error *err)
{
    pthread_mutex_lock(&crew->lock);
    bool first = crew->failure.status == 0;
    if (first) {
        crew->failure = *err;
    }
    pthread_mutex_unlock(&crew->lock);
    if (first && crew->tasks->stop != NULL) {
        crew->tasks->stop(crew->tasks->ctx);
    }
}

static void work(struct crew *crew, size_t first)
{
    const struct task_list *tasks = crew->tasks;
    for (size_t index = first; index < tasks->count; index = claim(crew)) {
        struct lpipe_error err = { 0 };
        if (tasks->run(tasks->ctx, index, &err) != 0) {
            failed(crew, &err);
        }
    }
}

static void *help(void *ctx)
{
    struct crew *crew = ctx;
    work(crew, claim(crew));
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
    struct crew crew = { .tasks = tasks };
    pthread_mutex_init(&crew.lock, NULL);
    size_t mine = claim(&crew);
    while (started + 1 < wanted) {
        struct lpipe_error failure = { 0 };
        if (thread_start(&threads[started], "blob", help, &crew, &failure) != 0) {
            if (started + 1 < tasks->threads_min) {
                failed(&crew, &failure);
                mine = tasks->count;
            }
            break;
        }
        started++;
    }
    work(&crew, mine);
    for (size_t i = 0; i < started; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    pthread_mutex_destroy(&crew.lock);
    if (crew.failure.status != 0 && err != NULL) {
        *err = crew.failure;
    }
    return crew.failure.status;
}
