/* SPDX-License-Identifier: Apache-2.0 */
/* A blob writer that is in its job's writer registry as long as it is open. For one thread. */
#ifndef IMAGE_TRACKED_WRITER_H
#define IMAGE_TRACKED_WRITER_H

#include "image/blob_job.h"

struct tracked_writer {
    const struct blob_job *job;
    struct blob_writer *writer;
};
#define TRACKED_WRITER_INIT                                                                        \
    {                                                                                              \
        NULL, NULL                                                                                 \
    }
/* Opens a writer of the job's store. */
MUST_CHECK int tracked_writer_begin(struct tracked_writer *tracked, const struct blob_job *job,
                                    const struct blob_hint *hint, struct lpipe_error *err);
/* Frees the writer. A blob that was not finished is abandoned. */
void tracked_writer_dispose(struct tracked_writer *tracked);
#define AUTO_TRACKED_WRITER CLEANUP(tracked_writer_dispose)

#endif
