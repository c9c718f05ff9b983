/* SPDX-License-Identifier: Apache-2.0 */
/* Runs an upload: carries out the actions of the upload machine, until it is DONE or FAILED. */
#include <inttypes.h>

#include "base/cancel.h"
#include "base/limits.h"
#include "base/mem.h"
#include "upload/upload_run.h"

/* The facts of the machine. */

/* Whether the bytes after the acknowledged ones are enough for a PATCH. */
static enum upload_next_patch next_patch_of(struct upload *upload)
{
    bool ended = window_has_ended(&upload->window); /* before the size: the size is final then */
    uint64_t left = window_size(&upload->window) - upload->acked;
    uint64_t chunk = upload->chunk_size.bytes;
    switch (upload->method) {
    case UPLOAD_SINGLE_PUT:
        return UPLOAD_PATCH_NONE;
    case UPLOAD_SINGLE_PATCH:
        return left > 0 ? UPLOAD_PATCH_READY : UPLOAD_PATCH_NONE;
    case UPLOAD_STREAMED:
        return left > 0 || !ended ? UPLOAD_PATCH_READY : UPLOAD_PATCH_NONE;
    case UPLOAD_CHUNKED:
    default:
        break;
    }
    if (upload->defaults->last == UPLOAD_LAST_IN_PUT) {
        return left > chunk ? UPLOAD_PATCH_READY : ended ? UPLOAD_PATCH_NONE : UPLOAD_PATCH_LATER;
    }
    return left >= chunk || (ended && left > 0) ? UPLOAD_PATCH_READY
           : ended                              ? UPLOAD_PATCH_NONE
                                                : UPLOAD_PATCH_LATER;
}

/* The method to try when this one is refused; the same = none. */
static enum upload_method other_method(const struct upload *upload)
{
    if (upload->method == UPLOAD_SINGLE_PUT) {
        return upload->mode == LPIPE_UPLOAD_MONOLITHIC ? UPLOAD_SINGLE_PUT : UPLOAD_SINGLE_PATCH;
    }
    bool may_change = upload->mode == LPIPE_UPLOAD_AUTO && upload->method_changes == 0 &&
                      upload->chunks_acked < 2 && upload->response.status != 403 &&
                      upload->method != UPLOAD_SINGLE_PATCH;
    enum upload_method other = upload->method == upload->defaults->start
                                   ? upload->defaults->fallback
                                   : upload->defaults->start;
    return may_change ? other : upload->method;
}

static unsigned commit_polls_max(const struct upload *upload)
{
    unsigned retries = upload->repository->context->settings.retry_count;
    return upload->commit_was_slow ? COMMIT_SLOW_POLL_FACTOR * retries : retries;
}

/* To send a small blob again takes hardly longer than the HEAD that would show that it is there. */
static enum upload_first_head first_head(struct upload *upload)
{
    bool small = window_size(&upload->window) <= UNASKED_BYTES_MAX;
    bool needed = upload->hint.presence == BLOB_MAY_EXIST ||
                  (upload->hint.presence == BLOB_LIKELY_NEW && !small);
    return needed ? UPLOAD_HEAD_NEEDED : UPLOAD_HEAD_NOT_NEEDED;
}

static struct upload_facts facts_of(struct upload *upload, enum upload_event event)
{
    bool may_run = upload->commit_was_slow && upload->commit_polls < commit_polls_max(upload);
    return (struct upload_facts){
        .method = upload->method,
        .next_patch = next_patch_of(upload),
        .body = upload->response.body_sent > 0 ? UPLOAD_BODY_SENT : UPLOAD_NO_BODY_SENT,
        .replay =
            window_holds(&upload->window, 0) ? UPLOAD_REPLAY_BUFFERED : UPLOAD_REPLAY_DISCARDED,
        .sessions = *upload->sessions_opened < SESSIONS_MAX ? UPLOAD_SESSIONS_LEFT
                                                            : UPLOAD_NO_SESSIONS_LEFT,
        .other_method =
            other_method(upload) != upload->method ? UPLOAD_METHOD_LEFT : UPLOAD_NO_METHOD_LEFT,
        .repetition = upload->event_counts[event] > 1 ? UPLOAD_REPEATED : UPLOAD_FIRST_TIME,
        .first_head = first_head(upload),
        .commit = may_run ? UPLOAD_COMMIT_MAY_STILL_RUN : UPLOAD_COMMIT_ENDED,
        .chunk_size = chunk_size_can_shrink(&upload->chunk_size) ? UPLOAD_SHRINKABLE_CHUNK
                                                                 : UPLOAD_SMALLEST_CHUNK,
        .commit_answer = upload->commit_answer,
        .unacked = window_holds(&upload->window, upload->acked) ? UPLOAD_UNACKED_BUFFERED
                                                                : UPLOAD_UNACKED_DISCARDED,
    };
}

