/* SPDX-License-Identifier: Apache-2.0 */
#include "image/blob_spool.h"

#include "base/limits.h"
#include "base/mem.h"
#include "image/blob_progress.h"
#include "image/tracked_writer.h"

static int write_all(struct blob_writer *writer, const struct spool *spool, struct lpipe_error *err)
{
    AUTO_FREE struct spool_cursor *cursor = NEW(struct spool_cursor);
    if (cursor == NULL) {
        return fail_memory(err);
    }
    char part[16 * KIB];
    uint64_t left = spool_size(spool);
    int status = 0;
    spool_cursor_init(cursor, spool);
    while (left > 0 && status == 0) {
        size_t size = (size_t)MIN_OF(left, (uint64_t)sizeof part);
        status = spool_read(cursor, part, size, err);
        status = status == 0 ? writer->ops->write(writer, part, size, err) : status;
        left -= size;
    }
    return status;
}

static int put_once(struct blob_progress *progress, const struct descriptor *blob,
                    const struct spool *spool, struct lpipe_error *err)
{
    struct tracked_writer tracked AUTO_TRACKED_WRITER = TRACKED_WRITER_INIT;
    unsigned sessions = 0;
    struct blob_hint hint = blob_progress_hint(progress, blob, &sessions);
    int status = tracked_writer_begin(&tracked, progress->job, &hint, err);
    status = status == 0 ? write_all(tracked.writer, spool, err) : status;
    if (status == 0) {
        status = tracked.writer->ops->finish(tracked.writer, blob->digest, blob->size, err);
    }
    blob_job_note_sessions(progress->job, sessions);
    return status;
}

int blob_put_spool(const struct blob_job *job, const struct descriptor *blob,
                   const struct spool *spool, struct lpipe_error *err)
{
    struct lpipe_error local = { 0 };
    struct blob_progress progress;
    err = err != NULL ? err : &local;
    int found = job->store->is_discard ? 0 : job->store->ops->blob_exists(job->store, blob, err);
    if (found == 1) {
        blob_progress_skipped(job, LPIPE_ORIGIN_EXISTING, blob);
    }
    if (found == 1 || found < 0) {
        return MIN_OF(found, 0);
    }
    blob_progress_start(&progress, job, NULL, LPIPE_ORIGIN_STREAMED, blob);
    int status = put_once(&progress, blob, spool, err);
    for (unsigned pass = 1;
         status != 0 && (err->flags & LPIPE_ERROR_REPLAY) != 0 && pass < BLOB_PASSES_MAX; pass++) {
        status = put_once(&progress, blob, spool, err);
    }
    blob_progress_end(&progress, status, blob->digest, blob->size);
    return status;
}
