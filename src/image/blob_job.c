/* SPDX-License-Identifier: Apache-2.0 */
#include "image/blob_job.h"

#include <assert.h>

#include "base/cancel.h"
#include "base/sync.h"
#include "registry/client.h"

void blob_stop_init(struct blob_stop *stop)
{
    *stop = (struct blob_stop){ .stopped = false };
    (void)pthread_mutex_init(&stop->lock, NULL);
}

void blob_stop_done(struct blob_stop *stop)
{
    (void)pthread_mutex_destroy(&stop->lock);
}

void blob_stop_all(struct blob_stop *stop)
{
    GUARD(&stop->lock);
    stop->stopped = true;
    for (size_t i = 0; i < ARRAY_LEN(stop->writers); i++) {
        if (stop->writers[i] != NULL) {
            stop->writers[i]->ops->stop(stop->writers[i]);
        }
    }
}

static bool is_stopped(struct blob_stop *stop)
{
    GUARD(&stop->lock);
    return stop->stopped;
}

int blob_job_check(const struct blob_job *job, struct lpipe_error *err)
{
    if (cancel_requested(client_cancel(job->client))) {
        return fail_cancelled(err);
    }
    return job->stop != NULL && is_stopped(job->stop)
               ? fail(err, LPIPE_ABORTED, "given up, because something else failed")
               : 0;
}

/* Puts a writer in the place of another; NULL is a free place. There are as many places as threads
 * that write. */
static void swap(struct blob_stop *stop, const struct blob_writer *from, struct blob_writer *to)
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

int blob_use_begin(struct blob_use *use, const struct blob_job *job, const struct blob_hint *hint,
                   struct lpipe_error *err)
{
    int status = job->store->ops->blob_begin(job->store, hint, &use->writer, err);
    if (status != 0) {
        return status;
    }
    use->job = job;
    if (job->stop != NULL && use->writer->ops->stop != NULL) {
        swap(job->stop, NULL, use->writer);
    }
    return 0;
}

void blob_use_end(struct blob_use *use)
{
    if (use->writer == NULL) {
        return;
    }
    if (use->job->stop != NULL && use->writer->ops->stop != NULL) {
        swap(use->job->stop, use->writer, NULL);
    }
    use->writer = blob_writer_free(use->writer);
}
