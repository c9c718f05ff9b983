/* SPDX-License-Identifier: Apache-2.0 */
/* Credential helpers, good ones and others. */
#include "support/scratch.h"
#include "support/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "auth/credential_helper.h"
#include "auth/helper_process.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/macros.h"

#define CANARY "CANARY-0815-hunter2"

static struct scratch scratch;

static int setup(void **state)
{
    (void)state;
    char path[512];
    scratch_begin(&scratch);
    snprintf(path, sizeof path, "%s:/usr/bin:/bin", scratch_path(&scratch, "bin"));
    setenv("PATH", path, 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    scratch_end(&scratch);
    /* nobody is left, and nobody was left to others */
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    return 0;
}

/* CANARY is the password that is known from elsewhere. */
static int get(const char *name, struct credential *credential, struct lpipe_error *err)
{
    AUTO_CREDENTIAL_LIST struct credential_list known = { .count = 1 };
    assert_int_equal(secret_set(&known.items[0].password, CANARY, strlen(CANARY)), 0);
    return helper_get(name, "test.io", &known, NULL, credential, err);
}

static void test_get(void **state)
{
    (void)state;
    struct credential credential CLEANUP(credential_dispose) = { .source = NULL };
    struct lpipe_error err = { 0 };
    AUTO_BUF struct buf secret = BUF_INIT(1024);
    scratch_script(&scratch, "bin/docker-credential-good",
                   "read server; test \"$1 $server\" = 'get test.io' || exit 9\n"
                   "echo noise >&2\n"
                   "echo '{\"ServerURL\":\"test.io\",\"Username\":\"u\",\"Secret\":\"p\\\"\"}'");
    assert_int_equal(get("good", &credential, &err), 1);
    assert_string_equal(credential.username, "u");
    assert_int_equal(secret_append_json(&credential.password, &secret), 0);
    assert_string_equal(secret.data, "p\\\"");
}

struct bad_row {
    const char *name;
    const char *script; /* NULL = not there */
    const char *message;
};

static const struct bad_row BAD[] = {
    { "missing", NULL, "not in PATH" },
    { "fails", "echo no region in " CANARY "; echo " CANARY " >&2; exit 1",
      "exit status 1: no region in ***" },
    { "fails-with-lines", "printf 'no\\n\\033[31mregion\\r\\n'; exit 3",
      "exit status 3: no ?[31mregion" },
    { "fails-with-an-answer", "echo '{\"Username\":\"u\",\"Secret\":\"unknown-CANARY\"}'; exit 1",
      "exit status 1" },
    { "says-why-and-dies", "echo no bus; kill -SEGV $$", "signal 11: no bus" },
    { "not-found-but-fine", "echo 'credentials not found in native keychain'", "not valid JSON" },
    { "killed", "kill -SEGV $$", "signal 11" },
    { "murdered", "kill -KILL $$", "signal 9" },
    { "silent", "exit 0", "empty" },
    { "garbage", "echo '" CANARY "'", "not valid JSON" },
    { "deep", "printf '{\"a\":%0200d' 0 | tr 0 '['", "nested" },
    { "list", "echo '[\"" CANARY "\"]'", "object" },
    { "user", "printf '{\"Username\":\"a\\\\nb\",\"Secret\":\"" CANARY "\"}'", "control" },
    { "types", "echo '{\"Username\":[\"" CANARY "\"]}'", "Username" },
    { "token", "printf '{\"Username\":\"<token>\",\"Secret\":\"" CANARY "\\\\n\"}'", "control" },
    { "flood", "exec 2>/dev/null; while :; do echo " CANARY CANARY CANARY "; done", "more than" },
};

static void test_bad_helpers(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        struct credential credential CLEANUP(credential_dispose) = { .source = NULL };
        struct lpipe_error err = { 0 };
        char name[128];
        snprintf(name, sizeof name, "bin/docker-credential-%s", BAD[i].name);
        if (BAD[i].script != NULL) {
            scratch_script(&scratch, name, BAD[i].script);
        }
        int status = get(BAD[i].name, &credential, &err);
        if (status != LPIPE_AUTH_REQUIRED || strstr(err.message, BAD[i].message) == NULL) {
            fail_msg("%s: %d %s", BAD[i].name, status, err.message);
        }
        assert_null(strstr(err.message, "CANARY"));
        assert_true(credential_is_empty(&credential));
    }
}

