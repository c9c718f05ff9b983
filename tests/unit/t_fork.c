/* SPDX-License-Identifier: Apache-2.0 */
/* fork(): a child that uses the parent's objects gets INVALID_STATE at once, and frees them without
 * touching what is the parent's; the parent goes on. */
#include "support/scratch.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/macros.h"
#include "layerpipe/content.h"
#include "layerpipe/image.h"
#include "layerpipe/index.h"
#include "layerpipe/push.h"

#define CHILD_LIMIT_S 60 /* a child that waits is ended by SIGALRM */

static lpipe_client *client;
static lpipe_ref *dest;
static lpipe_layer *layer; /* open, with threads */
static lpipe_reader *reader;
static lpipe_writer *writer;
static lpipe_image *image;
static lpipe_content *content;
static struct scratch scratch;

static ptrdiff_t read_zeros(void *user, void *buf, size_t size)
{
    (void)user;
    memset(buf, 0, size);
    return (ptrdiff_t)size;
}

/* Pushes an image into a layout and opens its content. */
static void open_content(void)
{
    struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
    lpipe_layer *empty = NULL;
    lpipe_image *stored = NULL;
    lpipe_ref *ref = NULL;
    char text[300];
    (void)snprintf(text, sizeof text, "oci:%s:1", scratch_path(&scratch, "layout"));
    options.flags = LPIPE_LAYER_ALLOW_EMPTY;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(lpipe_ref_parse(text, 0, &ref, NULL), 0);
    assert_int_equal(lpipe_layer_new_fd(fd, &options, &empty, NULL), 0);
    assert_int_equal(lpipe_image_new(client, NULL, NULL, &stored, NULL), 0);
    assert_int_equal(lpipe_image_add_layer(stored, empty, NULL, NULL), 0);
    assert_int_equal(lpipe_image_push(stored, ref, NULL, NULL, NULL), 0);
    assert_int_equal(lpipe_content_open(client, ref, NULL, &content, NULL), 0);
    lpipe_image_free(stored);
    lpipe_ref_free(ref);
}

static int setup(void **state)
{
    struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
    struct lpipe_source source = { .read = read_zeros };
    char byte = 0;
    size_t got = 0;
    (void)state;
    options.flags = LPIPE_LAYER_RAW;
    options.threads = 2;
    assert_int_equal(lpipe_client_new(NULL, &client, NULL), 0);
    assert_int_equal(lpipe_ref_parse("null:", 0, &dest, NULL), 0);
    assert_int_equal(lpipe_layer_new(&source, &options, &layer, NULL), 0);
    assert_int_equal(lpipe_layer_open(layer, &reader, NULL), 0);
    assert_int_equal(lpipe_reader_read(reader, &byte, 1, &got, NULL), 0);
    assert_int_equal(lpipe_writer_open(client, dest, &options, &writer, NULL), 0);
    assert_int_equal(lpipe_writer_write(writer, &byte, 1, NULL), 0);
    assert_int_equal(lpipe_image_new(client, NULL, NULL, &image, NULL), 0);
    scratch_begin(&scratch);
    open_content();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    lpipe_content_close(content);
    scratch_end(&scratch);
    lpipe_image_free(image);
    lpipe_writer_free(writer);
    lpipe_layer_free(layer);
    lpipe_ref_free(dest);
    lpipe_client_free(client);
    return 0;
}

