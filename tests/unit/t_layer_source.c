/* SPDX-License-Identifier: Apache-2.0 */
/* Sources that block, stutter, fail or change, and letting go of them: from other threads, by a
 * token, by freeing. No test waits for a time; those that would hang say so by hanging. */
#include "support/layer_run.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "flow/layer.h"

/* A source whose read blocks without end once its bytes are used up, until it is cancelled. */
struct stuck_source {
    pthread_mutex_t lock;
    pthread_cond_t news;
    size_t left;
    bool waiting;
    bool cancelled;
    int closes;
};

#define STUCK(bytes)                                                                               \
    {                                                                                              \
        PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, bytes, false, false, 0                \
    }

static ptrdiff_t stuck_read(void *ctx, void *buf, size_t size)
{
    struct stuck_source *source = ctx;
    pthread_mutex_lock(&source->lock);
    size_t part = source->left < size ? source->left : size;
    if (part == 0) {
        source->waiting = true;
        pthread_cond_broadcast(&source->news);
        while (!source->cancelled) {
            pthread_cond_wait(&source->news, &source->lock);
        }
    }
    source->left -= part;
    pthread_mutex_unlock(&source->lock);
    memset(buf, 'x', part);
    return part > 0 ? (ptrdiff_t)part : -EPIPE;
}

static int stuck_close(void *ctx)
{
    struct stuck_source *source = ctx;
    source->closes++;
    return 0;
}

static void stuck_cancel(void *ctx)
{
    struct stuck_source *source = ctx;
    pthread_mutex_lock(&source->lock);
    assert_int_equal(source->closes, 0);
    source->cancelled = true;
    pthread_cond_broadcast(&source->news);
    pthread_mutex_unlock(&source->lock);
}

static void stuck_wait(struct stuck_source *source)
{
    pthread_mutex_lock(&source->lock);
    while (!source->waiting) {
        pthread_cond_wait(&source->news, &source->lock);
    }
    pthread_mutex_unlock(&source->lock);
}

/* Reads a layer in a thread of its own. */
struct reading {
    lpipe_layer *layer;
    lpipe_reader *reader;
    pthread_t thread;
    int status;
    struct lpipe_error err;
    atomic_bool begun;
};

static void *reading_run(void *ctx)
{
    struct reading *reading = ctx;
    unsigned char buf[5000];
    size_t got = 1;
    while (reading->status == 0 && got > 0) {
        reading->status = lpipe_reader_read(reading->reader, buf, sizeof buf, &got, &reading->err);
        atomic_store(&reading->begun, true);
    }
    return NULL;
}

static void reading_start(struct reading *reading, lpipe_layer *layer)
{
    *reading = (struct reading){ .layer = layer };
    assert_int_equal(lpipe_layer_open(layer, &reading->reader, NULL), 0);
    assert_int_equal(pthread_create(&reading->thread, NULL, reading_run, reading), 0);
}

static lpipe_layer *stuck_layer(struct stuck_source *source, int threads, lpipe_cancel *cancel)
{
    struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
    struct lpipe_source given = { stuck_read, stuck_close, stuck_cancel, source };
    lpipe_layer *layer = NULL;
    options.threads = threads;
    options.flags = LPIPE_LAYER_RAW;
    options.cancel = cancel;
    assert_int_equal(lpipe_layer_new(&given, &options, &layer, NULL), 0);
    return layer;
}

/* Freed while its reader is inside a read that would never return. */
static void test_free_while_blocked(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++) {
        struct stuck_source source = STUCK((size_t)i * 30000);
        struct reading reading;
        lpipe_layer *layer = stuck_layer(&source, i % 4 - 1, NULL);
        reading_start(&reading, layer);
        stuck_wait(&source);
        lpipe_layer_free(layer);
        pthread_join(reading.thread, NULL);
        assert_int_equal(reading.status, LPIPE_ABORTED);
        assert_int_equal(source.closes, 1);
    }
}

static void test_close_while_blocked(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++) {
        struct stuck_source source = STUCK((size_t)i * 30000);
        struct reading reading;
        lpipe_layer *layer = stuck_layer(&source, i % 4 - 1, NULL);
        reading_start(&reading, layer);
        stuck_wait(&source);
        assert_int_equal(lpipe_reader_close(reading.reader, NULL), 0);
        pthread_join(reading.thread, NULL);
        assert_int_equal(reading.status, LPIPE_ABORTED);
        expect_no_values(layer, LPIPE_ABORTED);
        assert_int_equal(source.closes, 1);
        lpipe_layer_free(layer);
        assert_int_equal(source.closes, 1);
    }
}

