/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/upload_machine.h"

#include "base/macros.h"

enum upload_when {
    ALWAYS = 0,
    KNOWN_ABSENT, /* the caller has looked already */
    SINGLE,       /* the blob goes in one PUT */
    READY,        /* there is something to send */
    LATER,        /* there will be */
    UNTOUCHED,    /* not one byte of the body went out */
    FIRST,        /* it has not happened to this request before */
    SHRINKABLE,   /* chunks can be smaller */
    SWITCHABLE,   /* another way is left and all bytes are held */
    REPLAYABLE,   /* sessions are left and all bytes are held */
    REPLAYABLE_FIRST,
    REPLAYABLE_SMALL,
    COMMIT_OVER, /* the registry is not at work on it any more */
    PROMISED,    /* the answer was a 201 */
    WHENS
};

static const char *const when_names[WHENS] = {
    [ALWAYS] = "",
    [KNOWN_ABSENT] = "known to be absent",
    [SINGLE] = "one PUT",
    [READY] = "something to send",
    [LATER] = "more to come",
    [UNTOUCHED] = "no byte was sent",
    [FIRST] = "the first time",
    [SHRINKABLE] = "a smaller chunk is possible",
    [SWITCHABLE] = "all held, another way left",
    [REPLAYABLE] = "all held, sessions left",
    [REPLAYABLE_FIRST] = "all held, sessions left, the first time",
    [REPLAYABLE_SMALL] = "in one request, sessions left",
    [COMMIT_OVER] = "commit is over",
    [PROMISED] = "it was a 201",
};

static const char *const state_names[UPLOAD_STATES] = {
    [UPLOAD_GATHERING] = "gathering",
    [UPLOAD_CHECKING] = "checking",
    [UPLOAD_OPENING] = "opening",
    [UPLOAD_SENDING] = "sending",
    [UPLOAD_RENEWING] = "renewing",
    [UPLOAD_ASKING] = "asking",
    [UPLOAD_COMPARING] = "comparing",
    [UPLOAD_WAITING] = "waiting",
    [UPLOAD_COMMITTING] = "committing",
    [UPLOAD_RENEWING_LAST] = "renewing last",
    [UPLOAD_DOUBTING] = "doubting",
    [UPLOAD_REVIEWING] = "reviewing",
    [UPLOAD_CONFIRMING] = "confirming",
    [UPLOAD_SWITCHING] = "switching",
    [UPLOAD_RESTARTING] = "restarting",
    [UPLOAD_CLOSING] = "closing",
    [UPLOAD_DONE] = "done",
    [UPLOAD_FAILED] = "failed",
};

static const char *const event_names[UPLOAD_EVENTS] = {
    [UPLOAD_FILLED] = "filled",       [UPLOAD_ENDED] = "ended",
    [UPLOAD_ABANDONED] = "abandoned", [UPLOAD_OK] = "ok",
    [UPLOAD_BROKEN] = "broken",       [UPLOAD_BUSY] = "busy",
    [UPLOAD_UNAUTHORIZED] = "401",    [UPLOAD_GONE] = "gone",
    [UPLOAD_REFUSED] = "refused",     [UPLOAD_ERROR] = "error",
    [UPLOAD_EXHAUSTED] = "exhausted", [UPLOAD_SHORT] = "short",
    [UPLOAD_RANGE] = "416",           [UPLOAD_LARGE] = "413",
    [UPLOAD_LENGTH] = "411",          [UPLOAD_UNEXPECTED] = "417",
    [UPLOAD_MISMATCH] = "mismatch",   [UPLOAD_WHOLE] = "whole",
    [UPLOAD_PART] = "part",           [UPLOAD_OUTSIDE] = "outside",
    [UPLOAD_MOVING] = "moving",       [UPLOAD_FOUND] = "found",
    [UPLOAD_ABSENT] = "absent",       [UPLOAD_OTHER] = "other",
    [UPLOAD_UNKNOWN] = "unknown",
};

