/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a repository has a blob (distribution-spec, "Checking if content exists"). Any thread. */
#ifndef REQUEST_BLOB_HEAD_H
#define REQUEST_BLOB_HEAD_H

#include "request/repository.h"

#define BLOB_SIZE_UNKNOWN UINT64_MAX
#define BLOB_HEAD_UNPROVEN 2
#define BLOB_HEAD_OTHER 3

/* 1 when the repository has it, with its size or BLOB_SIZE_UNKNOWN; 0 when it has not; negative on
 * failure, after retries. BLOB_HEAD_UNPROVEN after a 200 with neither Content-Length nor the blob's
 * digest in Docker-Content-Digest: a web server that answers 200 to everything says the same.
 * BLOB_HEAD_OTHER after a 200 with another digest there, of the same algorithm. *ret_gave_up
 * (may be NULL) as in struct host_request. */
MUST_CHECK int blob_head(const struct repository *repository, const char *digest,
                         uint64_t *ret_size, bool *ret_gave_up, struct lpipe_error *err);
/* After a HEAD that was refused: asks with GET, whose answer has a body, and puts the words of the
 * same refusal into *err. Another answer changes nothing. */
void blob_head_explain(const struct repository *repository, const char *digest,
                       struct lpipe_error *err);

#endif
