/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs that the registry has: mounting one from another repository, and reading one. Any thread;
 * one thread uses a reader. */
#ifndef REGISTRY_REGISTRY_BLOB_H
#define REGISTRY_REGISTRY_BLOB_H

#include "oci/store.h"
#include "request/repository.h"

/* 1 when the blob was mounted. 0 when the registry did not mount it, for any reason: the caller
 * copies it then. Negative only for failures on our side, such as CANCELLED. */
MUST_CHECK int registry_blob_mount(const struct repository *repository, const char *digest,
                                   const char *from_repository, struct lpipe_error *err);

/* Reads a blob. The first read sends the first request. `ranges`: a large blob is fetched in so
 * many ranges of BLOB_RANGE_BYTES at a time, each with a connection and memory of its own; 0 or 1
 * = in one request. A server that ignores ranges sends all in one answer. See blob_range.h for
 * redirects and broken connections. repository must stay valid as long as the reader. */
MUST_CHECK int registry_blob_open(const struct repository *repository,
                                  const struct descriptor *blob, unsigned ranges,
                                  struct blob_reader **ret_reader, struct lpipe_error *err);

#endif
