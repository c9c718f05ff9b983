/* SPDX-License-Identifier: Apache-2.0 */
/* A blob's way into a repository while it is being written: the writer that registry_store.c hands
 * out. What is sent when is decided by the upload machine. A writer belongs to one thread. */
#ifndef UPLOAD_UPLOAD_H
#define UPLOAD_UPLOAD_H

#include "oci/store.h"
#include "request/repository.h"

/* repository is borrowed as long as the writer; hint is copied, what it points to is borrowed. Asks
 * the registry nothing before the first byte unless it must. */
MUST_CHECK int upload_begin(const struct repository *repository, const struct blob_hint *hint,
                            struct blob_writer **ret_writer, struct lpipe_error *err);

#endif
