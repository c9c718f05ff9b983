/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads a blob to a repository while it is written: the blob writer of registry_store.c. The
 * first method is chosen here and in upload_run.c; the upload machine decides which request follows
 * which event. One thread uses a writer. */
#ifndef UPLOAD_UPLOAD_H
#define UPLOAD_UPLOAD_H

#include "oci/store.h"
#include "request/repository.h"

/* Returns a writer; no request is sent before there are bytes. repository, and what hint points to,
 * must stay valid as long as the writer. */
MUST_CHECK int upload_begin(const struct repository *repository, const struct blob_hint *hint,
                            struct blob_writer **ret_writer, struct lpipe_error *err);

#endif
