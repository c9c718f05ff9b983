/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials: which file, which key, which entry. The rows are numbered after the cases that were
 * measured on the Go library; "stricter" and "better" mark where we mean to differ from it. */
#include "support/scratch.h"
#include "support/unit.h"

#include <pthread.h>

#include "auth/authfile_write.h"
#include "auth/credential.h"
#include "auth/credential_find.h"
#include "base/base64.h"
#include "base/macros.h"

static struct scratch scratch;

static int setup(void **state)
{
    (void)state;
    static const char *const names[] = { "DOCKER_CONFIG",      "DOCKER_AUTH_CONFIG",
                                         "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR",
                                         "XDG_CONFIG_HOME",    "HOME" };
    scratch_begin(&scratch);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        unsetenv(names[i]);
    }
    char path[512];
    snprintf(path, sizeof path, "%s:/usr/bin:/bin", scratch_path(&scratch, "bin"));
    setenv("PATH", path, 1);
    setenv("HOME", scratch_path(&scratch, "home"), 1);
    setenv("DOCKER_CONFIG", scratch_path(&scratch, "docker"), 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    scratch_end(&scratch);
    return 0;
}

/* Replaces @text@ by the base64 of text: "@foo:bar@" reads better than its code. ~ is a zero
 * byte. */
static void expand(const char *from, struct buf *to)
{
    while (*from != '\0') {
        const char *end = *from == '@' ? strchr(from + 1, '@') : NULL;
        if (end == NULL) {
            assert_int_equal(buf_append(to, from++, 1), 0);
            continue;
        }
        char plain[64];
        size_t size = (size_t)(end - from - 1);
        memcpy(plain, from + 1, size);
        for (size_t i = 0; i < size; i++) {
            plain[i] = plain[i] == '~' ? '\0' : plain[i];
        }
        assert_int_equal(base64_encode(plain, size, to), 0);
        from = end + 1;
    }
}

static void append_secret(struct buf *text, const char *what, const struct secret *secret)
{
    if (secret_is_set(secret)) {
        assert_int_equal(buf_printf(text, " %s=", what), 0);
        assert_int_equal(secret_append_json(secret, text), 0);
    }
}

/* "user=u password=p identity=i bearer=b", "anonymous" or "error". */
static void look_up(const struct settings *settings, const char *target, struct buf *text,
                    struct lpipe_error *err)
{
    AUTO_CREDENTIAL_LIST struct credential_list list = { .count = 0 };
    struct credential *found = NULL;
    char registry[256];
    size_t size = strcspn(target, "/");
    snprintf(registry, sizeof registry, "%.*s", (int)size, target);
    const char *repository = target[size] == '/' ? target + size + 1 : NULL;
    int status = credential_find(settings, registry, repository, &list, err);
    status = status == 0 ? credential_resolve(&list, NULL, &found, err) : status;
    if (status != 0 || found == NULL) {
        assert_int_equal(buf_append_text(text, status != 0 ? "error" : "anonymous"), 0);
        return;
    }
    assert_int_equal(buf_printf(text, "user=%s", found->username == NULL ? "" : found->username),
                     0);
    append_secret(text, "password", &found->password);
    append_secret(text, "identity", &found->identity);
    append_secret(text, "bearer", &found->bearer);
}

static void expect(const char *row, const struct settings *settings, const char *target,
                   const char *wanted)
{
    AUTO_BUF struct buf found = BUF_INIT(64 * 1024);
    struct lpipe_error err = { 0 };
    look_up(settings, target, &found, &err);
    if (strcmp(found.data, wanted) != 0) {
        fail_msg("%s: %s: got \"%s\" (%s), wanted \"%s\"", row, target, found.data, err.message,
                 wanted);
    }
}

static const struct settings NONE;

struct row {
    const char *name;
    const char *config; /* of docker's config.json; NULL = no file */
    const char *target;
    const char *wanted;
};

#define FOO "user=foo password=bar"
#define ANON "anonymous"
#define HUB "index.docker.io"
#define AUTHS(entries) "{\"auths\":{" entries "}}"
#define AND ","
#define KEY(key, auth) "\"" key "\":{\"auth\":\"@" auth "@\"}"