static int call_read(struct lpipe_error *err)
{
    char byte = 0;
    size_t got = 0;
    return lpipe_reader_read(reader, &byte, 1, &got, err);
}
static int call_reader_close(struct lpipe_error *err)
{
    return lpipe_reader_close(reader, err);
}
static int call_open(struct lpipe_error *err)
{
    lpipe_reader *another = NULL;
    return lpipe_layer_open(layer, &another, err);
}
static int call_write_layer(struct lpipe_error *err)
{
    return lpipe_write_layer(client, dest, layer, NULL, err);
}
static int call_writer_open(struct lpipe_error *err)
{
    lpipe_writer *another = NULL;
    return lpipe_writer_open(client, dest, NULL, &another, err);
}
static int call_writer_write(struct lpipe_error *err)
{
    return lpipe_writer_write(writer, "x", 1, err);
}
static int call_writer_finish(struct lpipe_error *err)
{
    return lpipe_writer_finish(writer, NULL, err);
}
static int call_image_new(struct lpipe_error *err)
{
    lpipe_image *another = NULL;
    return lpipe_image_new(client, NULL, NULL, &another, err);
}
static int call_image_push(struct lpipe_error *err)
{
    return lpipe_image_push(image, dest, NULL, NULL, err);
}
static int call_copy(struct lpipe_error *err)
{
    return lpipe_copy(client, dest, dest, NULL, NULL, err);
}
static int call_content_open(struct lpipe_error *err)
{
    lpipe_content *another = NULL;
    return lpipe_content_open(client, dest, NULL, &another, err);
}
static int call_content_read(struct lpipe_error *err)
{
    char bytes[4096];
    size_t got = 0;
    return lpipe_content_read(content, bytes, sizeof bytes, &got, err);
}
static int call_index_push(struct lpipe_error *err)
{
    const struct lpipe_index_entry entry = { dest, NULL };
    return lpipe_index_push(client, dest, &entry, 1, NULL, NULL, err);
}
static int call_inspect(struct lpipe_error *err)
{
    char *text = NULL;
    return lpipe_inspect(client, dest, NULL, false, &text, err);
}
static int call_login(struct lpipe_error *err)
{
    return lpipe_login(client, "registry.example", "u", "p", err);
}
static int call_logout(struct lpipe_error *err)
{
    return lpipe_logout(client, "registry.example", err);
}

static int (*const calls[])(struct lpipe_error *err) = {
    call_read,        call_reader_close, call_open,         call_write_layer,
    call_writer_open, call_writer_write, call_image_new,    call_writer_finish,
    call_image_push,  call_copy,         call_content_read, call_content_open,
    call_index_push,  call_inspect,      call_login,        call_logout,
};

/* The child's exit status: 0, or the number of the call that did something else. */
static int child(void)
{
    alarm(CHILD_LIMIT_S);
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        struct lpipe_error err = { 0 };
        if (calls[i](&err) != LPIPE_INVALID_STATE || strstr(err.message, "fork()") == NULL) {
            return (int)i + 1;
        }
    }
    lpipe_content_close(content);
    lpipe_writer_free(writer);
    lpipe_layer_free(layer);
    lpipe_client_free(client);
    return 0;
}

static void test_child_gets_invalid_state(void **state)
{
    int status = 0;
    (void)state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        _exit(child());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    /* The parent's objects are as they were. */
    assert_int_equal(call_read(NULL), 0);
    assert_int_equal(call_content_read(NULL), 0);
    assert_int_equal(call_writer_write(NULL), 0);
    assert_int_equal(call_writer_finish(NULL), 0);
}

/* A child can make its own. */
static void test_child_makes_its_own(void **state)
{
    int status = 0;
    (void)state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
        lpipe_client *own = NULL;
        lpipe_writer *stream = NULL;
        options.flags = LPIPE_LAYER_RAW;
        options.threads = 2;
        alarm(CHILD_LIMIT_S);
        bool good = lpipe_client_new(NULL, &own, NULL) == 0 &&
                    lpipe_writer_open(own, dest, &options, &stream, NULL) == 0 &&
                    lpipe_writer_write(stream, "x", 1, NULL) == 0 &&
                    lpipe_writer_finish(stream, NULL, NULL) == 0;
        lpipe_writer_free(stream);
        lpipe_client_free(own);
        _exit(good ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_child_gets_invalid_state),
        cmocka_unit_test(test_child_makes_its_own),
    };
    return cmocka_run_group_tests_name("fork", tests, setup, teardown);
}
