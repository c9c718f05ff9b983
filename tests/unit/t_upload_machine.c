/* SPDX-License-Identifier: Apache-2.0 */
/* The upload machine: which events are possible in which state, what must be true of every step,
 * and whole uploads against a model of a registry with random failures. */
#include "support/unit.h"

#include "base/macros.h"
#include "upload/upload_machine.h"

#define BIT(event) (1u << UPLOAD_##event)

static const unsigned stream_events = BIT(BYTES_READY) | BIT(STREAM_ENDED) | BIT(ABANDONED);
static const unsigned head_events =
    BIT(BLOB_FOUND) | BIT(BLOB_MISSING) | BIT(BLOB_MISMATCH) | BIT(BLOB_CHECK_FAILED) | BIT(ERROR);
static const unsigned body_events =
    BIT(OK) | BIT(PARTLY_ACCEPTED) | BIT(NO_ANSWER) | BIT(RETRY_LATER) | BIT(HTTP_401) | BIT(GONE) |
    BIT(REFUSED) | BIT(ERROR) | BIT(EXHAUSTED) | BIT(HTTP_416) | BIT(HTTP_413) | BIT(HTTP_411) |
    BIT(HTTP_417) | BIT(REDIRECTED) | BIT(ABANDONED);
static const unsigned offset_events = BIT(OFFSET_COMPLETE) | BIT(OFFSET_BEHIND) |
                                      BIT(OFFSET_INVALID) | BIT(NO_ANSWER) | BIT(RETRY_LATER) |
                                      BIT(GONE) | BIT(REFUSED) | BIT(ERROR) | BIT(ABANDONED);

/* For every other event the machine must report "impossible". */
static unsigned legal_events(enum upload_state state)
{
    switch (state) {
    case UPLOAD_BUFFERING:
        return stream_events;
    case UPLOAD_WAITING:
        return stream_events;
    case UPLOAD_CHECKING_BLOB:
        return head_events | BIT(ABANDONED);
    case UPLOAD_OPENING:
        return BIT(OK) | BIT(NO_ANSWER) | BIT(RETRY_LATER) | BIT(GONE) | BIT(REFUSED) | BIT(ERROR) |
               BIT(EXHAUSTED) | BIT(ABANDONED);
    case UPLOAD_SENDING:
        return body_events;
    case UPLOAD_RENEWING_TOKEN:
    case UPLOAD_RENEWING_TOKEN_FOR_COMMIT:
        return BIT(OK) | BIT(ERROR) | BIT(ABANDONED);
    case UPLOAD_QUERYING_OFFSET:
        return offset_events | BIT(OFFSET_UNSTABLE) | BIT(EXHAUSTED);
    case UPLOAD_QUERYING_OFFSET_AFTER_416:
        return offset_events | BIT(EXHAUSTED);
    case UPLOAD_COMMITTING:
        return body_events | BIT(DIGEST_REFUSED) | BIT(BLOB_MISMATCH);
    case UPLOAD_CHECKING_BLOB_AFTER_ERROR:
        return head_events | BIT(EXHAUSTED) | BIT(ABANDONED);
    case UPLOAD_CHECKING_SESSION:
        return offset_events;
    case UPLOAD_VERIFYING_BLOB:
        return head_events | BIT(EXHAUSTED) | BIT(ABANDONED);
    case UPLOAD_CHANGING_METHOD:
    case UPLOAD_RESTARTING:
    case UPLOAD_DELETING_SESSION:
        return BIT(OK) | BIT(ABANDONED);
    case UPLOAD_DONE:
    case UPLOAD_FAILED:
    case UPLOAD_STATE_COUNT:
    default:
        return 0;
    }
}

/* Decodes a number into facts: counting up gives every combination. False after the last one. */
static bool facts_from_number(unsigned number, struct upload_facts *ret_facts)
{
    *ret_facts = (struct upload_facts){ .method = number % 4 };
    number /= 4;
    ret_facts->next_patch = number % 3;
    number /= 3;
    ret_facts->commit_answer = number % 3;
    number /= 3;
    ret_facts->body = number & 1;
    ret_facts->replay = number >> 1 & 1;
    ret_facts->sessions = number >> 2 & 1;
    ret_facts->other_method = number >> 3 & 1;
    ret_facts->repetition = number >> 4 & 1;
    ret_facts->first_head = number >> 5 & 1;
    ret_facts->commit = number >> 6 & 1;
    ret_facts->chunk_size = number >> 7 & 1;
    ret_facts->unacked = number >> 8 & 1;
    return number >> 9 == 0;
}

