/* SPDX-License-Identifier: Apache-2.0 */
/* Sends the events of one blob to the client's observer: one start, progress events at a fixed
 * interval, one end. The thread that works on the blob only stores counters; the client's ticker
 * reads them and sends the progress events. */
#ifndef IMAGE_BLOB_PROGRESS_H
#define IMAGE_BLOB_PROGRESS_H

#include <stdatomic.h>

#include "base/ticker.h"
#include "image/blob_job.h"
#include "oci/store.h"

struct blob_progress {
    struct ticker_entry entry;
    const struct blob_job *job;    /* NULL: not started, or ended */
    struct lpipe_event event;      /* what all events of the blob have in common */
    enum lpipe_blob_origin origin; /* of the end event; only the working thread uses it */
    _Atomic uint64_t bytes_in, bytes_out, acked;
    _Atomic uint64_t sent, position;      /* bytes given to the target; where they end */
    _Atomic uint64_t total_in, total_out; /* 0 = not known */
    _Atomic(enum lpipe_blob_phase) phase; /* never WAIT, which follows from the counters */
};

/* Initialises the progress, which must stay where it is until its end. input: name of the input, or
 * NULL; stays until the end. known: the digest and size, or NULL. */
void blob_progress_start(struct blob_progress *progress, const struct blob_job *job,
                         const char *input, enum lpipe_blob_origin origin,
                         const struct descriptor *known);
void blob_progress_count(struct blob_progress *progress, uint64_t bytes_in, uint64_t bytes_out);
/* The final counters as far as they are known; 0 and LPIPE_SIZE_UNKNOWN = not known. */
void blob_progress_expect(struct blob_progress *progress, uint64_t bytes_in, uint64_t bytes_out);
/* A phase begins, and with it the counters of what was read and made. */
void blob_progress_phase(struct blob_progress *progress, enum lpipe_blob_phase phase);
/* A hint through which the blob's writer reports what it has sent. known and sessions: see
 * struct blob_hint. known: the store was asked for the blob already, where that is needed. */
struct blob_hint blob_progress_hint(struct blob_progress *progress, const struct descriptor *known,
                                    unsigned *sessions);
/* Sends the end event: success with the blob's digest and size (status 0), or failure. Does nothing
 * when there was no start, or an end already. */
void blob_progress_end(struct blob_progress *progress, int status, const char *digest,
                       uint64_t size);
/* Sends start and end of a blob that was not transferred: it existed or was mounted. */
void blob_progress_skipped(const struct blob_job *job, enum lpipe_blob_origin origin,
                           const struct descriptor *blob);

#endif
