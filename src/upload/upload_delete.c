/* SPDX-License-Identifier: Apache-2.0 */
#include "upload/upload_delete.h"

#include "base/limits.h"

/* Some registries require "delete" for this, others know only pull and push; a token server grants the
 * actions that it knows. This token differs from the upload's token, which may have been refused. */
#define DELETE_ACTIONS "delete,pull,push"

void session_delete(const struct repository *repository, const char *url, bool untrusted_url)
{
    struct http_response response CLEANUP(http_response_dispose) = HTTP_RESPONSE_INIT;
    struct host_request request = {
        .http = { .method = "DELETE", .url = url, .response_bytes_max = ERROR_BODY_BYTES_MAX },
        .repository = repository->name,
        .actions = DELETE_ACTIONS,
        .send_after_cancel = true,
        .untrusted_url = untrusted_url,
    };
    (void)!host_send(repository->host, &request, &response, NULL);
}
