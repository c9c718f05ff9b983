/* SPDX-License-Identifier: Apache-2.0 */
/* The upload machine: what can happen in which state, what must never follow, and whole uploads
 * against a model of a registry in which anything may go wrong. */
#include "support/unit.h"

#include "base/macros.h"
#include "registry/upload_machine.h"

#define BIT(event) (1u << UPLOAD_##event)

static const unsigned of_stream = BIT(FILLED) | BIT(ENDED) | BIT(ABANDONED);
static const unsigned of_looks = BIT(FOUND) | BIT(ABSENT) | BIT(OTHER) | BIT(UNKNOWN) | BIT(ERROR);
static const unsigned of_bodies = BIT(OK) | BIT(SHORT) | BIT(BROKEN) | BIT(BUSY) |
                                  BIT(UNAUTHORIZED) | BIT(GONE) | BIT(REFUSED) | BIT(ERROR) |
                                  BIT(EXHAUSTED) | BIT(RANGE) | BIT(LARGE) | BIT(LENGTH) |
                                  BIT(UNEXPECTED) | BIT(ABANDONED);
static const unsigned of_asks = BIT(WHOLE) | BIT(PART) | BIT(OUTSIDE) | BIT(BROKEN) | BIT(BUSY) |
                                BIT(GONE) | BIT(REFUSED) | BIT(ERROR) | BIT(ABANDONED);

/* Everything else cannot happen, and is said to be so. */
static unsigned legal_events(enum upload_state state)
{
    switch (state) {
    case UPLOAD_GATHERING:
        return of_stream;
    case UPLOAD_WAITING:
        return of_stream;
    case UPLOAD_CHECKING:
        return of_looks | BIT(ABANDONED);
    case UPLOAD_OPENING:
        return BIT(OK) | BIT(BROKEN) | BIT(BUSY) | BIT(GONE) | BIT(REFUSED) | BIT(ERROR) |
               BIT(EXHAUSTED) | BIT(ABANDONED);
    case UPLOAD_SENDING:
        return of_bodies;
    case UPLOAD_RENEWING:
    case UPLOAD_RENEWING_LAST:
        return BIT(OK) | BIT(ERROR) | BIT(ABANDONED);
    case UPLOAD_ASKING:
        return of_asks | BIT(MOVING) | BIT(EXHAUSTED);
    case UPLOAD_COMPARING:
        return of_asks | BIT(EXHAUSTED);
    case UPLOAD_COMMITTING:
        return of_bodies | BIT(MISMATCH) | BIT(OTHER);
    case UPLOAD_DOUBTING:
        return of_looks | BIT(EXHAUSTED) | BIT(ABANDONED);
    case UPLOAD_REVIEWING:
        return of_asks;
    case UPLOAD_CONFIRMING:
        return of_looks | BIT(EXHAUSTED) | BIT(ABANDONED);
    case UPLOAD_SWITCHING:
    case UPLOAD_RESTARTING:
    case UPLOAD_CLOSING:
        return BIT(OK) | BIT(ABANDONED);
    case UPLOAD_DONE:
    case UPLOAD_FAILED:
    case UPLOAD_STATES:
    default:
        return 0;
    }
}

/* All facts there can be. */
static bool facts_nth(unsigned number, struct upload_facts *ret_facts)
{
    *ret_facts = (struct upload_facts){ .way = number % 4 };
    number /= 4;
    ret_facts->rest = number % 3;
    number /= 3;
    ret_facts->body = number & 1;
    ret_facts->source = number >> 1 & 1;
    ret_facts->sessions = number >> 2 & 1;
    ret_facts->other_way = number >> 3 & 1;
    ret_facts->times = number >> 4 & 1;
    ret_facts->digest = number >> 5 & 1;
    ret_facts->commit = number >> 6 & 1;
    ret_facts->size = number >> 7 & 1;
    ret_facts->promise = number >> 8 & 1;
    return number >> 9 == 0;
}

static bool sends_again(enum upload_state next)
{
    return next == UPLOAD_RESTARTING || next == UPLOAD_SWITCHING;
}

/* What must hold of every step. */
static void check_step(enum upload_state state, const struct upload_facts *facts,
                       struct upload_action action)
{
    bool over = action.next == UPLOAD_DONE || action.next == UPLOAD_FAILED;
    assert_true(action.next < UPLOAD_STATES && action.act < UPLOAD_DOS);
    assert_int_equal(over, action.act == UPLOAD_DO_NOTHING);
    /* Bytes that are gone are not sent again; sessions have an end. */
    assert_false(sends_again(action.next) && facts->source == UPLOAD_LET_GO);
    assert_false(action.next == UPLOAD_RESTARTING && facts->sessions == UPLOAD_SESSIONS_SPENT);
    assert_false(action.next == UPLOAD_SWITCHING && facts->other_way == UPLOAD_NO_OTHER_WAY);
    /* Who fails says why, once. */
    bool fails = action.next == UPLOAD_CLOSING || action.next == UPLOAD_FAILED;
    assert_int_equal(fails && state != UPLOAD_CLOSING, action.cause != UPLOAD_NO_CAUSE);
    /* No false success: what is done was seen, or promised. */
    if (action.next == UPLOAD_DONE) {
        assert_true(state == UPLOAD_CHECKING || state == UPLOAD_DOUBTING ||
                    state == UPLOAD_CONFIRMING);
    }
    /* Nothing follows a confirmation but looking. */
    assert_false(state == UPLOAD_CONFIRMING && action.act > UPLOAD_DO_LOOK);
}

