/* SPDX-License-Identifier: Apache-2.0 */
/* Runs an upload: does what the state machine decides, until it is done or has failed. */
#include <inttypes.h>

#include "base/cancel.h"
#include "base/limits.h"
#include "base/mem.h"
#include "upload/upload_run.h"

/* The facts that the state machine decides by. */

/* Whether the bytes after acked are enough for a request. */
static enum upload_rest rest_of(struct upload *upload)
{
    /* Asked before the size: then the size includes everything before the end. */
    bool ended = window_has_ended(&upload->window);
    uint64_t left = window_size(&upload->window) - upload->acked;
    uint64_t chunk = upload->size.bytes;
    switch (upload->method) {
    case UPLOAD_SINGLE_PUT:
        return UPLOAD_REST_NONE;
    case UPLOAD_SINGLE_PATCH:
        return left > 0 ? UPLOAD_REST_READY : UPLOAD_REST_NONE;
    case UPLOAD_STREAMED:
        return left > 0 || !ended ? UPLOAD_REST_READY : UPLOAD_REST_NONE;
    case UPLOAD_CHUNKED:
    default:
        break;
    }
    if (upload->defaults->last == UPLOAD_LAST_IN_PUT) {
        return left > chunk ? UPLOAD_REST_READY : ended ? UPLOAD_REST_NONE : UPLOAD_REST_LATER;
    }
    return left >= chunk || (ended && left > 0) ? UPLOAD_REST_READY
           : ended                              ? UPLOAD_REST_NONE
                                                : UPLOAD_REST_LATER;
}

/* The upload method to try after this one; the same method = there is none. */
static enum upload_method other_method(const struct upload *upload)
{
    if (upload->method == UPLOAD_SINGLE_PUT) {
        return upload->mode == LPIPE_UPLOAD_MONOLITHIC ? UPLOAD_SINGLE_PUT : UPLOAD_SINGLE_PATCH;
    }
    bool may = upload->mode == LPIPE_UPLOAD_AUTO && upload->method_changes == 0 &&
               upload->chunks < 2 && upload->response.status != 403 &&
               upload->method != UPLOAD_SINGLE_PATCH;
    enum upload_method other = upload->method == upload->defaults->start
                                   ? upload->defaults->fall_back
                                   : upload->defaults->start;
    return may ? other : upload->method;
}

static struct upload_facts facts_of(struct upload *upload, enum upload_event event)
{
    bool slow = upload->commit_slow &&
                upload->commit_checks < 3 * upload->repository->context->settings.retry_count;
    return (struct upload_facts){
        .method = upload->method,
        .rest = rest_of(upload),
        .body = upload->response.body_sent > 0 ? UPLOAD_BODY_SENT : UPLOAD_NO_BODY_SENT,
        .replay =
            window_holds(&upload->window, 0) ? UPLOAD_REPLAY_BUFFERED : UPLOAD_REPLAY_DISCARDED,
        .sessions =
            *upload->sessions < SESSIONS_MAX ? UPLOAD_SESSIONS_LEFT : UPLOAD_NO_SESSIONS_LEFT,
        .other_method =
            other_method(upload) != upload->method ? UPLOAD_METHOD_LEFT : UPLOAD_NO_METHOD_LEFT,
        .times = upload->event_counts[event] > 1 ? UPLOAD_AGAIN : UPLOAD_FIRST,
        .digest = upload->hint.known != NULL ? UPLOAD_DIGEST_CHECKED : UPLOAD_DIGEST_NEW,
        .commit = slow ? UPLOAD_COMMIT_AT_WORK : UPLOAD_COMMIT_OVER,
        .size = upload_size_can_shrink(&upload->size) ? UPLOAD_SHRINKABLE : UPLOAD_SMALLEST,
        .commit_answer = upload->got_201 ? UPLOAD_GOT_201 : UPLOAD_NO_201,
    };
}

/* Counts events since the last successful request. A refused digest is counted for the whole blob. */
static void count_event(struct upload *upload, enum upload_event event)
{
    unsigned char refused_digests = upload->event_counts[UPLOAD_DIGEST_REFUSED];
    if (event == UPLOAD_OK && upload->state != UPLOAD_RENEWING_TOKEN &&
        upload->state != UPLOAD_RENEWING_TOKEN_FOR_COMMIT) {
        for (size_t i = 0; i < UPLOAD_EVENT_COUNT; i++) {
            upload->event_counts[i] = 0;
        }
        upload->event_counts[UPLOAD_DIGEST_REFUSED] = refused_digests;
    }
    upload->event_counts[event] += upload->event_counts[event] < UINT8_MAX;
}

/* The waits. */

/* The next request can be sent when the stream has this many bytes. */
static uint64_t wanted_of(const struct upload *upload)
{
    uint64_t chunk = upload->size.bytes;
    if (upload->state != UPLOAD_BUFFERING) {
        return upload->acked + chunk + (upload->defaults->last == UPLOAD_LAST_IN_PUT);
    }
    return upload_first_bytes(upload);
}