static void test_not_found_and_empty_are_no_failures(void **state)
{
    (void)state;
    struct credential credential CLEANUP(credential_dispose) = { .source = NULL };
    struct lpipe_error err = { 0 };
    scratch_script(&scratch, "bin/docker-credential-none",
                   "echo '  credentials not found in native keychain '; exit 1");
    scratch_script(&scratch, "bin/docker-credential-empty", "echo '{}'");
    assert_int_equal(get("none", &credential, &err), 0);
    assert_int_equal(get("empty", &credential, &err), 0);
}

static void test_names(void **state)
{
    (void)state;
    static const char *const bad[] = { "",    ".",     "..",   ".hidden", "a/b",      "../x",
                                       "a;b", "$(id)", "a b",  "a\nb",    "\xc3\xa9", "a`b",
                                       "a|b", "*",     "-\t-", "~" };
    AUTO_FREE char *long_one = calloc(1, 5001);
    memset(long_one, 'a', 5000);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(helper_name_is_valid(bad[i]));
    }
    assert_false(helper_name_is_valid(long_one));
    long_one[65] = '\0';
    assert_false(helper_name_is_valid(long_one));
    long_one[64] = '\0';
    assert_true(helper_name_is_valid(long_one));
    assert_true(helper_name_is_valid("ecr-login"));
    assert_true(helper_name_is_valid("desktop.exe"));
    struct credential credential CLEANUP(credential_dispose) = { .source = NULL };
    struct lpipe_error err = { 0 };
    assert_int_equal(get("../../bin/true", &credential, &err), LPIPE_AUTH_REQUIRED);
}

static void test_path_is_searched_where_absolute(void **state)
{
    (void)state;
    struct credential credential CLEANUP(credential_dispose) = { .source = NULL };
    struct lpipe_error err = { 0 };
    scratch_script(&scratch, "planted/docker-credential-h",
                   "echo '{\"Username\":\"evil\",\"Secret\":\"x\"}'");
    assert_int_equal(chdir(scratch_path(&scratch, "planted")), 0);
    static const char *const paths[] = { ".:", "", ":", "planted", ".:/nonexistent:", "./" };
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        setenv("PATH", paths[i], 1);
        if (get("h", &credential, &err) != LPIPE_AUTH_REQUIRED) {
            fail_msg("PATH=%s ran a program of the working directory", paths[i]);
        }
    }
    unsetenv("PATH");
    assert_int_equal(get("h", &credential, &err), LPIPE_AUTH_REQUIRED);
    /* what cannot be run is passed over */
    scratch_write(&scratch, "first/docker-credential-h", "x", 1, 0600);
    char path[512];
    snprintf(path, sizeof path, "%s:%s", scratch_path(&scratch, "first"),
             scratch_path(&scratch, "planted"));
    setenv("PATH", path, 1);
    if (getuid() != 0) {
        assert_int_equal(get("h", &credential, &err), 1);
    }
    assert_int_equal(chdir("/"), 0);
}

static void test_lines_in_names_are_refused(void **state)
{
    (void)state;
    static const char *const servers[] = { "", "a\nb", "a\rb", "a\x1b[m" };
    struct credential_list none = { .count = 0 };
    for (size_t i = 0; i < ARRAY_LEN(servers); i++) {
        struct credential credential CLEANUP(credential_dispose) = { .source = NULL };
        struct lpipe_error err = { 0 };
        assert_int_equal(helper_get("good", servers[i], &none, NULL, &credential, &err),
                         LPIPE_INVALID_ARGUMENT);
    }
}

/* Runs a script by its path with a deadline of the test's own. */
static int run(const char *script, uint64_t deadline_ms, lpipe_cancel *cancel, int *ret_exit,
               struct lpipe_error *err)
{
    AUTO_BUF struct buf input = BUF_INIT(1024);
    AUTO_BUF struct buf output = BUF_INIT(HELPER_OUTPUT_BYTES_MAX);
    assert_int_equal(buf_append_text(&input, "test.io\n"), 0);
    const char *path = scratch_script(&scratch, "bin/docker-credential-x", script);
    return helper_process_run(path, "get", &input, deadline_ms, cancel, &output, ret_exit, err);
}

