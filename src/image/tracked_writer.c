/* SPDX-License-Identifier: Apache-2.0 */
#include "image/tracked_writer.h"

/* Where the writer is registered; NULL when nobody aborts it. */
static struct writer_registry *registry_of(const struct tracked_writer *tracked)
{
    return tracked->writer->ops->abort != NULL ? tracked->job->writers : NULL;
}

int tracked_writer_begin(struct tracked_writer *tracked, const struct blob_job *job,
                         const struct blob_hint *hint, struct lpipe_error *err)
{
    int status = job->store->ops->blob_begin(job->store, hint, &tracked->writer, err);
    if (status != 0) {
        return status;
    }
    tracked->job = job;
    struct writer_registry *registry = registry_of(tracked);
    if (registry != NULL) {
        writer_registry_add(registry, tracked->writer);
    }
    return 0;
}

void tracked_writer_dispose(struct tracked_writer *tracked)
{
    if (tracked->writer == NULL) {
        return;
    }
    struct writer_registry *registry = registry_of(tracked);
    if (registry != NULL) {
        writer_registry_remove(registry, tracked->writer);
    }
    tracked->writer = blob_writer_free(tracked->writer);
}
