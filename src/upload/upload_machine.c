/* SPDX-License-Identifier: Apache-2.0 */
#include "upload/upload_machine.h"

#include "base/macros.h"

enum upload_when {
    ALWAYS = 0,
    KNOWN_ABSENT, /* the caller has checked that the registry has no such blob */
    SINGLE_PUT,   /* the blob goes in one PUT */
    READY,        /* there is something to send */
    LATER,        /* there will be */
    NO_BODY_SENT, /* not one byte of the body went out */
    FIRST,        /* it has not happened to this request before */
    SHRINKABLE,
    /* chunks can be smaller */
    METHOD_LEFT, /* another method can be tried, and all bytes are held */
    REPLAYABLE,  /* another session may be opened, and all bytes are held */
    REPLAYABLE_FIRST,
    REPLAYABLE_SMALL,
    COMMIT_OVER, /* the registry is not at work on it any more */
    GOT_201,     /* the answer was a 201 */
    WHEN_COUNT
};

static const char *const when_names[WHEN_COUNT] = {
    [ALWAYS] = "",
    [KNOWN_ABSENT] = "blob was checked before",
    [SINGLE_PUT] = "one PUT",
    [READY] = "something to send",
    [LATER] = "more to come",
    [NO_BODY_SENT] = "no body byte was sent",
    [FIRST] = "the first time",
    [SHRINKABLE] = "a smaller chunk is possible",
    [METHOD_LEFT] = "all bytes held, another method left",
    [REPLAYABLE] = "all bytes held, sessions left",
    [REPLAYABLE_FIRST] = "all bytes held, sessions left, the first time",
    [REPLAYABLE_SMALL] = "in one request, sessions left",
    [COMMIT_OVER] = "the registry is not working on the commit",
    [GOT_201] = "the answer was 201",
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
    [UPLOAD_FILLED] = "filled",
    [UPLOAD_ENDED] = "ended",
    [UPLOAD_ABANDONED] = "abandoned",
    [UPLOAD_OK] = "ok",
    [UPLOAD_BROKEN] = "broken",
    [UPLOAD_BUSY] = "busy",
    [UPLOAD_HTTP_401] = "401",
    [UPLOAD_GONE] = "gone",
    [UPLOAD_REFUSED] = "refused",
    [UPLOAD_ERROR] = "error",
    [UPLOAD_EXHAUSTED] = "exhausted",
    [UPLOAD_SHORT] = "short",
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
    [UPLOAD_BLOB_DIFFERS] = "blob differs",
    [UPLOAD_BLOB_CHECK_FAILED] = "blob check failed",
};

static const char *const act_names[UPLOAD_ACT_COUNT] = {
    [UPLOAD_ACT_NOTHING] = "",
    [UPLOAD_ACT_WAIT] = "wait for the stream",
    [UPLOAD_ACT_HEAD_BLOB] = "HEAD blob",
    [UPLOAD_ACT_OPEN_SESSION] = "POST",
    [UPLOAD_ACT_SEND] = "PATCH",
    [UPLOAD_ACT_SEND_SMALLER] = "PATCH, smaller",
    [UPLOAD_ACT_SEND_WITHOUT_EXPECT] = "PATCH without Expect",
    [UPLOAD_ACT_RENEW_TOKEN] = "renew token",
    [UPLOAD_ACT_QUERY_OFFSET] = "GET session offset",
    [UPLOAD_ACT_COMMIT] = "PUT",
    [UPLOAD_ACT_COMMIT_WITHOUT_EXPECT] = "PUT without Expect",
    [UPLOAD_ACT_DELETE_SESSION] = "DELETE",
    [UPLOAD_ACT_CHANGE_METHOD] = "DELETE, then the other method",
};

static const char *const pause_names[UPLOAD_PAUSE_COUNT] = {
    [UPLOAD_NO_PAUSE] = "",
    [UPLOAD_BACK_OFF] = "back off",
    [UPLOAD_WAIT_FOR_OFFSET] = "wait for the offset",
    [UPLOAD_POLL] = "poll",
};

static const char *const cause_names[UPLOAD_CAUSE_COUNT] = {
    [UPLOAD_NO_CAUSE] = "",
    [UPLOAD_LAST_ERROR] = "last error",
    [UPLOAD_LOST] = "session lost",
    [UPLOAD_OTHER_BYTES] = "other bytes",
    [UPLOAD_UNCONFIRMED] = "unconfirmed",
    [UPLOAD_BLOB_VANISHED] = "blob vanished",
    [UPLOAD_TOO_LARGE_FOR_ONE_REQUEST] = "too large for one request",
};

