/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts a blob of another repository of the same registry. */
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "oci/reference.h"
#include "registry/registry_blob.h"
#include "request/blob_head.h"
#include "upload/upload_delete.h"

/* *ret_url: which URL has answered, after redirects; owned. */
static int send_once(const struct repository *repository, const char *digest, const char *from,
                     struct http_response *ret_response, char **ret_url, struct lpipe_error *err)
{
    AUTO_FREE char *path =
        mem_printf("/v2/%s/blobs/uploads/?mount=%s&from=%s", repository->name, digest, from);
    if (path == NULL) {
        return fail_memory(err);
    }
    struct host_request request = {
        .http = { .method = "POST",
                  .url = path,
                  .response_bytes_max = ERROR_BODY_BYTES_MAX,
                  .answer_after_cancel = true },
        .repository = repository->name,
        .actions = "pull,push",
        .mount_from = from,
        .follow = true,
        .ret_url = ret_url,
    };
    int status = host_send(repository->host, &request, ret_response, err);
    ret_response->url = *ret_url;
    return status;
}

/* A second time if the connection broke, as a kept one may: to copy the blob costs more. If the
 * first request has arrived, the second one finds the blob mounted. */
static int send_mount(const struct repository *repository, const char *digest, const char *from,
                      struct http_response *ret_response, char **ret_url, struct lpipe_error *err)
{
    int status = send_once(repository, digest, from, ret_response, ret_url, err);
    if (status != LPIPE_NETWORK) {
        return status;
    }
    http_response_dispose(ret_response);
    *ret_response = (struct http_response)HTTP_RESPONSE_INIT;
    return send_once(repository, digest, from, ret_response, ret_url, err);
}

/* Deletes the session that the registry opened instead of a mount. */
static void delete_session(const struct repository *repository, const struct http_response *opened)
{
    AUTO_FREE char *url = NULL;
    if (host_resolve_location(repository->host, opened, &url, NULL) == 0) {
        upload_session_delete(repository, url, !opened->is_trusted);
    }
}

/* A 201 with Docker-Content-Digest is trusted; without it, HEAD of the blob decides. */
static int check_mounted(const struct repository *repository, const char *digest,
                         const struct http_response *response)
{
    char answered[DIGEST_TEXT_SIZE];
    uint64_t size = 0;
    if (http_response_header(response, "docker-content-digest", 0, answered, sizeof answered) > 0) {
        return strcmp(answered, digest) == 0;
    }
    return blob_head(repository, digest, &size, NULL, NULL) == 1;
}

/* Failures that would also happen to a copy. */
static bool is_local_failure(int status)
{
    return status == LPIPE_CANCELLED || status == LPIPE_NO_MEMORY || status == LPIPE_NO_RESOURCES;
}

int registry_blob_mount(const struct repository *repository, const char *digest,
                        const char *from_repository, struct lpipe_error *err)
{
    struct http_response response CLEANUP(http_response_dispose) = HTTP_RESPONSE_INIT;
    AUTO_FREE char *url = NULL;
    struct lpipe_error why = { 0 };
    int status = reference_check_repository(from_repository, err);
    if (status != 0 || strcmp(from_repository, repository->name) == 0) {
        return status;
    }
    status = send_mount(repository, digest, from_repository, &response, &url, &why);
    if (status != 0) {
        if (is_local_failure(status) && err != NULL) {
            *err = why;
        }
        return is_local_failure(status) ? status : 0;
    }
    if (response.status == 202) {
        delete_session(repository, &response);
    }
    return response.status == 201 ? check_mounted(repository, digest, &response) : 0;
}
