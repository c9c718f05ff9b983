/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens: answers of token servers, scopes as sets, and which token is good for how long. */
#include "support/unit.h"

#include "auth/scope.h"
#include "base/limits.h"
#include "base/macros.h"
#include "request/token_fetch.h"

static void assert_value(const struct token *token, const char *wanted)
{
    struct buf text CLEANUP(buf_wipe) = BUF_INIT(MIB);
    assert_int_equal(secret_append_bearer(&token->value, &text), 0);
    assert_string_equal(text.data + strlen("Bearer "), wanted);
}

static void test_answers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *value; /* NULL = PROTOCOL */
        uint64_t life_ms;
    } rows[] = {
        { "{\"token\":\"a\",\"expires_in\":300}", "a", 300000 },
        { "{\"access_token\":\"b\",\"expires_in\":5}", "b", 5000 },
        /* both: the one that OAuth2 knows */
        { "{\"token\":\"a\",\"access_token\":\"b\"}", "b", 60000 },
        { "{\"access_token\":\"b\",\"token\":\"a\"}", "b", 60000 },
        { "{\"token\":\"a\",\"access_token\":null}", "a", 60000 },
        { "{\"token\":\"a\",\"access_token\":\"\"}", "a", 60000 },
        { "{\"token\":\"\",\"access_token\":\"b\"}", "b", 60000 },
        /* no life, or none that can be meant: 60 s; a very long one: a day */
        { "{\"token\":\"a\"}", "a", 60000 },
        { "{\"token\":\"a\",\"expires_in\":0}", "a", 60000 },
        { "{\"token\":\"a\",\"expires_in\":-1}", "a", 60000 },
        { "{\"token\":\"a\",\"expires_in\":\"300\"}", "a", 60000 },
        { "{\"token\":\"a\",\"expires_in\":1e400}", "a", 60000 },
        { "{\"token\":\"a\",\"expires_in\":99999999999999999999}", "a", 60000 },
        { "{\"token\":99999999999999999999}", NULL, 0 },
        { "{\"token\":\"a\",\"expires_in\":18446744073709551616}", "a", 60000 },
        { "{\"token\":\"a\",\"expires_in\":-99999999999999999999}", "a", 60000 },
        { "{\"token\":\"a\",\"expires_in\":null}", "a", 60000 },
        /* a byte order mark */
        { "\xef\xbb\xbf{\"token\":\"a\"}", "a", 60000 },
        { "\xef\xbb\xbf", NULL, 0 },
        { "{\"token\":\"a\",\"expires_in\":9007199254740991}", "a", TOKEN_LIFE_MAX_MS },
        { "{\"token\":\"a\",\"expires_in\":60,\"issued_at\":\"x\",\"refresh_token\":\"r\"}", "a",
          60000 },
        /* no token */
        { "{}", NULL, 0 },
        { "{\"token\":\"\"}", NULL, 0 },
        { "{\"token\":null}", NULL, 0 },
        { "{\"token\":7}", NULL, 0 },
        { "{\"token\":[\"a\"]}", NULL, 0 },
        { "{\"token\":\"a\\r\\nX-Evil: 1\"}", NULL, 0 },
        { "{\"token\":\"a\\u0000b\"}", NULL, 0 },
        { "{\"token\":\"a\",\"token\":\"b\"}", NULL, 0 },
        { "{\"token\":\"a\"} trailing", NULL, 0 },
        { "[\"a\"]", NULL, 0 },
        { "\"a\"", NULL, 0 },
        { "token=a", NULL, 0 },
        { "<html>", NULL, 0 },
        { "", NULL, 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct token token CLEANUP(token_dispose) = { .value = SECRET_INIT };
        struct lpipe_error err = { 0 };
        int status = token_parse(rows[i].text, strlen(rows[i].text), &token, &err);
        if (status != (rows[i].value == NULL ? LPIPE_PROTOCOL : 0)) {
            fail_msg("%s: %d %s", rows[i].text, status, err.message);
        }
        if (rows[i].value != NULL) {
            assert_value(&token, rows[i].value);
            if (token.life_ms != rows[i].life_ms) {
                fail_msg("%s: lives %llu ms", rows[i].text, (unsigned long long)token.life_ms);
            }
        } else {
            assert_false(secret_is_set(&token.value));
        }
    }
}

static void test_pages_are_named(void **state)
{
    (void)state;
    static const char *const pages[] = { "<!DOCTYPE html><title>Log in</title>", " \r\n<html>",
                                         "\xef\xbb\xbf<html>" };
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        struct token token CLEANUP(token_dispose) = { .value = SECRET_INIT };
        struct lpipe_error err = { 0 };
        assert_int_equal(token_parse(pages[i], strlen(pages[i]), &token, &err), LPIPE_PROTOCOL);
        assert_non_null(strstr(err.message, "HTML"));
    }
}