struct rule {
    enum upload_state state;
    enum upload_event event;
    enum upload_when when;
    struct upload_action action;
};

/* Rows of the table. GO: next state and action. WAIT: the same after a pause. DELETE_AND_FAIL: the
 * session is deleted and the upload fails. FAIL: it fails; there is no session to delete. */
#define GO(state, event, when, next, act)                                                          \
    {                                                                                              \
        UPLOAD_##state, UPLOAD_##event, when,                                                      \
        {                                                                                          \
            UPLOAD_##next, UPLOAD_ACT_##act, UPLOAD_NO_PAUSE, UPLOAD_NO_CAUSE                      \
        }                                                                                          \
    }
#define WAIT(state, event, when, next, act, pause)                                                 \
    {                                                                                              \
        UPLOAD_##state, UPLOAD_##event, when,                                                      \
        {                                                                                          \
            UPLOAD_##next, UPLOAD_ACT_##act, UPLOAD_##pause, UPLOAD_NO_CAUSE                       \
        }                                                                                          \
    }
#define DELETE_AND_FAIL(state, event, when, cause)                                                 \
    {                                                                                              \
        UPLOAD_##state, UPLOAD_##event, when,                                                      \
        {                                                                                          \
            UPLOAD_DELETING_SESSION, UPLOAD_ACT_DELETE_SESSION, UPLOAD_NO_PAUSE, UPLOAD_##cause    \
        }                                                                                          \
    }
#define FAIL(state, event, when, cause)                                                            \
    {                                                                                              \
        UPLOAD_##state, UPLOAD_##event, when,                                                      \
        {                                                                                          \
            UPLOAD_FAILED, UPLOAD_ACT_NOTHING, UPLOAD_NO_PAUSE, UPLOAD_##cause                     \
        }                                                                                          \
    }
/* All bytes that were sent are acknowledged: send more, wait for more, or commit. */
#define SEND_NEXT_OR_COMMIT(state, event)                                                          \
    GO(state, event, READY, SENDING, SEND), GO(state, event, LATER, WAITING, WAIT),                \
        GO(state, event, ALWAYS, COMMITTING, COMMIT)
/* The session does not exist any more. */
#define SESSION_LOST(state, event)                                                                 \
    GO(state, event, REPLAYABLE, RESTARTING, DELETE_SESSION),                                      \
        DELETE_AND_FAIL(state, event, ALWAYS, LOST)
#define METHOD_REFUSED(state, event)                                                               \
    GO(state, event, METHOD_LEFT, CHANGING_METHOD, CHANGE_METHOD),                                 \
        DELETE_AND_FAIL(state, event, ALWAYS, LAST_ERROR)

/* 416, and the registry reports no usable offset: change the method, else retry once, else give up the
 * session. */
#define OFFSET_UNKNOWN_AFTER_416(state, event)                                                     \
    GO(state, event, METHOD_LEFT, CHANGING_METHOD, CHANGE_METHOD),                                 \
        WAIT(state, event, FIRST, SENDING, SEND, BACK_OFF), SESSION_LOST(state, event)

