/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/blob_range.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "request/host_authorization.h"
#include "request/registry_error.h"
#include "request/retry.h"

struct blob_range {
    const struct repository *repository;
    struct descriptor blob;
    char *path;          /* of the blob */
    char *url;           /* the target of a redirect; NULL = path */
    bool url_is_leaders; /* it was another range that was redirected there */
    uint64_t position;   /* of the byte that the caller gets next */
    uint64_t end;        /* UINT64_MAX: not known */
    bool is_part;        /* the blob has bytes behind the range */
    struct retry retry;

    /* The current request; call is NULL when none is running. */
    struct host_request request;
    struct host_call *call;
    char header[64];
    const char *headers[1];
    bool answer_checked; /* status and range of its answer are checked */
    uint64_t to_skip;    /* bytes of the answer that the caller has already */
    int redirects;
    bool token_renewed; /* after a 401 */
};

static void forget_redirect(struct blob_range *range)
{
    free(TAKE(range->url));
    range->redirects = 0;
    range->token_renewed = false;
    range->url_is_leaders = false;
    range->request.untrusted_url = false;
}

/* Names the last byte only if the blob goes on behind it. */
static void set_range_header(struct blob_range *range)
{
    char last[24] = "";
    if (range->is_part) {
        (void)snprintf(last, sizeof last, "%" PRIu64, range->end - 1);
    }
    (void)snprintf(range->header, sizeof range->header, "Range: bytes=%" PRIu64 "-%s",
                   range->position, last);
    range->headers[0] = range->header;
}

static int start_call(struct blob_range *range, struct lpipe_error *err)
{
    /* The end may be one that the server chose: it does not decide how much memory is used. */
    uint64_t buffered = range->is_part ? range->end - range->position : 0;
    set_range_header(range);
    range->request.http = (struct http_request){
        .method = "GET",
        .url = range->url != NULL ? range->url : range->path,
        .headers = range->headers,
        .header_count = range->position > 0 || range->is_part ? 1 : 0,
        .response_bytes_max = ERROR_BODY_BYTES_MAX,
        .stream = true,
        .stream_bytes = (size_t)MIN_OF(buffered, (uint64_t)BLOB_RANGE_BYTES),
    };
    range->answer_checked = false;
    return host_start(range->repository->host, &range->request, &range->call, err);
}

/* "5-9/10" */
static bool parse_content_range(const char *text, uint64_t *ret_first, uint64_t *ret_last)
{
    size_t first_size = strspn(text, "0123456789");
    const char *last = text + first_size + 1;
    return text[first_size] == '-' && text_to_u64(text, first_size, UINT64_MAX, ret_first) &&
           text_to_u64(last, strspn(last, "0123456789"), UINT64_MAX - 1, ret_last) &&
           *ret_last >= *ret_first;
}

/* A 206 with the byte that is wanted next. It may have more bytes than were asked for. */
static bool is_rest(struct blob_range *range, const struct http_response *head)
{
    char text[96];
    uint64_t first = 0;
    uint64_t last = 0;
    if (head->status != 206 ||
        http_response_header(head, "content-range", 0, text, sizeof text) <= 0 ||
        !text_starts(text, "bytes ") || !parse_content_range(text + 6, &first, &last) ||
        first != range->position) {
        return false;
    }
    if (range->is_part && last >= range->end) {
        range->end = MIN_OF(last + 1, range->blob.size);
    }
    return true;
}

/* Finds out at which byte of the blob the answer starts: a server may ignore Range and send all. */
static int check_answer(struct blob_range *range, struct lpipe_error *err)
{
    const struct http_response *head = http_call_head(host_call_http(range->call));
    bool rest = is_rest(range, head);
    if (head->status != 200 && !rest) {
        return fail(err, LPIPE_PROTOCOL,
                    "blob %s: the answer %d is neither a 200 nor a 206 with the requested range",
                    range->blob.digest, head->status);
    }
    range->to_skip = rest ? 0 : range->position;
    range->end = rest ? range->end : range->blob.size;
    range->is_part = range->end < range->blob.size;
    range->answer_checked = true;
    return 0;
}

/* Moves the bytes that the caller does not have yet to the front, and returns their number. */
static size_t drop_delivered(struct blob_range *range, char *buf, size_t size)
{
    size_t known = (size_t)MIN_OF(range->to_skip, (uint64_t)size);
    range->to_skip -= known;
    memmove(buf, buf + known, size - known);
    return size - known;
}

static int accept_bytes(struct blob_range *range, char *buf, size_t size, size_t *ret_size,
                        struct lpipe_error *err)
{
    int status = range->answer_checked ? 0 : check_answer(range, err);
    if (status != 0) {
        return status;
    }
    size = drop_delivered(range, buf, size);
    if (size > range->end - range->position) {
        return range->is_part
                   ? fail(err, LPIPE_PROTOCOL, "blob %s: the answer has more bytes than its range",
                          range->blob.digest)
                   : fail(err, LPIPE_INTEGRITY,
                          "blob %s has more bytes than the %" PRIu64 " of its descriptor",
                          range->blob.digest, range->blob.size);
    }
    if (size > 0) {
        retry_progress(&range->retry);
    }
    range->position += size;
    *ret_size = size;
    return 0;
}

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static int follow_redirect(struct blob_range *range, const struct http_response *response,
                           struct lpipe_error *err)
{
    char *url = NULL;
    if (++range->redirects > REDIRECTS_MAX) {
        return fail(err, LPIPE_PROTOCOL, "blob %s: more than %d redirects", range->blob.digest,
                    REDIRECTS_MAX);
    }
    int status = host_resolve_location(range->repository->host, response, &url, err);
    if (status != 0) {
        (void)fail_context(err, status, "blob %s", range->blob.digest);
        return status;
    }
    range->request.untrusted_url = range->request.untrusted_url || !response->is_trusted;
    free(range->url);
    range->url = url;
    range->url_is_leaders = false;
    return 0;
}