static bool resends_all(enum upload_state next)
{
    return next == UPLOAD_RESTARTING || next == UPLOAD_CHANGING_METHOD;
}

/* Checks what must be true of every step. */
static void check_step(enum upload_state state, const struct upload_facts *facts,
                       struct upload_action action)
{
    bool over = action.next == UPLOAD_DONE || action.next == UPLOAD_FAILED;
    assert_true(action.next < UPLOAD_STATE_COUNT && action.act < UPLOAD_ACT_COUNT);
    assert_int_equal(over, action.act == UPLOAD_ACT_NOTHING);
    /* Dropped bytes are never sent again, and the number of sessions is limited. */
    assert_false(resends_all(action.next) && facts->replay == UPLOAD_REPLAY_DISCARDED);
    assert_false(action.next == UPLOAD_RESTARTING && facts->sessions == UPLOAD_NO_SESSIONS_LEFT);
    assert_false(action.next == UPLOAD_CHANGING_METHOD &&
                 facts->other_method == UPLOAD_NO_METHOD_LEFT);
    /* Each failure has exactly one cause. */
    bool fails = action.next == UPLOAD_DELETING_SESSION || action.next == UPLOAD_FAILED;
    assert_int_equal(fails && state != UPLOAD_DELETING_SESSION, action.cause != UPLOAD_NO_CAUSE);
    /* No false success: DONE needs a HEAD of the blob, or a 201 to the PUT of the whole blob that
     * names its digest. */
    if (action.next == UPLOAD_DONE) {
        bool is_stored = state == UPLOAD_COMMITTING && facts->commit_answer == UPLOAD_COMMIT_STORED;
        assert_true(state == UPLOAD_CHECKING_BLOB || state == UPLOAD_CHECKING_BLOB_AFTER_ERROR ||
                    state == UPLOAD_VERIFYING_BLOB || is_stored);
    }
    /* After a successful PUT only HEAD is sent. */
    assert_false(state == UPLOAD_VERIFYING_BLOB && action.act > UPLOAD_ACT_HEAD_BLOB);
}

static void test_every_state_and_event(void **unused)
{
    (void)unused;
    struct upload_facts facts;
    for (unsigned number = 0; facts_from_number(number, &facts); number++) {
        for (unsigned state = 0; state < UPLOAD_STATE_COUNT; state++) {
            for (unsigned event = 0; event < UPLOAD_EVENT_COUNT; event++) {
                struct upload_action action = upload_step(state, event, &facts);
                if ((legal_events(state) >> event & 1) == 0) {
                    assert_int_equal(action.next, UPLOAD_STATE_COUNT);
                } else if (action.next == UPLOAD_STATE_COUNT) {
                    fail_msg("%s has no rule for %s", upload_state_name(state),
                             upload_event_name(event));
                } else {
                    check_step(state, &facts, action);
                }
            }
        }
    }
}

/* A redirected request is sent again only while its bytes are buffered. */
static void test_redirects(void **unused)
{
    static const enum upload_state states[] = { UPLOAD_SENDING, UPLOAD_COMMITTING };
    struct upload_facts facts;
    (void)unused;
    for (unsigned number = 0; facts_from_number(number, &facts); number++) {
        for (size_t i = 0; i < ARRAY_LEN(states); i++) {
            struct upload_action action = upload_step(states[i], UPLOAD_REDIRECTED, &facts);
            assert_int_equal(action.next == states[i], facts.unacked == UPLOAD_UNACKED_BUFFERED);
        }
    }
}

static void test_every_rule_is_reachable(void **unused)
{
    (void)unused;
    struct upload_rule_text rule;
    struct upload_rule_text before = { .state = "" };
    for (size_t i = 0; upload_rule_at(i, &rule); i++) {
        assert_true(rule.state[0] != '\0' && rule.event[0] != '\0' && rule.next[0] != '\0');
        /* No rule of the same state and event may follow one without a condition. */
        bool same = strcmp(rule.state, before.state) == 0 && strcmp(rule.event, before.event) == 0;
        assert_false(same && before.condition[0] == '\0');
        before = rule;
    }
}

