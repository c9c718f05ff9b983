/* SPDX-License-Identifier: Apache-2.0 */
/* Work in the background: all of it is done when the object is disposed, also without threads. */
#include "support/unit.h"

#include <stdatomic.h>

#include "base/background.h"
#include "base/sync.h"

#define TASKS 20

static void count_one(void *ctx)
{
    atomic_fetch_add((atomic_uint *)ctx, 1);
}

static void test_all_tasks_are_done_at_the_end(void **state)
{
    atomic_uint done = 0;
    struct background background;
    (void)state;
    background_init(&background);
    for (unsigned i = 0; i < TASKS; i++) {
        background_run(&background, "task", count_one, &done);
    }
    background_dispose(&background);
    assert_int_equal(done, TASKS);
}

#ifdef LPIPE_FAULTS
static void test_without_a_thread_the_task_is_done_at_once(void **state)
{
    atomic_uint done = 0;
    struct background background;
    (void)state;
    background_init(&background);
    thread_fail_nth(1);
    background_run(&background, "task", count_one, &done);
    thread_fail_nth(0);
    assert_int_equal(done, 1);
    background_dispose(&background);
    assert_int_equal(done, 1);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_tasks_are_done_at_the_end),
#ifdef LPIPE_FAULTS
        cmocka_unit_test(test_without_a_thread_the_task_is_done_at_once),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