static const struct row ROWS[] = {
    { "A1", AUTHS(KEY("test.io", "foo:bar")), "test.io", FOO },
    { "A1", AUTHS(KEY("test.io", "foo:bar")), "test.io/x", FOO },
    { "A2", AUTHS(KEY("https://test.io", "foo:bar")), "test.io", FOO },
    { "A2", AUTHS(KEY("https://test.io/", "foo:bar")), "test.io/x", FOO },
    { "A2", AUTHS(KEY("http://test.io/v1/", "foo:bar")), "test.io", FOO },
    { "A2", AUTHS(KEY("test.io/v2/", "foo:bar")), "test.io/v2x/y", FOO },
    { "A3", AUTHS(KEY("test.io:5000", "foo:bar")), "test.io:5000", FOO },
    { "A4", AUTHS(KEY("test.io", "foo:bar")), "test.io:5000", ANON },
    { "A5 better: default port", AUTHS(KEY("test.io:443", "foo:bar")), "test.io", FOO },
    { "A5 better: default port", AUTHS(KEY("test.io", "foo:bar")), "test.io:443", FOO },
    { "A5 another port", AUTHS(KEY("test.io:80", "foo:bar")), "test.io", ANON },
    { "A6 better: case of hosts", AUTHS(KEY("TEST.io", "foo:bar")), "test.io", FOO },
    { "A7", AUTHS(KEY("https://index.docker.io/v1/", "foo:bar")), HUB "/library/x", FOO },
    { "A8 better: Hub by any name", AUTHS(KEY("docker.io", "foo:bar")), HUB "/jdoe/app", FOO },
    { "A8 better", AUTHS(KEY("index.docker.io", "foo:bar")), HUB "/jdoe/app", FOO },
    { "A8 better", AUTHS(KEY("https://index.docker.io/v2/", "foo:bar")), HUB "/jdoe/app", FOO },
    { "A8 better", AUTHS(KEY("registry-1.docker.io", "foo:bar")), HUB "/jdoe/app", FOO },
    { "A8 better", AUTHS(KEY("docker.io", "foo:bar")), "registry-1.docker.io/a/b", FOO },
    { "A8 no other port", AUTHS(KEY("docker.io:5000", "foo:bar")), HUB "/jdoe/app", ANON },
    { "A8 no look-alike", AUTHS(KEY("docker.io.evil.test", "foo:bar")), HUB "/jdoe/app", ANON },
    { "A9", AUTHS(KEY("index.docker.io/jdoe/app", "foo:bar")), HUB "/jdoe/app", FOO },
    { "A10 better", AUTHS(KEY("docker.io/jdoe/app", "foo:bar")), HUB "/jdoe/app", FOO },
    { "A11", AUTHS(KEY("test.io/my-repo", "r:r") AND KEY("test.io", "foo:bar")), "test.io/my-repo",
      "user=r password=r" },
    { "A12 better: namespaces", AUTHS(KEY("test.io", "foo:bar") AND KEY("test.io/ns", "n:n")),
      "test.io/ns/app", "user=n password=n" },
    { "A12", AUTHS(KEY("test.io/ns", "n:n") AND KEY("test.io", "foo:bar")), "test.io/nsx/app",
      FOO },
    { "A12", AUTHS(KEY("test.io/a", "1:1") AND KEY("test.io/a/b", "2:2") AND KEY("test.io", "3:3")),
      "test.io/a/b/c", "user=2 password=2" },
    { "A13 better: no sibling's", AUTHS(KEY("test.io/another-repo", "leak:leak")),
      "test.io/my-repo", ANON },
    { "A13 better: no child's", AUTHS(KEY("test.io/my-repo/child", "leak:leak")), "test.io/my-repo",
      ANON },
    { "A13 better: no child's", AUTHS(KEY("test.io/my-repo", "leak:leak")), "test.io", ANON },
    { "A14", AUTHS(KEY("test.io/another-repo", "leak:leak") AND "\"test.io\":{}"),
      "test.io/my-repo", ANON },
    { "A15", AUTHS("\"test.io\":{\"username\":\"u\",\"password\":\"p\"}"), "test.io",
      "user=u password=p" },
    { "A16", AUTHS("\"test.io\":{\"username\":\"u\",\"password\":\"p\",\"auth\":\"@a:b@\"}"),
      "test.io", "user=a password=b" },
    { "A17", AUTHS("\"test.io\":{\"auth\":\"@u:@\",\"identitytoken\":\"IDT\"}"), "test.io",
      "user=u password= identity=IDT" },
    { "A17 better: an empty password is one", AUTHS(KEY("test.io", "u:")), "test.io",
      "user=u password=" },
    { "A18", AUTHS("\"test.io\":{\"registrytoken\":\"RT\"}"), "test.io", "user= bearer=RT" },
    { "A19", AUTHS(KEY("test.io", "u:p:q")), "test.io", "user=u password=p:q" },
    { "A20", AUTHS(KEY("test.io", "u:p~~")), "test.io", "user=u password=p" },
    { "A20 stricter: zero byte inside", AUTHS(KEY("test.io", "u:p~q")), "test.io", "error" },
    { "A21", AUTHS(KEY("test.io", "nocolon")), "test.io", "error" },
    { "A21", AUTHS(KEY("test.io", ":p")), "test.io", "error" },
    { "A22", AUTHS("\"test.io\":{\"auth\":\"dTpw_-\"}"), "test.io", "error" },
    { "A22", AUTHS("\"test.io\":{\"auth\":\"dTpwcQ\"}"), "test.io", "error" },
    { "A22", AUTHS("\"test.io\":{\"auth\":\"!!!!\"}"), "test.io", "error" },
    { "A22 better: another's mistake",
      AUTHS("\"bad.io\":{\"auth\":\"!!!!\"}" AND KEY("test.io", "foo:bar")), "test.io", FOO },
    { "A22 better", AUTHS("\"bad.io\":17" AND KEY("test.io", "foo:bar")), "test.io", FOO },
    { "A22", AUTHS("\"bad.io\":17"), "bad.io", "error" },
    { "A22 control character", AUTHS("\"test.io\":{\"identitytoken\":\"a\\r\\nb\"}"), "test.io",
      "error" },
    { "A23", "", "test.io", ANON },
    { "A23", " \n", "test.io", ANON },
    { "A23", "{}", "test.io", ANON },
    { "A23", "{\"auths\":null}", "test.io", ANON },
    { "A23", NULL, "test.io", ANON },
    { "A24", "}{", "test.io", "error" },
    { "A24 stricter: nothing behind the end", "{} x", "test.io", "error" },
    { "R-45 duplicate keys", "{\"auths\":{},\"auths\":{}}", "test.io", "error" },
    { "R-45 byte order mark", "\xef\xbb\xbf{}", "test.io", "error" },
    { "R-45 wrong type", "{\"auths\":[]}", "test.io", "error" },
    { "R-45 no name of a registry",
      AUTHS(KEY("test .io/..", "a:b") AND KEY("", "a:b") AND KEY("test.io\\u0040x", "a:b")),
      "test.io", ANON },
    { "A25", "{\"credsStore\":\"missing\",\"auths\":{" KEY("test.io", "foo:bar") "}}", "test.io",
      "error" },
    { "A30", "{\"credHelpers\":{\"test.io\":\"token\"}}", "test.io", "user= identity=IDT" },
    { "A31 better: falls to the file",
      "{\"credsStore\":\"none\",\"auths\":{" KEY("test.io", "foo:bar") "}}", "test.io", FOO },
    { "A31", "{\"credsStore\":\"none\"}", "test.io", ANON },
    { "A32", "{\"credsStore\":\"broken\",\"auths\":{" KEY("test.io", "foo:bar") "}}", "test.io",
      "error" },
    { "A32", "{\"credsStore\":\"garbage\"}", "test.io", "error" },
    { "A33", "{\"credsStore\":\"empty\"}", "test.io", ANON },
    { "A34", "{\"credsStore\":\"h\",\"auths\":{" KEY("test.io", "foo:bar") "}}", "test.io/x",
      "user=hu password=hp" },
    { "A34 better: a longer name wins",
      "{\"credsStore\":\"h\",\"auths\":{" KEY("test.io/x", "foo:bar") "}}", "test.io/x", FOO },
    { "A35",
      "{\"credsStore\":\"h\",\"credHelpers\":{\"test.io\":\"\"},\"auths\":{" KEY("test.io",
                                                                                 "foo:bar") "}}",
      "test.io", FOO },
    { "A35 others keep the store", "{\"credsStore\":\"h\",\"credHelpers\":{\"test.io\":\"\"}}",
      "other.io", "user=hu password=hp" },
};

