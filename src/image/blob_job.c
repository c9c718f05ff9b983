/* SPDX-License-Identifier: Apache-2.0 */
#include "image/blob_job.h"

#include <assert.h>

#include "base/cancel.h"
#include "base/sync.h"
#include "registry/client.h"

void writer_registry_init(struct writer_registry *stop)
{
    *stop = (struct writer_registry){ .stopped = false };
    (void)pthread_mutex_init(&stop->lock, NULL);
}

void writer_registry_dispose(struct writer_registry *stop)
{
    (void)pthread_mutex_destroy(&stop->lock);
}

void writer_registry_stop_all(struct writer_registry *stop)
{
    GUARD(&stop->lock);
    stop->stopped = true;
    for (size_t i = 0; i < ARRAY_LEN(stop->writers); i++) {
        if (stop->writers[i] != NULL) {
            stop->writers[i]->ops->stop(stop->writers[i]);
        }
    }
}

static bool is_stopped(struct writer_registry *stop)
{
    GUARD(&stop->lock);
    return stop->stopped;
}

int blob_job_check(const struct blob_job *job, struct lpipe_error *err)
{
    if (cancel_requested(job->client->context.cancel)) {
        return fail_cancelled(err);
    }
    return job->stop != NULL && is_stopped(job->stop)
               ? fail(err, LPIPE_ABORTED, "given up, because something else failed")
               : 0;
}

/* Puts a writer in the place of another; NULL is a free place. There are as many places as threads
 * that write. */
static void swap(struct writer_registry *stop, const struct blob_writer *from,
                 struct blob_writer *to)
{
    GUARD(&stop->lock);
    size_t i = 0;
    while (stop->writers[i] != from) {
        i++;
        assert(i < ARRAY_LEN(stop->writers));
    }
    stop->writers[i] = to;
    if (stop->stopped && to != NULL) {
        to->ops->stop(to);
    }
}

int tracked_writer_begin(struct tracked_writer *tracked, const struct blob_job *job,
                         const struct blob_hint *hint, struct lpipe_error *err)
{
    int status = job->store->ops->blob_begin(job->store, hint, &tracked->writer, err);
    if (status != 0) {
        return status;
    }
    tracked->job = job;
    if (job->stop != NULL && tracked->writer->ops->stop != NULL) {
        swap(job->stop, NULL, tracked->writer);
    }
    return 0;
}

void tracked_writer_end(struct tracked_writer *tracked)
{
    if (tracked->writer == NULL) {
        return;
    }
    if (tracked->job->stop != NULL && tracked->writer->ops->stop != NULL) {
        swap(tracked->job->stop, tracked->writer, NULL);
    }
    tracked->writer = blob_writer_free(tracked->writer);
}
