/* SPDX-License-Identifier: Apache-2.0 */
/* The upload machine: what can happen in which state, what must never follow, and whole uploads
 * against a model of a registry in which anything may go wrong. */
#include "support/unit.h"

#include "base/macros.h"
#include "upload/upload_machine.h"

#define BIT(event) (1u << UPLOAD_##event)

static const unsigned of_stream = BIT(FILLED) | BIT(ENDED) | BIT(ABANDONED);
static const unsigned of_looks =
    BIT(BLOB_FOUND) | BIT(BLOB_MISSING) | BIT(BLOB_DIFFERS) | BIT(BLOB_CHECK_FAILED) | BIT(ERROR);
static const unsigned of_bodies = BIT(OK) | BIT(SHORT) | BIT(BROKEN) | BIT(BUSY) | BIT(HTTP_401) |
                                  BIT(GONE) | BIT(REFUSED) | BIT(ERROR) | BIT(EXHAUSTED) |
                                  BIT(HTTP_416) | BIT(HTTP_413) | BIT(HTTP_411) | BIT(HTTP_417) |
                                  BIT(ABANDONED);
static const unsigned of_asks = BIT(OFFSET_COMPLETE) | BIT(OFFSET_BEHIND) | BIT(OFFSET_INVALID) |
                                BIT(BROKEN) | BIT(BUSY) | BIT(GONE) | BIT(REFUSED) | BIT(ERROR) |
                                BIT(ABANDONED);