static void test_answer_that_is_too_large(void **state)
{
    (void)state;
    AUTO_BUF struct buf text = BUF_INIT(MIB);
    struct token token CLEANUP(token_dispose) = { .value = SECRET_INIT };
    assert_int_equal(buf_append_text(&text, "{\"token\":\""), 0);
    while (text.size <= TOKEN_BODY_BYTES_MAX) {
        assert_int_equal(buf_append_text(&text, "aaaaaaaaaaaaaaaa"), 0);
    }
    assert_int_equal(buf_append_text(&text, "\"}"), 0);
    assert_int_equal(token_parse(text.data, text.size, &token, NULL), LPIPE_TOO_LARGE);
}

static void test_messages_hold_no_token(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"token\":\"CANARY4711\\n\"}",
        "{\"token\":\"CANARY4711\",\"token\":\"x\"}",
        "{\"token\":CANARY4711}",
        "{\"token\":[\"CANARY4711\"]}",
        "CANARY4711",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct token token CLEANUP(token_dispose) = { .value = SECRET_INIT };
        struct lpipe_error err = { 0 };
        assert_int_equal(token_parse(texts[i], strlen(texts[i]), &token, &err), LPIPE_PROTOCOL);
        if (strstr(err.message, "CANARY") != NULL) {
            fail_msg("%s", err.message);
        }
    }
}

static void test_scopes_are_sets(void **state)
{
    (void)state;
    static const struct {
        const char *repository;
        const char *actions;
        const char *set; /* after it was added */
    } rows[] = {
        { "b/c", "push,pull", "repository:b/c:pull,push" },
        { "b/c", "pull", "repository:b/c:pull,push" },
        { "a", "pull", "repository:a:pull repository:b/c:pull,push" },
        { "b/c", "delete", "repository:a:pull repository:b/c:delete,pull,push" },
        { "b", "*", "repository:a:pull repository:b:* repository:b/c:delete,pull,push" },
        { "z", "fly", "repository:a:pull repository:b:* repository:b/c:delete,pull,push" },
        { "z", "", "repository:a:pull repository:b:* repository:b/c:delete,pull,push" },
    };
    AUTO_BUF struct buf set = BUF_INIT(SCOPE_BYTES_MAX);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(scope_add(&set, rows[i].repository, rows[i].actions), 0);
        assert_string_equal(set.data, rows[i].set);
    }
}

static void test_scope_covers(void **state)
{
    (void)state;
    static const struct {
        const char *set;
        const char *wanted;
        bool covers;
    } rows[] = {
        { "", "", true },
        { "repository:a:pull", "", true },
        { "", "repository:a:pull", false },
        { "repository:a:pull,push", "repository:a:pull", true },
        { "repository:a:pull", "repository:a:pull,push", false },
        { "repository:a:pull repository:b:push", "repository:b:push repository:a:pull", true },
        { "repository:a/b:pull", "repository:a:pull", false },
        { "repository:a:pull", "repository:a/b:pull", false },
        { "repository:a:pull", "nonsense", false },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (scope_covers(rows[i].set, rows[i].wanted) != rows[i].covers) {
            fail_msg("\"%s\" in \"%s\"", rows[i].wanted, rows[i].set);
        }
    }
}

/* What a challenge offers counts for the repositories that were asked for, and for no others. */
static void test_offers_concern_what_was_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *offer;
        const char *set;
    } rows[] = {
        { "repository:a/b:push,pull", "repository:a/b:pull,push" },
        { "repository:a/b:pull repository:a/b:push", "repository:a/b:pull,push" },
        { "repository:from:pull repository:a/b:delete",
          "repository:a/b:delete repository:from:pull" },
        { "repository:other:pull,push,delete", "" },
        { "registry:catalog:*", "" },
        { "repository::pull", "" },
        { "repository:a/b:", "" },
        { "repository:a/b:fly", "" },
        { "  ", "" },
        { "", "" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_BUF struct buf set = BUF_INIT(SCOPE_BYTES_MAX);
        assert_int_equal(buf_append(&set, NULL, 0), 0);
        assert_int_equal(scope_add_offer(&set, rows[i].offer, "a/b", "from"), 0);
        if (strcmp(set.size == 0 ? "" : set.data, rows[i].set) != 0) {
            fail_msg("\"%s\" gave \"%s\"", rows[i].offer, set.data);
        }
    }
}

