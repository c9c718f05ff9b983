/* SPDX-License-Identifier: Apache-2.0 */
/* One blob's place in a call that moves several, and the way to end them all: the first failure stops
 * what is still under way in other threads. */
#ifndef IMAGE_BLOB_JOB_H
#define IMAGE_BLOB_JOB_H

#include <pthread.h>
#include <stdbool.h>

#include "base/limits.h"
#include "layerpipe/client.h"
#include "layerpipe/layer.h"
#include "oci/store.h"

/* Shared by the jobs of a call. */
struct writer_registry {
    pthread_mutex_t lock; /* guards what follows */
    bool stopped;
    struct blob_writer *writers[JOBS_MAX]; /* under way; NULL = free place */
};
void writer_registry_init(struct writer_registry *stop);
void writer_registry_dispose(struct writer_registry *stop);
/* Makes every writer under way, and every later one, end soon with ABORTED. Any thread. */
void writer_registry_stop_all(struct writer_registry *stop);

/* Borrowed while the blob is worked on. */
struct blob_job {
    lpipe_client *client;
    struct store *store;          /* where the blob goes */
    uint32_t index;               /* within the call */
    const char *name;             /* "layer 2" */
    struct writer_registry *stop; /* NULL = nobody else is at work */
    /* A layer was read to its end well; called before its blob is committed, by the thread at work,
     * and again with the same result when the layer is sent again. NULL = nobody wants to know. */
    void (*was_read)(void *user, const struct lpipe_layer_result *result);
    void *user;
};
/* 0, or why the work must not go on: ABORTED, CANCELLED. */
MUST_CHECK int blob_job_check(const struct blob_job *job, struct lpipe_error *err);

/* A writer of the job's store, within reach of writer_registry_stop_all(). For one thread. */
struct tracked_writer {
    const struct blob_job *job;
    struct blob_writer *writer;
};
MUST_CHECK int tracked_writer_begin(struct tracked_writer *tracked, const struct blob_job *job,
                                    const struct blob_hint *hint, struct lpipe_error *err);
/* Frees the writer; what was not finished is given up. */
void tracked_writer_end(struct tracked_writer *tracked);
#define AUTO_TRACKED_WRITER CLEANUP(tracked_writer_end)
#define TRACKED_WRITER_INIT                                                                        \
    {                                                                                              \
        NULL, NULL                                                                                 \
    }

#endif
