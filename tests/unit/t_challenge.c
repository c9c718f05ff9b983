/* SPDX-License-Identifier: Apache-2.0 */
/* WWW-Authenticate: what registries send, and what they should not. */
#include "support/unit.h"

#include "auth/challenge.h"
#include "base/limits.h"

struct row {
    const char *headers; /* as the transport gives them */
    enum challenge_scheme scheme;
    const char *realm;
    const char *service;
    const char *scope;
    const char *error;
};

#define W "www-authenticate: "

static const struct row ROWS[] = {
    { "", CHALLENGE_NONE, NULL, NULL, NULL, NULL },
    { "content-type: text/html\n", CHALLENGE_NONE, NULL, NULL, NULL, NULL },
    { W "Bearer realm=\"https://auth.example.com/token\",service=\"registry.example.com\","
        "other=fun,slashed=\"he\\\"\\l\\lo\"\n",
      CHALLENGE_BEARER, "https://auth.example.com/token", "registry.example.com", NULL, NULL },
    { W "Bearer realm=\"https://a/t\",service=\"s\",scope=\"repository:a/b:pull,push\"\n",
      CHALLENGE_BEARER, "https://a/t", "s", "repository:a/b:pull,push", NULL },
    { W "bearer REALM=\"https://a/t\" , Scope=\"repository:a/b:pull repository:a/b:push\","
        "error=\"insufficient_scope\"\n",
      CHALLENGE_BEARER, "https://a/t", NULL, "repository:a/b:pull repository:a/b:push",
      "insufficient_scope" },
    { W "Bearer realm = \"https://a/t\"\n", CHALLENGE_BEARER, "https://a/t", NULL, NULL, NULL },
    { W "Bearer realm=https://a/t?x=1,service=s\n", CHALLENGE_BEARER, "https://a/t?x=1", "s", NULL,
      NULL },
    { W "Bearer realm=\"https://a/t\",scope=\"\",service=\"s\"\n", CHALLENGE_BEARER, "https://a/t",
      "s", "", NULL },
    { W "Basic realm=\"Registry, of mine\"\n", CHALLENGE_BASIC, "Registry, of mine", NULL, NULL,
      NULL },
    { W "Basic\n", CHALLENGE_BASIC, NULL, NULL, NULL, NULL },
    /* several: Bearer before Basic, wherever they stand */
    { W "Basic realm=\"b\", Bearer realm=\"https://a/t\",service=\"s\"\n", CHALLENGE_BEARER,
      "https://a/t", "s", NULL, NULL },
    { W "Basic realm=\"b\"\n" W "Bearer realm=\"https://a/t\"\n", CHALLENGE_BEARER, "https://a/t",
      NULL, NULL, NULL },
    { W "Negotiate, Bearer realm=\"https://a/t\"\n", CHALLENGE_BEARER, "https://a/t", NULL, NULL,
      NULL },
    { W "Negotiate YII/abc+==, Basic realm=\"b\"\n", CHALLENGE_BASIC, "b", NULL, NULL, NULL },
    { W "Negotiate YIIabc=\n", CHALLENGE_NONE, NULL, NULL, NULL, NULL },
    { W "Digest realm=\"d\", nonce=\"n\", qop=\"auth\", Basic realm=\"b\"\n", CHALLENGE_BASIC, "b",
      NULL, NULL, NULL },
    { W ",, Bearer realm=\"https://a/t\",,service=\"s\",\n", CHALLENGE_BEARER, "https://a/t", "s",
      NULL, NULL },
    { W "Bearer realm=\"https://a/1\"\n" W "Bearer realm=\"https://a/2\"\n", CHALLENGE_BEARER,
      "https://a/1", NULL, NULL, NULL },
    /* what is malformed does not count; what is whole elsewhere does */
    { W "Bearer service=\"s\"\n", CHALLENGE_NONE, NULL, NULL, NULL, NULL },
    { W "Bearer realm=\"https://a/t\n", CHALLENGE_NONE, NULL, NULL, NULL, NULL },
    { W "Bearer realm=\"https://a/t\\\n", CHALLENGE_NONE, NULL, NULL, NULL, NULL },
    { W "Bearer realm=\"https://a/t\",realm=\"https://evil/t\"\n", CHALLENGE_NONE, NULL, NULL, NULL,
      NULL },
    { W "Bearer realm=\"https://a/t\" service=\"s\"\n", CHALLENGE_NONE, NULL, NULL, NULL, NULL },
    { W "Bearer realm=\"https://a/\x01t\"\n", CHALLENGE_NONE, NULL, NULL, NULL, NULL },
    { W "Bearer realm=\"https://a/\rt\"\n", CHALLENGE_NONE, NULL, NULL, NULL, NULL },
    { W "Bearer realm=\n", CHALLENGE_NONE, NULL, NULL, NULL, NULL },
    { W "Bearer =\"x\"\n" W "Basic realm=\"b\"\n", CHALLENGE_BASIC, "b", NULL, NULL, NULL },
    { W "\"Bearer\" realm=\"https://a/t\"\n", CHALLENGE_NONE, NULL, NULL, NULL, NULL },
    { W "Bearerrealm=\"https://a/t\"\n", CHALLENGE_NONE, NULL, NULL, NULL, NULL },
    { W "\n", CHALLENGE_NONE, NULL, NULL, NULL, NULL },
    { "x-www-authenticate: Basic realm=\"b\"\n", CHALLENGE_NONE, NULL, NULL, NULL, NULL },
};

