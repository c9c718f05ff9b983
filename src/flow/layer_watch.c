/* SPDX-License-Identifier: Apache-2.0 */
/* Cancels a source from outside: on request, and by a thread that watches the cancel token while
 * the caller's read callback may block. */
#include <errno.h>
#include <poll.h>

#include "base/cancel.h"
#include "base/mem.h"
#include "base/sync.h"
#include "flow/layer_object.h"

struct layer_watch {
    struct lpipe_layer *layer;
    lpipe_cancel *stop;
    pthread_t thread;
};

void layer_cancel_source(struct lpipe_layer *layer)
{
    const struct source *source = layer->source;
    if (source != NULL && source->ops->cancel != NULL && !layer->source_closed) {
        source->ops->cancel(layer->source);
    }
}

static void *watch_run(void *ctx)
{
    struct layer_watch *watch = ctx;
    struct pollfd wait[2] = {
        { .fd = cancel_fd(watch->stop), .events = POLLIN },
        { .fd = cancel_fd(watch->layer->setup.cancel), .events = POLLIN },
    };
    while (poll(wait, ARRAY_LEN(wait), -1) < 0 && errno == EINTR) {
    }
    if (!cancel_requested(watch->stop)) {
        GUARD(&watch->layer->lock);
        layer_cancel_source(watch->layer);
    }
    return NULL;
}

int layer_watch_start(struct lpipe_layer *layer, struct lpipe_error *err)
{
    const struct source *source = layer->source;
    if (layer->setup.cancel == NULL || source == NULL || source->ops->use_cancel != NULL ||
        source->ops->cancel == NULL) {
        return 0;
    }
    AUTO_FREE struct layer_watch *watch = NEW(struct layer_watch);
    if (watch == NULL) {
        return fail_memory(err);
    }
    watch->layer = layer;
    int status = lpipe_cancel_new(&watch->stop, err);
    if (status != 0) {
        return status;
    }
    status = thread_start(&watch->thread, "lpipe-watch", watch_run, watch, err);
    if (status != 0) {
        lpipe_cancel_unref(watch->stop);
        return status;
    }
    layer->watch = TAKE(watch);
    return 0;
}

void layer_watch_stop(struct lpipe_layer *layer)
{
    struct layer_watch *watch = TAKE(layer->watch);
    if (watch != NULL) {
        lpipe_cancel_trigger(watch->stop);
        (void)pthread_join(watch->thread, NULL);
        lpipe_cancel_unref(watch->stop);
        free(watch);
    }
}
