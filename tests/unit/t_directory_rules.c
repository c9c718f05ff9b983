/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns, permission changes, owners and prefixes of directories that become layers. The results
 * of permission changes are also compared with chmod(1), in tests/wire. */
#include "support/unit.h"

#include "base/limits.h"
#include "tar/directory_rules.h"
#include "tar/path_pattern.h"

static void test_patterns(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *path;
        bool matches;
    } cases[] = {
        { "a", "a", true },
        { "a", "b", false },
        { "a", "a/b", false },
        { "/a/b", "a/b", true },
        { "a/b/", "a/b", true },
        { "*", "abc", true },
        { "*", "a/b", false },
        { "*.o", "a.o", true },
        { "*.o", "src/a.o", false },
        { "*.o", ".o", true },
        { "*.o", "a.o.o", true },
        { "*.o", "a.oo", false },
        { "*/*.o", "src/a.o", true },
        { "*/*.o", "src/lib/a.o", false },
        { "a*b*c", "axbxbxc", true },
        { "a*b*c", "axb/xc", false },
        { "**", "a/b/c", true },
        { "**/*.o", "a.o", true },
        { "**/*.o", "src/lib/a.o", true },
        { "**/*.o", "src/lib/a.c", false },
        { "**/lib/*.o", "src/lib/x/lib/a.o", true },
        { "**/lib/*.o", "src/mylib/a.o", false },
        { "src/**/a", "src/a", true },
        { "src/**/a", "src/x/y/a", true },
        { "src/**/a", "src/xa", false },
        { "src/**", "src/x/y", true },
        { "src/**", "src", false },
        { "src**", "src/x/y", true },
        { "**a", "x/ya", true },
        { "a**/b", "ax/y/b", true },
        { "**/x/**/y", "x/y", true },
        { "**/x/**/y", "1/x/2/x/3/y", true },
        { "**/x/**/y", "1/x/2/z", false },
        { "a?c", "abc", true },
        { "a?c", "a/c", false },
        { "a?c", "ac", false },
        { "[a-c]x", "bx", true },
        { "[a-c]x", "dx", false },
        { "[!a-c]x", "dx", true },
        { "[^a-c]x", "bx", false },
        { "[!a]x", "/x", false },
        { "[]]", "]", true },
        { "[a-]", "-", true },
        { "[", "[", true },
        { "[ab", "[ab", true },
        { "\\*", "*", true },
        { "\\*", "a", false },
        { "a\\", "a\\", true },
        { "\xff*", "\xff\xfe", true },
        { "[\xf0-\xff]", "\xfe", true },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (path_pattern_matches(cases[i].pattern, cases[i].path) != cases[i].matches) {
            fail_msg("\"%s\", \"%s\"", cases[i].pattern, cases[i].path);
        }
    }
}

/* Many stars take a time that grows with the square of the length, not exponentially. */
static void test_pattern_that_could_take_long(void **state)
{
    (void)state;
    char path[4001];
    memset(path, 'a', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    assert_false(path_pattern_matches("**a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", path));
    assert_false(path_pattern_matches("**a**a**a**a**a**a**a**a**a**a**a**b", path));
}

static void test_modes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned before;
        bool is_directory;
        unsigned after;
    } cases[] = {
        { "644", 0755, false, 0644 },         { "0", 07777, false, 0 },
        { "4755", 0, false, 04755 },          { "644", 06755, true, 06644 },
        { "00644", 06755, true, 0644 },       { "go-w,u+rwX", 0466, false, 0644 },
        { "go-w,u+rwX", 0466, true, 0744 },   { "a+X", 0644, false, 0644 },
        { "a+X", 0645, false, 0755 },         { "+x", 0644, false, 0755 },
        { "g=u", 0750, false, 0770 },         { "u=rwx,go=", 0644, false, 0700 },
        { "u+s,g+s,+t", 0755, false, 07755 }, { "=", 07777, false, 0 },
        { "=", 07777, true, 06000 },          { "u+r-w", 0200, false, 0400 },
        { "u=", 04700, true, 04000 },         { "u-s", 04700, true, 0700 },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct mode_change change;
        assert_int_equal(mode_change_parse(cases[i].text, &change, NULL), 0);
        unsigned after = mode_change_apply(&change, cases[i].before, cases[i].is_directory);
        if (after != cases[i].after) {
            fail_msg("%s: %o becomes %o", cases[i].text, cases[i].before, after);
        }
    }
}

static int parse(struct lpipe_directory_options options, struct directory_rules *rules)
{
    struct lpipe_error err = { 0 };
    options.struct_size = sizeof options;
    int status = directory_rules_parse(&options, rules, &err);
    assert_int_equal(status == 0, err.message[0] == '\0');
    return status;
}

static void expect_refused(struct lpipe_directory_options options)
{
    struct directory_rules rules;
    assert_int_equal(parse(options, &rules), LPIPE_INVALID_ARGUMENT);
    directory_rules_dispose(&rules);
}

static void test_wrong_values(void **state)
{
    (void)state;
    static const char *const owners[] = { "",    "0",    ":",    "0:",           ":0",
                                          "a:b", "-1:0", "0:+1", "4294967295:0", "0:0:0" };
    static const char *const modes[] = {
        "", "8", "77777", "u", "+y", "z+x", "u+r,", ",u+r", "u+r x"
    };
    static const char *const prefixes[] = { "..", "a/../b", "a/..", ".wh.a", "a/.wh.b" };
    for (size_t i = 0; i < ARRAY_LEN(owners); i++) {
        expect_refused((struct lpipe_directory_options){ .owner = owners[i] });
    }
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        expect_refused((struct lpipe_directory_options){ .mode = modes[i] });
    }
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        expect_refused((struct lpipe_directory_options){ .prefix = prefixes[i] });
    }
    const char *patterns[] = { "good", "//" };
    expect_refused((struct lpipe_directory_options){ .excludes = patterns, .exclude_count = 2 });
    patterns[1] = NULL;
    expect_refused((struct lpipe_directory_options){ .excludes = patterns, .exclude_count = 2 });
    expect_refused((struct lpipe_directory_options){ .excludes = patterns,
                                                     .exclude_count = DIRECTORY_PATTERNS_MAX + 1 });
    char longest[DIRECTORY_PREFIX_BYTES_MAX + 2];
    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    expect_refused((struct lpipe_directory_options){ .prefix = longest });
}

static void test_prefixes(void **state)
{
    (void)state;
    static const struct {
        const char *given, *kept;
    } cases[] = {
        { NULL, "" },         { "", "" },        { "/", "" },
        { "./", "" },         { "opt", "opt/" }, { "/opt/app/", "opt/app/" },
        { "a//./b", "a/b/" }, { "...", ".../" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct directory_rules rules;
        struct lpipe_directory_options options = { .prefix = cases[i].given };
        assert_int_equal(parse(options, &rules), 0);
        assert_string_equal(rules.prefix, cases[i].kept);
        directory_rules_dispose(&rules);
    }
}

static void test_owner(void **state)
{
    (void)state;
    struct directory_rules rules;
    assert_int_equal(parse((struct lpipe_directory_options){ .owner = "0:4294967294" }, &rules), 0);
    assert_true(rules.has_owner);
    assert_int_equal(rules.uid, 0);
    assert_int_equal(rules.gid, 4294967294u);
    directory_rules_dispose(&rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patterns), cmocka_unit_test(test_pattern_that_could_take_long),
        cmocka_unit_test(test_modes),    cmocka_unit_test(test_wrong_values),
        cmocka_unit_test(test_prefixes), cmocka_unit_test(test_owner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