uint64_t upload_first_bytes(const struct upload *upload)
{
    switch (upload->method) {
    case UPLOAD_STREAMED:
        return STREAM_AHEAD_BYTES;
    case UPLOAD_CHUNKED:
        return upload->size.bytes;
    case UPLOAD_SINGLE_PUT:
    case UPLOAD_SINGLE_PATCH:
    default:
        return upload->window.spool >= 0 ? UINT64_MAX : upload->window.held_max;
    }
}

/* A blob that ends before the first request is sent in one request. */
static void choose_single(struct upload *upload)
{
    bool small = window_size(&upload->window) <= SINGLE_BYTES_MAX;
    upload->method =
        small || upload->mode == LPIPE_UPLOAD_MONOLITHIC ? UPLOAD_SINGLE_PUT : UPLOAD_SINGLE_PATCH;
}

static enum upload_event wait_for_stream(struct upload *upload)
{
    uint64_t wanted = wanted_of(upload);
    window_await(&upload->window, wanted);
    if (window_is_abandoned(&upload->window)) {
        return UPLOAD_ABANDONED;
    }
    if (window_size(&upload->window) >= wanted) {
        return UPLOAD_FILLED;
    }
    if (upload->state == UPLOAD_BUFFERING) {
        choose_single(upload);
    }
    return UPLOAD_ENDED;
}

static enum upload_event cancelled(struct upload *upload)
{
    if (!window_is_abandoned(&upload->window)) {
        (void)fail_cancelled(&upload->err);
    }
    return UPLOAD_ERROR;
}

static enum upload_event back_off(struct upload *upload)
{
    uint64_t ms = 0;
    const struct http_response *answer = upload->response.status != 0 ? &upload->response : NULL;
    if (retry_next(&upload->retry, answer, &ms, &upload->err) != 0) {
        return UPLOAD_EXHAUSTED;
    }
    return window_sleep(&upload->window, ms, upload->repository->context->cancel)
               ? UPLOAD_OK
               : cancelled(upload);
}

/* Waits before the result of a commit is checked again: about 30 s in all if the PUT was answered
 * quickly, up to 5 minutes if it took long (the registry may be copying gigabytes). */
static enum upload_event wait_for_commit(struct upload *upload)
{
    static const unsigned soon_s[] = COMMIT_CHECK_WAITS_S;
    static const unsigned late_s[] = SLOW_COMMIT_CHECK_WAITS_S;
    unsigned retries = upload->repository->context->settings.retry_count;
    unsigned check = upload->commit_checks++;
    if (check >= (upload->commit_slow ? 3 * retries : retries)) {
        return UPLOAD_EXHAUSTED;
    }
    unsigned seconds = upload->commit_slow ? late_s[MIN_OF(check, ARRAY_LEN(late_s) - 1)]
                                           : soon_s[MIN_OF(check, ARRAY_LEN(soon_s) - 1)];
    return window_sleep(&upload->window, (uint64_t)seconds * 1000,
                        upload->repository->context->cancel)
               ? UPLOAD_OK
               : cancelled(upload);
}

static enum upload_event pause_before(struct upload *upload, enum upload_pause pause)
{
    switch (pause) {
    case UPLOAD_BACK_OFF:
        return back_off(upload);
    case UPLOAD_POLL:
        return wait_for_commit(upload);
    case UPLOAD_WAIT_FOR_OFFSET:
        return ++upload->offset_waits > OFFSET_WAITS_MAX ? UPLOAD_EXHAUSTED
               : window_sleep(&upload->window, OFFSET_SETTLE_MS,
                              upload->repository->context->cancel)
                   ? UPLOAD_OK
                   : cancelled(upload);
    case UPLOAD_NO_PAUSE:
    case UPLOAD_PAUSE_COUNT:
    default:
        return UPLOAD_OK;
    }
}

/* The actions. */

/* A resumed stream continues in chunks, because only a chunk carries its offset (Content-Range). */
static void resume_in_chunks(struct upload *upload)
{
    if (upload->method == UPLOAD_STREAMED) {
        upload->method = UPLOAD_CHUNKED;
        upload->resumed = true;
        upload->size.bytes = CHUNK_BYTES_MIN;
    }
}

/* Discards acknowledged bytes. The first two chunks are kept while the upload method may still change,
 * because the other method starts from the beginning. A resumed stream keeps the next chunk only. */
static void note_progress(struct upload *upload)
{
    bool probing = !upload->resumed && upload->chunks < 2 && other_method(upload) != upload->method;
    if (!probing && upload->method != UPLOAD_STREAMED) {
        window_release(&upload->window, upload->acked);
    }
    if (upload->hint.acked != NULL) {
        upload->hint.acked(upload->hint.user, upload->acked);
    }
    retry_progress(&upload->retry);
}

