/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a blob with GET, and with Range after a broken connection. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "registry/registry_blob.h"
#include "request/host_authorization.h"
#include "request/registry_error.h"
#include "request/retry.h"

struct reader {
    struct blob_reader base;
    const struct repository *repository;
    struct descriptor blob;
    char *path;         /* of the blob */
    char *url;          /* the target of a redirect; NULL = path */
    uint64_t delivered; /* bytes given to the caller */
    struct retry retry;

    /* The current request; call is NULL when none is running. */
    struct host_request request;
    struct host_call *call;
    char range[48];
    const char *headers[1];
    bool answer_checked; /* status and range of its answer are checked */
    uint64_t to_skip;    /* bytes of the answer that the caller has already */
    int redirects;
    bool token_renewed; /* after a 401 */
};

static void forget_redirect(struct reader *reader)
{
    free(TAKE(reader->url));
    reader->redirects = 0;
    reader->token_renewed = false;
    reader->request.untrusted_url = false;
}

static int start_call(struct reader *reader, struct lpipe_error *err)
{
    (void)snprintf(reader->range, sizeof reader->range, "Range: bytes=%" PRIu64 "-",
                   reader->delivered);
    reader->headers[0] = reader->range;
    reader->request.http = (struct http_request){
        .method = "GET",
        .url = reader->url != NULL ? reader->url : reader->path,
        .headers = reader->headers,
        .header_count = reader->delivered > 0 ? 1 : 0,
        .response_bytes_max = ERROR_BODY_BYTES_MAX,
        .stream = true,
    };
    reader->answer_checked = false;
    return host_start(reader->repository->host, &reader->request, &reader->call, err);
}

/* "bytes 5-9/10" starts at 5. */
static bool range_starts_at(const struct http_response *head, uint64_t wanted)
{
    char text[64];
    uint64_t start = 0;
    return http_response_header(head, "content-range", 0, text, sizeof text) > 0 &&
           text_starts(text, "bytes ") &&
           text_to_u64(text + 6, strspn(text + 6, "0123456789"), UINT64_MAX, &start) &&
           start == wanted;
}

/* Finds out at which byte of the blob the answer starts: a server may ignore Range and send all. */
static int check_answer(struct reader *reader, struct lpipe_error *err)
{
    const struct http_response *head = http_call_head(host_call_http(reader->call));
    bool is_rest = head->status == 206 && range_starts_at(head, reader->delivered);
    if (head->status != 200 && !is_rest) {
        return fail(err, LPIPE_PROTOCOL,
                    "blob %s: the answer %d is neither a 200 nor a 206 with the requested range",
                    reader->blob.digest, head->status);
    }
    reader->to_skip = is_rest ? 0 : reader->delivered;
    reader->answer_checked = true;
    return 0;
}

/* Moves the bytes that the caller does not have yet to the front, and returns their number. */
static size_t drop_delivered(struct reader *reader, char *buf, size_t size)
{
    size_t known = (size_t)MIN_OF(reader->to_skip, (uint64_t)size);
    reader->to_skip -= known;
    memmove(buf, buf + known, size - known);
    return size - known;
}

static int accept_bytes(struct reader *reader, char *buf, size_t size, size_t *ret_size,
                        struct lpipe_error *err)
{
    int status = reader->answer_checked ? 0 : check_answer(reader, err);
    if (status != 0) {
        return status;
    }
    size = drop_delivered(reader, buf, size);
    if (size > reader->blob.size - reader->delivered) {
        return fail(err, LPIPE_INTEGRITY,
                    "blob %s has more bytes than the %" PRIu64 " of its descriptor",
                    reader->blob.digest, reader->blob.size);
    }
    if (size > 0) {
        retry_progress(&reader->retry);
    }
    reader->delivered += size;
    *ret_size = size;
    return 0;
}

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static int follow_redirect(struct reader *reader, const struct http_response *response,
                           struct lpipe_error *err)
{
    char *url = NULL;
    if (++reader->redirects > REDIRECTS_MAX) {
        return fail(err, LPIPE_PROTOCOL, "blob %s: more than %d redirects", reader->blob.digest,
                    REDIRECTS_MAX);
    }
    int status = host_resolve_location(reader->repository->host, response, &url, err);
    if (status != 0) {
        (void)fail_context(err, status, "blob %s", reader->blob.digest);
        return status;
    }
    reader->request.untrusted_url = reader->request.untrusted_url || !response->is_trusted;
    free(reader->url);
    reader->url = url;
    return 0;
}

/* After a failure that is worth a retry: waits, and forgets the redirect, so that the next request
 * goes to the registry. Returns 0 when that request can be sent. */