static void write_helpers(void)
{
    char log[512];
    snprintf(log, sizeof log,
             "cat >> %s; echo '{\"ServerURL\":\"x\",\"Username\":\"hu\","
             "\"Secret\":\"hp\"}'",
             scratch_path(&scratch, "asked"));
    scratch_script(&scratch, "bin/docker-credential-h", log);
    scratch_script(&scratch, "bin/docker-credential-token",
                   "echo '{\"Username\":\"<token>\",\"Secret\":\"IDT\"}'");
    scratch_script(&scratch, "bin/docker-credential-none",
                   "echo 'credentials not found in native keychain'; exit 1");
    scratch_script(&scratch, "bin/docker-credential-broken", "echo 'no keychain'; exit 1");
    scratch_script(&scratch, "bin/docker-credential-garbage", "echo 'hello'");
    scratch_script(&scratch, "bin/docker-credential-empty", "echo '{}'");
}

static void test_rows(void **state)
{
    (void)state;
    write_helpers();
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO_BUF struct buf config = BUF_INIT(64 * 1024);
        if (ROWS[i].config == NULL) {
            (void)unlink(scratch_path(&scratch, "docker/config.json"));
        } else {
            expand(ROWS[i].config, &config);
            assert_int_equal(buf_append(&config, NULL, 0), 0);
            scratch_text(&scratch, "docker/config.json", config.data);
        }
        expect(ROWS[i].name, &NONE, ROWS[i].target, ROWS[i].wanted);
    }
}

