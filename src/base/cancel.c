/* SPDX-License-Identifier: Apache-2.0 */
/* Cancel token. Triggering is an atomic store and a write(2), both async-signal-safe. */
#include "base/cancel.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "base/mem.h"

struct lpipe_cancel {
    atomic_int requested;
    atomic_uint refs;
    int fd; /* never read, so it stays readable once written */
};

int lpipe_cancel_new(lpipe_cancel **ret_cancel, struct lpipe_error *err)
{
    AUTO_FREE lpipe_cancel *cancel = NEW(lpipe_cancel);
    if (cancel == NULL) {
        return fail_memory(err);
    }
    cancel->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (cancel->fd < 0) {
        return fail_errno(err, LPIPE_NO_RESOURCES, errno, "cannot make a cancel token");
    }
    atomic_store(&cancel->refs, 1);
    *ret_cancel = TAKE(cancel);
    return 0;
}

void lpipe_cancel_trigger(lpipe_cancel *cancel)
{
    if (cancel != NULL) {
        int saved = errno;
        uint64_t one = 1;
        atomic_store(&cancel->requested, 1);
        /* A failure means that it was triggered before: the descriptor is readable already. */
        ssize_t ignored = write(cancel->fd, &one, sizeof one);
        (void)ignored;
        errno = saved;
    }
}

lpipe_cancel *lpipe_cancel_unref(lpipe_cancel *cancel)
{
    if (cancel != NULL && atomic_fetch_sub(&cancel->refs, 1) == 1) {
        close(cancel->fd);
        free(cancel);
    }
    return NULL;
}

lpipe_cancel *cancel_ref(lpipe_cancel *cancel)
{
    if (cancel != NULL) {
        atomic_fetch_add(&cancel->refs, 1);
    }
    return cancel;
}

bool cancel_requested(const lpipe_cancel *cancel)
{
    return cancel != NULL && atomic_load(&cancel->requested) != 0;
}

int cancel_fd(const lpipe_cancel *cancel)
{
    return cancel == NULL ? -1 : cancel->fd;
}

int fail_cancelled(struct lpipe_error *err)
{
    return fail(err, LPIPE_CANCELLED, "interrupted");
}

int cancel_sleep(const lpipe_cancel *cancel, uint64_t time_ms, struct lpipe_error *err)
{
    uint64_t end = clock_ms() + time_ms;
    for (;;) {
        if (cancel_requested(cancel)) {
            return fail_cancelled(err);
        }
        uint64_t now = clock_ms();
        if (now >= end) {
            return 0;
        }
        struct pollfd wait = { .fd = cancel_fd(cancel), .events = POLLIN };
        (void)poll(&wait, 1, (int)MIN_OF(end - now, (uint64_t)60000));
    }
}
