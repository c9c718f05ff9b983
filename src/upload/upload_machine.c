/* SPDX-License-Identifier: Apache-2.0 */
#include "upload/upload_machine.h"

#include "base/macros.h"

/* The condition of a rule, about struct upload_facts. */
enum upload_condition {
    ALWAYS = 0,
    NO_HEAD,
    SINGLE_PUT,
    PATCH_READY,
    PATCH_LATER,
    NO_BODY_SENT,
    RESENDABLE,
    FIRST_TIME,
    SHRINKABLE,
    METHOD_LEFT,
    REPLAYABLE,
    REPLAYABLE_FIRST_TIME,
    REPLAYABLE_SINGLE,
    COMMIT_ENDED,
    STORED,
    GOT_201,
    CONDITION_COUNT
};

static const char *const condition_names[CONDITION_COUNT] = {
    [ALWAYS] = "",
    [NO_HEAD] = "no HEAD is needed",
    [SINGLE_PUT] = "the method is one PUT",
    [PATCH_READY] = "the next PATCH can be sent",
    [PATCH_LATER] = "the next PATCH needs more bytes",
    [NO_BODY_SENT] = "no body byte was sent",
    [RESENDABLE] = "the bytes of the request are buffered",
    [FIRST_TIME] = "first time",
    [SHRINKABLE] = "a smaller chunk is possible",
    [METHOD_LEFT] = "all bytes are buffered, another method is left",
    [REPLAYABLE] = "all bytes are buffered, a session is left",
    [REPLAYABLE_FIRST_TIME] = "all bytes are buffered, a session is left, first time",
    [REPLAYABLE_SINGLE] = "one PUT or one PATCH, all bytes are buffered, a session is left",
    [COMMIT_ENDED] = "the registry is not working on the PUT",
    [STORED] = "the PUT had all bytes, its 201 names the digest",
    [GOT_201] = "the PUT was answered with 201",
};

static const char *const state_names[UPLOAD_STATE_COUNT] = {
    [UPLOAD_BUFFERING] = "buffering",
    [UPLOAD_CHECKING_BLOB] = "checking blob",
    [UPLOAD_OPENING] = "opening session",
    [UPLOAD_SENDING] = "sending",
    [UPLOAD_RENEWING_TOKEN] = "renewing token",
    [UPLOAD_QUERYING_OFFSET] = "querying offset",
    [UPLOAD_QUERYING_OFFSET_AFTER_416] = "querying offset after 416",
    [UPLOAD_WAITING] = "waiting",
    [UPLOAD_COMMITTING] = "committing",
    [UPLOAD_RENEWING_TOKEN_FOR_COMMIT] = "renewing token for commit",
    [UPLOAD_CHECKING_BLOB_AFTER_ERROR] = "checking blob after error",
    [UPLOAD_CHECKING_SESSION] = "checking session",
    [UPLOAD_VERIFYING_BLOB] = "verifying blob",
    [UPLOAD_CHANGING_METHOD] = "changing method",
    [UPLOAD_RESTARTING] = "restarting",
    [UPLOAD_DELETING_SESSION] = "deleting session",
    [UPLOAD_DONE] = "done",
    [UPLOAD_FAILED] = "failed",
};

static const char *const event_names[UPLOAD_EVENT_COUNT] = {
    [UPLOAD_BYTES_READY] = "bytes ready",
    [UPLOAD_STREAM_ENDED] = "stream ended",
    [UPLOAD_ABANDONED] = "abandoned",
    [UPLOAD_OK] = "ok",
    [UPLOAD_NO_ANSWER] = "no answer",
    [UPLOAD_RETRY_LATER] = "retry later",
    [UPLOAD_HTTP_401] = "401",
    [UPLOAD_GONE] = "404 or 410",
    [UPLOAD_REFUSED] = "refused",
    [UPLOAD_ERROR] = "error",
    [UPLOAD_EXHAUSTED] = "attempts exhausted",
    [UPLOAD_REDIRECTED] = "307 or 308",
    [UPLOAD_PARTLY_ACCEPTED] = "partly accepted",
    [UPLOAD_HTTP_416] = "416",
    [UPLOAD_HTTP_413] = "413",
    [UPLOAD_HTTP_411] = "411",
    [UPLOAD_HTTP_417] = "417",
    [UPLOAD_DIGEST_REFUSED] = "digest refused",
    [UPLOAD_OFFSET_COMPLETE] = "offset complete",
    [UPLOAD_OFFSET_BEHIND] = "offset behind",
    [UPLOAD_OFFSET_INVALID] = "offset invalid",
    [UPLOAD_OFFSET_UNSTABLE] = "offset unstable",
    [UPLOAD_BLOB_FOUND] = "blob found",
    [UPLOAD_BLOB_MISSING] = "blob missing",
    [UPLOAD_BLOB_MISMATCH] = "blob mismatch",
    [UPLOAD_BLOB_CHECK_FAILED] = "blob check failed",
};

