/* SPDX-License-Identifier: Apache-2.0 */
#include "image/blob_progress.h"

#include "base/clock.h"
#include "registry/client.h"

#define PROGRESS_INTERVAL_MS 100 /* layerpipe/observe.h promises ten events a second */

void blob_progress_start(struct blob_progress *progress, const struct blob_job *job,
                         enum lpipe_blob_origin origin, const struct descriptor *known)
{
    *progress = (struct blob_progress){
        .job = job,
        .event = { .struct_size = sizeof progress->event,
                   .kind = LPIPE_EVENT_BLOB_START,
                   .origin = origin,
                   .blob_index = job->index,
                   .bytes_total = known != NULL ? known->size : 0,
                   .digest = known != NULL ? known->digest : NULL,
                   .text = job->name },
        .last_event_ms = clock_ms(),
    };
    context_event(&job->client->context, &progress->event);
    progress->event.kind = LPIPE_EVENT_BLOB_PROGRESS;
}

void blob_progress_count(struct blob_progress *progress, uint64_t bytes_in, uint64_t bytes_out)
{
    uint64_t now = clock_ms();
    progress->event.bytes_in = bytes_in;
    progress->event.bytes_out = bytes_out;
    if (now - progress->last_event_ms >= PROGRESS_INTERVAL_MS) {
        progress->last_event_ms = now;
        progress->event.bytes_acked = atomic_load(&progress->acked);
        context_event(&progress->job->client->context, &progress->event);
    }
}

void blob_progress_phase(struct blob_progress *progress, enum lpipe_blob_phase phase)
{
    progress->event.phase = phase;
    progress->last_event_ms = 0;
    blob_progress_count(progress, 0, 0);
}

void blob_progress_acked(void *user, uint64_t bytes)
{
    struct blob_progress *progress = user;
    atomic_store(&progress->acked, bytes);
}

void blob_progress_end(struct blob_progress *progress, int status, const char *digest,
                       uint64_t size)
{
    struct lpipe_event event = progress->event;
    event.kind = status == 0 ? LPIPE_EVENT_BLOB_DONE : LPIPE_EVENT_BLOB_FAILED;
    event.bytes_acked = atomic_load(&progress->acked);
    if (status == 0) {
        event.digest = digest;
        event.bytes_out = event.bytes_acked = event.bytes_total = size;
    }
    context_event(&progress->job->client->context, &event);
}

void blob_progress_skipped(const struct blob_job *job, enum lpipe_blob_origin origin,
                           const struct descriptor *blob)
{
    struct blob_progress progress;
    blob_progress_start(&progress, job, origin, blob);
    blob_progress_end(&progress, 0, blob->digest, blob->size);
}