static int try_again(struct reader *reader, const struct http_response *response, int status,
                     struct lpipe_error *err)
{
    int waited = retry_wait(&reader->retry, response, err);
    forget_redirect(reader);
    return waited == LPIPE_SERVER ? status : waited;
}

static int renew_token(struct reader *reader, const struct http_response *response,
                       struct lpipe_error *err)
{
    if (reader->token_renewed) {
        return registry_error(response, err, "GET of blob %s in %s/%s", reader->blob.digest,
                              reader->repository->registry, reader->repository->name);
    }
    reader->token_renewed = true;
    return host_renew_token(reader->repository->host, &reader->request, response, err);
}

static int end_answer(struct reader *reader, const struct http_response *response, bool *ret_end,
                      struct lpipe_error *err)
{
    if (response->status / 100 == 2) {
        *ret_end =
            reader->delivered == reader->blob.size || reader->blob.size == DESCRIPTOR_SIZE_UNKNOWN;
        if (*ret_end) {
            return 0;
        }
        int cut = fail(err, LPIPE_NETWORK, "blob %s ended after %" PRIu64 " of %" PRIu64 " bytes",
                       reader->blob.digest, reader->delivered, reader->blob.size);
        return try_again(reader, NULL, cut, err);
    }
    if (is_redirect(response->status)) {
        return follow_redirect(reader, response, err);
    }
    if (response->status == 401 && response->is_trusted) {
        return renew_token(reader, response, err);
    }
    if (response->status == 416 && reader->delivered > 0) {
        /* "Range not satisfiable": the registry's blob is shorter than its descriptor says. */
        return fail(err, LPIPE_INTEGRITY, "blob %s ends after %" PRIu64 " of %" PRIu64 " bytes",
                    reader->blob.digest, reader->delivered, reader->blob.size);
    }
    int status = registry_error(response, err, "GET of blob %s in %s/%s", reader->blob.digest,
                                reader->repository->registry, reader->repository->name);
    return retry_worth_status(response->status) ? try_again(reader, response, status, err) : status;
}

/* The request has ended. Returns 0 if the blob is complete (*ret_end is true) or if another
 * request must be sent for the rest (*ret_end is false). */
static int end_call(struct reader *reader, bool *ret_end, struct lpipe_error *err)
{
    struct http_response response CLEANUP(http_response_dispose) = HTTP_RESPONSE_INIT;
    int status = host_wait(TAKE(reader->call), &response, err);
    if (status == 0) {
        return end_answer(reader, &response, ret_end, err);
    }
    return retry_worth_failure(status) ? try_again(reader, NULL, status, err) : status;
}

static int reader_read(struct blob_reader *base, void *buf, size_t size, size_t *ret_size,
                       struct lpipe_error *err)
{
    struct reader *reader = (struct reader *)base;
    struct lpipe_error why = { 0 };
    size_t got = 0;
    bool end = false;
    int status = 0;
    while (status == 0 && got == 0 && !end) {
        status = reader->call == NULL ? start_call(reader, &why) : 0;
        if (status != 0) {
            break;
        }
        got = http_read(host_call_http(reader->call), buf, size);
        status =
            got > 0 ? accept_bytes(reader, buf, got, &got, &why) : end_call(reader, &end, &why);
    }
    if (status == 0) {
        *ret_size = got;
    } else if (err != NULL) {
        *err = why;
    }
    return status;
}

static void reader_free(struct blob_reader *base)
{
    struct reader *reader = (struct reader *)base;
    if (reader->call != NULL) {
        struct http_response response CLEANUP(http_response_dispose) = HTTP_RESPONSE_INIT;
        http_call_abort(host_call_http(reader->call));
        (void)host_wait(reader->call, &response, NULL);
    }
    free(reader->path);
    free(reader->url);
    free(reader);
}

int registry_blob_open(const struct repository *repository, const struct descriptor *blob,
                       struct blob_reader **ret_reader, struct lpipe_error *err)
{
    static const struct blob_reader_ops ops = { .read = reader_read, .free = reader_free };
    struct reader *reader = NEW(struct reader);
    if (reader == NULL) {
        return fail_memory(err);
    }
    reader->base.ops = &ops;
    reader->repository = repository;
    reader->blob = *blob;
    reader->request.repository = repository->name;
    reader->request.actions = repository->actions;
    reader->path = mem_printf("/v2/%s/blobs/%s", repository->name, blob->digest);
    retry_init(&reader->retry, repository->context);
    if (reader->path == NULL) {
        reader_free(&reader->base);
        return fail_memory(err);
    }
    *ret_reader = &reader->base;
    return 0;
}
