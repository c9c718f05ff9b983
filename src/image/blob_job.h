/* SPDX-License-Identifier: Apache-2.0 */
/* One blob of a call that puts blobs into a store: where it goes, and how it is reported. */
#ifndef IMAGE_BLOB_JOB_H
#define IMAGE_BLOB_JOB_H

#include <stdatomic.h>

#include "image/writer_registry.h"
#include "layerpipe/client.h"
#include "layerpipe/layer.h"
#include "oci/store.h"

/* All members are borrowed until the job ends. */
struct blob_job {
    lpipe_client *client;
    struct store *store;             /* where the blob goes */
    uint32_t index;                  /* the blob's number in the call */
    const char *name;                /* "layer 2" */
    enum blob_presence presence;     /* of the blob in the store, before the call */
    struct writer_registry *writers; /* of all jobs of the call; NULL = the call has one job */
    bool refuse_odd;                 /* refuse a layer that container runtimes cannot unpack */
    /* Called when a layer was read to its end without a failure, before its blob is committed, by
     * the thread that reads it. When the layer is sent again, it is called again with the same
     * result. May be NULL. */
    void (*on_layer_read)(void *user, const struct lpipe_layer_result *result);
    void *user;
    atomic_bool *ret_is_new; /* set to true when a registry did not have the blob; NULL = not
                                wanted */
};
/* Notes how many upload sessions were opened for the blob: with one, it is new. */
void blob_job_note_sessions(const struct blob_job *job, unsigned sessions);
/* 0, or why the job must end: ABORTED (another job of the call failed), CANCELLED. */
MUST_CHECK int blob_job_check(const struct blob_job *job, struct lpipe_error *err);

#endif
