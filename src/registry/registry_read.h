/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a document of a repository: a manifest, or a list of referrers. Any thread. */
#ifndef REGISTRY_REGISTRY_READ_H
#define REGISTRY_REGISTRY_READ_H

#include "request/repository.h"

/* Sends GET or HEAD for a path of the registry. accept: the header line, "Accept: TYPE". The answer
 * may have any status; a body is at most MANIFEST_BYTES_MAX. */
MUST_CHECK int registry_read(const struct repository *repository, const char *method,
                             const char *path, const char *accept,
                             struct http_response *ret_response, struct lpipe_error *err);

#endif
