/* SPDX-License-Identifier: Apache-2.0 */
#include "request/blob_head.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "request/registry_error.h"

/* What a 200 says: see blob_head(). */
static int judge(const struct http_response *response, const char *digest, uint64_t *ret_size)
{
    char text[32];
    char claimed[200];
    uint64_t size = 0;
    bool sized = http_response_header(response, "content-length", 0, text, sizeof text) > 0 &&
                 text_to_u64(text, strlen(text), INT64_MAX, &size);
    /* A digest of another algorithm may be the same blob's. */
    bool named =
        http_response_header(response, "docker-content-digest", 0, claimed, sizeof claimed) > 0 &&
        strncmp(claimed, digest, strcspn(digest, ":") + 1) == 0;
    bool same = named && strcmp(claimed, digest) == 0;
    *ret_size = sized ? size : BLOB_SIZE_UNKNOWN;
    if (named && !same) {
        return BLOB_HEAD_OTHER;
    }
    return same || sized ? 1 : BLOB_HEAD_UNPROVEN;
}

int blob_head(const struct repository *repository, const char *digest, uint64_t *ret_size,
              bool *ret_gave_up, struct lpipe_error *err)
{
    struct http_response response CLEANUP(http_response_dispose) = HTTP_RESPONSE_INIT;
    AUTO_FREE char *path = mem_printf("/v2/%s/blobs/%s", repository->name, digest);
    if (path == NULL) {
        return fail_memory(err);
    }
    struct host_request request = {
        .http = { .method = "HEAD", .url = path, .response_bytes_max = ERROR_BODY_BYTES_MAX },
        .repository = repository->name,
        .actions = repository->actions,
        .follow = true,
        .ret_gave_up = ret_gave_up,
    };
    int status = host_send(repository->host, &request, &response, err);
    if (status != 0) {
        return status;
    }
    if (response.status == 404) {
        return 0;
    }
    if (response.status != 200) {
        return registry_error(&response, err, "HEAD of blob %s in %s/%s", digest,
                              repository->registry, repository->name);
    }
    return judge(&response, digest, ret_size);
}

void blob_head_explain(const struct repository *repository, const char *digest,
                       struct lpipe_error *err)
{
    struct http_response response CLEANUP(http_response_dispose) = HTTP_RESPONSE_INIT;
    AUTO_FREE char *path = mem_printf("/v2/%s/blobs/%s", repository->name, digest);
    const char *headers[] = { "Range: bytes=0-0" };
    if (path == NULL) {
        return;
    }
    struct host_request request = {
        .http = { .method = "GET",
                  .url = path,
                  .headers = headers,
                  .header_count = ARRAY_LEN(headers),
                  .response_bytes_max = ERROR_BODY_BYTES_MAX },
        .repository = repository->name,
        .actions = repository->actions,
        .follow = true,
    };
    if (host_send(repository->host, &request, &response, NULL) == 0 &&
        response.status == err->http_status) {
        (void)registry_error(&response, err, "GET of blob %s in %s/%s", digest,
                             repository->registry, repository->name);
    }
}
