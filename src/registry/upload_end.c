/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/upload_end.h"

#include "base/limits.h"

/* Some registries want the right to delete for it, others know none but to pull and to push: of what
 * is asked for, a token server gives what it has. And the token is another one than that of the upload,
 * which may be what was refused. */
#define END "delete,pull,push"

void upload_end(const struct repository *repository, const char *url, bool is_abroad)
{
    struct http_response response CLEANUP(http_response_done) = HTTP_RESPONSE_INIT;
    struct session_request request = {
        .http = { .method = "DELETE", .url = url, .response_bytes_max = ERROR_BODY_BYTES_MAX },
        .repository = repository->name,
        .actions = END,
        .parting = true,
        .is_abroad = is_abroad,
    };
    (void)!session_send(repository->session, &request, &response, NULL);
}
