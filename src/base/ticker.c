/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ticker.h"

#include <errno.h>
#include <time.h>

#include "base/sync.h"

void ticker_init(struct ticker *ticker, uint32_t interval_ms, void (*round_end)(void *ctx),
                 void *ctx)
{
    pthread_condattr_t steady;
    *ticker = (struct ticker){ .interval_ms = interval_ms, .round_end = round_end, .ctx = ctx };
    pthread_mutex_init(&ticker->mutex, NULL);
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&ticker->changed, &steady);
    pthread_condattr_destroy(&steady);
}

static bool has_work_locked(const struct ticker *ticker)
{
    return ticker->entries != NULL || ticker->holds > 0;
}

/* Sleeps for one interval, or until the ticker is disposed. */
static void sleep_locked(struct ticker *ticker)
{
    struct timespec end;
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_nsec += (long)ticker->interval_ms * 1000000L;
    end.tv_sec += end.tv_nsec / 1000000000L;
    end.tv_nsec %= 1000000000L;
    int status = 0;
    while (status != ETIMEDOUT && !ticker->stop) {
        status = pthread_cond_timedwait(&ticker->changed, &ticker->mutex, &end);
    }
}

static void round_locked(struct ticker *ticker)
{
    for (struct ticker_entry *entry = ticker->entries; entry != NULL; entry = entry->next) {
        entry->tick(entry);
    }
    ticker->round_end(ticker->ctx);
}

static void *ticker_run(void *ctx)
{
    struct ticker *ticker = ctx;
    GUARD(&ticker->mutex);
    while (!ticker->stop) {
        if (!has_work_locked(ticker)) {
            pthread_cond_wait(&ticker->changed, &ticker->mutex);
            continue;
        }
        sleep_locked(ticker);
        if (!ticker->stop && has_work_locked(ticker)) {
            round_locked(ticker);
        }
    }
    return NULL;
}

void ticker_dispose(struct ticker *ticker)
{
    {
        GUARD(&ticker->mutex);
        ticker->stop = true;
        pthread_cond_broadcast(&ticker->changed);
    }
    if (ticker->has_thread) {
        (void)pthread_join(ticker->thread, NULL);
    }
    pthread_cond_destroy(&ticker->changed);
    pthread_mutex_destroy(&ticker->mutex);
}

static void work_added_locked(struct ticker *ticker)
{
    if (!ticker->has_thread) {
        ticker->has_thread =
            thread_start(&ticker->thread, "lpipe-ticker", ticker_run, ticker, NULL) == 0;
    }
    pthread_cond_broadcast(&ticker->changed);
}

void ticker_add(struct ticker *ticker, struct ticker_entry *entry)
{
    GUARD(&ticker->mutex);
    entry->next = ticker->entries;
    ticker->entries = entry;
    work_added_locked(ticker);
}

void ticker_remove(struct ticker *ticker, const struct ticker_entry *entry)
{
    GUARD(&ticker->mutex);
    struct ticker_entry **link = &ticker->entries;
    while (*link != NULL && *link != entry) {
        link = &(*link)->next;
    }
    if (*link != NULL) {
        *link = entry->next;
    }
}

void ticker_hold(struct ticker *ticker)
{
    GUARD(&ticker->mutex);
    ticker->holds++;
    work_added_locked(ticker);
}

void ticker_release(struct ticker *ticker)
{
    GUARD(&ticker->mutex);
    ticker->holds--;
}
