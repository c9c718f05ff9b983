/* SPDX-License-Identifier: Apache-2.0 */
/* The requests of an upload, one function each. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "request/blob_head.h"
#include "request/host_authorization.h"
#include "request/registry_error.h"
#include "upload/upload_answer.h"
#include "upload/upload_delete.h"
#include "upload/upload_run.h"

#define PUSH "pull,push"
#define CONTENT_TYPE "Content-Type: application/octet-stream"
/* Below EXPECT_BYTES_MIN "Expect: 100-continue" is no use: the body is sent before an answer can
 * come. It costs a round trip for each chunk, so it is also left out when a round trip takes at
 * least HIGH_RTT_US and more than 1/HIGH_RTT_SHARE of the chunk's time. */
#define EXPECT_BYTES_MIN (256 * KIB)
#define HIGH_RTT_US 5000u
#define HIGH_RTT_SHARE 50

static void response_clear(struct upload *upload)
{
    http_response_dispose(&upload->response);
    upload->response = (struct http_response)HTTP_RESPONSE_INIT;
}

static void request_begin(struct upload *upload, const char *method, const char *url)
{
    response_clear(upload);
    upload->request = (struct host_request){
        .http = { .method = method, .url = url, .response_bytes_max = ERROR_BODY_BYTES_MAX },
        .repository = upload->repository->name,
        .actions = PUSH,
        .untrusted_url = upload->untrusted_url,
        .ret_gave_up = &upload->gave_up,
    };
    upload->gave_up = false;
}

/* A token that could not be had was asked for with all retries, and so was a host that has never
 * answered: to repeat the upload's request would only multiply them. */
static enum upload_event failure_event(const struct upload *upload)
{
    return upload->gave_up ? UPLOAD_ERROR : upload_failure_event(&upload->err);
}

/* Removes pointers that are only valid during the request. A new token is requested for the
 * session's newest URL, because the old one may be invalid; or for the URL that a redirect named,
 * because a 401 from there is judged by its origin. */
static void request_end(struct upload *upload)
{
    upload->response.url = NULL;
    upload->request.http.url = upload->redirect != NULL ? upload->redirect : upload->location;
    upload->request.http.headers = NULL;
    upload->request.http.header_count = 0;
}

/* Sets upload->err from the answer; it is reported only if the answer is a failure. */
static void note_answer(struct upload *upload, const char *what)
{
    (void)registry_error(&upload->response, &upload->err, "%s %s/%s", what,
                         upload->repository->registry, upload->repository->name);
    if (upload->response.status >= 300 && upload->response.url != NULL) {
        exchange_explain(host_origin(upload->repository->host), upload->response.url, &upload->err);
    }
}

/* Takes the session's new URL from the answer's Location. Without the header, or with an empty
 * one: 0 when it is not needed, else an error. */
static int take_location(struct upload *upload, bool needed)
{
    char first[2];
    char *location = NULL;
    int size = http_response_header(&upload->response, "location", 0, first, sizeof first);
    if ((size == 0 || size == HTTP_HEADER_ABSENT) && !needed) {
        return 0;
    }
    int status =
        host_resolve_location(upload->repository->host, &upload->response, &location, &upload->err);
    if (status == 0) {
        free(upload->location);
        upload->location = location;
        upload->untrusted_url = upload->untrusted_url || !upload->response.is_trusted;
    }
    return status;
}

/* Begins a PATCH or PUT with bytes: at the URL of the session, or at the one to which a redirect
 * has sent it. */
static void request_begin_at(struct upload *upload, const char *method, const char *url)
{
    bool redirected = upload->redirect != NULL;
    request_begin(upload, method, redirected ? upload->redirect : url);
    upload->request.untrusted_url = redirected ? upload->untrusted_redirect : upload->untrusted_url;
}

static void forget_redirect(struct upload *upload)
{
    free(TAKE(upload->redirect));
    upload->redirects = 0;
}

/* Takes the Location of a 307 or 308. The next request goes there, with the same bytes; the session
 * keeps its URL. */