static void test_token_while_blocked(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++) {
        struct stuck_source source = STUCK((size_t)i * 30000);
        struct reading reading;
        lpipe_cancel *cancel = NULL;
        assert_int_equal(lpipe_cancel_new(&cancel, NULL), 0);
        lpipe_layer *layer = stuck_layer(&source, i % 4 - 1, cancel);
        reading_start(&reading, layer);
        stuck_wait(&source);
        lpipe_cancel_trigger(cancel);
        pthread_join(reading.thread, NULL);
        assert_int_equal(reading.status, LPIPE_CANCELLED);
        expect_no_values(layer, LPIPE_CANCELLED);
        assert_int_equal(source.closes, 1);
        lpipe_layer_free(layer);
        lpipe_cancel_unref(cancel);
    }
}

/* At any moment, not only in a blocked read. */
static void test_free_at_any_moment(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        struct stuck_source source = STUCK((size_t)1 << 40);
        struct reading reading;
        lpipe_cancel *cancel = NULL;
        assert_int_equal(lpipe_cancel_new(&cancel, NULL), 0);
        lpipe_layer *layer = stuck_layer(&source, i % 4, cancel);
        reading_start(&reading, layer);
        while (i % 2 == 0 && !atomic_load(&reading.begun)) {
            sched_yield();
        }
        if (i % 5 == 0) {
            lpipe_cancel_trigger(cancel);
        } else {
            assert_int_equal(lpipe_reader_close(reading.reader, NULL), 0);
        }
        pthread_join(reading.thread, NULL);
        assert_int_equal(reading.status, i % 5 == 0 ? LPIPE_CANCELLED : LPIPE_ABORTED);
        lpipe_layer_free(layer);
        assert_int_equal(source.closes, 1);
        lpipe_cancel_unref(cancel);
    }
}

static void test_second_thread_is_refused(void **state)
{
    (void)state;
    struct stuck_source source = STUCK(0);
    struct reading reading;
    unsigned char buf[10];
    size_t got = 77;
    lpipe_layer *layer = stuck_layer(&source, LPIPE_THREADS_INLINE, NULL);
    reading_start(&reading, layer);
    stuck_wait(&source);
    assert_int_equal(lpipe_reader_read(reading.reader, buf, sizeof buf, &got, NULL), LPIPE_IN_USE);
    assert_int_equal(got, 77);
    lpipe_layer_free(layer);
    pthread_join(reading.thread, NULL);
}

static void test_token_before_all(void **state)
{
    (void)state;
    struct stuck_source source = STUCK(100);
    struct lpipe_error err = { 0 };
    lpipe_cancel *cancel = NULL;
    assert_int_equal(lpipe_cancel_new(&cancel, NULL), 0);
    lpipe_cancel_trigger(cancel);
    lpipe_layer *layer = stuck_layer(&source, 2, cancel);
    lpipe_cancel_unref(cancel); /* the layer has its own reference */
    assert_int_equal(layer_drain(layer, 100, NULL, &err), LPIPE_CANCELLED);
    assert_int_equal(source.left, 100);
    lpipe_layer_free(layer);
    assert_int_equal(source.closes, 1);
}

/* Until somebody has read all that is in a pipe or socket, and so is inside a read. */
static void wait_taken(int fd)
{
    int left = 1;
    while (left > 0) {
        assert_int_equal(ioctl(fd, FIONREAD, &left), 0);
        sched_yield();
    }
}

/* A descriptor that nothing comes from and whose writer never goes away. */
static void test_blocked_descriptors(void **state)
{
    (void)state;
    for (int i = 0; i < 30; i++) {
        int ends[2];
        struct reading reading;
        struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
        lpipe_layer *layer = NULL;
        if (i % 2 == 0) {
            assert_int_equal(pipe(ends), 0);
        } else {
            assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        }
        if (i % 3 == 0) {
            assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
        }
        assert_int_equal(lpipe_cancel_new(&options.cancel, NULL), 0);
        options.threads = i % 4 - 1;
        options.flags = LPIPE_LAYER_RAW | (i % 5 == 0 ? LPIPE_LAYER_FD_BORROWED : 0);
        assert_int_equal(lpipe_layer_new_fd(ends[0], &options, &layer, NULL), 0);
        reading_start(&reading, layer);
        assert_int_equal(write(ends[1], "some bytes", 10), 10);
        if (i % 2 == 0) {
            sched_yield();
        }
        int expected = LPIPE_ABORTED;
        if (i % 7 < 3) {
            assert_int_equal(lpipe_reader_close(reading.reader, NULL), 0);
        } else if (i % 7 < 5) {
            expected = LPIPE_CANCELLED;
            lpipe_cancel_trigger(options.cancel);
        } else {
            wait_taken(ends[0]); /* a read that begins later would have nothing to read from */
            lpipe_layer_free(TAKE(layer));
        }
        pthread_join(reading.thread, NULL);
        assert_int_equal(reading.status, expected);
        lpipe_layer_free(layer);
        assert_int_equal(fcntl(ends[0], F_GETFD) >= 0, i % 5 == 0);
        if (i % 5 == 0) {
            close(ends[0]);
        }
        close(ends[1]);
        lpipe_cancel_unref(options.cancel);
    }
}