/* Counts events for one request: a success resets the counts. The count of DIGEST_REFUSED stays,
 * because it is about the whole blob. A new token is not a success of the request itself. */
static void count_event(struct upload *upload, enum upload_event event)
{
    unsigned char digests_refused = upload->event_counts[UPLOAD_DIGEST_REFUSED];
    if (event == UPLOAD_OK && upload->state != UPLOAD_RENEWING_TOKEN &&
        upload->state != UPLOAD_RENEWING_TOKEN_FOR_COMMIT) {
        for (size_t i = 0; i < UPLOAD_EVENT_COUNT; i++) {
            upload->event_counts[i] = 0;
        }
        upload->event_counts[UPLOAD_DIGEST_REFUSED] = digests_refused;
    }
    upload->event_counts[event] += upload->event_counts[event] < UINT8_MAX;
}

/* Pauses and waits. */

/* How many bytes the writer has to deliver, from the blob's start, before the next request. */
static uint64_t bytes_wanted(const struct upload *upload)
{
    uint64_t chunk = upload->chunk_size.bytes;
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
        return upload->chunk_size.bytes;
    case UPLOAD_SINGLE_PUT:
    case UPLOAD_SINGLE_PATCH:
    default:
        return upload->window.spool_fd >= 0 ? UINT64_MAX : upload->window.held_max;
    }
}

/* A blob that has ended before the first request goes in one request. */
static void choose_single_method(struct upload *upload)
{
    bool small = window_size(&upload->window) <= SINGLE_BYTES_MAX;
    upload->method =
        small || upload->mode == LPIPE_UPLOAD_MONOLITHIC ? UPLOAD_SINGLE_PUT : UPLOAD_SINGLE_PATCH;
}

static enum upload_event wait_for_stream(struct upload *upload)
{
    uint64_t wanted = bytes_wanted(upload);
    window_await(&upload->window, wanted);
    if (window_is_abandoned(&upload->window)) {
        return UPLOAD_ABANDONED;
    }
    if (window_size(&upload->window) >= wanted) {
        return UPLOAD_BYTES_READY;
    }
    if (upload->state == UPLOAD_BUFFERING) {
        choose_single_method(upload);
    }
    return UPLOAD_STREAM_ENDED;
}

/* The event after window_sleep() returned false. */
static enum upload_event sleep_ended_early(struct upload *upload)
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
               : sleep_ended_early(upload);
}

/* Waits before the next HEAD of the blob. After a slow PUT there are more and longer waits, because
 * some registries copy a large blob before they answer. */
static enum upload_event wait_for_commit(struct upload *upload)
{
    static const uint32_t delays_ms[] = { COMMIT_POLL_DELAYS_MS };
    static const uint32_t slow_delays_ms[] = { COMMIT_SLOW_POLL_DELAYS_MS };
    unsigned poll = upload->commit_polls++;
    if (poll >= commit_polls_max(upload)) {
        return UPLOAD_EXHAUSTED;
    }
    uint32_t ms = upload->commit_was_slow
                      ? slow_delays_ms[MIN_OF(poll, ARRAY_LEN(slow_delays_ms) - 1)]
                      : delays_ms[MIN_OF(poll, ARRAY_LEN(delays_ms) - 1)];
    return window_sleep(&upload->window, ms, upload->repository->context->cancel)
               ? UPLOAD_OK
               : sleep_ended_early(upload);
}

