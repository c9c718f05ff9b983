/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/registry_manifest.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "oci/manifest.h"
#include "registry/registry_read.h"
#include "request/blob_head.h"
#include "request/registry_error.h"
#include "request/retry.h"

#define ACCEPT                                                                                     \
    "Accept: application/vnd.oci.image.index.v1+json, "                                            \
    "application/vnd.oci.image.manifest.v1+json, "                                                 \
    "application/vnd.docker.distribution.manifest.list.v2+json, "                                  \
    "application/vnd.docker.distribution.manifest.v2+json"

static char *manifest_path(const struct repository *repository, const char *reference)
{
    return mem_printf("/v2/%s/manifests/%s", repository->name, reference);
}

/* GET or HEAD. */
static int send_read(const struct repository *repository, const char *method, const char *reference,
                     struct http_response *ret_response, struct lpipe_error *err)
{
    AUTO_FREE char *path = manifest_path(repository, reference);
    return path == NULL ? fail_memory(err)
                        : registry_read(repository, method, path, ACCEPT, ret_response, err);
}

/* Before a tag or a digest. */
static char reference_mark(const char *reference)
{
    return strchr(reference, ':') == NULL ? ':' : '@';
}

static int fail_answer(const struct repository *repository, const char *method,
                       const char *reference, const struct http_response *response,
                       struct lpipe_error *err)
{
    return registry_error(response, err, "%s of manifest %s/%s%c%s", method, repository->registry,
                          repository->name, reference_mark(reference), reference);
}

/* Reads Docker-Content-Digest. 1 = found, 0 = the header is absent. A value that is no digest is an
 * error. */
static int read_digest_header(const struct http_response *response,
                              char ret_digest[DIGEST_TEXT_SIZE], struct lpipe_error *err)
{
    char text[DIGEST_TEXT_SIZE];
    int size = http_response_header(response, "docker-content-digest", 0, text, sizeof text);
    if (size == HTTP_HEADER_ABSENT) {
        return 0;
    }
    if (size < 0 || !digest_valid(text)) {
        return fail(err, LPIPE_INTEGRITY,
                    "the registry sent a Docker-Content-Digest that is not a digest");
    }
    memcpy(ret_digest, text, sizeof text);
    return 1;
}

/* Compares the bytes with Docker-Content-Digest. 1 = equal, 0 = the header is absent. */
static int check_digest_header(const struct http_response *response,
                               const struct document *document, struct lpipe_error *err)
{
    char claimed[DIGEST_TEXT_SIZE];
    char computed[DIGEST_TEXT_SIZE];
    int found = read_digest_header(response, claimed, err);
    if (found != 1) {
        return found;
    }
    int status = digest_of(digest_alg_of(claimed), document->bytes.data, document->bytes.size,
                           computed, err);
    if (status == 0 && strcmp(claimed, computed) != 0) {
        status = fail(err, LPIPE_INTEGRITY,
                      "the registry says that the manifest's digest is %s, but it is %s", claimed,
                      computed);
    }
    return status == 0 ? 1 : status;
}

/* Reads Content-Type. For a generic type ret_type is "", and the document's own media type
 * counts. */
static int read_type(const struct http_response *response, char ret_type[MEDIA_TYPE_SIZE],
                     struct lpipe_error *err)
{
    static const char *const generic[] = { "application/json", "application/octet-stream",
                                           "text/plain" };
    char header[256];
    ret_type[0] = '\0';
    if (http_response_header(response, "content-type", 0, header, sizeof header) <= 0) {
        return 0;
    }
    if (!media_type_from_header(header, ret_type, MEDIA_TYPE_SIZE)) {
        return fail(err, LPIPE_PROTOCOL, "the answer's Content-Type is not a media type");
    }
    for (size_t i = 0; i < ARRAY_LEN(generic); i++) {
        if (strcmp(ret_type, generic[i]) == 0) {
            ret_type[0] = '\0';
        }
    }
    return 0;
}

static int read_document(struct http_response *response, const char *reference,
                         struct document *ret_document, struct lpipe_error *err)
{
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
    char type[MEDIA_TYPE_SIZE];
    const char *wanted = digest_valid(reference) ? reference : NULL;
    int status = read_type(response, type, err);
    status = status == 0 ? document_make(&response->body, type, wanted, &document, err) : status;
    if (status == 0 && wanted == NULL) {
        status = MIN_OF(check_digest_header(response, &document, err), 0);
    }
    if (status == 0) {
        *ret_document = document;
        document = (struct document)DOCUMENT_INIT;
    }
    return status;
}