static void ignore_signal(int number)
{
    (void)number;
}

struct writing {
    int fd;
    const struct bytes *bytes;
};

static void *writing_run(void *ctx)
{
    const struct writing *writing = ctx;
    for (size_t at = 0; at < writing->bytes->size;) {
        size_t part = at % 3 == 0 ? 1 : 4093;
        part = part < writing->bytes->size - at ? part : writing->bytes->size - at;
        ssize_t done = write(writing->fd, writing->bytes->data + at, part);
        if (done > 0) {
            at += (size_t)done;
        }
    }
    close(writing->fd);
    return NULL;
}

/* Short reads, a descriptor that does not block, and signals without SA_RESTART all the while. */
static void test_descriptor_with_interruptions(void **state)
{
    (void)state;
    struct bytes plain AUTO_BYTES = { NULL, 0, 0 };
    char diff_id[DIGEST_TEXT_SIZE];
    bytes_mixed(&plain, 2000000);
    assert_int_equal(digest_of(DIGEST_SHA256, plain.data, plain.size, diff_id, NULL), 0);
    struct sigaction action = { .sa_handler = ignore_signal };
    struct sigaction before;
    struct itimerval often = { { 0, 500 }, { 0, 500 } };
    struct itimerval never = { { 0, 0 }, { 0, 0 } };
    assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
    for (int i = 0; i < 4; i++) {
        int ends[2];
        pthread_t writer;
        struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
        struct lpipe_error err = { 0 };
        struct bytes out AUTO_BYTES = { NULL, 0, 0 };
        lpipe_layer *layer = NULL;
        assert_int_equal(pipe(ends), 0);
        assert_int_equal(fcntl(ends[0], F_SETFL, i % 2 == 0 ? O_NONBLOCK : 0), 0);
        options.flags = LPIPE_LAYER_RAW;
        options.threads = i < 2 ? LPIPE_THREADS_INLINE : 2;
        assert_int_equal(lpipe_layer_new_fd(ends[0], &options, &layer, NULL), 0);
        struct writing writing = { ends[1], &plain };
        assert_int_equal(pthread_create(&writer, NULL, writing_run, &writing), 0);
        assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
        int status = layer_drain(layer, 5000, &out, &err);
        assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
        assert_int_equal(status, 0);
        pthread_join(writer, NULL);
        expect_values(layer, &out, diff_id);
        lpipe_layer_free(layer);
        assert_int_equal(fcntl(ends[0], F_GETFD), -1);
    }
    assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
}

static void test_callback_with_interruptions(void **state)
{
    (void)state;
    struct bytes plain AUTO_BYTES = { NULL, 0, 0 };
    struct bytes out AUTO_BYTES = { NULL, 0, 0 };
    char diff_id[DIGEST_TEXT_SIZE];
    bytes_mixed(&plain, 100000);
    assert_int_equal(digest_of(DIGEST_SHA256, plain.data, plain.size, diff_id, NULL), 0);
    struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
    struct memory_source memory = memory_of(&plain);
    memory.piece = 3;
    memory.interrupts = 2;
    options.flags = LPIPE_LAYER_RAW;
    lpipe_layer *layer = layer_of(&memory, &options);
    assert_int_equal(layer_drain(layer, 1000, &out, NULL), 0);
    expect_values(layer, &out, diff_id);
    lpipe_layer_free(layer);
}

static ptrdiff_t lying_read(void *ctx, void *buf, size_t size)
{
    (void)ctx;
    (void)buf;
    return (ptrdiff_t)size + 1;
}

static void test_source_that_lies(void **state)
{
    (void)state;
    struct lpipe_source source = { lying_read, NULL, NULL, NULL };
    lpipe_layer *layer = NULL;
    assert_int_equal(lpipe_layer_new(&source, NULL, &layer, NULL), 0);
    assert_int_equal(layer_drain(layer, 1000, NULL, NULL), LPIPE_SOURCE_IO);
    expect_no_values(layer, LPIPE_SOURCE_IO);
    lpipe_layer_free(layer);
}

