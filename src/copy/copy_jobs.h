/* SPDX-License-Identifier: Apache-2.0 */
/* How many tasks of a copy run at a time. */
#ifndef COPY_COPY_JOBS_H
#define COPY_COPY_JOBS_H

#include "base/limits.h"
#include "oci/store.h"
#include "registry/client.h"

/* From 1 to JOBS_MAX; not more than the tasks. */
static inline size_t copy_jobs(const lpipe_client *client, size_t task_count)
{
    size_t jobs = client->context.settings.jobs;
    jobs = jobs == 0 ? JOBS_DEFAULT : jobs;
    return MAX_OF(MIN_OF(jobs, task_count), (size_t)1);
}

/* The same for blobs that are written into a store. */
static inline size_t copy_jobs_into(const lpipe_client *client, const struct store *store,
                                    size_t task_count)
{
    return store->one_writer ? 1 : copy_jobs(client, task_count);
}

#endif