int registry_manifest_get(const struct repository *repository, const char *reference,
                          struct document *ret_document, struct lpipe_error *err)
{
    struct http_response response CLEANUP(http_response_dispose) = HTTP_RESPONSE_INIT;
    if (reference[0] == '\0') {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "%s/%s: no manifest is named: add a tag or a digest", repository->registry,
                    repository->name);
    }
    int status = send_read(repository, "GET", reference, &response, err);
    if (status == 0 && response.status != 200) {
        return fail_answer(repository, "GET", reference, &response, err);
    }
    status = status == 0 ? read_document(&response, reference, ret_document, err) : status;
    if (status != 0) {
        (void)fail_context(err, status, "manifest %s/%s%c%s", repository->registry,
                           repository->name, reference_mark(reference), reference);
    }
    return status;
}

/* For registries that do not support HEAD, or answer it without a digest. */
static int head_by_get(const struct repository *repository, const char *reference,
                       char ret_digest[DIGEST_TEXT_SIZE], struct lpipe_error *err)
{
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
    int status = registry_manifest_get(repository, reference, &document, err);
    if (status != 0) {
        return status == LPIPE_NOT_FOUND ? 0 : status;
    }
    memcpy(ret_digest, document.descriptor.digest, DIGEST_TEXT_SIZE);
    return 1;
}

int registry_manifest_head(const struct repository *repository, const char *reference,
                           char ret_digest[DIGEST_TEXT_SIZE], struct lpipe_error *err)
{
    struct http_response response CLEANUP(http_response_dispose) = HTTP_RESPONSE_INIT;
    char claimed[DIGEST_TEXT_SIZE];
    int status = send_read(repository, "HEAD", reference, &response, err);
    if (status != 0 || response.status == 404) {
        return status;
    }
    bool answered = response.status == 200;
    if (!answered && response.status != 405 && response.status != 501) {
        return fail_answer(repository, "HEAD", reference, &response, err);
    }
    if (!answered || read_digest_header(&response, claimed, NULL) != 1 ||
        (digest_valid(reference) && strcmp(reference, claimed) != 0)) {
        return head_by_get(repository, reference, ret_digest, err);
    }
    memcpy(ret_digest, claimed, sizeof claimed);
    return 1;
}

/* The PUT of one manifest. */
struct manifest_put {
    const struct repository *repository;
    const struct document *manifest;
    const char *reference;
    bool lists_referrer;
    bool was_sent; /* bytes of the manifest were sent */
};

#define PUT_RETRY 1

/* After an unclear answer to the PUT, HEAD of the reference decides: 0 when it names this manifest,
 * else PUT_RETRY. When the HEAD fails, status is returned. The caller's *err still describes the
 * PUT. */
static int decide_by_head(const struct manifest_put *put, int status)
{
    char digest[DIGEST_TEXT_SIZE];
    int found = registry_manifest_head(put->repository, put->reference, digest, NULL);
    if (found < 0) {
        return status;
    }
    bool is_same = found == 1 && strcmp(digest, put->manifest->descriptor.digest) == 0;
    return is_same ? 0 : PUT_RETRY;
}

static int check_put_success(struct manifest_put *put, const struct http_response *response,
                             struct lpipe_error *err)
{
    char subject[DIGEST_TEXT_SIZE];
    put->lists_referrer =
        http_response_header(response, "oci-subject", 0, subject, sizeof subject) > 0 &&
        digest_valid(subject);
    int checked = check_digest_header(response, put->manifest, err);
    if (checked != 0) {
        return MIN_OF(checked, 0);
    }
    int status = fail(err, LPIPE_INTEGRITY,
                      "the registry answered %d to the PUT of manifest %s, but does not have it",
                      response->status, put->manifest->descriptor.digest);
    return decide_by_head(put, status);
}

static bool is_unknown_blob(const struct lpipe_error *err)
{
    return (err->http_status == 400 || err->http_status == 404) &&
           (strstr(err->registry_code, "BLOB_UNKNOWN") != NULL ||
            strcmp(err->registry_code, "MANIFEST_UNKNOWN") == 0);
}

/* A registry that stores links in plain files (distribution 2.8) answers this when it reads a link
 * that another client's push is writing at the same time. */
static bool is_link_being_written(const struct lpipe_error *err)
{
    return err->http_status == 400 && strcmp(err->registry_code, "DIGEST_INVALID") == 0;
}