static enum upload_event pause_before(struct upload *upload, enum upload_pause pause)
{
    switch (pause) {
    case UPLOAD_BACK_OFF:
        return back_off(upload);
    case UPLOAD_WAIT_FOR_COMMIT:
        return wait_for_commit(upload);
    case UPLOAD_WAIT_FOR_OFFSET:
        return ++upload->offset_queries > OFFSET_QUERIES_MAX ? UPLOAD_EXHAUSTED
               : window_sleep(&upload->window, OFFSET_QUERY_DELAY_MS,
                              upload->repository->context->cancel)
                   ? UPLOAD_OK
                   : sleep_ended_early(upload);
    case UPLOAD_NO_PAUSE:
    case UPLOAD_PAUSE_COUNT:
    default:
        return UPLOAD_OK;
    }
}

/* Actions. */

/* A broken stream continues in chunks, because only their Content-Range names the offset. */
static void resume_in_chunks(struct upload *upload)
{
    if (upload->method == UPLOAD_STREAMED) {
        upload->method = UPLOAD_CHUNKED;
        upload->resumed_in_chunks = true;
        upload->chunk_size.bytes = CHUNK_BYTES_MIN;
    }
}

/* Drops acknowledged bytes from the window. The first two chunks are kept while another method may
 * have to send them again. A resumed stream keeps nothing: its window only has space for the next
 * chunk. */
static void note_progress(struct upload *upload)
{
    bool may_change_method = !upload->resumed_in_chunks && upload->chunks_acked < 2 &&
                             other_method(upload) != upload->method;
    if (!may_change_method && upload->method != UPLOAD_STREAMED) {
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
    /* Also at offset 0, which many registries report as they report one byte: the Content-Range of
     * the next chunk shows which of the two it is. */
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

static enum upload_event delete_session(struct upload *upload)
{
    upload_delete_session(upload);
    upload->acked = upload->unacked = 0;
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
        chunk_size_shrink(
            &upload->chunk_size,
            chunk_size_limit_in_text(upload->response.body.data, upload->response.body.size));
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
        return delete_session(upload);
    case UPLOAD_ACT_DELETE_SESSION:
        return delete_session(upload);
    case UPLOAD_ACT_NOTHING:
    case UPLOAD_ACT_COUNT:
    default:
        return UPLOAD_ERROR;
    }
}

/* The blob was found before any of its bytes were sent. */
static void note_existing(const struct upload *upload, enum upload_event event)
{
    bool was_sent = upload->state == UPLOAD_VERIFYING_BLOB;
    if (event == UPLOAD_BLOB_FOUND && !was_sent && upload->hint.existed != NULL) {
        *upload->hint.existed = true;
    }
}

/* One step of the machine, with its pause and its action. Returns the next event. */
static enum upload_event step(struct upload *upload, enum upload_event event)
{
    count_event(upload, event);
    struct upload_facts facts = facts_of(upload, event);
    struct upload_action action = upload_step(upload->state, event, &facts);
    if (action.next == UPLOAD_STATE_COUNT) {
        (void)fail(&upload->err, LPIPE_PROTOCOL,
                   "internal error: event \"%s\" in upload state \"%s\"", upload_event_name(event),
                   upload_state_name(upload->state));
        action = (struct upload_action){ UPLOAD_FAILED, UPLOAD_ACT_NOTHING, UPLOAD_NO_PAUSE,
                                         UPLOAD_NO_CAUSE };
    }
    if (action.cause != UPLOAD_NO_CAUSE) {
        upload_set_error(upload, action.cause);
    }
    note_existing(upload, event);
    upload_announce(upload, action.next);
    upload->state = action.next;
    if (action.act == UPLOAD_ACT_NOTHING) {
        return event;
    }
    event = pause_before(upload, action.pause);
    /* The commit has succeeded, so no session is left to delete; and the writer does not wait for
     * the check any more. */
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
    window_close(&upload->window);
}