static const char *const act_names[UPLOAD_ACT_COUNT] = {
    [UPLOAD_ACT_NOTHING] = "",
    [UPLOAD_ACT_WAIT] = "wait for the stream",
    [UPLOAD_ACT_HEAD_BLOB] = "HEAD blob",
    [UPLOAD_ACT_OPEN_SESSION] = "POST",
    [UPLOAD_ACT_SEND] = "PATCH",
    [UPLOAD_ACT_SEND_SMALLER] = "smaller PATCH",
    [UPLOAD_ACT_SEND_WITHOUT_EXPECT] = "PATCH without Expect",
    [UPLOAD_ACT_RENEW_TOKEN] = "renew token",
    [UPLOAD_ACT_QUERY_OFFSET] = "GET session",
    [UPLOAD_ACT_COMMIT] = "PUT",
    [UPLOAD_ACT_COMMIT_WITHOUT_EXPECT] = "PUT without Expect",
    [UPLOAD_ACT_DELETE_SESSION] = "DELETE session",
    [UPLOAD_ACT_CHANGE_METHOD] = "DELETE session, other method",
};

static const char *const pause_names[UPLOAD_PAUSE_COUNT] = {
    [UPLOAD_NO_PAUSE] = "",
    [UPLOAD_BACK_OFF] = "back off",
    [UPLOAD_WAIT_FOR_OFFSET] = "wait for the offset",
    [UPLOAD_WAIT_FOR_COMMIT] = "wait for the commit",
};

static const char *const cause_names[UPLOAD_CAUSE_COUNT] = {
    [UPLOAD_NO_CAUSE] = "",
    [UPLOAD_LAST_ERROR] = "last error",
    [UPLOAD_SESSION_LOST] = "session lost",
    [UPLOAD_CONTENT_MISMATCH] = "content mismatch",
    [UPLOAD_COMMIT_UNCONFIRMED] = "commit unconfirmed",
    [UPLOAD_BLOB_MISSING_AFTER_COMMIT] = "blob missing after commit",
    [UPLOAD_TOO_LARGE_FOR_ONE_REQUEST] = "too large for one request",
};

struct rule {
    enum upload_state state;
    enum upload_event event;
    enum upload_condition condition;
    struct upload_action action;
};

/* Rows of the table. GO: an action and the next state. WAIT: the same, after a pause.
 * DELETE_AND_FAIL: the session is deleted, then the upload fails. FAIL: there is no session to
 * delete. */
#define GO(state, event, condition, next, act)                                                     \
    {                                                                                              \
        UPLOAD_##state, UPLOAD_##event, condition,                                                 \
        {                                                                                          \
            UPLOAD_##next, UPLOAD_ACT_##act, UPLOAD_NO_PAUSE, UPLOAD_NO_CAUSE                      \
        }                                                                                          \
    }
#define WAIT(state, event, condition, next, act, pause)                                            \
    {                                                                                              \
        UPLOAD_##state, UPLOAD_##event, condition,                                                 \
        {                                                                                          \
            UPLOAD_##next, UPLOAD_ACT_##act, UPLOAD_##pause, UPLOAD_NO_CAUSE                       \
        }                                                                                          \
    }
#define DELETE_AND_FAIL(state, event, condition, cause)                                            \
    {                                                                                              \
        UPLOAD_##state, UPLOAD_##event, condition,                                                 \
        {                                                                                          \
            UPLOAD_DELETING_SESSION, UPLOAD_ACT_DELETE_SESSION, UPLOAD_NO_PAUSE, UPLOAD_##cause    \
        }                                                                                          \
    }