/* After a failure that is worth a retry: waits, and forgets the redirect, so that the next request
 * goes to the registry. Returns 0 when that request can be sent. */
static int try_again(struct blob_range *range, const struct http_response *response, int status,
                     struct lpipe_error *err)
{
    int waited = retry_wait(&range->retry, response, err);
    forget_redirect(range);
    return waited == LPIPE_SERVER ? status : waited;
}

static int renew_token(struct blob_range *range, const struct http_response *response,
                       struct lpipe_error *err)
{
    if (range->token_renewed) {
        return registry_error(response, err, "GET of blob %s in %s/%s", range->blob.digest,
                              range->repository->registry, range->repository->name);
    }
    range->token_renewed = true;
    return host_renew_token(range->repository->host, &range->request, response, err);
}

static int end_answer(struct blob_range *range, const struct http_response *response, bool *ret_end,
                      struct lpipe_error *err)
{
    if (response->status / 100 == 2) {
        *ret_end = range->position == range->end || range->end == DESCRIPTOR_SIZE_UNKNOWN;
        if (*ret_end) {
            return 0;
        }
        int cut = fail(err, LPIPE_NETWORK,
                       "blob %s: the answer ended after %" PRIu64 " of %" PRIu64 " bytes",
                       range->blob.digest, range->position, range->end);
        return try_again(range, NULL, cut, err);
    }
    if (range->url_is_leaders) {
        forget_redirect(range); /* the URL may have been for one request, or for a short time */
        return 0;
    }
    if (is_redirect(response->status)) {
        return follow_redirect(range, response, err);
    }
    if (response->status == 401 && response->is_trusted) {
        return renew_token(range, response, err);
    }
    if (response->status == 416 && (range->position > 0 || range->is_part)) {
        /* "Range not satisfiable": the registry's blob is shorter than its descriptor says. */
        return fail(err, LPIPE_INTEGRITY, "blob %s ends after %" PRIu64 " of %" PRIu64 " bytes",
                    range->blob.digest, range->position, range->blob.size);
    }
    int status = registry_error(response, err, "GET of blob %s in %s/%s", range->blob.digest,
                                range->repository->registry, range->repository->name);
    return retry_worth_status(response->status) ? try_again(range, response, status, err) : status;
}

/* The request has ended. Returns 0 if the blob is complete (*ret_end is true) or if another
 * request must be sent for the rest (*ret_end is false). */
static int end_call(struct blob_range *range, bool *ret_end, struct lpipe_error *err)
{
    struct http_response response CLEANUP(http_response_dispose) = HTTP_RESPONSE_INIT;
    int status = host_wait(TAKE(range->call), &response, err);
    if (status == 0) {
        return end_answer(range, &response, ret_end, err);
    }
    return retry_worth_failure(status) ? try_again(range, NULL, status, err) : status;
}

int blob_range_read(struct blob_range *range, void *buf, size_t size, size_t *ret_size,
                    struct lpipe_error *err)
{
    struct lpipe_error why = { 0 };
    size_t got = 0;
    bool end = false;
    int status = 0;
    while (status == 0 && got == 0 && !end) {
        status = range->call == NULL ? start_call(range, &why) : 0;
        if (status != 0) {
            break;
        }
        got = http_read(host_call_http(range->call), buf, size);
        status = got > 0 ? accept_bytes(range, buf, got, &got, &why) : end_call(range, &end, &why);
    }
    if (status == 0) {
        *ret_size = got;
    } else if (err != NULL) {
        *err = why;
    }
    return status;
}

void blob_range_start(struct blob_range *range, const struct blob_range *leader)
{
    if (leader->url != NULL) {
        range->url = mem_strdup(leader->url); /* NULL without memory: the registry is asked */
        range->url_is_leaders = range->url != NULL;
        range->request.untrusted_url = range->url_is_leaders && leader->request.untrusted_url;
    }
    if (start_call(range, NULL) != 0) {
        forget_redirect(range);
    }
}

uint64_t blob_range_end(const struct blob_range *range)
{
    return range->end;
}

uint64_t blob_range_position(const struct blob_range *range)
{
    return range->position;
}

struct blob_range *blob_range_free(struct blob_range *range)
{
    if (range == NULL) {
        return NULL;
    }
    if (range->call != NULL) {
        struct http_response response CLEANUP(http_response_dispose) = HTTP_RESPONSE_INIT;
        http_call_abort(host_call_http(range->call));
        (void)host_wait(range->call, &response, NULL);
    }
    free(range->path);
    free(range->url);
    free(range);
    return NULL;
}

int blob_range_new(const struct repository *repository, const struct descriptor *blob,
                   uint64_t start, uint64_t size, struct blob_range **ret_range,
                   struct lpipe_error *err)
{
    struct blob_range *range = NEW(struct blob_range);
    if (range == NULL) {
        return fail_memory(err);
    }
    range->repository = repository;
    range->blob = *blob;
    range->position = start;
    range->end = size < blob->size - start ? start + size : blob->size;
    range->is_part = range->end < blob->size;
    range->request.repository = repository->name;
    range->request.actions = repository->actions;
    range->path = mem_printf("/v2/%s/blobs/%s", repository->name, blob->digest);
    retry_init(&range->retry, repository->context, repository->registry);
    if (range->path == NULL) {
        blob_range_free(range);
        return fail_memory(err);
    }
    *ret_range = range;
    return 0;
}