static enum upload_event take_redirect(struct upload *upload)
{
    char *target = NULL;
    if (++upload->redirects > REDIRECTS_MAX) {
        (void)fail(&upload->err, LPIPE_PROTOCOL, "sending a blob to %s/%s: more than %d redirects",
                   upload->repository->registry, upload->repository->name, REDIRECTS_MAX);
        return UPLOAD_ERROR;
    }
    if (host_resolve_location(upload->repository->host, &upload->response, &target, &upload->err) !=
        0) {
        return UPLOAD_ERROR;
    }
    upload->untrusted_redirect = upload->request.untrusted_url || !upload->response.is_trusted;
    free(upload->redirect);
    upload->redirect = target;
    return UPLOAD_REDIRECTED;
}

/* After a PATCH or PUT: follows a redirect, or forgets the one that was followed. A 401 from the
 * target is judged with the target's URL, so that it is kept until the next answer. */
static enum upload_event judge_redirect(struct upload *upload, enum upload_event event)
{
    if (event == UPLOAD_REDIRECTED) {
        return take_redirect(upload);
    }
    if (event != UPLOAD_HTTP_401) {
        forget_redirect(upload);
    }
    return event;
}

enum upload_event upload_head_blob(struct upload *upload)
{
    uint64_t size = 0;
    upload->gave_up = false;
    int found =
        blob_head(upload->repository, upload->digest, &size, &upload->gave_up, &upload->err);
    if (found == 0) {
        return UPLOAD_BLOB_MISSING;
    }
    if (found < 0) {
        /* Without a token the POST would not be sent, either. */
        bool hopeless = upload->gave_up && upload->state == UPLOAD_CHECKING_BLOB;
        return upload->err.http_status != 0 && !hopeless ? UPLOAD_BLOB_CHECK_FAILED : UPLOAD_ERROR;
    }
    if (found == BLOB_HEAD_OTHER && upload->state == UPLOAD_VERIFYING_BLOB) {
        return UPLOAD_BLOB_MISMATCH;
    }
    if (found != 1) { /* after a PUT, the 201 is what shows it */
        (void)fail(&upload->err, LPIPE_PROTOCOL,
                   "the answer to HEAD of the blob in %s/%s does not show that it is there",
                   upload->repository->registry, upload->repository->name);
        return UPLOAD_BLOB_CHECK_FAILED;
    }
    bool same = size == BLOB_SIZE_UNKNOWN || size == window_size(&upload->window);
    return same ? UPLOAD_BLOB_FOUND : UPLOAD_BLOB_MISMATCH;
}

static void take_announced_sizes(struct upload *upload)
{
    char min[32] = "";
    char max[32] = "";
    (void)http_response_header(&upload->response, "oci-chunk-min-length", 0, min, sizeof min);
    (void)http_response_header(&upload->response, "oci-chunk-max-length", 0, max, sizeof max);
    if (chunk_size_set_announced(&upload->chunk_size, min, max)) {
        window_set_limit(&upload->window, CHUNK_BUFFERS * upload->chunk_size.bytes);
    } else if (upload->method == UPLOAD_CHUNKED && upload->mode == LPIPE_UPLOAD_AUTO) {
        upload->method = UPLOAD_STREAMED;
    }
}

static enum upload_event open_session(struct upload *upload, const char *path)
{
    upload->untrusted_url = false;
    upload->method = upload->resumed_in_chunks ? UPLOAD_STREAMED
                                               : upload->method; /* the method that had worked */
    upload->resumed_in_chunks = false;
    AUTO_FREE char *answered = NULL;
    request_begin(upload, "POST", path);
    forget_redirect(upload);
    upload->request.follow = true;
    upload->request.ret_url = &answered;
    upload->request.http.answer_after_cancel = true;
    int status =
        host_send(upload->repository->host, &upload->request, &upload->response, &upload->err);
    upload->request.ret_url = NULL;
    if (status != 0) {
        return failure_event(upload);
    }
    enum upload_event event = upload_open_event(upload->response.status);
    if (event != UPLOAD_OK) {
        note_answer(upload, "opening an upload to");
        return event;
    }
    upload->response.url = answered != NULL ? answered : path;
    if (take_location(upload, true) != 0) {
        return UPLOAD_ERROR;
    }
    ++*upload->sessions_opened;
    upload->chunks_acked = upload->commit_polls = upload->commits = 0;
    upload->acked = upload->unacked = 0;
    take_announced_sizes(upload);
    return UPLOAD_OK;
}

enum upload_event upload_open_session(struct upload *upload)
{
    AUTO_FREE char *path = mem_printf("/v2/%s/blobs/uploads/", upload->repository->name);
    if (path == NULL) {
        (void)fail_memory(&upload->err);
        return UPLOAD_ERROR;
    }
    enum upload_event event = open_session(upload, path);
    request_end(upload);
    return event;
}