static void config(const char *name, const char *text)
{
    AUTO_BUF struct buf expanded = BUF_INIT(64 * 1024);
    expand(text, &expanded);
    scratch_text(&scratch, name, expanded.data);
}

/* A26 to A29: what a helper is asked, and how often. */
static void test_helper_is_asked_once(void **state)
{
    (void)state;
    static const struct {
        const char *config;
        const char *target;
        const char *asked;
    } rows[] = {
        { "{\"credHelpers\":{\"test.io\":\"h\"}}", "test.io/my/repo", "test.io\n" },
        { "{\"credsStore\":\"h\"}", "test.io/my/repo", "test.io\n" },
        { "{\"credsStore\":\"h\"}", "test.io:5000/my/repo", "test.io:5000\n" },
        { "{\"credHelpers\":{\"docker.io\":\"h\"}}", HUB "/a/b", "https://index.docker.io/v1/\n" },
        { "{\"credHelpers\":{\"https://index.docker.io/v1/\":\"h\"}}", HUB "/a/b",
          "https://index.docker.io/v1/\n" },
    };
    write_helpers();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        (void)unlink(scratch_path(&scratch, "asked"));
        config("docker/config.json", rows[i].config);
        expect("A26-A29", &NONE, rows[i].target, "user=hu password=hp");
        AUTO_FREE char *asked = scratch_read(&scratch, "asked");
        assert_string_equal(asked, rows[i].asked);
    }
}

