/* SPDX-License-Identifier: Apache-2.0 */
/* The command's failure line: its hint depends on status and flags, never on the message's
 * words. */
#include "support/unit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api_names.h"
#include "base/fail.h"
#include "base/text.h"
#include "print.h"
#include "terminal_text.h"

#define LINE_BYTES 2048

/* Calls print_failure() and returns what it wrote to stderr. */
static char *failure_line(const struct lpipe_error *err, char line[LINE_BYTES])
{
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);
    assert_non_null(file);
    assert_true(dup2(fileno(file), STDERR_FILENO) == STDERR_FILENO);
    int code = print_failure(err);
    assert_true(dup2(saved, STDERR_FILENO) == STDERR_FILENO);
    assert_int_equal(code, lpipe_status_exit_code(err->status));
    rewind(file);
    size_t size = fread(line, 1, LINE_BYTES - 1, file);
    line[size] = '\0';
    (void)fclose(file);
    (void)close(saved);
    return line;
}

static struct lpipe_error error_of(int status, uint32_t flags, const char *message)
{
    struct lpipe_error err = { .status = status, .flags = flags, .offset = UINT64_MAX };
    (void)snprintf(err.message, sizeof err.message, "%s", message);
    return err;
}

/* The text after the message, which is a hint. */
static const char *hint_of(int status, uint32_t flags, const char *message, char line[LINE_BYTES])
{
    struct lpipe_error err = error_of(status, flags, message);
    const char *found = strstr(failure_line(&err, line), message);
    assert_non_null(found);
    return found + strlen(message);
}

/* Messages with words that look like a hint, and one without. */
static const char *const messages[] = {
    "failed",
    "failed; try layerpipe login example.org",
    "failed; allow it with --trust-realm example.org (`unknown`)",
    "the proxy failed this login",
    "failed; decompress it first",
    "failed (--raw takes any bytes, --allow-empty accepts it)",
    "failed; use --spool DIR",
};

static void test_hint_does_not_depend_on_the_message(void **state)
{
    (void)state;
    static const struct {
        int status;
        uint32_t flags;
        const char *part; /* of the hint */
    } rows[] = {
        { LPIPE_AUTH_REQUIRED, 0, "layerpipe login" },
        { LPIPE_NETWORK, LPIPE_ERROR_REPLAY, "--spool" },
        { LPIPE_INTEGRITY, LPIPE_ERROR_RETRYABLE | LPIPE_ERROR_REPLAY, "--spool" },
    };
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        char first[LINE_BYTES], line[LINE_BYTES];
        const char *expected = hint_of(rows[r].status, rows[r].flags, messages[0], first);
        assert_non_null(strstr(expected, rows[r].part));
        for (size_t m = 1; m < sizeof messages / sizeof messages[0]; m++) {
            assert_string_equal(hint_of(rows[r].status, rows[r].flags, messages[m], line),
                                expected);
        }
    }
}

static void test_advice_in_the_message_is_the_only_one(void **state)
{
    (void)state;
    static const int statuses[] = { LPIPE_AUTH_REQUIRED, LPIPE_NOT_TAR, LPIPE_TRUNCATED,
                                    LPIPE_NETWORK };
    for (size_t s = 0; s < sizeof statuses / sizeof statuses[0]; s++) {
        for (size_t m = 0; m < sizeof messages / sizeof messages[0]; m++) {
            char line[LINE_BYTES];
            uint32_t flags = (uint32_t)LPIPE_ERROR_ADVICE | (uint32_t)LPIPE_ERROR_REPLAY;
            assert_string_equal(hint_of(statuses[s], flags, messages[m], line), "\n");
        }
    }
}

/* Whoever reads the line of a failure that is no error of usage learns what to do, whether a
 * registry has answered or not. */
static void test_every_failure_says_what_to_do(void **state)
{
    (void)state;
    for (int status = LPIPE_STATUS_MIN; status < 0; status++) {
        char line[LINE_BYTES];
        struct lpipe_error err = error_of(status, 0, "failed");
        bool wants_hint = lpipe_status_exit_code(status) > 2;
        for (int answer = 0; answer <= 500; answer += 500) {
            err.http_status = answer;
            const char *hint = strstr(failure_line(&err, line), "failed");
            bool has_hint = strncmp(hint, "failed; ", 8) == 0 && strlen(hint) > 20;
            if (has_hint != wants_hint) {
                fail_msg("%s: %s", lpipe_status_name(status), line);
            }
        }
    }
}

/* The byte is added where the message of this status does not name it. */
static void test_offset(void **state)
{
    (void)state;
    char line[LINE_BYTES];
    struct lpipe_error err = error_of(LPIPE_NETWORK, 0, "lost at byte 7 ");
    err.offset = 4096;
    assert_non_null(strstr(failure_line(&err, line), "(at byte 4096)"));
    err.status = LPIPE_SOURCE_IO;
    assert_null(strstr(failure_line(&err, line), "4096"));
}