static uint64_t next_size(struct upload *upload)
{
    uint64_t left = window_size(&upload->window) - upload->acked;
    switch (upload->method) {
    case UPLOAD_CHUNKED:
        left = upload->unacked > 0 ? MIN_OF(left, upload->unacked)
                                   : left; /* the rest of a broken chunk */
        return MIN_OF(left, upload->chunk_size.bytes);
    case UPLOAD_SINGLE_PATCH:
    case UPLOAD_SINGLE_PUT:
        return left;
    case UPLOAD_STREAMED:
    default:
        return 0;
    }
}

/* Header lines of a PATCH or PUT. */
struct header_lines {
    const char *line[2];
    char range[64];
};

static void add_body(struct upload *upload, struct header_lines *lines, uint64_t size, bool ranged)
{
    struct http_request *http = &upload->request.http;
    lines->line[0] = CONTENT_TYPE;
    http->headers = lines->line;
    http->header_count = 1;
    if (ranged) {
        (void)snprintf(lines->range, sizeof lines->range, "Content-Range: %" PRIu64 "-%" PRIu64,
                       upload->acked, upload->acked + size - 1);
        lines->line[http->header_count++] = lines->range;
    }
    http->body = window_body(&upload->window, size);
    http->expect_continue =
        upload->expect && !upload->high_latency && (size == 0 || size >= EXPECT_BYTES_MIN);
    http->fresh_connection = !http->expect_continue &&
                             clock_ms() - upload->connection_used_ms > IDLE_CONNECTION_MS &&
                             upload->connection_used_ms != 0;
}

/* Sends upload->request and waits for its answer. */
static int exchange_bytes(struct upload *upload)
{
    struct host_call *call = NULL;
    struct registry_host *host = upload->repository->host;
    int status = host_start(host, &upload->request, &call, &upload->err);
    if (status != 0) {
        window_set_request(&upload->window, NULL);
        return status;
    }
    window_set_request(&upload->window, host_call_http(call));
    http_call_join(host_call_http(call));
    window_set_request(&upload->window, NULL);
    status = host_wait(call, &upload->response, &upload->err);
    upload->connection_used_ms = clock_ms();
    if (status == LPIPE_ABORTED && window_spool_failure(&upload->window, &upload->err) != 0) {
        return upload->err.status;
    }
    if (upload->response.unexpected ||
        (status == 0 && upload->request.http.expect_continue && !upload->response.continued &&
         upload->response.body_sent > 0)) {
        upload->expect = false; /* the registry ignores it, and each request would wait a second */
    }
    return status;
}

static enum upload_event judge_patch(struct upload *upload, uint64_t size)
{
    char text[128];
    enum upload_event event = upload_send_event(&upload->response);
    upload->offset_queries = 0;
    if (event != UPLOAD_OK && event != UPLOAD_PARTLY_ACCEPTED) {
        note_answer(upload, "sending a blob to");
        if (upload->response.status == 416) {
            (void)!take_location(upload, false); /* an invalid Location is ignored */
        }
        return event;
    }
    if (take_location(upload, false) != 0) {
        return UPLOAD_ERROR;
    }
    if (event == UPLOAD_OK && size > 0 &&
        http_response_header(&upload->response, "range", 0, text, sizeof text) > 0) {
        struct upload_range range = upload_range_parse(text);
        event =
            upload_range_is_short(&range, upload->acked, size) ? UPLOAD_PARTLY_ACCEPTED : UPLOAD_OK;
    }
    if (event == UPLOAD_PARTLY_ACCEPTED) {
        (void)fail(&upload->err, LPIPE_SERVER,
                   "sending a blob to %s/%s: the registry answered %d and took fewer bytes than "
                   "were sent",
                   upload->repository->registry, upload->repository->name, upload->response.status);
        upload->err.flags |= LPIPE_ERROR_RETRYABLE;
    } else {
        uint64_t took_us = (uint64_t)upload->response.time_ms * 1000;
        upload->high_latency = upload->response.rtt_us >= HIGH_RTT_US &&
                               took_us < (uint64_t)upload->response.rtt_us * HIGH_RTT_SHARE;
        upload->chunks_acked++;
        chunk_size_note_time(&upload->chunk_size, upload->response.time_ms);
    }
    return event;
}