#define FAIL(state, event, condition, cause)                                                       \
    {                                                                                              \
        UPLOAD_##state, UPLOAD_##event, condition,                                                 \
        {                                                                                          \
            UPLOAD_FAILED, UPLOAD_ACT_NOTHING, UPLOAD_NO_PAUSE, UPLOAD_##cause                     \
        }                                                                                          \
    }
/* All bytes that were sent are acknowledged: send the next ones, wait for them, or commit. */
#define SEND_NEXT_OR_COMMIT(state, event)                                                          \
    GO(state, event, PATCH_READY, SENDING, SEND), GO(state, event, PATCH_LATER, WAITING, WAIT),    \
        GO(state, event, ALWAYS, COMMITTING, COMMIT)
/* The session is lost. */
#define RESTART_OR_FAIL(state, event)                                                              \
    GO(state, event, REPLAYABLE, RESTARTING, DELETE_SESSION),                                      \
        DELETE_AND_FAIL(state, event, ALWAYS, SESSION_LOST)
/* The registry does not accept this upload method. */
#define CHANGE_METHOD_OR_FAIL(state, event)                                                        \
    GO(state, event, METHOD_LEFT, CHANGING_METHOD, CHANGE_METHOD),                                 \
        DELETE_AND_FAIL(state, event, ALWAYS, LAST_ERROR)

/* The PATCH got a 416, and GET of the session gave no usable offset. Another method is tried;
 * without one, the PATCH is sent once more, then the session counts as lost. */
#define RETRY_ONCE_OR_RESTART(state, event)                                                        \
    GO(state, event, METHOD_LEFT, CHANGING_METHOD, CHANGE_METHOD),                                 \
        WAIT(state, event, FIRST_TIME, SENDING, SEND, BACK_OFF), RESTART_OR_FAIL(state, event)