/* A registry, and a blob of a few bytes. */
struct model {
    unsigned chance;
    unsigned size, received, end; /* of the blob; in the session; written by the writer */
    unsigned acked;               /* as the sender counts */
    bool session, committed, spooled, corrupt;
    unsigned sessions, failures, method_changes, mismatches, renewals;
    enum upload_method method;
    enum upload_first_head first_head;
};

static unsigned draw(struct model *model, unsigned below)
{
    model->chance = model->chance * 1664525u + 1013904223u;
    return (model->chance >> 8) % below;
}

static enum upload_event pick_event(struct model *model, const enum upload_event *events,
                                    size_t count)
{
    return events[draw(model, (unsigned)count)];
}

static enum upload_event model_open(struct model *model)
{
    static const enum upload_event wrong[] = { UPLOAD_NO_ANSWER, UPLOAD_RETRY_LATER };
    if (draw(model, 4) == 0) {
        return pick_event(model, wrong, ARRAY_LEN(wrong));
    }
    model->session = true;
    model->sessions++;
    model->received = model->acked = 0;
    return UPLOAD_OK;
}

static enum upload_event model_send(struct model *model)
{
    static const enum upload_event wrong[] = { UPLOAD_NO_ANSWER, UPLOAD_RETRY_LATER, UPLOAD_GONE,
                                               UPLOAD_HTTP_416, UPLOAD_REFUSED };
    unsigned left = model->end - model->acked;
    assert_true(left > 0);
    if (!model->session || model->acked != model->received) {
        return UPLOAD_HTTP_416;
    }
    if (draw(model, 6) == 0) {
        return UPLOAD_REDIRECTED;
    }
    if (draw(model, 3) == 0) {
        if (draw(model, 2) == 0) {
            model->received += draw(model, left + 1);
            model->session = draw(model, 3) != 0;
            return UPLOAD_NO_ANSWER;
        }
        return pick_event(model, wrong, ARRAY_LEN(wrong));
    }
    model->received = model->acked = model->end;
    model->corrupt = model->corrupt || draw(model, 20) == 0;
    model->failures = 0;
    return UPLOAD_OK;
}

static enum upload_event model_query_offset(struct model *model, bool is_session_check)
{
    if (draw(model, 6) == 0) {
        return UPLOAD_NO_ANSWER;
    }
    if (!model->session) {
        return UPLOAD_GONE;
    }
    if (is_session_check) {
        return model->received == model->acked ? UPLOAD_OFFSET_COMPLETE : UPLOAD_OFFSET_INVALID;
    }
    unsigned before = model->acked;
    model->acked = model->received;
    return model->received == model->end ? UPLOAD_OFFSET_COMPLETE
           : model->received >= before   ? UPLOAD_OFFSET_BEHIND
                                         : UPLOAD_OFFSET_INVALID;
}

static enum upload_event model_commit(struct model *model)
{
    if (!model->session) {
        return UPLOAD_GONE;
    }
    if (draw(model, 6) == 0) {
        return UPLOAD_REDIRECTED;
    }
    if (model->method == UPLOAD_SINGLE_PUT) {
        model->received = model->size;
    }
    if (draw(model, 5) == 0) {
        return UPLOAD_NO_ANSWER;
    }
    if (model->corrupt || model->received != model->size) {
        model->session = false;
        return UPLOAD_DIGEST_REFUSED;
    }
    model->committed = true;
    model->session = false;
    return draw(model, 4) == 0 ? UPLOAD_NO_ANSWER : UPLOAD_OK;
}

static enum upload_event model_wait(struct model *model)
{
    model->end = MIN_OF(model->size, model->end + 1 + draw(model, 4));
    return model->end == model->size ? UPLOAD_STREAM_ENDED : UPLOAD_BYTES_READY;
}