static void assert_text(const char *found, const char *wanted, const char *row)
{
    if ((found == NULL) != (wanted == NULL) || (found != NULL && strcmp(found, wanted) != 0)) {
        fail_msg("%s: got %s, wanted %s", row, found == NULL ? "(none)" : found,
                 wanted == NULL ? "(none)" : wanted);
    }
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        const struct row *row = &ROWS[i];
        AUTO_BUF struct buf headers = BUF_INIT(MIB);
        AUTO_CHALLENGE struct challenge found = CHALLENGE_INIT;
        assert_int_equal(buf_append_text(&headers, row->headers), 0);
        assert_int_equal(challenge_read(&headers, &found, NULL), 0);
        if (found.scheme != row->scheme) {
            fail_msg("%s: scheme %d, wanted %d", row->headers, found.scheme, row->scheme);
        }
        assert_text(found.realm, row->realm, row->headers);
        assert_text(found.service, row->service, row->headers);
        assert_text(found.scope, row->scope, row->headers);
        assert_text(found.error, row->error, row->headers);
    }
}

static void test_escapes(void **state)
{
    (void)state;
    static const char line[] = "Bearer realm=\"https://a/t\",service=\"he\\\"\\l\\lo, \\\\\"";
    AUTO_CHALLENGE struct challenge found = CHALLENGE_INIT;
    assert_int_equal(challenge_read_line(line, sizeof line - 1, &found, NULL), 0);
    assert_string_equal(found.service, "he\"llo, \\");
}

static void test_caps(void **state)
{
    (void)state;
    AUTO_BUF struct buf line = BUF_INIT(MIB);
    /* the 9th challenge of a line is not looked at */
    for (int i = 0; i < CHALLENGES_MAX; i++) {
        assert_int_equal(buf_append_text(&line, "Digest realm=\"d\", "), 0);
    }
    assert_int_equal(buf_append_text(&line, "Basic realm=\"b\""), 0);
    AUTO_CHALLENGE struct challenge none = CHALLENGE_INIT;
    assert_int_equal(challenge_read_line(line.data, line.size, &none, NULL), 0);
    assert_int_equal(none.scheme, CHALLENGE_NONE);
    AUTO_CHALLENGE struct challenge eighth = CHALLENGE_INIT;
    size_t skip = strlen("Digest realm=\"d\", ");
    assert_int_equal(challenge_read_line(line.data + skip, line.size - skip, &eighth, NULL), 0);
    assert_int_equal(eighth.scheme, CHALLENGE_BASIC);

    /* one parameter more than there may be */
    buf_clear(&line);
    assert_int_equal(buf_append_text(&line, "Bearer realm=\"https://a/t\""), 0);
    for (int i = 1; i < CHALLENGE_PARAMS_MAX; i++) {
        assert_int_equal(buf_printf(&line, ",p%d=v", i), 0);
    }
    AUTO_CHALLENGE struct challenge full = CHALLENGE_INIT;
    assert_int_equal(challenge_read_line(line.data, line.size, &full, NULL), 0);
    assert_int_equal(full.scheme, CHALLENGE_BEARER);
    assert_int_equal(buf_append_text(&line, ",q=v"), 0);
    AUTO_CHALLENGE struct challenge over = CHALLENGE_INIT;
    assert_int_equal(challenge_read_line(line.data, line.size, &over, NULL), 0);
    assert_int_equal(over.scheme, CHALLENGE_NONE);

    /* 100 KiB in one line */
    buf_clear(&line);
    assert_int_equal(buf_append_text(&line, "Basic realm=\""), 0);
    for (size_t i = 0; i < 100 * KIB; i++) {
        assert_int_equal(buf_append_text(&line, "x"), 0);
    }
    assert_int_equal(buf_append_text(&line, "\""), 0);
    AUTO_CHALLENGE struct challenge huge = CHALLENGE_INIT;
    assert_int_equal(challenge_read_line(line.data, line.size, &huge, NULL), 0);
    assert_int_equal(huge.scheme, CHALLENGE_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_caps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