/* 0, PUT_RETRY or a failure; *err is set for the last two. */
static int check_put_answer(struct manifest_put *put, const struct http_response *response,
                            struct lpipe_error *err)
{
    if (response->status >= 200 && response->status <= 204 && response->status != 203) {
        return check_put_success(put, response, err);
    }
    int status = fail_answer(put->repository, "PUT", put->reference, response, err);
    if (response->status == 429 || is_unknown_blob(err) || is_link_being_written(err)) {
        return PUT_RETRY;
    }
    if (retry_worth_status(response->status)) {
        return decide_by_head(put, status);
    }
    /* A tag that cannot be changed may name this manifest already. */
    bool is_refusal = response->status >= 400 && response->status != 401;
    return is_refusal && decide_by_head(put, status) == 0 ? 0 : status;
}

static int put_once(struct manifest_put *put, struct http_response *response,
                    struct lpipe_error *err)
{
    const struct document *manifest = put->manifest;
    AUTO_FREE char *path = manifest_path(put->repository, put->reference);
    AUTO_FREE char *type = mem_printf("Content-Type: %s", manifest->descriptor.media_type);
    if (path == NULL || type == NULL) {
        return fail_memory(err);
    }
    const char *const headers[] = { type };
    bool gave_up = false;
    struct host_request request = {
        .http = { .method = "PUT",
                  .url = path,
                  .headers = headers,
                  .header_count = ARRAY_LEN(headers),
                  .body = { .data = manifest->bytes.data, .size = manifest->bytes.size },
                  .response_bytes_max = ERROR_BODY_BYTES_MAX },
        .repository = put->repository->name,
        .actions = "pull,push",
        .follow = true,
        .ret_gave_up = &gave_up,
    };
    int status = host_send(put->repository->host, &request, response, err);
    response->url = NULL;
    put->was_sent = put->was_sent || response->body_sent > 0;
    if (status != 0) {
        return !gave_up && retry_worth_failure(status) ? decide_by_head(put, status) : status;
    }
    return check_put_answer(put, response, err);
}

/* 0 when the registry has the blob, does not say, or the HEAD fails. */
static int check_blob(const struct manifest_put *put, const struct descriptor *blob,
                      struct lpipe_error *err)
{
    uint64_t size = 0;
    if (blob_head(put->repository, blob->digest, &size, NULL, NULL) != 0) {
        return 0;
    }
    return fail(err, LPIPE_INTEGRITY,
                "%s/%s reports the blob %s missing, but had accepted it or reported it as existing "
                "before",
                put->repository->registry, put->repository->name, blob->digest);
}

/* Sets *err to name the first blob that the registry does not have, if there is one. */
static int fail_missing_blob(const struct manifest_put *put, struct lpipe_error *err)
{
    AUTO_MANIFEST struct manifest *manifest = NULL;
    int status = 0;
    if (manifest_parse(put->manifest, &manifest, NULL) != 0 ||
        manifest->kind != MANIFEST_KIND_IMAGE) {
        return err->status;
    }
    status = check_blob(put, &manifest->config.descriptor, err);
    for (size_t i = 0; i < manifest->item_count && status == 0; i++) {
        status = check_blob(put, &manifest->items[i].descriptor, err);
    }
    return err->status;
}

static int put_retrying(struct manifest_put *put, struct lpipe_error *err)
{
    struct retry retry;
    retry_init(&retry, put->repository->context, put->repository->registry);
    for (;;) {
        struct http_response response CLEANUP(http_response_dispose) = HTTP_RESPONSE_INIT;
        int status = put_once(put, &response, err);
        if (status != PUT_RETRY) {
            retry_progress(&retry);
            return status;
        }
        status = retry_wait(&retry, response.status == 0 ? NULL : &response, err);
        if (status == LPIPE_SERVER) {
            return is_unknown_blob(err) ? fail_missing_blob(put, err) : err->status;
        }
        if (status != 0) {
            return status;
        }
    }
}

int registry_manifest_put(const struct repository *repository, const struct document *manifest,
                          const char *tag, struct lpipe_error *err)
{
    struct lpipe_error why = { 0 };
    struct manifest_put put = {
        .repository = repository,
        .manifest = manifest,
        .reference = tag != NULL ? tag : manifest->descriptor.digest,
    };
    int status = put_retrying(&put, &why);
    /* After other failures the registry has said what it did with the manifest. */
    bool unknown = status == LPIPE_CANCELLED || retry_worth_failure(status);
    if (status != 0 && err != NULL) {
        *err = why;
        err->flags |= put.was_sent && unknown ? LPIPE_ERROR_MAYBE_PUBLISHED : 0u;
    }
    return status == 0 ? put.lists_referrer : status;
}