static enum upload_event model_do(struct model *model, enum upload_state state, enum upload_act act)
{
    switch (act) {
    case UPLOAD_ACT_WAIT:
        return model_wait(model);
    case UPLOAD_ACT_HEAD_BLOB:
        return draw(model, 8) == 0 ? UPLOAD_BLOB_CHECK_FAILED
               : model->committed  ? UPLOAD_BLOB_FOUND
                                   : UPLOAD_BLOB_MISSING;
    case UPLOAD_ACT_OPEN_SESSION:
        return model_open(model);
    case UPLOAD_ACT_SEND:
    case UPLOAD_ACT_SEND_SMALLER:
    case UPLOAD_ACT_SEND_WITHOUT_EXPECT:
        return model_send(model);
    case UPLOAD_ACT_RENEW_TOKEN:
        return UPLOAD_OK;
    case UPLOAD_ACT_QUERY_OFFSET:
        return model_query_offset(model, state == UPLOAD_CHECKING_SESSION);
    case UPLOAD_ACT_COMMIT:
    case UPLOAD_ACT_COMMIT_WITHOUT_EXPECT:
        return model_commit(model);
    case UPLOAD_ACT_CHANGE_METHOD:
        model->method_changes++;
        model->method = model->method == UPLOAD_SINGLE_PUT ? UPLOAD_SINGLE_PATCH : UPLOAD_STREAMED;
        __attribute__((fallthrough));
    case UPLOAD_ACT_DELETE_SESSION:
        model->session = model->corrupt = false;
        model->acked = 0;
        return UPLOAD_OK;
    case UPLOAD_ACT_NOTHING:
    case UPLOAD_ACT_COUNT:
    default:
        return UPLOAD_EVENT_COUNT;
    }
}

static struct upload_facts model_facts(const struct model *model, enum upload_event event)
{
    bool is_single = model->method == UPLOAD_SINGLE_PUT;
    return (struct upload_facts){
        .method = model->method,
        .next_patch = is_single                   ? UPLOAD_PATCH_NONE
                      : model->end > model->acked ? UPLOAD_PATCH_READY
                      : model->end == model->size ? UPLOAD_PATCH_NONE
                                                  : UPLOAD_PATCH_LATER,
        .body = UPLOAD_BODY_SENT,
        .replay = model->spooled || is_single || model->method == UPLOAD_SINGLE_PATCH
                      ? UPLOAD_REPLAY_BUFFERED
                      : UPLOAD_REPLAY_DISCARDED,
        .sessions = model->sessions < 3 ? UPLOAD_SESSIONS_LEFT : UPLOAD_NO_SESSIONS_LEFT,
        .other_method = model->method_changes == 0 ? UPLOAD_METHOD_LEFT : UPLOAD_NO_METHOD_LEFT,
        .repetition = event == UPLOAD_DIGEST_REFUSED && model->mismatches > 1 ? UPLOAD_REPEATED
                                                                              : UPLOAD_FIRST_TIME,
        .first_head = model->first_head,
        .commit_answer = is_single ? UPLOAD_COMMIT_STORED : UPLOAD_COMMIT_201,
        .unacked = model->method == UPLOAD_STREAMED && !model->spooled ? UPLOAD_UNACKED_DISCARDED
                                                                       : UPLOAD_UNACKED_BUFFERED,
    };
}

static void run_model(struct model *model)
{
    enum upload_state state = UPLOAD_BUFFERING;
    enum upload_event event = model_wait(model);
    if (event == UPLOAD_STREAM_ENDED) {
        model->method = UPLOAD_SINGLE_PUT;
    }
    unsigned steps = 0;
    while (state != UPLOAD_DONE && state != UPLOAD_FAILED) {
        model->mismatches += event == UPLOAD_DIGEST_REFUSED;
        struct upload_facts facts = model_facts(model, event);
        struct upload_action action = upload_step(state, event, &facts);
        if (action.next == UPLOAD_STATE_COUNT) {
            fail_msg("%s came while %s", upload_event_name(event), upload_state_name(state));
        }
        check_step(state, &facts, action);
        state = action.next;
        bool exhausted = action.pause != UPLOAD_NO_PAUSE && ++model->failures > 5;
        event = exhausted ? UPLOAD_EXHAUSTED : model_do(model, state, action.act);
        assert_true(++steps < 2000);
    }
    /* The main property: success is only reported for a committed blob. */
    assert_false(state == UPLOAD_DONE && !model->committed);
    assert_true(model->sessions <= 4);
}

static void test_random_uploads_never_report_false_success(void **unused)
{
    (void)unused;
    unsigned done = 0;
    unsigned failed = 0;
    for (unsigned seed = 1; seed <= 50000; seed++) {
        struct model model = { .chance = seed, .method = UPLOAD_CHUNKED };
        model.size = 1 + draw(&model, 30);
        model.spooled = draw(&model, 2) == 0;
        model.first_head = draw(&model, 2);
        run_model(&model);
        done += model.committed;
        failed += !model.committed;
    }
    assert_true(done > 1000 && failed > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_state_and_event),
        cmocka_unit_test(test_redirects),
        cmocka_unit_test(test_every_rule_is_reachable),
        cmocka_unit_test(test_random_uploads_never_report_false_success),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