/* The first row with this state, this event and a true condition applies. */
static const struct rule rules[] = {
    FAIL(BUFFERING, BYTES_READY, SINGLE_PUT, TOO_LARGE_FOR_ONE_REQUEST),
    GO(BUFFERING, BYTES_READY, ALWAYS, OPENING, OPEN_SESSION),
    GO(BUFFERING, STREAM_ENDED, NO_HEAD, OPENING, OPEN_SESSION),
    GO(BUFFERING, STREAM_ENDED, ALWAYS, CHECKING_BLOB, HEAD_BLOB),
    FAIL(BUFFERING, ABANDONED, ALWAYS, LAST_ERROR),

    GO(CHECKING_BLOB, BLOB_FOUND, ALWAYS, DONE, NOTHING),
    GO(CHECKING_BLOB, BLOB_MISSING, ALWAYS, OPENING, OPEN_SESSION),
    GO(CHECKING_BLOB, BLOB_CHECK_FAILED, ALWAYS, OPENING, OPEN_SESSION),
    FAIL(CHECKING_BLOB, BLOB_MISMATCH, ALWAYS, CONTENT_MISMATCH),
    FAIL(CHECKING_BLOB, ERROR, ALWAYS, LAST_ERROR),
    FAIL(CHECKING_BLOB, ABANDONED, ALWAYS, LAST_ERROR),

    SEND_NEXT_OR_COMMIT(OPENING, OK),
    WAIT(OPENING, NO_ANSWER, ALWAYS, OPENING, OPEN_SESSION, BACK_OFF),
    WAIT(OPENING, RETRY_LATER, ALWAYS, OPENING, OPEN_SESSION, BACK_OFF),
    FAIL(OPENING, GONE, ALWAYS, LAST_ERROR),
    FAIL(OPENING, REFUSED, ALWAYS, LAST_ERROR),
    FAIL(OPENING, ERROR, ALWAYS, LAST_ERROR),
    FAIL(OPENING, EXHAUSTED, ALWAYS, LAST_ERROR),
    DELETE_AND_FAIL(OPENING, ABANDONED, ALWAYS, LAST_ERROR),

    SEND_NEXT_OR_COMMIT(SENDING, OK),
    GO(SENDING, REDIRECTED, RESENDABLE, SENDING, SEND),
    CHANGE_METHOD_OR_FAIL(SENDING, REDIRECTED),
    GO(SENDING, PARTLY_ACCEPTED, FIRST_TIME, QUERYING_OFFSET, QUERY_OFFSET),
    WAIT(SENDING, PARTLY_ACCEPTED, ALWAYS, QUERYING_OFFSET, QUERY_OFFSET, BACK_OFF),
    WAIT(SENDING, NO_ANSWER, NO_BODY_SENT, SENDING, SEND, BACK_OFF),
    WAIT(SENDING, NO_ANSWER, ALWAYS, QUERYING_OFFSET, QUERY_OFFSET, BACK_OFF),
    WAIT(SENDING, RETRY_LATER, NO_BODY_SENT, SENDING, SEND, BACK_OFF),
    WAIT(SENDING, RETRY_LATER, ALWAYS, QUERYING_OFFSET, QUERY_OFFSET, BACK_OFF),
    GO(SENDING, HTTP_401, FIRST_TIME, RENEWING_TOKEN, RENEW_TOKEN),
    DELETE_AND_FAIL(SENDING, HTTP_401, ALWAYS, LAST_ERROR),
    GO(SENDING, HTTP_417, FIRST_TIME, SENDING, SEND_WITHOUT_EXPECT),
    CHANGE_METHOD_OR_FAIL(SENDING, HTTP_417),
    GO(SENDING, HTTP_413, SHRINKABLE, SENDING, SEND_SMALLER),
    CHANGE_METHOD_OR_FAIL(SENDING, HTTP_413),
    CHANGE_METHOD_OR_FAIL(SENDING, HTTP_411),
    CHANGE_METHOD_OR_FAIL(SENDING, REFUSED),
    GO(SENDING, HTTP_416, ALWAYS, QUERYING_OFFSET_AFTER_416, QUERY_OFFSET),
    GO(SENDING, GONE, METHOD_LEFT, CHANGING_METHOD, CHANGE_METHOD),
    RESTART_OR_FAIL(SENDING, GONE),
    DELETE_AND_FAIL(SENDING, ERROR, ALWAYS, LAST_ERROR),
    DELETE_AND_FAIL(SENDING, EXHAUSTED, ALWAYS, LAST_ERROR),
    DELETE_AND_FAIL(SENDING, ABANDONED, ALWAYS, LAST_ERROR),

    GO(RENEWING_TOKEN, OK, NO_BODY_SENT, SENDING, SEND),
    GO(RENEWING_TOKEN, OK, ALWAYS, QUERYING_OFFSET, QUERY_OFFSET),
    DELETE_AND_FAIL(RENEWING_TOKEN, ERROR, ALWAYS, LAST_ERROR),
    DELETE_AND_FAIL(RENEWING_TOKEN, ABANDONED, ALWAYS, LAST_ERROR),

    SEND_NEXT_OR_COMMIT(QUERYING_OFFSET, OFFSET_COMPLETE),
    GO(QUERYING_OFFSET, OFFSET_BEHIND, ALWAYS, SENDING, SEND),
    WAIT(QUERYING_OFFSET, OFFSET_UNSTABLE, ALWAYS, QUERYING_OFFSET, QUERY_OFFSET, WAIT_FOR_OFFSET),
    WAIT(QUERYING_OFFSET, NO_ANSWER, ALWAYS, QUERYING_OFFSET, QUERY_OFFSET, BACK_OFF),
    WAIT(QUERYING_OFFSET, RETRY_LATER, ALWAYS, QUERYING_OFFSET, QUERY_OFFSET, BACK_OFF),
    RESTART_OR_FAIL(QUERYING_OFFSET, OFFSET_INVALID),
    RESTART_OR_FAIL(QUERYING_OFFSET, GONE),
    RESTART_OR_FAIL(QUERYING_OFFSET, REFUSED),
    DELETE_AND_FAIL(QUERYING_OFFSET, EXHAUSTED, ALWAYS, LAST_ERROR),
    DELETE_AND_FAIL(QUERYING_OFFSET, ERROR, ALWAYS, LAST_ERROR),
    DELETE_AND_FAIL(QUERYING_OFFSET, ABANDONED, ALWAYS, LAST_ERROR),

    SEND_NEXT_OR_COMMIT(QUERYING_OFFSET_AFTER_416, OFFSET_COMPLETE),
    GO(QUERYING_OFFSET_AFTER_416, OFFSET_BEHIND, ALWAYS, SENDING, SEND),
    WAIT(QUERYING_OFFSET_AFTER_416, NO_ANSWER, ALWAYS, QUERYING_OFFSET_AFTER_416, QUERY_OFFSET,
         BACK_OFF),
    WAIT(QUERYING_OFFSET_AFTER_416, RETRY_LATER, ALWAYS, QUERYING_OFFSET_AFTER_416, QUERY_OFFSET,
         BACK_OFF),
    RETRY_ONCE_OR_RESTART(QUERYING_OFFSET_AFTER_416, OFFSET_INVALID),
    RETRY_ONCE_OR_RESTART(QUERYING_OFFSET_AFTER_416, GONE),
    RETRY_ONCE_OR_RESTART(QUERYING_OFFSET_AFTER_416, REFUSED),
    DELETE_AND_FAIL(QUERYING_OFFSET_AFTER_416, EXHAUSTED, ALWAYS, LAST_ERROR),
    DELETE_AND_FAIL(QUERYING_OFFSET_AFTER_416, ERROR, ALWAYS, LAST_ERROR),
    DELETE_AND_FAIL(QUERYING_OFFSET_AFTER_416, ABANDONED, ALWAYS, LAST_ERROR),

    GO(WAITING, BYTES_READY, ALWAYS, SENDING, SEND),
    SEND_NEXT_OR_COMMIT(WAITING, STREAM_ENDED),
    DELETE_AND_FAIL(WAITING, ABANDONED, ALWAYS, LAST_ERROR),

    GO(COMMITTING, OK, STORED, DONE, NOTHING),
    GO(COMMITTING, OK, ALWAYS, VERIFYING_BLOB, HEAD_BLOB),
    FAIL(COMMITTING, BLOB_MISMATCH, ALWAYS, CONTENT_MISMATCH),
    GO(COMMITTING, REDIRECTED, RESENDABLE, COMMITTING, COMMIT),
    CHANGE_METHOD_OR_FAIL(COMMITTING, REDIRECTED),
    GO(COMMITTING, HTTP_401, FIRST_TIME, RENEWING_TOKEN_FOR_COMMIT, RENEW_TOKEN),
    DELETE_AND_FAIL(COMMITTING, HTTP_401, ALWAYS, LAST_ERROR),
    GO(COMMITTING, HTTP_417, FIRST_TIME, COMMITTING, COMMIT_WITHOUT_EXPECT),
    CHANGE_METHOD_OR_FAIL(COMMITTING, HTTP_417),
    GO(COMMITTING, DIGEST_REFUSED, METHOD_LEFT, CHANGING_METHOD, CHANGE_METHOD),
    GO(COMMITTING, DIGEST_REFUSED, REPLAYABLE_FIRST_TIME, RESTARTING, DELETE_SESSION),
    DELETE_AND_FAIL(COMMITTING, DIGEST_REFUSED, ALWAYS, CONTENT_MISMATCH),
    GO(COMMITTING, HTTP_416, METHOD_LEFT, CHANGING_METHOD, CHANGE_METHOD),
    DELETE_AND_FAIL(COMMITTING, HTTP_416, ALWAYS, CONTENT_MISMATCH),
    CHANGE_METHOD_OR_FAIL(COMMITTING, HTTP_413),
    CHANGE_METHOD_OR_FAIL(COMMITTING, HTTP_411),
    CHANGE_METHOD_OR_FAIL(COMMITTING, REFUSED),
    GO(COMMITTING, GONE, METHOD_LEFT, CHANGING_METHOD, CHANGE_METHOD),
    GO(COMMITTING, GONE, ALWAYS, CHECKING_BLOB_AFTER_ERROR, HEAD_BLOB),
    GO(COMMITTING, NO_ANSWER, ALWAYS, CHECKING_BLOB_AFTER_ERROR, HEAD_BLOB),
    GO(COMMITTING, RETRY_LATER, ALWAYS, CHECKING_BLOB_AFTER_ERROR, HEAD_BLOB),
    GO(COMMITTING, PARTLY_ACCEPTED, ALWAYS, CHECKING_BLOB_AFTER_ERROR, HEAD_BLOB),
    DELETE_AND_FAIL(COMMITTING, ERROR, ALWAYS, LAST_ERROR),
    DELETE_AND_FAIL(COMMITTING, EXHAUSTED, ALWAYS, LAST_ERROR),
    DELETE_AND_FAIL(COMMITTING, ABANDONED, ALWAYS, LAST_ERROR),

    GO(RENEWING_TOKEN_FOR_COMMIT, OK, ALWAYS, COMMITTING, COMMIT),
    DELETE_AND_FAIL(RENEWING_TOKEN_FOR_COMMIT, ERROR, ALWAYS, LAST_ERROR),
    DELETE_AND_FAIL(RENEWING_TOKEN_FOR_COMMIT, ABANDONED, ALWAYS, LAST_ERROR),

    GO(CHECKING_BLOB_AFTER_ERROR, BLOB_FOUND, ALWAYS, DONE, NOTHING),
    FAIL(CHECKING_BLOB_AFTER_ERROR, BLOB_MISMATCH, ALWAYS, CONTENT_MISMATCH),
    GO(CHECKING_BLOB_AFTER_ERROR, BLOB_MISSING, ALWAYS, CHECKING_SESSION, QUERY_OFFSET),
    GO(CHECKING_BLOB_AFTER_ERROR, BLOB_CHECK_FAILED, ALWAYS, CHECKING_SESSION, QUERY_OFFSET),
    GO(CHECKING_BLOB_AFTER_ERROR, EXHAUSTED, REPLAYABLE, RESTARTING, DELETE_SESSION),
    DELETE_AND_FAIL(CHECKING_BLOB_AFTER_ERROR, EXHAUSTED, ALWAYS, COMMIT_UNCONFIRMED),
    DELETE_AND_FAIL(CHECKING_BLOB_AFTER_ERROR, ERROR, ALWAYS, LAST_ERROR),
    DELETE_AND_FAIL(CHECKING_BLOB_AFTER_ERROR, ABANDONED, ALWAYS, LAST_ERROR),

    WAIT(CHECKING_SESSION, OFFSET_COMPLETE, COMMIT_ENDED, COMMITTING, COMMIT, BACK_OFF),
    WAIT(CHECKING_SESSION, OFFSET_COMPLETE, ALWAYS, CHECKING_BLOB_AFTER_ERROR, HEAD_BLOB,
         WAIT_FOR_COMMIT),
    RESTART_OR_FAIL(CHECKING_SESSION, OFFSET_BEHIND),
    RESTART_OR_FAIL(CHECKING_SESSION, OFFSET_INVALID),
    GO(CHECKING_SESSION, GONE, METHOD_LEFT, CHANGING_METHOD, CHANGE_METHOD),
    GO(CHECKING_SESSION, GONE, REPLAYABLE_SINGLE, RESTARTING, DELETE_SESSION),
    WAIT(CHECKING_SESSION, GONE, ALWAYS, CHECKING_BLOB_AFTER_ERROR, HEAD_BLOB, WAIT_FOR_COMMIT),
    GO(CHECKING_SESSION, REFUSED, REPLAYABLE_SINGLE, RESTARTING, DELETE_SESSION),
    WAIT(CHECKING_SESSION, REFUSED, ALWAYS, CHECKING_BLOB_AFTER_ERROR, HEAD_BLOB, WAIT_FOR_COMMIT),
    WAIT(CHECKING_SESSION, NO_ANSWER, ALWAYS, CHECKING_BLOB_AFTER_ERROR, HEAD_BLOB,
         WAIT_FOR_COMMIT),
    WAIT(CHECKING_SESSION, RETRY_LATER, ALWAYS, CHECKING_BLOB_AFTER_ERROR, HEAD_BLOB,
         WAIT_FOR_COMMIT),
    DELETE_AND_FAIL(CHECKING_SESSION, ERROR, ALWAYS, LAST_ERROR),
    DELETE_AND_FAIL(CHECKING_SESSION, ABANDONED, ALWAYS, LAST_ERROR),

    GO(VERIFYING_BLOB, BLOB_FOUND, ALWAYS, DONE, NOTHING),
    FAIL(VERIFYING_BLOB, BLOB_MISMATCH, ALWAYS, CONTENT_MISMATCH),
    WAIT(VERIFYING_BLOB, BLOB_MISSING, ALWAYS, VERIFYING_BLOB, HEAD_BLOB, BACK_OFF),
    FAIL(VERIFYING_BLOB, EXHAUSTED, ALWAYS, BLOB_MISSING_AFTER_COMMIT),
    GO(VERIFYING_BLOB, BLOB_CHECK_FAILED, GOT_201, DONE, NOTHING),
    FAIL(VERIFYING_BLOB, BLOB_CHECK_FAILED, ALWAYS, LAST_ERROR),
    FAIL(VERIFYING_BLOB, ERROR, ALWAYS, LAST_ERROR),
    FAIL(VERIFYING_BLOB, ABANDONED, ALWAYS, LAST_ERROR),

    GO(CHANGING_METHOD, OK, ALWAYS, OPENING, OPEN_SESSION),
    FAIL(CHANGING_METHOD, ABANDONED, ALWAYS, LAST_ERROR),
    GO(RESTARTING, OK, ALWAYS, OPENING, OPEN_SESSION),
    FAIL(RESTARTING, ABANDONED, ALWAYS, LAST_ERROR),
    FAIL(DELETING_SESSION, OK, ALWAYS, NO_CAUSE),
    FAIL(DELETING_SESSION, ABANDONED, ALWAYS, NO_CAUSE),
};

