/* SPDX-License-Identifier: Apache-2.0 */
#include "image/blob_progress.h"

#include "registry/client.h"

/* The counters of one moment. The target may acknowledge a blob that it had, so that more is
 * acknowledged than was sent. */
static struct lpipe_event event_now(struct blob_progress *progress)
{
    struct lpipe_event event = progress->event;
    uint64_t position = atomic_load(&progress->position);
    event.bytes_in = atomic_load(&progress->bytes_in);
    event.bytes_out = atomic_load(&progress->bytes_out);
    event.bytes_acked = atomic_load(&progress->acked);
    event.bytes_sent = atomic_load(&progress->sent);
    event.bytes_resent = event.bytes_sent - MIN_OF(event.bytes_sent, position);
    event.bytes_total = atomic_load(&progress->total_out);
    event.input_total = atomic_load(&progress->total_in);
    event.phase = atomic_load(&progress->phase);
    if (event.phase == LPIPE_PHASE_TRANSFER && event.bytes_total > 0 &&
        position >= event.bytes_total) {
        event.phase = LPIPE_PHASE_WAIT;
    }
    return event;
}

static void send_progress(struct ticker_entry *entry)
{
    struct blob_progress *progress = (struct blob_progress *)entry;
    struct lpipe_event event = event_now(progress);
    event.kind = LPIPE_EVENT_BLOB_PROGRESS;
    context_event(&progress->job->client->context, &event);
}

void blob_progress_start(struct blob_progress *progress, const struct blob_job *job,
                         const char *input, enum lpipe_blob_origin origin,
                         const struct descriptor *known)
{
    *progress = (struct blob_progress){
        .entry = { .tick = send_progress },
        .job = job,
        .origin = origin,
        .total_out = known != NULL ? known->size : 0,
        .event = { .struct_size = sizeof progress->event,
                   .kind = LPIPE_EVENT_BLOB_START,
                   .origin = origin,
                   .blob_index = job->index,
                   .bytes_total = known != NULL ? known->size : 0,
                   .digest = known != NULL ? known->digest : NULL,
                   .text = job->name,
                   .input = input },
    };
    context_event(&job->client->context, &progress->event);
    context_ticks_begin(&job->client->context, &progress->entry);
}

void blob_progress_count(struct blob_progress *progress, uint64_t bytes_in, uint64_t bytes_out)
{
    atomic_store_explicit(&progress->bytes_in, bytes_in, memory_order_relaxed);
    atomic_store_explicit(&progress->bytes_out, bytes_out, memory_order_relaxed);
}

void blob_progress_expect(struct blob_progress *progress, uint64_t bytes_in, uint64_t bytes_out)
{
    if (bytes_in != 0 && bytes_in != LPIPE_SIZE_UNKNOWN) {
        atomic_store_explicit(&progress->total_in, bytes_in, memory_order_relaxed);
    }
    if (bytes_out != 0 && bytes_out != LPIPE_SIZE_UNKNOWN) {
        atomic_store_explicit(&progress->total_out, bytes_out, memory_order_relaxed);
    }
}

void blob_progress_phase(struct blob_progress *progress, enum lpipe_blob_phase phase)
{
    blob_progress_count(progress, 0, 0);
    atomic_store(&progress->phase, phase);
}

static void note_acked(void *user, uint64_t bytes)
{
    struct blob_progress *progress = user;
    atomic_store_explicit(&progress->acked, bytes, memory_order_relaxed);
}

static void note_sent(void *user, uint64_t position, uint64_t bytes)
{
    struct blob_progress *progress = user;
    atomic_fetch_add_explicit(&progress->sent, bytes, memory_order_relaxed);
    atomic_store_explicit(&progress->position, position, memory_order_relaxed);
}

struct blob_hint blob_progress_hint(struct blob_progress *progress, const struct descriptor *known,
                                    unsigned *sessions)
{
    return (struct blob_hint){ .known = known,
                               .presence = known != NULL ? BLOB_IS_NEW : BLOB_MAY_EXIST,
                               .acked = note_acked,
                               .sent = note_sent,
                               .user = progress,
                               .sessions = sessions };
}

void blob_progress_end(struct blob_progress *progress, int status, const char *digest,
                       uint64_t size)
{
    if (progress->job == NULL) {
        return;
    }
    struct context *context = &progress->job->client->context;
    context_ticks_end(context, &progress->entry);
    struct lpipe_event event = event_now(progress);
    event.kind = status == 0 ? LPIPE_EVENT_BLOB_DONE : LPIPE_EVENT_BLOB_FAILED;
    event.origin = progress->origin;
    if (status == 0) {
        event.digest = digest;
        event.bytes_out = event.bytes_acked = event.bytes_total = size;
    }
    context_event(context, &event);
    progress->job = NULL;
}

void blob_progress_skipped(const struct blob_job *job, enum lpipe_blob_origin origin,
                           const struct descriptor *blob)
{
    struct blob_progress progress;
    blob_progress_start(&progress, job, NULL, origin, blob);
    blob_progress_end(&progress, 0, blob->digest, blob->size);
}
