/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the bytes of a spool as a blob, unless the store has it already. Any thread; one thread
 * for each blob. */
#ifndef IMAGE_BLOB_SPOOL_H
#define IMAGE_BLOB_SPOOL_H

#include "base/spool.h"
#include "image/blob_job.h"

/* blob: digest and size of the spool's bytes. When an upload is lost, it is sent again, at most
 * BLOB_PASSES_MAX times in all. */
MUST_CHECK int blob_put_spool(const struct blob_job *job, const struct descriptor *blob,
                              const struct spool *spool, struct lpipe_error *err);

#endif
