/* SPDX-License-Identifier: Apache-2.0 */
#include "upload/upload_delete.h"

#include "base/limits.h"

/* Some registries want the right to delete for it, others know none but to pull and to push: of what
 * is asked for, a token server gives what it has. And the token is another one than that of the upload,
 * which may be what was refused. */
#define END "delete,pull,push"

void session_delete(const struct repository *repository, const char *url, bool untrusted_url)
{
    struct http_response response CLEANUP(http_response_dispose) = HTTP_RESPONSE_INIT;
    struct host_request request = {
        .http = { .method = "DELETE", .url = url, .response_bytes_max = ERROR_BODY_BYTES_MAX },
        .repository = repository->name,
        .actions = END,
        .send_after_cancel = true,
        .untrusted_url = untrusted_url,
    };
    (void)!host_send(repository->host, &request, &response, NULL);
}
