/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of one blob as events of the client's observer: a start, at most ten progress events a
 * second, one end. Counting is done by the thread that drives the blob, acknowledging by any. */
#ifndef IMAGE_BLOB_PROGRESS_H
#define IMAGE_BLOB_PROGRESS_H

#include <stdatomic.h>

#include "image/blob_job.h"

struct blob_progress {
    const struct blob_job *job;
    struct lpipe_event event;
    _Atomic uint64_t acked;
    uint64_t told_ms;
};

void blob_progress_start(struct blob_progress *progress, const struct blob_job *job,
                         enum lpipe_blob_origin origin, const struct descriptor *known);
void blob_progress_count(struct blob_progress *progress, uint64_t bytes_in, uint64_t bytes_out);
/* For struct blob_hint; user is the progress. */
void blob_progress_acked(void *user, uint64_t bytes);
/* The end: status 0 with the blob's digest and size, or a failure. */
void blob_progress_end(struct blob_progress *progress, int status, const char *digest,
                       uint64_t size);
/* Start and end at once, of a blob that needed no bytes moved. */
void blob_progress_settled(const struct blob_job *job, enum lpipe_blob_origin origin,
                           const struct descriptor *blob);

#endif