static void test_names_of_the_library_become_options(void **state)
{
    (void)state;
    static const struct {
        const char *message, *shown;
    } rows[] = {
        { "use `spool_dir`, or a file", "use --spool DIR, or a file" },
        { "`layer` 2 and `LPIPE_CONTENT_BLOB`", "--layer 2 and --blob" },
        { "no `name`, no ``, `raw", "no `name`, no ``, `raw" },
        { "a`lay``layer`er`", "a`lay`--layerer`" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char line[LINE_BYTES], wanted[LINE_BYTES];
        struct lpipe_error err = error_of(LPIPE_UNSUPPORTED, 0, rows[i].message);
        (void)snprintf(wanted, sizeof wanted, "layerpipe: %s\n", rows[i].shown);
        assert_string_equal(failure_line(&err, line), wanted);
    }
}

static void test_names_fit_the_buffer(void **state)
{
    (void)state;
    char buf[8];
    assert_string_equal(api_names_replace("`spool_dir`", buf, sizeof buf), "--spool");
    assert_string_equal(api_names_replace("ab`spool_dir`", buf, sizeof buf), "ab--spo");
    assert_string_equal(api_names_replace("", buf, sizeof buf), "");
}

static void test_message_may_be_empty(void **state)
{
    (void)state;
    char line[LINE_BYTES];
    struct lpipe_error err = error_of(LPIPE_UNSUPPORTED, 0, "");
    assert_string_equal(failure_line(&err, line), "layerpipe: UNSUPPORTED\n");
}

static size_t encode(uint32_t code, char text[5])
{
    size_t size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char first[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    for (size_t i = size; i > 1; i--) {
        text[i - 1] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    text[0] = (char)(first[size] | code);
    text[size] = '\0';
    return size;
}

/* The library's messages and the command's lines replace the same characters. */
static void test_hidden_characters(void **state)
{
    (void)state;
    for (uint32_t code = 1; code <= 0x10ffff; code++) {
        char text[5], cleaned[5], shown[24];
        if (code >= 0xd800 && code <= 0xdfff) {
            continue;
        }
        size_t size = encode(code, text);
        memcpy(cleaned, text, sizeof text);
        terminal_clean(cleaned);
        text_printable(shown, sizeof shown, text, size);
        bool space = code == '\n' || code == '\r' || code == '\t';
        const char *wanted = text_is_visible(code) ? text : "?";
        if (strcmp(cleaned, wanted) != 0 || strcmp(shown, space ? " " : wanted) != 0) {
            fail_msg("U+%04x: '%s' and '%s'", code, cleaned, shown);
        }
    }
}

static void test_hidden_characters_are_known(void **state)
{
    static const uint32_t codes[] = { 0x1b,   0x7f,   0x85,   0x9b,   0xad,   0x61c,  0x200b,
                                      0x200f, 0x202e, 0x2060, 0x2066, 0xfeff, 0xfe0f, 0xe0001 };
    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        assert_false(text_is_visible(codes[i]));
    }
    assert_true(text_is_visible('a'));
    assert_true(text_is_visible(0xe4));
    assert_true(text_is_visible(0x1f600));
}

static void test_character_of_a_text(void **state)
{
    uint32_t code = 7;
    bool visible = true;
    (void)state;
    assert_int_equal(lpipe_text_character("\xe2\x80\xae"
                                          "x",
                                          &code, &visible),
                     3);
    assert_int_equal(code, 0x202e);
    assert_false(visible);
    assert_int_equal(lpipe_text_character("\xf0\x9f\x98\x80", &code, &visible), 4);
    assert_int_equal(code, 0x1f600);
    assert_true(visible);
    assert_int_equal(lpipe_text_character("a", &code, NULL), 1);
    static const char *const wrong[] = { "", "\xe2\x80", "\x80", "\xc0\xaf", "\xed\xa0\x80" };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        code = 7;
        assert_int_equal(lpipe_text_character(wrong[i], &code, &visible), 0);
        assert_int_equal(code, 7);
        assert_true(visible);
    }
}

static void test_bytes_that_are_not_utf8(void **state)
{
    char text[] = "a\x9b\xc2z\xe2\x80\xff\xed\xa0\x80";
    (void)state;
    terminal_clean(text);
    assert_string_equal(text, "a??z??????");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hint_does_not_depend_on_the_message),
        cmocka_unit_test(test_advice_in_the_message_is_the_only_one),
        cmocka_unit_test(test_every_failure_says_what_to_do),
        cmocka_unit_test(test_hidden_characters),
        cmocka_unit_test(test_hidden_characters_are_known),
        cmocka_unit_test(test_bytes_that_are_not_utf8),
        cmocka_unit_test(test_character_of_a_text),
        cmocka_unit_test(test_offset),
        cmocka_unit_test(test_message_may_be_empty),
        cmocka_unit_test(test_names_of_the_library_become_options),
        cmocka_unit_test(test_names_fit_the_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