static void test_every_state_and_event(void **unused)
{
    (void)unused;
    struct upload_facts facts;
    for (unsigned number = 0; facts_nth(number, &facts); number++) {
        for (unsigned state = 0; state < UPLOAD_STATES; state++) {
            for (unsigned event = 0; event < UPLOAD_EVENTS; event++) {
                struct upload_action action = upload_step(state, event, &facts);
                if ((legal_events(state) >> event & 1) == 0) {
                    assert_int_equal(action.next, UPLOAD_STATES);
                } else if (action.next == UPLOAD_STATES) {
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
    enum upload_way way;
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
                                               UPLOAD_RANGE, UPLOAD_REFUSED };
    unsigned left = model->end - model->acked;
    assert_true(left > 0);
    if (!model->session || model->acked != model->taken) {
        return UPLOAD_RANGE;
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
        return model->taken == model->acked ? UPLOAD_WHOLE : UPLOAD_OUTSIDE;
    }
    unsigned before = model->acked;
    model->acked = model->taken;
    return model->taken == model->end ? UPLOAD_WHOLE
           : model->taken >= before   ? UPLOAD_PART
                                      : UPLOAD_OUTSIDE;
}

static enum upload_event model_commit(struct model *model)
{
    if (!model->session) {
        return UPLOAD_GONE;
    }
    if (model->way == UPLOAD_SINGLE) {
        model->taken = model->size;
    }
    if (draw(model, 5) == 0) {
        return UPLOAD_BROKEN;
    }
    if (model->corrupt || model->taken != model->size) {
        model->session = false;
        return UPLOAD_MISMATCH;
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

static enum upload_event model_do(struct model *model, enum upload_state state, enum upload_do act)
{
    switch (act) {
    case UPLOAD_DO_WAIT:
        return model_wait(model);
    case UPLOAD_DO_LOOK:
        return draw(model, 8) == 0 ? UPLOAD_UNKNOWN
               : model->committed  ? UPLOAD_FOUND
                                   : UPLOAD_ABSENT;
    case UPLOAD_DO_OPEN:
        return model_open(model);
    case UPLOAD_DO_SEND:
    case UPLOAD_DO_SEND_SMALLER:
    case UPLOAD_DO_SEND_UNASKED:
        return model_send(model);
    case UPLOAD_DO_RENEW:
        return UPLOAD_OK;
    case UPLOAD_DO_ASK:
        return model_ask(model, state == UPLOAD_REVIEWING);
    case UPLOAD_DO_COMMIT:
    case UPLOAD_DO_COMMIT_UNASKED:
        return model_commit(model);
    case UPLOAD_DO_SWITCH:
        model->switches++;
        model->way = model->way == UPLOAD_SINGLE ? UPLOAD_AT_ONCE : UPLOAD_STREAMED;
        __attribute__((fallthrough));
    case UPLOAD_DO_CLOSE:
        model->session = model->corrupt = false;
        model->acked = 0;
        return UPLOAD_OK;
    case UPLOAD_DO_NOTHING:
    case UPLOAD_DOS:
    default:
        return UPLOAD_EVENTS;
    }
}

static struct upload_facts model_facts(const struct model *model, enum upload_event event)
{
    bool small = model->way == UPLOAD_SINGLE;
    return (struct upload_facts){
        .way = model->way,
        .rest = small                       ? UPLOAD_REST_NONE
                : model->end > model->acked ? UPLOAD_REST_READY
                : model->end == model->size ? UPLOAD_REST_NONE
                                            : UPLOAD_REST_LATER,
        .body = UPLOAD_TOUCHED,
        .source =
            model->spooled || small || model->way == UPLOAD_AT_ONCE ? UPLOAD_HELD : UPLOAD_LET_GO,
        .sessions = model->sessions < 3 ? UPLOAD_SESSIONS_LEFT : UPLOAD_SESSIONS_SPENT,
        .other_way = model->switches == 0 ? UPLOAD_ANOTHER_WAY : UPLOAD_NO_OTHER_WAY,
        .times = event == UPLOAD_MISMATCH && model->mismatches > 1 ? UPLOAD_AGAIN : UPLOAD_FIRST,
        .promise = UPLOAD_PROMISED,
    };
}

static void run_model(struct model *model)
{
    enum upload_state state = UPLOAD_GATHERING;
    enum upload_event event = model_wait(model);
    if (event == UPLOAD_ENDED) {
        model->way = UPLOAD_SINGLE;
    }
    unsigned steps = 0;
    while (state != UPLOAD_DONE && state != UPLOAD_FAILED) {
        model->mismatches += event == UPLOAD_MISMATCH;
        struct upload_facts facts = model_facts(model, event);
        struct upload_action action = upload_step(state, event, &facts);
        if (action.next == UPLOAD_STATES) {
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
        struct model model = { .chance = seed, .way = UPLOAD_CHUNKED };
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