static struct token_entry *put(struct token_cache *cache, const char *scope, const char *value,
                               uint64_t life_ms, uint64_t now_ms)
{
    struct token token CLEANUP(token_dispose) = { .value = SECRET_INIT, .life_ms = life_ms };
    struct token_entry *entry = NULL;
    assert_int_equal(secret_set(&token.value, value, strlen(value)), 0);
    assert_int_equal(token_cache_put(cache, scope, &token, now_ms, &entry), 0);
    assert_false(secret_is_set(&token.value));
    return entry;
}

static void test_token_is_renewed_before_it_ends(void **state)
{
    (void)state;
    static const struct {
        uint64_t life_ms;
        uint64_t need_ms;
        uint64_t last_good_ms; /* the last moment at which it is still used */
    } rows[] = {
        { 300000, 60000, 239999 },  /* a minute before its end */
        { 300000, 120000, 179999 }, /* the request may take two */
        { 300000, 900000, 149999 }, /* longer than any token lives: half of its life */
        { 60000, 60000, 29999 },    { 2000, 60000, 999 }, { 3600000, 60000, 3539999 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct token_cache cache CLEANUP(token_cache_dispose) = { .serial = 0 };
        uint64_t start = 1000000;
        struct token_entry *entry = put(&cache, "repository:a:pull", "t", rows[i].life_ms, start);
        assert_ptr_equal(token_cache_find(&cache, "repository:a:pull", start + rows[i].last_good_ms,
                                          rows[i].need_ms),
                         entry);
        assert_null(token_cache_find(&cache, "repository:a:pull", start + rows[i].last_good_ms + 1,
                                     rows[i].need_ms));
    }
}

static void test_token_serves_what_it_covers(void **state)
{
    (void)state;
    struct token_cache cache CLEANUP(token_cache_dispose) = { .serial = 0 };
    struct token_entry *wide = put(&cache, "repository:a:pull,push", "t", 300000, 0);
    assert_ptr_equal(token_cache_find(&cache, "repository:a:pull", 1, 0), wide);
    assert_null(token_cache_find(&cache, "repository:a:delete", 1, 0));
    assert_null(token_cache_find(&cache, "repository:b:pull", 1, 0));
    uint64_t serial = wide->serial;
    assert_ptr_equal(token_cache_at(&cache, serial), wide);
    assert_null(token_cache_at(&cache, serial + 1));
    /* a wider one takes the place of the narrow one, whose number is then gone */
    (void)put(&cache, "repository:a:delete,pull,push", "u", 300000, 1);
    assert_null(token_cache_at(&cache, serial));
}

static void test_refusal_is_remembered_until_a_token_is_taken(void **state)
{
    (void)state;
    struct token_cache cache CLEANUP(token_cache_dispose) = { .serial = 0 };
    struct token_entry *first = put(&cache, "repository:a:pull", "t", 300000, 0);
    uint64_t serial = first->serial;
    assert_false(first->after_refusal);
    token_cache_drop(first);
    assert_null(token_cache_at(&cache, serial));
    assert_null(token_cache_find(&cache, "repository:a:pull", 1, 0));
    struct token_entry *second = put(&cache, "repository:a:pull", "u", 300000, 1);
    assert_true(second->after_refusal);
    struct token_entry *other = put(&cache, "repository:b:pull", "v", 300000, 1);
    assert_false(other->after_refusal);
}

static void test_cache_has_a_maximum(void **state)
{
    (void)state;
    struct token_cache cache CLEANUP(token_cache_dispose) = { .serial = 0 };
    char scope[64];
    for (unsigned i = 0; i <= TOKENS_MAX; i++) {
        snprintf(scope, sizeof scope, "repository:r%02u:pull", i);
        (void)put(&cache, scope, "t", 300000, i);
    }
    /* the one that was used longest ago went */
    assert_null(token_cache_find(&cache, "repository:r00:pull", 20, 0));
    assert_non_null(token_cache_find(&cache, "repository:r01:pull", 20, 0));
    assert_non_null(token_cache_find(&cache, "repository:r16:pull", 20, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_pages_are_named),
        cmocka_unit_test(test_answer_that_is_too_large),
        cmocka_unit_test(test_messages_hold_no_token),
        cmocka_unit_test(test_scopes_are_sets),
        cmocka_unit_test(test_scope_covers),
        cmocka_unit_test(test_offers_concern_what_was_asked_for),
        cmocka_unit_test(test_token_is_renewed_before_it_ends),
        cmocka_unit_test(test_token_serves_what_it_covers),
        cmocka_unit_test(test_refusal_is_remembered_until_a_token_is_taken),
        cmocka_unit_test(test_cache_has_a_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