/* Everything else cannot happen, and is said to be so. */
static unsigned legal_events(enum upload_state state)
{
    switch (state) {
    case UPLOAD_BUFFERING:
        return of_stream;
    case UPLOAD_WAITING:
        return of_stream;
    case UPLOAD_CHECKING_BLOB:
        return of_looks | BIT(ABANDONED);
    case UPLOAD_OPENING:
        return BIT(OK) | BIT(BROKEN) | BIT(BUSY) | BIT(GONE) | BIT(REFUSED) | BIT(ERROR) |
               BIT(EXHAUSTED) | BIT(ABANDONED);
    case UPLOAD_SENDING:
        return of_bodies;
    case UPLOAD_RENEWING_TOKEN:
    case UPLOAD_RENEWING_TOKEN_FOR_COMMIT:
        return BIT(OK) | BIT(ERROR) | BIT(ABANDONED);
    case UPLOAD_QUERYING_OFFSET:
        return of_asks | BIT(OFFSET_UNSTABLE) | BIT(EXHAUSTED);
    case UPLOAD_QUERYING_OFFSET_AFTER_416:
        return of_asks | BIT(EXHAUSTED);
    case UPLOAD_COMMITTING:
        return of_bodies | BIT(DIGEST_REFUSED) | BIT(BLOB_DIFFERS);
    case UPLOAD_CHECKING_BLOB_AFTER_ERROR:
        return of_looks | BIT(EXHAUSTED) | BIT(ABANDONED);
    case UPLOAD_CHECKING_SESSION:
        return of_asks;
    case UPLOAD_VERIFYING_BLOB:
        return of_looks | BIT(EXHAUSTED) | BIT(ABANDONED);
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

/* All facts there can be. */
static bool facts_nth(unsigned number, struct upload_facts *ret_facts)
{
    *ret_facts = (struct upload_facts){ .method = number % 4 };
    number /= 4;
    ret_facts->rest = number % 3;
    number /= 3;
    ret_facts->body = number & 1;
    ret_facts->replay = number >> 1 & 1;
    ret_facts->sessions = number >> 2 & 1;
    ret_facts->other_method = number >> 3 & 1;
    ret_facts->times = number >> 4 & 1;
    ret_facts->digest = number >> 5 & 1;
    ret_facts->commit = number >> 6 & 1;
    ret_facts->size = number >> 7 & 1;
    ret_facts->commit_answer = number >> 8 & 1;
    return number >> 9 == 0;
}

static bool sends_again(enum upload_state next)
{
    return next == UPLOAD_RESTARTING || next == UPLOAD_CHANGING_METHOD;
}

/* What must hold of every step. */
static void check_step(enum upload_state state, const struct upload_facts *facts,
                       struct upload_action action)
{
    bool over = action.next == UPLOAD_DONE || action.next == UPLOAD_FAILED;
    assert_true(action.next < UPLOAD_STATE_COUNT && action.act < UPLOAD_ACT_COUNT);
    assert_int_equal(over, action.act == UPLOAD_ACT_NOTHING);
    /* Bytes that are gone are not sent again; sessions have an end. */
    assert_false(sends_again(action.next) && facts->replay == UPLOAD_REPLAY_DISCARDED);
    assert_false(action.next == UPLOAD_RESTARTING && facts->sessions == UPLOAD_NO_SESSIONS_LEFT);
    assert_false(action.next == UPLOAD_CHANGING_METHOD &&
                 facts->other_method == UPLOAD_NO_METHOD_LEFT);
    /* Who fails says why, once. */
    bool fails = action.next == UPLOAD_DELETING_SESSION || action.next == UPLOAD_FAILED;
    assert_int_equal(fails && state != UPLOAD_DELETING_SESSION, action.cause != UPLOAD_NO_CAUSE);
    /* No false success: what is done was seen, or promised. */
    if (action.next == UPLOAD_DONE) {
        assert_true(state == UPLOAD_CHECKING_BLOB || state == UPLOAD_CHECKING_BLOB_AFTER_ERROR ||
                    state == UPLOAD_VERIFYING_BLOB);
    }
    /* Nothing follows a confirmation but looking. */
    assert_false(state == UPLOAD_VERIFYING_BLOB && action.act > UPLOAD_ACT_HEAD_BLOB);
}

static void test_every_state_and_event(void **unused)
{
    (void)unused;
    struct upload_facts facts;
    for (unsigned number = 0; facts_nth(number, &facts); number++) {
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

static void test_every_rule_is_reachable(void **unused)
{
    (void)unused;
    struct upload_rule_text rule;
    struct upload_rule_text before = { .state = "" };
    for (size_t i = 0; upload_rule_at(i, &rule); i++) {
        assert_true(rule.state[0] != '\0' && rule.event[0] != '\0' && rule.next[0] != '\0');
        /* Behind a rule without condition nothing of the same state and event is ever reached. */
        bool same = strcmp(rule.state, before.state) == 0 && strcmp(rule.event, before.event) == 0;
        assert_false(same && before.when[0] == '\0');
        before = rule;
    }
}

/* A registry, and a blob of some bytes, of which the last ones are held. */
struct model {
    unsigned chance;
    unsigned size, taken, end; /* of the blob; in the session; written by the producer */
    unsigned acked;            /* as the sender believes */
    bool session, committed, spooled, corrupt;
    unsigned sessions, failures, switches, mismatches, renewals;
    enum upload_method method;
};

static unsigned draw(struct model *model, unsigned below)
{
    model->chance = model->chance * 1664525u + 1013904223u;
    return (model->chance >> 8) % below;
}

static enum upload_event any_failure(struct model *model, const enum upload_event *events,
                                     size_t count)
{
    return events[draw(model, (unsigned)count)];
}

static enum upload_event model_open(struct model *model)
{
    static const enum upload_event wrong[] = { UPLOAD_BROKEN, UPLOAD_BUSY };
    if (draw(model, 4) == 0) {
        return any_failure(model, wrong, ARRAY_LEN(wrong));
    }
    model->session = true;
    model->sessions++;
    model->taken = model->acked = 0;
    return UPLOAD_OK;
}

static enum upload_event model_send(struct model *model)
{
    static const enum upload_event wrong[] = { UPLOAD_BROKEN, UPLOAD_BUSY, UPLOAD_GONE,
                                               UPLOAD_HTTP_416, UPLOAD_REFUSED };
    unsigned left = model->end - model->acked;
    assert_true(left > 0);
    if (!model->session || model->acked != model->taken) {
        return UPLOAD_HTTP_416;
    }
    if (draw(model, 3) == 0) {
        if (draw(model, 2) == 0) {
            model->taken += draw(model, left + 1);
            model->session = draw(model, 3) != 0;
            return UPLOAD_BROKEN;
        }
        return any_failure(model, wrong, ARRAY_LEN(wrong));
    }
    model->taken = model->acked = model->end;
    model->corrupt = model->corrupt || draw(model, 20) == 0;
    model->failures = 0;
    return UPLOAD_OK;
}

static enum upload_event model_ask(struct model *model, bool reviewing)
{
    if (draw(model, 6) == 0) {
        return UPLOAD_BROKEN;
    }
    if (!model->session) {
        return UPLOAD_GONE;
    }
    if (reviewing) {
        return model->taken == model->acked ? UPLOAD_OFFSET_COMPLETE : UPLOAD_OFFSET_INVALID;
    }
    unsigned before = model->acked;
    model->acked = model->taken;
    return model->taken == model->end ? UPLOAD_OFFSET_COMPLETE
           : model->taken >= before   ? UPLOAD_OFFSET_BEHIND
                                      : UPLOAD_OFFSET_INVALID;
}

static enum upload_event model_commit(struct model *model)
{
    if (!model->session) {
        return UPLOAD_GONE;
    }
    if (model->method == UPLOAD_SINGLE_PUT) {
        model->taken = model->size;
    }
    if (draw(model, 5) == 0) {
        return UPLOAD_BROKEN;
    }
    if (model->corrupt || model->taken != model->size) {
        model->session = false;
        return UPLOAD_DIGEST_REFUSED;
    }
    model->committed = true;
    model->session = false;
    return draw(model, 4) == 0 ? UPLOAD_BROKEN : UPLOAD_OK;
}

static enum upload_event model_wait(struct model *model)
{
    model->end = MIN_OF(model->size, model->end + 1 + draw(model, 4));
    return model->end == model->size ? UPLOAD_ENDED : UPLOAD_FILLED;
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
        return model_ask(model, state == UPLOAD_CHECKING_SESSION);
    case UPLOAD_ACT_COMMIT:
    case UPLOAD_ACT_COMMIT_WITHOUT_EXPECT:
        return model_commit(model);
    case UPLOAD_ACT_CHANGE_METHOD:
        model->switches++;
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
    bool small = model->method == UPLOAD_SINGLE_PUT;
    return (struct upload_facts){
        .method = model->method,
        .rest = small                       ? UPLOAD_REST_NONE
                : model->end > model->acked ? UPLOAD_REST_READY
                : model->end == model->size ? UPLOAD_REST_NONE
                                            : UPLOAD_REST_LATER,
        .body = UPLOAD_BODY_SENT,
        .replay = model->spooled || small || model->method == UPLOAD_SINGLE_PATCH
                      ? UPLOAD_REPLAY_BUFFERED
                      : UPLOAD_REPLAY_DISCARDED,
        .sessions = model->sessions < 3 ? UPLOAD_SESSIONS_LEFT : UPLOAD_NO_SESSIONS_LEFT,
        .other_method = model->switches == 0 ? UPLOAD_METHOD_LEFT : UPLOAD_NO_METHOD_LEFT,
        .times =
            event == UPLOAD_DIGEST_REFUSED && model->mismatches > 1 ? UPLOAD_AGAIN : UPLOAD_FIRST,
        .commit_answer = UPLOAD_GOT_201,
    };
}

static void run_model(struct model *model)
{
    enum upload_state state = UPLOAD_BUFFERING;
    enum upload_event event = model_wait(model);
    if (event == UPLOAD_ENDED) {
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
    /* The point of it all. */
    assert_false(state == UPLOAD_DONE && !model->committed);
    assert_true(model->sessions <= 4);
}

static void test_random_uploads(void **unused)
{
    (void)unused;
    unsigned done = 0;
    unsigned failed = 0;
    for (unsigned seed = 1; seed <= 50000; seed++) {
        struct model model = { .chance = seed, .method = UPLOAD_CHUNKED };
        model.size = 1 + draw(&model, 30);
        model.spooled = draw(&model, 2) == 0;
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
        cmocka_unit_test(test_every_rule_is_reachable),
        cmocka_unit_test(test_random_uploads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
