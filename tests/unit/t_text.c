/* SPDX-License-Identifier: Apache-2.0 */
/* Texts are read and written in the same way in every locale that a program may have set. */
#include "support/unit.h"

#include <string.h>

#include "auth/challenge.h"
#include "base/clean_words.h"
#include "base/text.h"
#include "support/locales.h"

static void assert_size(uint64_t bytes, unsigned step, const char *wanted)
{
    static const char *const decimal[] = { "bytes", "kB", "MB", "GB" };
    static const char *const binary[] = { "bytes", "KiB", "MiB", "GiB" };
    char text[32];
    assert_string_equal(
        text_size(text, sizeof text, bytes, step, step == 1000 ? decimal : binary, 4), wanted);
}

static void assert_sizes(void)
{
    assert_size(0, 1000, "0 bytes");
    assert_size(999, 1000, "999 bytes");
    assert_size(1000, 1000, "1.0 kB");
    assert_size(1049, 1000, "1.0 kB");
    assert_size(1050, 1000, "1.1 kB");
    assert_size(999949, 1000, "999.9 kB");
    assert_size(999950, 1000, "1.0 MB");
    assert_size(83995563, 1000, "84.0 MB");
    assert_size(UINT64_MAX, 1000, "18446744073.7 GB");
    assert_size(1023, 1024, "1023 bytes");
    assert_size(1536, 1024, "1.5 KiB");
    assert_size(1024 * 1024 - 1, 1024, "1.0 MiB");
    assert_size(UINT64_MAX, 1024, "17179869184.0 GiB");
}

/* In a Turkish locale the lower-case letter of "I" is not "i". */
static void assert_cases(void)
{
    assert_true(text_same("BASIC", "basic"));
    assert_true(text_same("", ""));
    assert_false(text_same("basic", "basics"));
    assert_false(text_same("\xc4", "\xe4"));
    assert_true(text_same_start("MIB/s", "MiB", 3));
    assert_true(text_same_start("MI", "mi", 3));
    assert_false(text_same_start("MI", "MiB", 3));
}

static void assert_classes(void)
{
    for (int c = 0; c < 256; c++) {
        assert_int_equal(text_is_space((char)c), c != 0 && strchr(" \t\n\v\f\r", c) != NULL);
        assert_int_equal(text_is_alnum((char)c), (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                                                     (c >= 'a' && c <= 'z'));
    }
}

static void assert_challenge(void)
{
    static const char line[] = "BASIC realm=\"x\"";
    AUTO_CHALLENGE struct challenge challenge = CHALLENGE_INIT;
    assert_int_equal(challenge_read_line(line, strlen(line), &challenge, NULL), 0);
    assert_int_equal(challenge.scheme, CHALLENGE_BASIC);
}

static void assert_words(void)
{
    static const char text[] = "sent BASIC dXNlcjpwYXNzd29yZA==\xa0\xe9 again";
    char clean[100];
    clean_words(text, strlen(text), false, clean, sizeof clean);
    assert_string_equal(clean, "sent BASIC *** again");
}

static void assert_all(void)
{
    assert_sizes();
    assert_cases();
    assert_classes();
    assert_challenge();
    assert_words();
}

static void test_locales(void **state)
{
    (void)state;
    static const char *const names[][2] = { { "de_DE.ISO-8859-1", "ISO-8859-1" },
                                            { "tr_TR.ISO-8859-9", "ISO-8859-9" } };
    struct scratch places;
    scratch_begin(&places);
    assert_all();
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (make_locale(&places, names[i][0], names[i][1])) {
            assert_all();
        } else {
            print_message("no locale %s here\n", names[i][0]);
        }
    }
    assert_non_null(setlocale(LC_ALL, "C"));
    scratch_end(&places);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_locales),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