static bool is_alive(const char *pid_file)
{
    AUTO_FREE char *text = scratch_read(&scratch, pid_file);
    assert_non_null(text);
    pid_t pid = (pid_t)atoi(text);
    assert_true(pid > 1);
    for (int i = 0; i < 200 && kill(pid, 0) == 0; i++) {
        /* killed, but perhaps not collected by init yet */
        char path[64];
        char line[256] = "";
        snprintf(path, sizeof path, "/proc/%d/stat", pid);
        FILE *file = fopen(path, "r");
        if (file == NULL) {
            return false;
        }
        (void)fgets(line, sizeof line, file);
        fclose(file);
        if (strstr(line, ") Z ") != NULL) {
            return false;
        }
        usleep(10000);
    }
    return kill(pid, 0) == 0;
}

static void test_hanging_helper_is_killed_with_its_children(void **state)
{
    (void)state;
    struct lpipe_error err = { 0 };
    char script[512];
    int code = -1;
    snprintf(script, sizeof script, "sleep 1000 & echo $! > %s; wait",
             scratch_path(&scratch, "pid"));
    assert_int_equal(run(script, 300, NULL, &code, &err), LPIPE_AUTH_REQUIRED);
    assert_non_null(strstr(err.message, "in time"));
    assert_int_equal(code, -1);
    assert_false(is_alive("pid"));
    /* without reading, without writing, ignoring what can be ignored */
    assert_int_equal(run("trap '' TERM INT HUP; exec >&-; exec sleep 1000", 300, NULL, &code, &err),
                     LPIPE_AUTH_REQUIRED);
}

static void test_grandchild_with_the_pipe_is_not_waited_for(void **state)
{
    (void)state;
    struct lpipe_error err = { 0 };
    char script[512];
    int code = -1;
    snprintf(script, sizeof script, "sleep 1000 & echo $! > %s; echo '{}'",
             scratch_path(&scratch, "pid"));
    assert_int_equal(run(script, 60000, NULL, &code, &err), 0);
    assert_int_equal(code, 0);
    assert_false(is_alive("pid"));
}

static void test_cancel_ends_the_wait(void **state)
{
    (void)state;
    struct lpipe_error err = { 0 };
    lpipe_cancel *cancel = NULL;
    int code = -1;
    assert_int_equal(lpipe_cancel_new(&cancel, &err), 0);
    lpipe_cancel_trigger(cancel);
    assert_int_equal(run("sleep 1000", 60000, cancel, &code, &err), LPIPE_CANCELLED);
    lpipe_cancel_unref(cancel);
}

static void test_input_may_be_left_unread(void **state)
{
    (void)state;
    struct lpipe_error err = { 0 };
    int code = -1;
    assert_int_equal(run("exec <&-; exit 7", 60000, NULL, &code, &err), 0);
    assert_int_equal(code, 7);
}

/* The ignored signals of a /proc/PID/status. The C library keeps two signals for itself, 32 and 33,
 * and lets no program reset them; a process started by one may find them ignored. */
static unsigned long ignored_signals(const char *status)
{
    const char *row = strstr(status, "SigIgn:");
    assert_non_null(row);
    return strtoul(row + strlen("SigIgn:"), NULL, 16) & ~(3UL << 31);
}

static void test_nothing_of_ours_is_inherited(void **state)
{
    (void)state;
    struct lpipe_error err = { 0 };
    char script[512];
    int code = -1;
    int leaked = open("/dev/null", O_RDONLY); /* as careless programs open files */
    assert_true(leaked >= 0);
    assert_int_equal(signal(SIGPIPE, SIG_IGN) == SIG_ERR, 0);
    snprintf(script, sizeof script, "ls /proc/self/fd > %s", scratch_path(&scratch, "fds"));
    assert_int_equal(run(script, 60000, NULL, &code, &err), 0);
    AUTO_FREE char *fds = scratch_read(&scratch, "fds");
    /* 0, 1, 2, and the directory that ls reads */
    assert_string_equal(fds, "0\n1\n2\n3\n");
    snprintf(script, sizeof script, "grep -E 'Sig(Blk|Ign)' /proc/self/status > %s",
             scratch_path(&scratch, "signals"));
    assert_int_equal(run(script, 60000, NULL, &code, &err), 0);
    AUTO_FREE char *signals = scratch_read(&scratch, "signals");
    assert_non_null(strstr(signals, "SigBlk:\t0000000000000000"));
    assert_int_equal(ignored_signals(signals), 0);
    close(leaked);
}