static const char *const do_names[UPLOAD_DOS] = {
    [UPLOAD_DO_NOTHING] = "",
    [UPLOAD_DO_WAIT] = "wait for the stream",
    [UPLOAD_DO_LOOK] = "HEAD blob",
    [UPLOAD_DO_OPEN] = "POST",
    [UPLOAD_DO_SEND] = "PATCH",
    [UPLOAD_DO_SEND_SMALLER] = "PATCH, smaller",
    [UPLOAD_DO_SEND_UNASKED] = "PATCH, no Expect",
    [UPLOAD_DO_RENEW] = "new token",
    [UPLOAD_DO_ASK] = "GET session",
    [UPLOAD_DO_COMMIT] = "PUT",
    [UPLOAD_DO_COMMIT_UNASKED] = "PUT, no Expect",
    [UPLOAD_DO_CLOSE] = "DELETE",
    [UPLOAD_DO_SWITCH] = "DELETE, other way",
};

static const char *const pause_names[UPLOAD_PAUSES] = {
    [UPLOAD_NO_PAUSE] = "",
    [UPLOAD_BACK_OFF] = "back off",
    [UPLOAD_SETTLE] = "settle",
    [UPLOAD_POLL] = "poll",
};

static const char *const cause_names[UPLOAD_CAUSES] = {
    [UPLOAD_NO_CAUSE] = "",
    [UPLOAD_AS_TOLD] = "as told",
    [UPLOAD_LOST] = "lost",
    [UPLOAD_CHANGED] = "changed",
    [UPLOAD_UNCONFIRMED] = "unconfirmed",
    [UPLOAD_VANISHED] = "vanished",
    [UPLOAD_UNFIT] = "unfit",
};

struct rule {
    enum upload_state state;
    enum upload_event event;
    enum upload_when when;
    struct upload_action action;
};

/* Rows of the table. GO: to a state with an action; WAIT: the same after a pause; SHUT: the session
 * is closed and the upload fails; FAIL: there is no session to close. */
#define GO(state, event, when, next, act)                                                          \
    {                                                                                              \
        UPLOAD_##state, UPLOAD_##event, when,                                                      \
        {                                                                                          \
            UPLOAD_##next, UPLOAD_DO_##act, UPLOAD_NO_PAUSE, UPLOAD_NO_CAUSE                       \
        }                                                                                          \
    }
#define WAIT(state, event, when, next, act, pause)                                                 \
    {                                                                                              \
        UPLOAD_##state, UPLOAD_##event, when,                                                      \
        {                                                                                          \
            UPLOAD_##next, UPLOAD_DO_##act, UPLOAD_##pause, UPLOAD_NO_CAUSE                        \
        }                                                                                          \
    }
#define SHUT(state, event, when, cause)                                                            \
    {                                                                                              \
        UPLOAD_##state, UPLOAD_##event, when,                                                      \
        {                                                                                          \
            UPLOAD_CLOSING, UPLOAD_DO_CLOSE, UPLOAD_NO_PAUSE, UPLOAD_##cause                       \
        }                                                                                          \
    }
#define FAIL(state, event, when, cause)                                                            \
    {                                                                                              \
        UPLOAD_##state, UPLOAD_##event, when,                                                      \
        {                                                                                          \
            UPLOAD_FAILED, UPLOAD_DO_NOTHING, UPLOAD_NO_PAUSE, UPLOAD_##cause                      \
        }                                                                                          \
    }
/* What is acknowledged is: the next part, or the end. */
#define NEXT(state, event)                                                                         \
    GO(state, event, READY, SENDING, SEND), GO(state, event, LATER, WAITING, WAIT),                \
        GO(state, event, ALWAYS, COMMITTING, COMMIT)
/* The session is dead. */
#define DEAD(state, event)                                                                         \
    GO(state, event, REPLAYABLE, RESTARTING, CLOSE), SHUT(state, event, ALWAYS, LOST)
#define DEAD_END(state, event)                                                                     \
    GO(state, event, SWITCHABLE, SWITCHING, SWITCH), SHUT(state, event, ALWAYS, AS_TOLD)

/* Our count was denied and nothing tells another one: once more, then no longer. */
#define UNEXPLAINED(state, event)                                                                  \
    GO(state, event, SWITCHABLE, SWITCHING, SWITCH),                                               \
        WAIT(state, event, FIRST, SENDING, SEND, BACK_OFF), DEAD(state, event)