enum upload_event upload_send_chunk(struct upload *upload)
{
    struct header_lines lines;
    uint64_t size = next_size(upload);
    bool streams = upload->method == UPLOAD_STREAMED;
    bool ranged = size > 0 && (upload->method == UPLOAD_CHUNKED || upload->acked > 0);
    request_begin_at(upload, "PATCH", upload->location);
    if (!window_seek(&upload->window, upload->acked)) {
        (void)fail(&upload->err, LPIPE_NETWORK,
                   "bytes that have to be sent again are not buffered any more");
        return UPLOAD_ERROR;
    }
    add_body(upload, &lines, size, ranged);
    upload->request.http.answer_timeout_ms =
        streams ? COMMIT_ANSWER_MS : CHUNK_ANSWER_MS + (uint32_t)(size / KIB);
    window_set_streaming(&upload->window, streams);
    int status = exchange_bytes(upload);
    window_set_streaming(&upload->window, false);
    upload->unacked = streams ? window_cursor(&upload->window) - upload->acked : size;
    upload->last_offset = UPLOAD_OFFSET_NONE;
    enum upload_event event = status != 0 ? failure_event(upload) : judge_patch(upload, size);
    event = judge_redirect(upload, event);
    request_end(upload);
    if (event == UPLOAD_OK) {
        upload->acked = streams ? window_size(&upload->window) : upload->acked + size;
        upload->unacked = 0;
    }
    return event;
}

enum upload_event upload_renew_token(struct upload *upload)
{
    return host_renew_token(upload->repository->host, &upload->request, &upload->response,
                            &upload->err) == 0
               ? UPLOAD_OK
               : UPLOAD_ERROR;
}

/* How many bytes the session has, by the registry's answer. */
static uint64_t answered_offset(struct upload *upload)
{
    char text[128];
    struct upload_range range = { .kind = RANGE_NONE };
    if (http_response_header(&upload->response, "range", 0, text, sizeof text) > 0) {
        range = upload_range_parse(text);
    }
    /* Most registries answer "0-0" for an empty session. One that refused a PATCH at offset 0 with
     * 416 does have one byte. */
    bool refused = upload->state == UPLOAD_QUERYING_OFFSET_AFTER_416 && upload->acked == 0;
    uint64_t offset = upload_range_offset(&range, refused ? 1 : upload->acked);
    return offset == UPLOAD_OFFSET_NONE && upload->acked == 0 ? 0 : offset;
}

/* Compares the session's offset with what was sent. When the last request had no answer, the
 * registry may still be reading its bytes: then the offset is used when two queries return the same
 * one. */
static enum upload_event judge_offset(struct upload *upload, uint64_t offset)
{
    uint64_t last = upload->acked + upload->unacked;
    bool is_stable = offset == upload->last_offset || upload->response.status != 0;
    bool inside = offset >= upload->acked && offset <= last &&
                  (offset > upload->acked || upload->state != UPLOAD_QUERYING_OFFSET_AFTER_416);
    bool all = offset == last;
    if (!all && !is_stable && offset != UPLOAD_OFFSET_NONE) {
        upload->last_offset = offset;
        return UPLOAD_OFFSET_UNSTABLE;
    }
    if (!inside || !window_seek(&upload->window, offset)) {
        return UPLOAD_OFFSET_INVALID;
    }
    upload->unacked -= offset - upload->acked;
    upload->acked = offset;
    return all ? UPLOAD_OFFSET_COMPLETE : UPLOAD_OFFSET_BEHIND;
}

