/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sync.h"

#include <sched.h>
#include <signal.h>
#include <unistd.h>

#ifdef LPIPE_FAULTS
#include <errno.h>
#include <stdatomic.h>

static atomic_ulong fault_count;
static atomic_ulong fault_nth;

void thread_fail_nth(unsigned long nth)
{
    atomic_store(&fault_count, 0);
    atomic_store(&fault_nth, nth);
}

static int start(pthread_t *ret_thread, void *(*run)(void *), void *ctx)
{
    unsigned long nth = atomic_load(&fault_nth);
    bool refused = nth != 0 && atomic_fetch_add(&fault_count, 1) + 1 >= nth;
    return refused ? EAGAIN : pthread_create(ret_thread, NULL, run, ctx);
}
#else
static int start(pthread_t *ret_thread, void *(*run)(void *), void *ctx)
{
    return pthread_create(ret_thread, NULL, run, ctx);
}
#endif

int thread_start(pthread_t *ret_thread, const char *name, void *(*run)(void *), void *ctx,
                 struct lpipe_error *err)
{
    sigset_t all;
    sigset_t old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int code = start(ret_thread, run, ctx);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (code != 0) {
        return fail_errno(err, LPIPE_NO_RESOURCES, code, "cannot start a thread (%s)", name);
    }
    (void)pthread_setname_np(*ret_thread, name);
    return 0;
}

int thread_processors(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    /* It fails on a machine with more processors than the set can name. */
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set)
                                                            : (int)sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? count : 1;
}