static int replayable(const struct upload_facts *facts)
{
    return facts->replay == UPLOAD_REPLAY_BUFFERED && facts->sessions == UPLOAD_SESSIONS_LEFT;
}

static int holds(enum upload_condition condition, const struct upload_facts *facts)
{
    switch (condition) {
    case NO_HEAD:
        return facts->first_head == UPLOAD_HEAD_NOT_NEEDED;
    case SINGLE_PUT:
        return facts->method == UPLOAD_SINGLE_PUT;
    case PATCH_READY:
        return facts->next_patch == UPLOAD_PATCH_READY;
    case PATCH_LATER:
        return facts->next_patch == UPLOAD_PATCH_LATER;
    case NO_BODY_SENT:
        return facts->body == UPLOAD_NO_BODY_SENT;
    case RESENDABLE:
        return facts->unacked == UPLOAD_UNACKED_BUFFERED;
    case FIRST_TIME:
        return facts->repetition == UPLOAD_FIRST_TIME;
    case SHRINKABLE:
        return facts->method == UPLOAD_CHUNKED && facts->chunk_size == UPLOAD_SHRINKABLE_CHUNK;
    case METHOD_LEFT:
        return facts->replay == UPLOAD_REPLAY_BUFFERED && facts->other_method == UPLOAD_METHOD_LEFT;
    case REPLAYABLE:
        return replayable(facts);
    case REPLAYABLE_FIRST_TIME:
        return replayable(facts) && facts->repetition == UPLOAD_FIRST_TIME;
    case REPLAYABLE_SINGLE:
        return replayable(facts) &&
               (facts->method == UPLOAD_SINGLE_PUT || facts->method == UPLOAD_SINGLE_PATCH);
    case COMMIT_ENDED:
        return facts->commit == UPLOAD_COMMIT_ENDED;
    case STORED:
        return facts->commit_answer == UPLOAD_COMMIT_STORED;
    case GOT_201:
        return facts->commit_answer != UPLOAD_COMMIT_2XX;
    case ALWAYS:
    case CONDITION_COUNT:
    default:
        return 1;
    }
}

struct upload_action upload_step(enum upload_state state, enum upload_event event,
                                 const struct upload_facts *facts)
{
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        const struct rule *rule = &rules[i];
        if (rule->state == state && rule->event == event && holds(rule->condition, facts)) {
            return rule->action;
        }
    }
    return (struct upload_action){ .next = UPLOAD_STATE_COUNT };
}

int upload_rule_at(size_t index, struct upload_rule_text *ret_text)
{
    if (index >= ARRAY_LEN(rules)) {
        return 0;
    }
    const struct rule *rule = &rules[index];
    *ret_text = (struct upload_rule_text){
        .state = state_names[rule->state],
        .event = event_names[rule->event],
        .condition = condition_names[rule->condition],
        .next = state_names[rule->action.next],
        .act = act_names[rule->action.act],
        .pause = pause_names[rule->action.pause],
        .cause = cause_names[rule->action.cause],
    };
    return 1;
}

const char *upload_state_name(enum upload_state state)
{
    return state < UPLOAD_STATE_COUNT ? state_names[state] : "none";
}

const char *upload_event_name(enum upload_event event)
{
    return event < UPLOAD_EVENT_COUNT ? event_names[event] : "none";
}
