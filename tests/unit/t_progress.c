/* SPDX-License-Identifier: Apache-2.0 */
/* The events of a call: they come by time, also while nothing moves, and none comes afterwards. No
 * test waits for a time: the source goes on when enough events have come. */
#include "support/unit.h"

#include <pthread.h>

#include "layerpipe.h"

#define EVENTS_WANTED 5
#define BYTES 100000

struct watch {
    pthread_mutex_t lock;
    pthread_cond_t news;
    unsigned counts[LPIPE_EVENT_TICK + 1]; /* by kind */
    unsigned ticks_in_order; /* ticks that came right after the progress of the blob */
    enum lpipe_event_kind last_kind;
    struct lpipe_event last;  /* of BLOB_PROGRESS */
    struct lpipe_event ended; /* BLOB_DONE or BLOB_FAILED */
    char input[32];
    bool is_over; /* the call has returned */
};
#define WATCH_INIT                                                                                 \
    {                                                                                              \
        .lock = PTHREAD_MUTEX_INITIALIZER, .news = PTHREAD_COND_INITIALIZER                        \
    }

static void on_event(void *user, const struct lpipe_event *event)
{
    struct watch *watch = user;
    pthread_mutex_lock(&watch->lock);
    assert_false(watch->is_over);
    assert_int_equal(event->struct_size, sizeof *event);
    watch->counts[event->kind]++;
    watch->ticks_in_order +=
        event->kind == LPIPE_EVENT_TICK && watch->last_kind == LPIPE_EVENT_BLOB_PROGRESS;
    watch->last_kind = event->kind;
    if (event->kind == LPIPE_EVENT_BLOB_PROGRESS) {
        watch->last = *event;
        (void)snprintf(watch->input, sizeof watch->input, "%s", event->input);
    } else if (event->kind == LPIPE_EVENT_BLOB_DONE || event->kind == LPIPE_EVENT_BLOB_FAILED) {
        watch->ended = *event;
    }
    pthread_cond_broadcast(&watch->news);
    pthread_mutex_unlock(&watch->lock);
}

/* A source that gives its bytes only after several events have come. */
struct slow_source {
    struct watch *watch;
    size_t left;
    int failure; /* errno value that ends it; 0 = a normal end */
};

static void await_events(struct watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    unsigned wanted = watch->counts[LPIPE_EVENT_TICK] + EVENTS_WANTED;
    while (watch->counts[LPIPE_EVENT_TICK] < wanted) {
        pthread_cond_wait(&watch->news, &watch->lock);
    }
    pthread_mutex_unlock(&watch->lock);
}

static ptrdiff_t slow_read(void *ctx, void *buf, size_t size)
{
    struct slow_source *source = ctx;
    await_events(source->watch);
    size_t part = source->left < size ? source->left : size;
    memset(buf, 'x', part);
    source->left -= part;
    return part > 0 || source->failure == 0 ? (ptrdiff_t)part : -source->failure;
}

static lpipe_client *client_with(struct watch *watch)
{
    struct lpipe_client_options options = LPIPE_CLIENT_OPTIONS_INIT;
    lpipe_client *client = NULL;
    options.observer.event = on_event;
    options.observer.user = watch;
    assert_int_equal(lpipe_client_new(&options, &client, NULL), 0);
    return client;
}

/* Writes the source as a layer to null: and returns the status. */
static int write_layer(struct slow_source *source)
{
    struct lpipe_source callbacks = { .read = slow_read, .ctx = source };
    struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
    lpipe_client *client = client_with(source->watch);
    lpipe_layer *layer = NULL;
    lpipe_ref *nowhere = NULL;
    options.flags = LPIPE_LAYER_RAW;
    options.compress = "none";
    options.input_name = "the input";
    assert_int_equal(lpipe_ref_parse("null:", 0, &nowhere, NULL), 0);
    assert_int_equal(lpipe_layer_new(&callbacks, &options, &layer, NULL), 0);
    int status = lpipe_write_layer(client, nowhere, layer, NULL, NULL);
    pthread_mutex_lock(&source->watch->lock);
    source->watch->is_over = true;
    pthread_mutex_unlock(&source->watch->lock);
    lpipe_layer_free(layer);
    lpipe_ref_free(nowhere);
    lpipe_client_free(client);
    return status;
}

static void test_events_come_while_nothing_moves(void **state)
{
    (void)state;
    struct watch watch = WATCH_INIT;
    struct slow_source source = { .watch = &watch, .left = BYTES };
    assert_int_equal(write_layer(&source), 0);
    assert_int_equal(watch.counts[LPIPE_EVENT_BLOB_START], 1);
    assert_int_equal(watch.counts[LPIPE_EVENT_BLOB_DONE], 1);
    assert_int_equal(watch.counts[LPIPE_EVENT_BLOB_FAILED], 0);
    /* Two waits: before the bytes, and before the end. */
    assert_true(watch.counts[LPIPE_EVENT_TICK] >= 2 * EVENTS_WANTED);
    assert_true(watch.counts[LPIPE_EVENT_BLOB_PROGRESS] >= 2 * EVENTS_WANTED - 1);
    assert_true(watch.ticks_in_order >= 2 * EVENTS_WANTED - 1);
    assert_string_equal(watch.input, "the input");
    assert_int_equal(watch.last.phase, LPIPE_PHASE_TRANSFER);
    assert_int_equal(watch.ended.bytes_in, BYTES);
    assert_int_equal(watch.ended.bytes_sent, BYTES);
    assert_int_equal(watch.ended.bytes_resent, 0);
    assert_int_equal(watch.ended.bytes_acked, BYTES);
}

static void test_a_failed_blob_has_an_end(void **state)
{
    (void)state;
    struct watch watch = WATCH_INIT;
    struct slow_source source = { .watch = &watch, .left = 1, .failure = 5 };
    assert_int_equal(write_layer(&source), LPIPE_SOURCE_IO);
    assert_int_equal(watch.counts[LPIPE_EVENT_BLOB_FAILED], 1);
    assert_int_equal(watch.counts[LPIPE_EVENT_BLOB_DONE], 0);
}

/* Between the calls of a writer its blob is in work. A writer that is freed early fails. */
static void test_events_of_a_writer(void **state)
{
    (void)state;
    struct watch watch = WATCH_INIT;
    struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
    lpipe_client *client = client_with(&watch);
    lpipe_writer *writer = NULL;
    lpipe_ref *nowhere = NULL;
    options.flags = LPIPE_LAYER_RAW;
    assert_int_equal(lpipe_ref_parse("null:", 0, &nowhere, NULL), 0);
    assert_int_equal(lpipe_writer_open(client, nowhere, &options, &writer, NULL), 0);
    await_events(&watch);
    assert_true(watch.counts[LPIPE_EVENT_BLOB_PROGRESS] >= EVENTS_WANTED - 1);
    lpipe_writer_free(writer);
    assert_int_equal(watch.counts[LPIPE_EVENT_BLOB_FAILED], 1);
    watch.is_over = true;
    lpipe_ref_free(nowhere);
    lpipe_client_free(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_come_while_nothing_moves),
        cmocka_unit_test(test_a_failed_blob_has_an_end),
        cmocka_unit_test(test_events_of_a_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