static void test_store_and_erase(void **state)
{
    (void)state;
    struct lpipe_error err = { 0 };
    AUTO_SECRET struct secret secret = SECRET_INIT;
    char script[512];
    snprintf(script, sizeof script, "echo \"$#:$1\" > %s; cat > %s", scratch_path(&scratch, "args"),
             scratch_path(&scratch, "stdin"));
    scratch_script(&scratch, "bin/docker-credential-s", script);
    assert_int_equal(secret_set(&secret, "p\"\\\n\xc3\xa9", 6), 0);
    assert_int_equal(helper_store("s", "test.io", "u", &secret, NULL, &err), 0);
    AUTO_FREE char *args = scratch_read(&scratch, "args");
    AUTO_FREE char *given = scratch_read(&scratch, "stdin");
    assert_string_equal(args, "1:store\n");
    assert_string_equal(given, "{\"ServerURL\":\"test.io\",\"Username\":\"u\","
                               "\"Secret\":\"p\\\"\\\\\\u000a\xc3\xa9\"}\n");
    assert_int_equal(helper_erase("s", "test.io", NULL, &err), 1);
    AUTO_FREE char *erased = scratch_read(&scratch, "stdin");
    assert_string_equal(erased, "test.io\n");
    scratch_script(&scratch, "bin/docker-credential-s",
                   "echo 'credentials not found in native keychain'; exit 1");
    assert_int_equal(helper_erase("s", "test.io", NULL, &err), 0);
    assert_int_equal(helper_store("s", "test.io", "u", &secret, NULL, &err), LPIPE_AUTH_REQUIRED);
    assert_non_null(strstr(err.message, "exit status 1: credentials not found"));
    /* What the helper repeats of its input is not shown. */
    scratch_script(&scratch, "bin/docker-credential-s", "sed 's/.*:/no bus: /'; exit 1");
    assert_int_equal(helper_store("s", "test.io", "u", &secret, NULL, &err), LPIPE_AUTH_REQUIRED);
    assert_non_null(strstr(err.message, "no bus: \"***\"}"));
}

static void test_long_password_fits(void **state)
{
    (void)state;
    struct lpipe_error err = { 0 };
    AUTO_SECRET struct secret secret = SECRET_INIT;
    AUTO_FREE char *text = malloc(PASSWORD_BYTES_MAX);
    memset(text, '"', PASSWORD_BYTES_MAX);
    assert_int_equal(secret_set(&secret, text, PASSWORD_BYTES_MAX), 0);
    char script[512];
    snprintf(script, sizeof script, "wc -c > %s", scratch_path(&scratch, "size"));
    scratch_script(&scratch, "bin/docker-credential-s", script);
    assert_int_equal(helper_store("s", "x", "u", &secret, NULL, &err), 0);
    AUTO_FREE char *size = scratch_read(&scratch, "size");
    assert_int_equal(atoi(size),
                     (int)(2 * PASSWORD_BYTES_MAX) +
                         (int)strlen("{\"ServerURL\":\"x\",\"Username\":\"u\",\"Secret\":"
                                     "\"\"}\n"));
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(test_get),
        SCENE(test_bad_helpers),
        SCENE(test_not_found_and_empty_are_no_failures),
        SCENE(test_names),
        SCENE(test_path_is_searched_where_absolute),
        SCENE(test_lines_in_names_are_refused),
        SCENE(test_hanging_helper_is_killed_with_its_children),
        SCENE(test_grandchild_with_the_pipe_is_not_waited_for),
        SCENE(test_cancel_ends_the_wait),
        SCENE(test_input_may_be_left_unread),
        SCENE(test_nothing_of_ours_is_inherited),
        SCENE(test_store_and_erase),
        SCENE(test_long_password_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