static void test_environment_variable_wins(void **state)
{
    (void)state;
    setenv("DOCKER_AUTH_CONFIG", "{\"auths\":{\"test.io\":{\"auth\":\"ZTpl\"}}}", 1);
    expect("A37 better: without any file", &NONE, "test.io", "user=e password=e");
    config("docker/config.json", "{}");
    expect("A36", &NONE, "test.io", "user=e password=e");
    config("docker/config.json", AUTHS(KEY("test.io", "foo:bar")));
    expect("A36", &NONE, "test.io", "user=e password=e");
    expect("A36 others", &NONE, "other.io", ANON);
    setenv("DOCKER_AUTH_CONFIG", "{\"auths\":", 1);
    expect("A36 stricter: malformed", &NONE, "test.io", "error");
}

static void test_docker_config_names_the_only_docker_file(void **state)
{
    (void)state;
    config("home/.docker/config.json", AUTHS(KEY("test.io", "foo:bar")));
    setenv("DOCKER_CONFIG", scratch_path(&scratch, "nowhere"), 1);
    expect("A38", &NONE, "test.io", ANON);
    unsetenv("DOCKER_CONFIG");
    expect("A38", &NONE, "test.io", FOO);
    unsetenv("HOME");
    expect("R-52", &NONE, "test.io", ANON);
    setenv("HOME", "home", 1);
    assert_int_equal(chdir(scratch.dir), 0);
    expect("a relative HOME is no place for secrets", &NONE, "test.io", ANON);
    assert_int_equal(chdir("/"), 0);
}

static void test_all_sources_are_merged(void **state)
{
    (void)state;
    setenv("REGISTRY_AUTH_FILE", scratch_path(&scratch, "named.json"), 1);
    setenv("XDG_RUNTIME_DIR", scratch_path(&scratch, "run"), 1);
    config("docker/config.json", AUTHS(KEY("docker.test", "d:d") AND KEY("both.test", "d:d")));
    config("named.json", AUTHS(KEY("named.test", "n:n") AND KEY("both.test", "n:n")));
    config("run/containers/auth.json", AUTHS(KEY("run.test", "r:r") AND KEY("both.test", "r:r")
                                                 AND KEY("both.test/ns", "rn:rn")));
    config("home/.config/containers/auth.json",
           AUTHS(KEY("conf.test", "c:c") AND KEY("run.test", "c:c")));
    expect("A39 better", &NONE, "named.test", "user=n password=n");
    expect("A39 better", &NONE, "docker.test", "user=d password=d");
    expect("A40", &NONE, "run.test", "user=r password=r");
    expect("A40", &NONE, "conf.test", "user=c password=c");
    expect("the file that was named comes first", &NONE, "both.test/x", "user=n password=n");
    expect("the longest name comes first", &NONE, "both.test/ns/x", "user=rn password=rn");
    setenv("XDG_CONFIG_HOME", scratch_path(&scratch, "conf"), 1);
    expect("A40 another place", &NONE, "conf.test", ANON);
    setenv("REGISTRY_AUTH_FILE", scratch_path(&scratch, "missing.json"), 1);
    expect("A41", &NONE, "named.test", ANON);
    expect("A41", &NONE, "both.test/x", "user=d password=d");
}

static void test_files_that_are_none(void **state)
{
    (void)state;
    scratch_text(&scratch, "docker/config.json/x", "");
    expect("A42", &NONE, "test.io", ANON);
    assert_int_equal(unlink(scratch_path(&scratch, "docker/config.json/x")), 0);
    assert_int_equal(rmdir(scratch_path(&scratch, "docker/config.json")), 0);
    assert_int_equal(mkfifo(scratch_path(&scratch, "docker/config.json"), 0600), 0);
    expect("R-45 a FIFO does not block", &NONE, "test.io", "error");
    assert_int_equal(unlink(scratch_path(&scratch, "docker/config.json")), 0);
    assert_int_equal(symlink("config.json", scratch_path(&scratch, "docker/config.json")), 0);
    expect("R-45 a link in a circle", &NONE, "test.io", "error");
    assert_int_equal(unlink(scratch_path(&scratch, "docker/config.json")), 0);
    AUTO_FREE char *large = malloc((1 << 20) + 100);
    memset(large, ' ', (1 << 20) + 99);
    large[(1 << 20) + 99] = '\0';
    scratch_text(&scratch, "docker/config.json", large);
    expect("R-45 too large", &NONE, "test.io", "error");
}