static enum upload_event send_bytes(struct upload *upload)
{
    enum upload_event event = upload_send_chunk(upload);
    if (event == UPLOAD_OK) {
        note_progress(upload);
    }
    return event;
}

static enum upload_event query_offset(struct upload *upload)
{
    uint64_t before = upload->acked;
    enum upload_event event = upload_query_offset(upload);
    /* Also when the offset is 0, because many registries report an empty session and a session of one
     * byte alike. A chunk carries its offset, so the registry will refuse it if the offset is wrong. */
    if (upload->acked > before || event == UPLOAD_OFFSET_BEHIND) {
        resume_in_chunks(upload);
    }
    if (upload->acked > before) {
        note_progress(upload);
    }
    return event;
}

static enum upload_event commit(struct upload *upload)
{
    enum upload_event event = upload_commit(upload);
    if (event == UPLOAD_OK) {
        retry_progress(&upload->retry);
    }
    return event;
}

static enum upload_event close_session(struct upload *upload)
{
    upload_delete_session(upload);
    upload->acked = upload->sent = 0;
    return UPLOAD_OK;
}

static enum upload_event perform(struct upload *upload, enum upload_act act)
{
    switch (act) {
    case UPLOAD_ACT_WAIT:
        return wait_for_stream(upload);
    case UPLOAD_ACT_HEAD_BLOB:
        return upload_head_blob(upload);
    case UPLOAD_ACT_OPEN_SESSION:
        return upload_open_session(upload);
    case UPLOAD_ACT_SEND_SMALLER:
        upload_size_shrink(&upload->size, upload_size_limit_named(upload->response.body.data,
                                                                  upload->response.body.size));
        return send_bytes(upload);
    case UPLOAD_ACT_SEND_WITHOUT_EXPECT:
        upload->expect = false;
        return send_bytes(upload);
    case UPLOAD_ACT_SEND:
        return send_bytes(upload);
    case UPLOAD_ACT_RENEW_TOKEN:
        return upload_renew_token(upload);
    case UPLOAD_ACT_QUERY_OFFSET:
        return query_offset(upload);
    case UPLOAD_ACT_COMMIT_WITHOUT_EXPECT:
        upload->expect = false;
        return commit(upload);
    case UPLOAD_ACT_COMMIT:
        return commit(upload);
    case UPLOAD_ACT_CHANGE_METHOD:
        upload->method = other_method(upload);
        upload->method_changes++;
        return close_session(upload);
    case UPLOAD_ACT_DELETE_SESSION:
        return close_session(upload);
    case UPLOAD_ACT_NOTHING:
    case UPLOAD_ACT_COUNT:
    default:
        return UPLOAD_ERROR;
    }
}

/* One step: decides and acts. Returns the event that followed. */
static enum upload_event step(struct upload *upload, enum upload_event event)
{
    count_event(upload, event);
    struct upload_facts facts = facts_of(upload, event);
    struct upload_action action = upload_step(upload->state, event, &facts);
    if (action.next == UPLOAD_STATE_COUNT) {
        (void)fail(&upload->err, LPIPE_PROTOCOL,
                   "internal error: the upload has no rule for \"%s\" in state \"%s\"",
                   upload_event_name(event), upload_state_name(upload->state));
        action = (struct upload_action){ UPLOAD_FAILED, UPLOAD_ACT_NOTHING, UPLOAD_NO_PAUSE,
                                         UPLOAD_NO_CAUSE };
    }
    if (action.cause != UPLOAD_NO_CAUSE) {
        upload_set_error(upload, action.cause);
    }
    upload_announce(upload, action.next);
    upload->state = action.next;
    if (action.act == UPLOAD_ACT_NOTHING) {
        return event;
    }
    event = pause_before(upload, action.pause);
    /* After a successful commit there is no session to delete, and an abandoned blob needs no check. */
    bool abandoned = window_is_abandoned(&upload->window);
    if (abandoned && upload->state == UPLOAD_VERIFYING_BLOB) {
        return UPLOAD_ABANDONED;
    }
    event = event == UPLOAD_OK ? perform(upload, action.act) : event;
    bool committed = upload->state == UPLOAD_COMMITTING && event == UPLOAD_OK;
    return window_is_abandoned(&upload->window) && !committed ? UPLOAD_ABANDONED : event;
}

void upload_run(struct upload *upload)
{
    enum upload_event event = wait_for_stream(upload);
    while (upload->state != UPLOAD_DONE && upload->state != UPLOAD_FAILED) {
        event = step(upload, event);
    }
    http_response_dispose(&upload->response);
    if (upload->state == UPLOAD_FAILED && upload->err.status == 0) {
        (void)fail(&upload->err, LPIPE_ABORTED, "the upload was abandoned");
    }
    upload->status = upload->state == UPLOAD_DONE ? 0 : upload->err.status;
    if (upload->status == 0 && upload->hint.acked != NULL) {
        upload->hint.acked(upload->hint.user, window_size(&upload->window));
    }
    window_fail(&upload->window);
}