/* The first row of a state and an event whose condition holds is the rule. */
static const struct rule rules[] = {
    FAIL(GATHERING, FILLED, SINGLE, UNFIT),
    GO(GATHERING, FILLED, ALWAYS, OPENING, OPEN),
    GO(GATHERING, ENDED, KNOWN_ABSENT, OPENING, OPEN),
    GO(GATHERING, ENDED, ALWAYS, CHECKING, LOOK),
    FAIL(GATHERING, ABANDONED, ALWAYS, AS_TOLD),

    GO(CHECKING, FOUND, ALWAYS, DONE, NOTHING),
    GO(CHECKING, ABSENT, ALWAYS, OPENING, OPEN),
    GO(CHECKING, UNKNOWN, ALWAYS, OPENING, OPEN),
    FAIL(CHECKING, OTHER, ALWAYS, CHANGED),
    FAIL(CHECKING, ERROR, ALWAYS, AS_TOLD),
    FAIL(CHECKING, ABANDONED, ALWAYS, AS_TOLD),

    NEXT(OPENING, OK),
    WAIT(OPENING, BROKEN, ALWAYS, OPENING, OPEN, BACK_OFF),
    WAIT(OPENING, BUSY, ALWAYS, OPENING, OPEN, BACK_OFF),
    FAIL(OPENING, GONE, ALWAYS, AS_TOLD),
    FAIL(OPENING, REFUSED, ALWAYS, AS_TOLD),
    FAIL(OPENING, ERROR, ALWAYS, AS_TOLD),
    FAIL(OPENING, EXHAUSTED, ALWAYS, AS_TOLD),
    SHUT(OPENING, ABANDONED, ALWAYS, AS_TOLD),

    NEXT(SENDING, OK),
    GO(SENDING, SHORT, FIRST, ASKING, ASK),
    WAIT(SENDING, SHORT, ALWAYS, ASKING, ASK, BACK_OFF),
    WAIT(SENDING, BROKEN, UNTOUCHED, SENDING, SEND, BACK_OFF),
    WAIT(SENDING, BROKEN, ALWAYS, ASKING, ASK, BACK_OFF),
    WAIT(SENDING, BUSY, UNTOUCHED, SENDING, SEND, BACK_OFF),
    WAIT(SENDING, BUSY, ALWAYS, ASKING, ASK, BACK_OFF),
    GO(SENDING, UNAUTHORIZED, FIRST, RENEWING, RENEW),
    SHUT(SENDING, UNAUTHORIZED, ALWAYS, AS_TOLD),
    GO(SENDING, UNEXPECTED, FIRST, SENDING, SEND_UNASKED),
    DEAD_END(SENDING, UNEXPECTED),
    GO(SENDING, LARGE, SHRINKABLE, SENDING, SEND_SMALLER),
    DEAD_END(SENDING, LARGE),
    DEAD_END(SENDING, LENGTH),
    DEAD_END(SENDING, REFUSED),
    GO(SENDING, RANGE, ALWAYS, COMPARING, ASK),
    GO(SENDING, GONE, SWITCHABLE, SWITCHING, SWITCH),
    DEAD(SENDING, GONE),
    SHUT(SENDING, ERROR, ALWAYS, AS_TOLD),
    SHUT(SENDING, EXHAUSTED, ALWAYS, AS_TOLD),
    SHUT(SENDING, ABANDONED, ALWAYS, AS_TOLD),

    GO(RENEWING, OK, UNTOUCHED, SENDING, SEND),
    GO(RENEWING, OK, ALWAYS, ASKING, ASK),
    SHUT(RENEWING, ERROR, ALWAYS, AS_TOLD),
    SHUT(RENEWING, ABANDONED, ALWAYS, AS_TOLD),

    NEXT(ASKING, WHOLE),
    GO(ASKING, PART, ALWAYS, SENDING, SEND),
    WAIT(ASKING, MOVING, ALWAYS, ASKING, ASK, SETTLE),
    WAIT(ASKING, BROKEN, ALWAYS, ASKING, ASK, BACK_OFF),
    WAIT(ASKING, BUSY, ALWAYS, ASKING, ASK, BACK_OFF),
    DEAD(ASKING, OUTSIDE),
    DEAD(ASKING, GONE),
    DEAD(ASKING, REFUSED),
    SHUT(ASKING, EXHAUSTED, ALWAYS, AS_TOLD),
    SHUT(ASKING, ERROR, ALWAYS, AS_TOLD),
    SHUT(ASKING, ABANDONED, ALWAYS, AS_TOLD),

    NEXT(COMPARING, WHOLE),
    GO(COMPARING, PART, ALWAYS, SENDING, SEND),
    WAIT(COMPARING, BROKEN, ALWAYS, COMPARING, ASK, BACK_OFF),
    WAIT(COMPARING, BUSY, ALWAYS, COMPARING, ASK, BACK_OFF),
    UNEXPLAINED(COMPARING, OUTSIDE),
    UNEXPLAINED(COMPARING, GONE),
    UNEXPLAINED(COMPARING, REFUSED),
    SHUT(COMPARING, EXHAUSTED, ALWAYS, AS_TOLD),
    SHUT(COMPARING, ERROR, ALWAYS, AS_TOLD),
    SHUT(COMPARING, ABANDONED, ALWAYS, AS_TOLD),

    GO(WAITING, FILLED, ALWAYS, SENDING, SEND),
    NEXT(WAITING, ENDED),
    SHUT(WAITING, ABANDONED, ALWAYS, AS_TOLD),

    GO(COMMITTING, OK, ALWAYS, CONFIRMING, LOOK),
    FAIL(COMMITTING, OTHER, ALWAYS, CHANGED),
    GO(COMMITTING, UNAUTHORIZED, FIRST, RENEWING_LAST, RENEW),
    SHUT(COMMITTING, UNAUTHORIZED, ALWAYS, AS_TOLD),
    GO(COMMITTING, UNEXPECTED, FIRST, COMMITTING, COMMIT_UNASKED),
    DEAD_END(COMMITTING, UNEXPECTED),
    GO(COMMITTING, MISMATCH, SWITCHABLE, SWITCHING, SWITCH),
    GO(COMMITTING, MISMATCH, REPLAYABLE_FIRST, RESTARTING, CLOSE),
    SHUT(COMMITTING, MISMATCH, ALWAYS, CHANGED),
    GO(COMMITTING, RANGE, SWITCHABLE, SWITCHING, SWITCH),
    SHUT(COMMITTING, RANGE, ALWAYS, CHANGED),
    DEAD_END(COMMITTING, LARGE),
    DEAD_END(COMMITTING, LENGTH),
    DEAD_END(COMMITTING, REFUSED),
    GO(COMMITTING, GONE, SWITCHABLE, SWITCHING, SWITCH),
    GO(COMMITTING, GONE, ALWAYS, DOUBTING, LOOK),
    GO(COMMITTING, BROKEN, ALWAYS, DOUBTING, LOOK),
    GO(COMMITTING, BUSY, ALWAYS, DOUBTING, LOOK),
    GO(COMMITTING, SHORT, ALWAYS, DOUBTING, LOOK),
    SHUT(COMMITTING, ERROR, ALWAYS, AS_TOLD),
    SHUT(COMMITTING, EXHAUSTED, ALWAYS, AS_TOLD),
    SHUT(COMMITTING, ABANDONED, ALWAYS, AS_TOLD),

    GO(RENEWING_LAST, OK, ALWAYS, COMMITTING, COMMIT),
    SHUT(RENEWING_LAST, ERROR, ALWAYS, AS_TOLD),
    SHUT(RENEWING_LAST, ABANDONED, ALWAYS, AS_TOLD),

    GO(DOUBTING, FOUND, ALWAYS, DONE, NOTHING),
    FAIL(DOUBTING, OTHER, ALWAYS, CHANGED),
    GO(DOUBTING, ABSENT, ALWAYS, REVIEWING, ASK),
    GO(DOUBTING, UNKNOWN, ALWAYS, REVIEWING, ASK),
    GO(DOUBTING, EXHAUSTED, REPLAYABLE, RESTARTING, CLOSE),
    SHUT(DOUBTING, EXHAUSTED, ALWAYS, UNCONFIRMED),
    SHUT(DOUBTING, ERROR, ALWAYS, AS_TOLD),
    SHUT(DOUBTING, ABANDONED, ALWAYS, AS_TOLD),

    WAIT(REVIEWING, WHOLE, COMMIT_OVER, COMMITTING, COMMIT, BACK_OFF),
    WAIT(REVIEWING, WHOLE, ALWAYS, DOUBTING, LOOK, POLL),
    DEAD(REVIEWING, PART),
    DEAD(REVIEWING, OUTSIDE),
    GO(REVIEWING, GONE, SWITCHABLE, SWITCHING, SWITCH),
    GO(REVIEWING, GONE, REPLAYABLE_SMALL, RESTARTING, CLOSE),
    WAIT(REVIEWING, GONE, ALWAYS, DOUBTING, LOOK, POLL),
    GO(REVIEWING, REFUSED, REPLAYABLE_SMALL, RESTARTING, CLOSE),
    WAIT(REVIEWING, REFUSED, ALWAYS, DOUBTING, LOOK, POLL),
    WAIT(REVIEWING, BROKEN, ALWAYS, DOUBTING, LOOK, POLL),
    WAIT(REVIEWING, BUSY, ALWAYS, DOUBTING, LOOK, POLL),
    SHUT(REVIEWING, ERROR, ALWAYS, AS_TOLD),
    SHUT(REVIEWING, ABANDONED, ALWAYS, AS_TOLD),

    GO(CONFIRMING, FOUND, ALWAYS, DONE, NOTHING),
    FAIL(CONFIRMING, OTHER, ALWAYS, CHANGED),
    WAIT(CONFIRMING, ABSENT, ALWAYS, CONFIRMING, LOOK, BACK_OFF),
    FAIL(CONFIRMING, EXHAUSTED, ALWAYS, VANISHED),
    GO(CONFIRMING, UNKNOWN, PROMISED, DONE, NOTHING),
    FAIL(CONFIRMING, UNKNOWN, ALWAYS, AS_TOLD),
    FAIL(CONFIRMING, ERROR, ALWAYS, AS_TOLD),
    FAIL(CONFIRMING, ABANDONED, ALWAYS, AS_TOLD),

    GO(SWITCHING, OK, ALWAYS, OPENING, OPEN),
    FAIL(SWITCHING, ABANDONED, ALWAYS, AS_TOLD),
    GO(RESTARTING, OK, ALWAYS, OPENING, OPEN),
    FAIL(RESTARTING, ABANDONED, ALWAYS, AS_TOLD),
    FAIL(CLOSING, OK, ALWAYS, NO_CAUSE),
    FAIL(CLOSING, ABANDONED, ALWAYS, NO_CAUSE),
};