static void test_bad_descriptors(void **state)
{
    (void)state;
    struct lpipe_error err = { 0 };
    lpipe_layer *layer = NULL;
    assert_int_equal(lpipe_layer_new_fd(-1, NULL, &layer, &err), LPIPE_INVALID_ARGUMENT);
    int fd = open("/", O_RDONLY | O_CLOEXEC);
    assert_int_equal(lpipe_layer_new_fd(fd, NULL, &layer, &err), 0);
    assert_int_equal(layer_drain(layer, 1000, NULL, &err), LPIPE_SOURCE_IO);
    assert_int_equal(err.sys_errno, EISDIR);
    lpipe_layer_free(layer);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(lpipe_layer_new_fd(ends[1], NULL, &layer, &err), 0); /* cannot be read */
    close(ends[0]);
    assert_int_equal(layer_drain(layer, 1000, NULL, &err), LPIPE_SOURCE_IO);
    lpipe_layer_free(layer);
    /* Refused options close the descriptor too. */
    struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
    options.compress = "rar";
    fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(lpipe_layer_new_fd(fd, &options, &layer, &err), LPIPE_INVALID_ARGUMENT);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static int drop_bytes(void *ctx, const void *data, size_t size, struct lpipe_error *err)
{
    size_t *left = ctx;
    (void)data;
    if (left != NULL && *left < size) {
        return fail(err, LPIPE_NETWORK, "lost");
    }
    if (left != NULL) {
        *left -= size;
    }
    return 0;
}

static int file_with(const struct bytes *bytes)
{
    char path[] = "/tmp/layerpipe-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(write(fd, bytes->data, bytes->size), bytes->size);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

/* A file can be sent again after a loss; the same bytes come out. */
static void test_file_again(void **state)
{
    (void)state;
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    tar_thousand(&tar);
    struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
    struct lpipe_layer_result first;
    struct lpipe_layer_result second;
    struct lpipe_error err = { 0 };
    size_t left = 1000;
    struct layer_sink lossy = { .write = drop_bytes, .ctx = &left };
    struct layer_sink sink = { .write = drop_bytes };
    lpipe_layer *layer = NULL;
    int fd = file_with(&tar);
    assert_int_equal(lpipe_layer_new_fd(fd, &options, &layer, NULL), 0);
    assert_int_equal(layer_can_rewind(layer), 1);
    assert_int_equal(layer_rewind(layer, &err), 0);
    assert_int_equal(layer_pump(layer, &lossy, &err), LPIPE_NETWORK);
    assert_string_equal(err.message, "lost");
    expect_no_values(layer, LPIPE_NETWORK);
    assert_int_equal(layer_pump(layer, &sink, &err), LPIPE_CONSUMED);
    assert_int_equal(layer_rewind(layer, &err), 0);
    expect_no_values(layer, LPIPE_NOT_COMPUTED);
    assert_int_equal(layer_pump(layer, &sink, &err), 0);
    layer_values(layer, &first);
    assert_int_equal(layer_rewind(layer, &err), 0);
    assert_int_equal(layer_pump(layer, &sink, &err), 0);
    layer_values(layer, &second);
    assert_memory_equal(&first, &second, sizeof first);
    assert_int_equal(fcntl(fd, F_GETFD) >= 0, 1);
    lpipe_layer_free(layer);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
}

/* From where the descriptor stood, not from the start of the file. */
static void test_file_from_the_middle(void **state)
{
    (void)state;
    struct bytes bytes AUTO_BYTES = { NULL, 0, 0 };
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    struct lpipe_layer_result result;
    struct layer_sink sink = { .write = drop_bytes };
    lpipe_layer *layer = NULL;
    tar_file(&tar, "a", "body");
    tar_end(&tar);
    bytes_fill(&bytes, 'j', 333);
    bytes_put(&bytes, tar.data, tar.size);
    int fd = file_with(&bytes);
    assert_int_equal(lseek(fd, 333, SEEK_SET), 333);
    assert_int_equal(lpipe_layer_new_fd(fd, NULL, &layer, NULL), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(layer_pump(layer, &sink, NULL), 0);
        layer_values(layer, &result);
        assert_int_equal(result.uncompressed_size, tar.size);
        assert_int_equal(layer_rewind(layer, NULL), 0);
    }
    lpipe_layer_free(layer);
}

static void test_file_changed(void **state)
{
    (void)state;
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    tar_thousand(&tar);
    for (int complete = 0; complete < 2; complete++) {
        struct lpipe_error err = { 0 };
        size_t left = 1000;
        struct layer_sink lossy = { .write = drop_bytes, .ctx = complete ? NULL : &left };
        struct layer_sink sink = { .write = drop_bytes };
        lpipe_layer *layer = NULL;
        int fd = file_with(&tar);
        assert_int_equal(lpipe_layer_new_fd(fd, NULL, &layer, NULL), 0);
        assert_int_equal(layer_pump(layer, &lossy, &err), complete ? 0 : LPIPE_NETWORK);
        assert_int_equal(pwrite(fd, "I AM", 4, 512), 4);
        struct timespec later[2] = { { 1900000000, 0 }, { 1900000000, 0 } };
        assert_int_equal(futimens(fd, later), 0);
        assert_int_equal(layer_rewind(layer, &err), 0);
        assert_int_equal(layer_pump(layer, &sink, &err), LPIPE_INTEGRITY);
        assert_non_null(strstr(err.message, "changed"));
        expect_no_values(layer, LPIPE_INTEGRITY);
        lpipe_layer_free(layer);
    }
}

/* Other bytes of the same size and date are found out where the first pass was complete. */
static void test_file_changed_secretly(void **state)
{
    (void)state;
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    tar_thousand(&tar);
    struct layer_sink sink = { .write = drop_bytes };
    struct stat info;
    lpipe_layer *layer = NULL;
    int fd = file_with(&tar);
    assert_int_equal(fstat(fd, &info), 0);
    assert_int_equal(lpipe_layer_new_fd(fd, NULL, &layer, NULL), 0);
    assert_int_equal(layer_pump(layer, &sink, NULL), 0);
    assert_int_equal(pwrite(fd, "I AM", 4, 512), 4);
    struct timespec same[2] = { info.st_atim, info.st_mtim };
    assert_int_equal(futimens(fd, same), 0);
    assert_int_equal(layer_rewind(layer, NULL), 0);
    assert_int_equal(layer_pump(layer, &sink, NULL), LPIPE_INTEGRITY);
    lpipe_layer_free(layer);
}

static void test_streams_do_not_rewind(void **state)
{
    (void)state;
    struct memory_source memory = { .data = NULL };
    struct lpipe_error err = { 0 };
    int ends[2];
    lpipe_layer *layer = layer_of(&memory, NULL);
    assert_int_equal(layer_can_rewind(layer), 0);
    assert_int_equal(layer_rewind(layer, &err), LPIPE_UNSUPPORTED);
    lpipe_layer_free(layer);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(lpipe_layer_new_fd(ends[0], NULL, &layer, NULL), 0);
    assert_int_equal(layer_can_rewind(layer), 0);
    lpipe_layer_free(layer);
    close(ends[1]);
}

/* A sink that fails without words still makes the layer fail. */
static int silent_failure(void *ctx, const void *data, size_t size, struct lpipe_error *err)
{
    (void)ctx;
    (void)data;
    (void)size;
    (void)err;
    return LPIPE_OUTPUT_IO;
}

static void test_silent_sink(void **state)
{
    (void)state;
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    tar_thousand(&tar);
    struct memory_source memory = memory_of(&tar);
    struct layer_sink sink = { .write = silent_failure };
    struct lpipe_error err = { .status = LPIPE_TIMEOUT }; /* left over from elsewhere */
    lpipe_layer *layer = layer_of(&memory, NULL);
    assert_int_equal(layer_pump(layer, &sink, &err), LPIPE_OUTPUT_IO);
    assert_int_equal(err.status, LPIPE_OUTPUT_IO);
    expect_no_values(layer, LPIPE_OUTPUT_IO);
    lpipe_layer_free(layer);
    assert_int_equal(memory.closes, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_free_while_blocked),
        cmocka_unit_test(test_close_while_blocked),
        cmocka_unit_test(test_token_while_blocked),
        cmocka_unit_test(test_free_at_any_moment),
        cmocka_unit_test(test_second_thread_is_refused),
        cmocka_unit_test(test_token_before_all),
        cmocka_unit_test(test_blocked_descriptors),
        cmocka_unit_test(test_descriptor_with_interruptions),
        cmocka_unit_test(test_callback_with_interruptions),
        cmocka_unit_test(test_source_that_lies),
        cmocka_unit_test(test_bad_descriptors),
        cmocka_unit_test(test_file_again),
        cmocka_unit_test(test_file_from_the_middle),
        cmocka_unit_test(test_file_changed),
        cmocka_unit_test(test_file_changed_secretly),
        cmocka_unit_test(test_streams_do_not_rewind),
        cmocka_unit_test(test_silent_sink),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