enum upload_event upload_query_offset(struct upload *upload)
{
    bool is_session_check = upload->state == UPLOAD_CHECKING_SESSION;
    AUTO_FREE char *url = mem_strdup(upload->location);
    if (url == NULL) {
        (void)fail_memory(&upload->err);
        return UPLOAD_ERROR;
    }
    /* The machine still needs the answer and the error of the PATCH or PUT: they are put back
     * below. */
    struct http_response answer = upload->response;
    struct lpipe_error error = upload->err;
    struct host_request request = upload->request;
    upload->response = (struct http_response)HTTP_RESPONSE_INIT;
    AUTO_FREE char *answered = NULL;
    request_begin(upload, "GET", url);
    upload->request.follow = true;
    upload->request.ret_url = &answered;
    int status =
        host_send(upload->repository->host, &upload->request, &upload->response, &upload->err);
    upload->request = request;
    enum upload_event event = UPLOAD_REFUSED;
    if (status != 0) {
        event = upload->err.http_status != 0 ? UPLOAD_REFUSED : failure_event(upload);
    } else {
        event = upload_offset_event(upload->response.status);
    }
    upload->response.url = answered != NULL ? answered : url;
    if (event == UPLOAD_OK && take_location(upload, false) != 0) {
        event = UPLOAD_ERROR;
    }
    uint64_t offset = event == UPLOAD_OK ? answered_offset(upload) : UPLOAD_OFFSET_NONE;
    http_response_dispose(&upload->response);
    upload->response = answer;
    upload->request.http.url = upload->location;
    if (event != UPLOAD_ERROR) {
        upload->err = error;
    }
    if (event != UPLOAD_OK) {
        return event;
    }
    if (is_session_check) { /* no bytes of the PUT may be in the session */
        return offset == upload->acked ? UPLOAD_OFFSET_COMPLETE : UPLOAD_OFFSET_INVALID;
    }
    return judge_offset(upload, offset);
}

static char *commit_url(const struct upload *upload)
{
    const char *query = strchr(upload->location, '?');
    const char *joint = query == NULL ? "?" : query[1] == '\0' ? "" : "&";
    return mem_printf("%s%sdigest=%s", upload->location, joint, upload->digest);
}

/* The digest that the answer names. False when it names none, or one of another algorithm. */
static bool named_digest(const struct upload *upload, char ret_digest[DIGEST_TEXT_SIZE])
{
    return http_response_header(&upload->response, "docker-content-digest", 0, ret_digest,
                                DIGEST_TEXT_SIZE) > 0 &&
           digest_valid(ret_digest) && digest_alg_of(ret_digest) == digest_alg_of(upload->digest);
}

/* A registry that names another digest has other bytes. A blob that came in several requests may
 * have been put together wrongly, so that a 201 is no proof of it. A 201 of another origin says
 * nothing about the registry. */
static enum upload_event judge_commit(struct upload *upload)
{
    char digest[DIGEST_TEXT_SIZE];
    note_answer(upload, "committing a blob to");
    enum upload_event event = upload_commit_event(&upload->response, upload->err.registry_code);
    if (event != UPLOAD_OK) {
        return event;
    }
    bool named = named_digest(upload, digest);
    bool is_created = upload->response.status == 201 && upload->response.is_trusted;
    bool is_whole = upload->acked == 0 && upload->commits == 1;
    upload->commit_answer = !is_created         ? UPLOAD_COMMIT_2XX
                            : named && is_whole ? UPLOAD_COMMIT_STORED
                                                : UPLOAD_COMMIT_201;
    return named && strcmp(digest, upload->digest) != 0 ? UPLOAD_BLOB_MISMATCH : UPLOAD_OK;
}

enum upload_event upload_commit(struct upload *upload)
{
    struct header_lines lines;
    AUTO_FREE char *url = commit_url(upload);
    uint64_t size = window_size(&upload->window) - upload->acked;
    uint64_t start_ms = clock_ms();
    if (url == NULL) {
        (void)fail_memory(&upload->err);
        return UPLOAD_ERROR;
    }
    request_begin_at(upload, "PUT", url);
    if (!window_seek(&upload->window, upload->acked)) {
        (void)fail(&upload->err, LPIPE_NETWORK,
                   "bytes that have to be sent again are not buffered any more");
        return UPLOAD_ERROR;
    }
    if (size > 0) {
        add_body(upload, &lines, size, upload->acked > 0);
    } else {
        lines.line[0] = CONTENT_TYPE;
        upload->request.http.headers = lines.line;
        upload->request.http.header_count = 1;
    }
    upload->request.http.answer_timeout_ms = COMMIT_ANSWER_MS;
    upload->unacked = size;
    upload->commits++;
    int status = exchange_bytes(upload);
    upload->commit_was_slow = clock_ms() - start_ms > COMMIT_SLOW_MS;
    enum upload_event event = status != 0 ? failure_event(upload) : judge_commit(upload);
    event = judge_redirect(upload, event);
    request_end(upload);
    return event;
}

void upload_delete_session(struct upload *upload)
{
    AUTO_FREE char *url = TAKE(upload->location);
    if (url != NULL) {
        upload_session_delete(upload->repository, url, upload->untrusted_url);
    }
}
