/* SPDX-License-Identifier: Apache-2.0 */
/* The writer that uploads a blob to a repository while it is written. The upload machine decides what
 * is sent when. A writer belongs to one thread. */
#ifndef UPLOAD_UPLOAD_H
#define UPLOAD_UPLOAD_H

#include "oci/store.h"
#include "request/repository.h"

/* repository is borrowed as long as the writer lives; hint is copied, what it points to is borrowed.
 * Sends no request before the first byte is written. */
MUST_CHECK int upload_begin(const struct repository *repository, const struct blob_hint *hint,
                            struct blob_writer **ret_writer, struct lpipe_error *err);

#endif
