/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that calls functions at a fixed interval, as long as there is work. It starts with the
 * first work and then stays until the ticker is disposed; without work it sleeps. If it cannot be
 * started, nothing is called: no work depends on it. Any thread. */
#ifndef BASE_TICKER_H
#define BASE_TICKER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct ticker_entry {
    void (*tick)(struct ticker_entry *entry); /* in the ticker's thread; must not use the ticker */
    struct ticker_entry *next;
};

struct ticker {
    uint32_t interval_ms;
    void (*round_end)(void *ctx); /* called after the entries of each round */
    void *ctx;
    pthread_mutex_t mutex; /* guards all below; held while the functions run */
    pthread_cond_t changed;
    struct ticker_entry *entries;
    unsigned holds; /* work without an entry */
    pthread_t thread;
    bool has_thread;
    bool stop;
};

void ticker_init(struct ticker *ticker, uint32_t interval_ms, void (*round_end)(void *ctx),
                 void *ctx);
void ticker_dispose(struct ticker *ticker);
/* The entry belongs to the caller and must stay where it is until ticker_remove(). */
void ticker_add(struct ticker *ticker, struct ticker_entry *entry);
/* The entry's function does not run afterwards. */
void ticker_remove(struct ticker *ticker, const struct ticker_entry *entry);
/* Work without an entry: only round_end() is called for it. Each hold needs one release. */
void ticker_hold(struct ticker *ticker);
void ticker_release(struct ticker *ticker);

#endif
