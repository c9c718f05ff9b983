/* SPDX-License-Identifier: Apache-2.0 */
/* How many tasks of a copy run at a time. */
#ifndef COPY_COPY_JOBS_H
#define COPY_COPY_JOBS_H

#include "base/limits.h"
#include "copy/copy_route.h"
#include "registry/client.h"

/* From 1 to JOBS_MAX; not more than the tasks. */
static inline size_t copy_jobs(const lpipe_client *client, size_t task_count)
{
    size_t jobs = client->context.settings.jobs;
    jobs = jobs == 0 ? JOBS_DEFAULT : jobs;
    return MAX_OF(MIN_OF(jobs, task_count), (size_t)1);
}

/* The same for blobs and manifests that are written. */
static inline size_t copy_route_jobs(const struct copy_route *route, size_t task_count)
{
    return route->one_job || route->to->one_writer ? 1 : copy_jobs(route->client, task_count);
}

#endif
