/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/registry_read.h"

#include "base/limits.h"

int registry_read(const struct repository *repository, const char *method, const char *path,
                  const char *accept, struct http_response *ret_response, struct lpipe_error *err)
{
    const char *const headers[] = { accept };
    const struct host_request request = {
        .http = { .method = method,
                  .url = path,
                  .headers = headers,
                  .header_count = ARRAY_LEN(headers),
                  .response_bytes_max = MANIFEST_BYTES_MAX },
        .repository = repository->name,
        .actions = repository->actions,
        .follow = true,
    };
    int status = host_send(repository->host, &request, ret_response, err);
    ret_response->url = NULL; /* the caller frees the path */
    return status;
}
