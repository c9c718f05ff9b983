/* SPDX-License-Identifier: Apache-2.0 */
/* Sends the events of one blob to the client's observer: one start, progress events at a limited
 * rate, one end. The thread that works on the blob calls these functions; any thread may call
 * blob_progress_acked(). */
#ifndef IMAGE_BLOB_PROGRESS_H
#define IMAGE_BLOB_PROGRESS_H

#include <stdatomic.h>

#include "image/blob_job.h"

struct blob_progress {
    const struct blob_job *job;
    struct lpipe_event event;
    _Atomic uint64_t acked;
    uint64_t last_event_ms;
};

void blob_progress_start(struct blob_progress *progress, const struct blob_job *job,
                         enum lpipe_blob_origin origin, const struct descriptor *known);
void blob_progress_count(struct blob_progress *progress, uint64_t bytes_in, uint64_t bytes_out);
/* Sends an event at once; the counters begin again. */
void blob_progress_phase(struct blob_progress *progress, enum lpipe_blob_phase phase);
/* The acked callback of struct blob_hint; user is the struct blob_progress. */
void blob_progress_acked(void *user, uint64_t bytes);
/* Sends the end event: success with the blob's digest and size (status 0), or failure. */
void blob_progress_end(struct blob_progress *progress, int status, const char *digest,
                       uint64_t size);
/* Sends start and end of a blob that was not transferred: it existed or was mounted. */
void blob_progress_skipped(const struct blob_job *job, enum lpipe_blob_origin origin,
                           const struct descriptor *blob);

#endif