static int replayable(const struct upload_facts *facts)
{
    return facts->source == UPLOAD_HELD && facts->sessions == UPLOAD_SESSIONS_LEFT;
}

static int holds(enum upload_when when, const struct upload_facts *facts)
{
    switch (when) {
    case KNOWN_ABSENT:
        return facts->digest == UPLOAD_DIGEST_ASKED;
    case SINGLE:
        return facts->way == UPLOAD_SINGLE;
    case READY:
        return facts->rest == UPLOAD_REST_READY;
    case LATER:
        return facts->rest == UPLOAD_REST_LATER;
    case UNTOUCHED:
        return facts->body == UPLOAD_UNTOUCHED;
    case FIRST:
        return facts->times == UPLOAD_FIRST;
    case SHRINKABLE:
        return facts->way == UPLOAD_CHUNKED && facts->size == UPLOAD_SHRINKABLE;
    case SWITCHABLE:
        return facts->source == UPLOAD_HELD && facts->other_way == UPLOAD_ANOTHER_WAY;
    case REPLAYABLE:
        return replayable(facts);
    case REPLAYABLE_FIRST:
        return replayable(facts) && facts->times == UPLOAD_FIRST;
    case REPLAYABLE_SMALL:
        return replayable(facts) && (facts->way == UPLOAD_SINGLE || facts->way == UPLOAD_AT_ONCE);
    case COMMIT_OVER:
        return facts->commit == UPLOAD_COMMIT_OVER;
    case PROMISED:
        return facts->promise == UPLOAD_PROMISED;
    case ALWAYS:
    case WHENS:
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
    return (struct upload_action){ .next = UPLOAD_STATES };
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
        .act = do_names[rule->action.act],
        .pause = pause_names[rule->action.pause],
        .cause = cause_names[rule->action.cause],
    };
    return 1;
}

const char *upload_state_name(enum upload_state state)
{
    return state < UPLOAD_STATES ? state_names[state] : "none";
}

const char *upload_event_name(enum upload_event event)
{
    return event < UPLOAD_EVENTS ? event_names[event] : "none";
}