static void test_options_come_before_files(void **state)
{
    (void)state;
    config("docker/config.json", AUTHS(KEY("test.io", "foo:bar")));
    config("own.json", AUTHS(KEY("own.io", "o:o")));
    struct settings alone = { .authfile = strdup(scratch_path(&scratch, "own.json")) };
    expect("an authfile is alone", &alone, "own.io", "user=o password=o");
    expect("an authfile is alone", &alone, "test.io", ANON);
    free(alone.authfile);
    struct settings given = { .username = strdup("me") };
    assert_int_equal(secret_set(&given.password, "word", 4), 0);
    expect("given credentials", &given, "test.io", "user=me password=word");
    free(given.username);
    secret_dispose(&given.password);
    struct settings anonymous = { .flags = LPIPE_CLIENT_ANONYMOUS };
    expect("no credentials", &anonymous, "test.io", ANON);
}

/* The error for a mistake names file and place, and never shows a secret. */
static void test_messages_tell_places_and_no_secrets(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"auths\":{\"test.io\":{\"auth\":CANARY4711}}}",
        "{\"auths\":{\"test.io\":{\"auth\":\"CANARY4711\"}}}",
        "{\"auths\":{\"test.io\":{\"auth\":\"CANARY4711\" \"x\"}}}",
        "{\"auths\":{\"test.io\":{\"identitytoken\":\"CANARY4711\\n\"}}}",
        "{\"auths\":{\"test.io\":{\"username\":\"u\",\"password\":[\"CANARY4711\"]}}}",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        AUTO_BUF struct buf found = BUF_INIT(64 * 1024);
        struct lpipe_error err = { 0 };
        scratch_text(&scratch, "docker/config.json", texts[i]);
        look_up(&NONE, "test.io", &found, &err);
        assert_string_equal(found.data, "error");
        assert_int_equal(err.status, LPIPE_INVALID_ARGUMENT);
        if (strstr(err.message, "/docker/config.json") == NULL ||
            strstr(err.message, "CANARY") != NULL ||
            (strstr(err.message, "line 1") == NULL &&
             strstr(err.message, "auths.test.io") == NULL)) {
            fail_msg("%s", err.message);
        }
    }
}

#define WRITERS 4
#define ENTRIES 6 /* of each writer */

static char edited[80]; /* the file that all writers edit */

static void *store_entries(void *ctx)
{
    AUTO_SECRET struct secret password = SECRET_INIT;
    int failures = secret_set(&password, "secret", 6) != 0;
    for (int i = 0; i < ENTRIES; i++) {
        char registry[40];
        snprintf(registry, sizeof registry, "r%d-%d.example", (int)(intptr_t)ctx, i);
        failures += authfile_store(edited, registry, "user", &password, NULL, NULL) != 0;
    }
    return (void *)(intptr_t)failures;
}

static void test_edits_at_the_same_time(void **state)
{
    (void)state;
    pthread_t threads[WRITERS];
    snprintf(edited, sizeof edited, "%s", scratch_path(&scratch, "auth.json"));
    for (int i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, store_entries, (void *)(intptr_t)i), 0);
    }
    for (int i = 0; i < WRITERS; i++) {
        void *failures = NULL;
        assert_int_equal(pthread_join(threads[i], &failures), 0);
        assert_null(failures);
    }
    for (int i = 0; i < WRITERS * ENTRIES; i++) {
        char registry[40];
        snprintf(registry, sizeof registry, "r%d-%d.example", i / ENTRIES, i % ENTRIES);
        assert_int_equal(authfile_erase(edited, registry, NULL, NULL), 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(test_edits_at_the_same_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_helper_is_asked_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_environment_variable_wins, setup, teardown),
        cmocka_unit_test_setup_teardown(test_docker_config_names_the_only_docker_file, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_all_sources_are_merged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_files_that_are_none, setup, teardown),
        cmocka_unit_test_setup_teardown(test_options_come_before_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_messages_tell_places_and_no_secrets, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
