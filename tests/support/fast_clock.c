/* SPDX-License-Identifier: Apache-2.0 */
/* Loaded into the command (LD_PRELOAD) by tests of time limits: the monotonic clock runs SPEED
 * times as fast as time. Waits in poll() take as long as always. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SPEED 100
#define EXPORTED __attribute__((visibility("default")))
#define SECOND_NS INT64_C(1000000000)

static int64_t begin_ns;

static int64_t read_ns(clockid_t clock)
{
    struct timespec now;
    return syscall(SYS_clock_gettime, clock, &now) != 0 ? -1 : now.tv_sec * SECOND_NS + now.tv_nsec;
}

static struct timespec timespec_of(int64_t ns)
{
    return (struct timespec){ ns / SECOND_NS, ns % SECOND_NS };
}

__attribute__((constructor)) static void begin(void)
{
    begin_ns = read_ns(CLOCK_MONOTONIC);
}

EXPORTED int clock_gettime(clockid_t clock, struct timespec *ret_now)
{
    int64_t now = read_ns(clock);
    if (clock == CLOCK_MONOTONIC && begin_ns != 0) {
        now = begin_ns + (now - begin_ns) * SPEED;
    }
    *ret_now = timespec_of(now);
    return now < 0 ? -1 : 0;
}

EXPORTED int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
                                    const struct timespec *end)
{
    int (*wait)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *) = NULL;
    *(void **)&wait = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
    int64_t end_ns = end->tv_sec * SECOND_NS + end->tv_nsec;
    struct timespec real = timespec_of(begin_ns + (end_ns - begin_ns) / SPEED);
    return wait(cond, mutex, &real);
}
