/* SPDX-License-Identifier: Apache-2.0 */
#include "image/blob_job.h"

#include "base/cancel.h"
#include "registry/client.h"

void blob_job_note_sessions(const struct blob_job *job, unsigned sessions)
{
    if (sessions > 0 && job->ret_is_new != NULL) {
        atomic_store(job->ret_is_new, true);
    }
}

int blob_job_check(const struct blob_job *job, struct lpipe_error *err)
{
    if (cancel_requested(job->client->context.cancel)) {
        return fail_cancelled(err);
    }
    return job->writers != NULL && writer_registry_is_aborted(job->writers)
               ? fail(err, LPIPE_ABORTED, "aborted, because another blob of the image failed")
               : 0;
}
