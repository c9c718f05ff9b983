/* SPDX-License-Identifier: Apache-2.0 */
#include "upload/upload_delete.h"

#include "base/limits.h"

/* Some registries require the action "delete" for this request, others do not know it. A token
 * server grants the actions that it knows, so all are requested. This also gives another token than
 * the upload's, which the registry may have refused. */
#define DELETE_ACTIONS "delete,pull,push"

void upload_session_delete(const struct repository *repository, const char *url, bool untrusted_url)
{
    struct http_response response CLEANUP(http_response_dispose) = HTTP_RESPONSE_INIT;
    struct host_request request = {
        .http = { .method = "DELETE", .url = url, .response_bytes_max = ERROR_BODY_BYTES_MAX },
        .repository = repository->name,
        .actions = DELETE_ACTIONS,
        .send_after_cancel = true,
        .follow = true,
        .untrusted_url = untrusted_url,
    };
    (void)!host_send(repository->host, &request, &response, NULL);
}
