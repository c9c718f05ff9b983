/* SPDX-License-Identifier: Apache-2.0 */
#include "archive/source_watch.h"

#include <errno.h>
#include <poll.h>

#include "base/cancel.h"
#include "base/sync.h"

static void *watch_run(void *ctx)
{
    const struct source_watch *watch = ctx;
    struct pollfd wait[2] = {
        { .fd = cancel_fd(watch->stop), .events = POLLIN },
        { .fd = cancel_fd(watch->cancel), .events = POLLIN },
    };
    while (poll(wait, ARRAY_LEN(wait), -1) < 0 && errno == EINTR) {
    }
    if (!cancel_requested(watch->stop)) {
        watch->source->ops->cancel(watch->source);
    }
    return NULL;
}

int source_watch_start(struct source_watch *watch, struct source *source, lpipe_cancel *cancel,
                       struct lpipe_error *err)
{
    *watch = (struct source_watch){ .source = source, .cancel = cancel };
    if (cancel == NULL) {
        return 0;
    }
    if (source->ops->use_cancel != NULL) {
        source->ops->use_cancel(source, cancel);
        return 0;
    }
    if (source->ops->cancel == NULL) {
        return 0;
    }
    int status = lpipe_cancel_new(&watch->stop, err);
    if (status != 0) {
        return status;
    }
    status = thread_start(&watch->thread, "lpipe-watch", watch_run, watch, err);
    if (status != 0) {
        lpipe_cancel_unref(TAKE(watch->stop));
    }
    return status;
}

void source_watch_stop(struct source_watch *watch)
{
    if (watch->stop != NULL) {
        lpipe_cancel_trigger(watch->stop);
        (void)pthread_join(watch->thread, NULL);
        lpipe_cancel_unref(TAKE(watch->stop));
    }
}
