/* SPDX-License-Identifier: Apache-2.0 */
/* Threads and scope locks. */
#ifndef BASE_SYNC_H
#define BASE_SYNC_H

#include <pthread.h>

#include "base/fail.h"

/* Starts a named thread with every signal blocked, so that the host's handlers run on the host's
 * threads. A name has at most 15 bytes. 0 or NO_RESOURCES. */
MUST_CHECK int thread_start(pthread_t *ret_thread, const char *name, void *(*run)(void *),
                            void *ctx, struct lpipe_error *err);

#ifdef LPIPE_FAULTS
/* Test builds only: the n-th thread from now (1 = the next) and all later ones cannot be started. 0
 * switches off. */
void thread_fail_nth(unsigned long nth);
#endif

/* Processors this process may use, at least 1. */
int thread_processors(void);

static inline pthread_mutex_t *guard_lock(pthread_mutex_t *mutex)
{
    pthread_mutex_lock(mutex);
    return mutex;
}
static inline void guard_unlock(pthread_mutex_t **mutex)
{
    pthread_mutex_unlock(*mutex);
}
/* Holds a mutex to the end of the enclosing scope. */
#define GUARD(mutex)                                                                               \
    pthread_mutex_t *guard_of_scope CLEANUP(guard_unlock) = guard_lock(mutex);                     \
    (void)guard_of_scope

#endif