/* The rule is the first row of a state and an event whose condition holds. */
static const struct rule rules[] = {
    FAIL(BUFFERING, FILLED, SINGLE_PUT, TOO_LARGE_FOR_ONE_REQUEST),
    GO(BUFFERING, FILLED, ALWAYS, OPENING, OPEN_SESSION),
    GO(BUFFERING, ENDED, KNOWN_ABSENT, OPENING, OPEN_SESSION),
    GO(BUFFERING, ENDED, ALWAYS, CHECKING_BLOB, HEAD_BLOB),
    FAIL(BUFFERING, ABANDONED, ALWAYS, LAST_ERROR),

    GO(CHECKING_BLOB, BLOB_FOUND, ALWAYS, DONE, NOTHING),
    GO(CHECKING_BLOB, BLOB_MISSING, ALWAYS, OPENING, OPEN_SESSION),
    GO(CHECKING_BLOB, BLOB_CHECK_FAILED, ALWAYS, OPENING, OPEN_SESSION),
    FAIL(CHECKING_BLOB, BLOB_DIFFERS, ALWAYS, OTHER_BYTES),
    FAIL(CHECKING_BLOB, ERROR, ALWAYS, LAST_ERROR),
    FAIL(CHECKING_BLOB, ABANDONED, ALWAYS, LAST_ERROR),

    SEND_NEXT_OR_COMMIT(OPENING, OK),
    WAIT(OPENING, BROKEN, ALWAYS, OPENING, OPEN_SESSION, BACK_OFF),
    WAIT(OPENING, BUSY, ALWAYS, OPENING, OPEN_SESSION, BACK_OFF),
    FAIL(OPENING, GONE, ALWAYS, LAST_ERROR),
    FAIL(OPENING, REFUSED, ALWAYS, LAST_ERROR),
    FAIL(OPENING, ERROR, ALWAYS, LAST_ERROR),
    FAIL(OPENING, EXHAUSTED, ALWAYS, LAST_ERROR),
    DELETE_AND_FAIL(OPENING, ABANDONED, ALWAYS, LAST_ERROR),

    SEND_NEXT_OR_COMMIT(SENDING, OK),
    GO(SENDING, SHORT, FIRST, QUERYING_OFFSET, QUERY_OFFSET),
    WAIT(SENDING, SHORT, ALWAYS, QUERYING_OFFSET, QUERY_OFFSET, BACK_OFF),
    WAIT(SENDING, BROKEN, NO_BODY_SENT, SENDING, SEND, BACK_OFF),
    WAIT(SENDING, BROKEN, ALWAYS, QUERYING_OFFSET, QUERY_OFFSET, BACK_OFF),
    WAIT(SENDING, BUSY, NO_BODY_SENT, SENDING, SEND, BACK_OFF),
    WAIT(SENDING, BUSY, ALWAYS, QUERYING_OFFSET, QUERY_OFFSET, BACK_OFF),
    GO(SENDING, HTTP_401, FIRST, RENEWING_TOKEN, RENEW_TOKEN),
    DELETE_AND_FAIL(SENDING, HTTP_401, ALWAYS, LAST_ERROR),
    GO(SENDING, HTTP_417, FIRST, SENDING, SEND_WITHOUT_EXPECT),
    METHOD_REFUSED(SENDING, HTTP_417),
    GO(SENDING, HTTP_413, SHRINKABLE, SENDING, SEND_SMALLER),
    METHOD_REFUSED(SENDING, HTTP_413),
    METHOD_REFUSED(SENDING, HTTP_411),
    METHOD_REFUSED(SENDING, REFUSED),
    GO(SENDING, HTTP_416, ALWAYS, QUERYING_OFFSET_AFTER_416, QUERY_OFFSET),
    GO(SENDING, GONE, METHOD_LEFT, CHANGING_METHOD, CHANGE_METHOD),
    SESSION_LOST(SENDING, GONE),
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
    WAIT(QUERYING_OFFSET, BROKEN, ALWAYS, QUERYING_OFFSET, QUERY_OFFSET, BACK_OFF),
    WAIT(QUERYING_OFFSET, BUSY, ALWAYS, QUERYING_OFFSET, QUERY_OFFSET, BACK_OFF),
    SESSION_LOST(QUERYING_OFFSET, OFFSET_INVALID),
    SESSION_LOST(QUERYING_OFFSET, GONE),
    SESSION_LOST(QUERYING_OFFSET, REFUSED),
    DELETE_AND_FAIL(QUERYING_OFFSET, EXHAUSTED, ALWAYS, LAST_ERROR),
    DELETE_AND_FAIL(QUERYING_OFFSET, ERROR, ALWAYS, LAST_ERROR),
    DELETE_AND_FAIL(QUERYING_OFFSET, ABANDONED, ALWAYS, LAST_ERROR),

    SEND_NEXT_OR_COMMIT(QUERYING_OFFSET_AFTER_416, OFFSET_COMPLETE),
    GO(QUERYING_OFFSET_AFTER_416, OFFSET_BEHIND, ALWAYS, SENDING, SEND),
    WAIT(QUERYING_OFFSET_AFTER_416, BROKEN, ALWAYS, QUERYING_OFFSET_AFTER_416, QUERY_OFFSET,
         BACK_OFF),
    WAIT(QUERYING_OFFSET_AFTER_416, BUSY, ALWAYS, QUERYING_OFFSET_AFTER_416, QUERY_OFFSET,
         BACK_OFF),
    OFFSET_UNKNOWN_AFTER_416(QUERYING_OFFSET_AFTER_416, OFFSET_INVALID),
    OFFSET_UNKNOWN_AFTER_416(QUERYING_OFFSET_AFTER_416, GONE),
    OFFSET_UNKNOWN_AFTER_416(QUERYING_OFFSET_AFTER_416, REFUSED),
    DELETE_AND_FAIL(QUERYING_OFFSET_AFTER_416, EXHAUSTED, ALWAYS, LAST_ERROR),
    DELETE_AND_FAIL(QUERYING_OFFSET_AFTER_416, ERROR, ALWAYS, LAST_ERROR),
    DELETE_AND_FAIL(QUERYING_OFFSET_AFTER_416, ABANDONED, ALWAYS, LAST_ERROR),

    GO(WAITING, FILLED, ALWAYS, SENDING, SEND),
    SEND_NEXT_OR_COMMIT(WAITING, ENDED),
    DELETE_AND_FAIL(WAITING, ABANDONED, ALWAYS, LAST_ERROR),

    GO(COMMITTING, OK, ALWAYS, VERIFYING_BLOB, HEAD_BLOB),
    FAIL(COMMITTING, BLOB_DIFFERS, ALWAYS, OTHER_BYTES),
    GO(COMMITTING, HTTP_401, FIRST, RENEWING_TOKEN_FOR_COMMIT, RENEW_TOKEN),
    DELETE_AND_FAIL(COMMITTING, HTTP_401, ALWAYS, LAST_ERROR),
    GO(COMMITTING, HTTP_417, FIRST, COMMITTING, COMMIT_WITHOUT_EXPECT),
    METHOD_REFUSED(COMMITTING, HTTP_417),
    GO(COMMITTING, DIGEST_REFUSED, METHOD_LEFT, CHANGING_METHOD, CHANGE_METHOD),
    GO(COMMITTING, DIGEST_REFUSED, REPLAYABLE_FIRST, RESTARTING, DELETE_SESSION),
    DELETE_AND_FAIL(COMMITTING, DIGEST_REFUSED, ALWAYS, OTHER_BYTES),
    GO(COMMITTING, HTTP_416, METHOD_LEFT, CHANGING_METHOD, CHANGE_METHOD),
    DELETE_AND_FAIL(COMMITTING, HTTP_416, ALWAYS, OTHER_BYTES),
    METHOD_REFUSED(COMMITTING, HTTP_413),
    METHOD_REFUSED(COMMITTING, HTTP_411),
    METHOD_REFUSED(COMMITTING, REFUSED),
    GO(COMMITTING, GONE, METHOD_LEFT, CHANGING_METHOD, CHANGE_METHOD),
    GO(COMMITTING, GONE, ALWAYS, CHECKING_BLOB_AFTER_ERROR, HEAD_BLOB),
    GO(COMMITTING, BROKEN, ALWAYS, CHECKING_BLOB_AFTER_ERROR, HEAD_BLOB),
    GO(COMMITTING, BUSY, ALWAYS, CHECKING_BLOB_AFTER_ERROR, HEAD_BLOB),
    GO(COMMITTING, SHORT, ALWAYS, CHECKING_BLOB_AFTER_ERROR, HEAD_BLOB),
    DELETE_AND_FAIL(COMMITTING, ERROR, ALWAYS, LAST_ERROR),
    DELETE_AND_FAIL(COMMITTING, EXHAUSTED, ALWAYS, LAST_ERROR),
    DELETE_AND_FAIL(COMMITTING, ABANDONED, ALWAYS, LAST_ERROR),

    GO(RENEWING_TOKEN_FOR_COMMIT, OK, ALWAYS, COMMITTING, COMMIT),
    DELETE_AND_FAIL(RENEWING_TOKEN_FOR_COMMIT, ERROR, ALWAYS, LAST_ERROR),
    DELETE_AND_FAIL(RENEWING_TOKEN_FOR_COMMIT, ABANDONED, ALWAYS, LAST_ERROR),

    GO(CHECKING_BLOB_AFTER_ERROR, BLOB_FOUND, ALWAYS, DONE, NOTHING),
    FAIL(CHECKING_BLOB_AFTER_ERROR, BLOB_DIFFERS, ALWAYS, OTHER_BYTES),
    GO(CHECKING_BLOB_AFTER_ERROR, BLOB_MISSING, ALWAYS, CHECKING_SESSION, QUERY_OFFSET),
    GO(CHECKING_BLOB_AFTER_ERROR, BLOB_CHECK_FAILED, ALWAYS, CHECKING_SESSION, QUERY_OFFSET),
    GO(CHECKING_BLOB_AFTER_ERROR, EXHAUSTED, REPLAYABLE, RESTARTING, DELETE_SESSION),
    DELETE_AND_FAIL(CHECKING_BLOB_AFTER_ERROR, EXHAUSTED, ALWAYS, UNCONFIRMED),
    DELETE_AND_FAIL(CHECKING_BLOB_AFTER_ERROR, ERROR, ALWAYS, LAST_ERROR),
    DELETE_AND_FAIL(CHECKING_BLOB_AFTER_ERROR, ABANDONED, ALWAYS, LAST_ERROR),

    WAIT(CHECKING_SESSION, OFFSET_COMPLETE, COMMIT_OVER, COMMITTING, COMMIT, BACK_OFF),
    WAIT(CHECKING_SESSION, OFFSET_COMPLETE, ALWAYS, CHECKING_BLOB_AFTER_ERROR, HEAD_BLOB, POLL),
    SESSION_LOST(CHECKING_SESSION, OFFSET_BEHIND),
    SESSION_LOST(CHECKING_SESSION, OFFSET_INVALID),
    GO(CHECKING_SESSION, GONE, METHOD_LEFT, CHANGING_METHOD, CHANGE_METHOD),
    GO(CHECKING_SESSION, GONE, REPLAYABLE_SMALL, RESTARTING, DELETE_SESSION),
    WAIT(CHECKING_SESSION, GONE, ALWAYS, CHECKING_BLOB_AFTER_ERROR, HEAD_BLOB, POLL),
    GO(CHECKING_SESSION, REFUSED, REPLAYABLE_SMALL, RESTARTING, DELETE_SESSION),
    WAIT(CHECKING_SESSION, REFUSED, ALWAYS, CHECKING_BLOB_AFTER_ERROR, HEAD_BLOB, POLL),
    WAIT(CHECKING_SESSION, BROKEN, ALWAYS, CHECKING_BLOB_AFTER_ERROR, HEAD_BLOB, POLL),
    WAIT(CHECKING_SESSION, BUSY, ALWAYS, CHECKING_BLOB_AFTER_ERROR, HEAD_BLOB, POLL),
    DELETE_AND_FAIL(CHECKING_SESSION, ERROR, ALWAYS, LAST_ERROR),
    DELETE_AND_FAIL(CHECKING_SESSION, ABANDONED, ALWAYS, LAST_ERROR),

    GO(VERIFYING_BLOB, BLOB_FOUND, ALWAYS, DONE, NOTHING),
    FAIL(VERIFYING_BLOB, BLOB_DIFFERS, ALWAYS, OTHER_BYTES),
    WAIT(VERIFYING_BLOB, BLOB_MISSING, ALWAYS, VERIFYING_BLOB, HEAD_BLOB, BACK_OFF),
    FAIL(VERIFYING_BLOB, EXHAUSTED, ALWAYS, BLOB_VANISHED),
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

static int holds(enum upload_when when, const struct upload_facts *facts)
{
    switch (when) {
    case KNOWN_ABSENT:
        return facts->digest == UPLOAD_DIGEST_CHECKED;
    case SINGLE_PUT:
        return facts->method == UPLOAD_SINGLE_PUT;
    case READY:
        return facts->rest == UPLOAD_REST_READY;
    case LATER:
        return facts->rest == UPLOAD_REST_LATER;
    case NO_BODY_SENT:
        return facts->body == UPLOAD_NO_BODY_SENT;
    case FIRST:
        return facts->times == UPLOAD_FIRST;
    case SHRINKABLE:
        return facts->method == UPLOAD_CHUNKED && facts->size == UPLOAD_SHRINKABLE;
    case METHOD_LEFT:
        return facts->replay == UPLOAD_REPLAY_BUFFERED && facts->other_method == UPLOAD_METHOD_LEFT;
    case REPLAYABLE:
        return replayable(facts);
    case REPLAYABLE_FIRST:
        return replayable(facts) && facts->times == UPLOAD_FIRST;
    case REPLAYABLE_SMALL:
        return replayable(facts) &&
               (facts->method == UPLOAD_SINGLE_PUT || facts->method == UPLOAD_SINGLE_PATCH);
    case COMMIT_OVER:
        return facts->commit == UPLOAD_COMMIT_OVER;
    case GOT_201:
        return facts->commit_answer == UPLOAD_GOT_201;
    case ALWAYS:
    case WHEN_COUNT:
    default:
        return 1;
    }
}

struct upload_action upload_step(enum upload_state state, enum upload_event event,
                                 const struct upload_facts *facts)
{
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        const struct rule *rule = &rules[i];
        if (rule->state == state && rule->event == event && holds(rule->when, facts)) {
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
        .when = when_names[rule->when],
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
