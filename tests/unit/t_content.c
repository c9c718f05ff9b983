/* SPDX-License-Identifier: Apache-2.0 */
/* What is held back of content until it is verified, and paths of flattened images. */
#include "support/unit.h"

#include "base/limits.h"
#include "base/macros.h"
#include "content/content_hold.h"
#include "content/layer_paths.h"
#include "content/path_clean.h"

/* Takes all that can be taken, in pieces; returns how many bytes. */
static size_t take_all(struct content_hold *hold, unsigned char *out, size_t piece)
{
    size_t all = 0;
    for (;;) {
        size_t got = content_hold_take(hold, out + all, piece);
        if (got == 0) {
            return all;
        }
        all += got;
    }
}

static void run_hold(const unsigned char *data, size_t size, size_t block, size_t piece,
                     bool is_tar)
{
    struct content_hold *hold = calloc(1, sizeof *hold);
    unsigned char *out = malloc(size + piece);
    size_t given = 0;
    size_t end = size; /* where the zeros at the end of what was put begin */
    hold->is_tar = is_tar;
    for (size_t at = 0; at < size; at += block) {
        content_hold_put(hold, data + at, MIN_OF(block, size - at));
        given += take_all(hold, out + given, piece);
        end = MIN_OF(at + block, size);
        while (end > 0 && data[end - 1] == 0) {
            end--;
        }
        assert_true(given == 0 || given + CONTENT_HOLD_BYTES <= end);
        assert_true(given + CONTENT_HOLD_KEPT >= end);
        assert_true(!is_tar || given == 0 || given % 512 == 256);
    }
    content_hold_verified(hold);
    given += take_all(hold, out + given, piece);
    assert_int_equal(given, size);
    assert_memory_equal(out, data, size);
    free(out);
    free(hold);
}

static void test_hold(void **state)
{
    static const size_t blocks[] = { 1000, 4096, 128 * KIB };
    static const size_t pieces[] = { 999, 256 * KIB };
    size_t size = 400000;
    unsigned char *data = calloc(1, size);
    (void)state;
    for (size_t i = 0; i < 300000; i++) {
        data[i] = i > 100000 && i < 220000 ? 0 : (unsigned char)(i % 255 + 1);
    }
    for (size_t b = 0; b < ARRAY_LEN(blocks); b++) {
        for (size_t p = 0; p < ARRAY_LEN(pieces); p++) {
            run_hold(data, size, blocks[b], pieces[p], true);
            run_hold(data, size, blocks[b], pieces[p], false);
            run_hold(data, 300000, blocks[b], pieces[p], true);
            run_hold(data, 5, blocks[b], pieces[p], true);
        }
    }
    free(data);
}

static void test_clean(void **state)
{
    static const struct {
        const char *path;
        const char *cleaned;
        enum path_kind kind;
    } cases[] = {
        { "a", "a", PATH_AS_IT_IS },       { "./a//b/", "a/b", PATH_AS_IT_IS },
        { ".", "", PATH_AS_IT_IS },        { "", "", PATH_AS_IT_IS },
        { "/a/./b", "a/b", PATH_CHANGED }, { "/", "", PATH_CHANGED },
        { "a/../b", "b", PATH_CHANGED },   { "/../a", "a", PATH_CHANGED },
        { "..", "", PATH_LEADS_OUT },      { "a/../../b", "b", PATH_LEADS_OUT },
        { "...", "...", PATH_AS_IT_IS },   { ".a/..b", ".a/..b", PATH_AS_IT_IS },
    };
    struct buf path AUTO_BUF = BUF_INIT(KIB);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum path_kind kind = PATH_AS_IT_IS;
        assert_int_equal(path_clean(cases[i].path, &path, &kind), 0);
        assert_string_equal(path.data, cases[i].cleaned);
        assert_int_equal(kind, cases[i].kind);
    }
}

static void test_whiteout_kinds(void **state)
{
    (void)state;
    assert_int_equal(layer_paths_whiteout_kind("a/.wh.b"), WHITEOUT_PATH);
    assert_int_equal(layer_paths_whiteout_kind("a/.wh..wh..opq"), WHITEOUT_OPAQUE);
    assert_int_equal(layer_paths_whiteout_kind(".wh..wh.plnk"), WHITEOUT_OTHER);
    assert_int_equal(layer_paths_whiteout_kind(".wh."), WHITEOUT_OTHER);
    assert_int_equal(layer_paths_whiteout_kind(".wh..."), WHITEOUT_OTHER);
    assert_int_equal(layer_paths_whiteout_kind(".wh.b/a"), WHITEOUT_NONE);
    assert_int_equal(layer_paths_whiteout_kind("awh.b"), WHITEOUT_NONE);
}

/* Memory for paths is limited, whatever the image has. */
static void test_tree_is_limited(void **state)
{
    struct path_tree *tree = NULL;
    struct lpipe_error err = { 0 };
    uint32_t index = PATH_NONE;
    int status = path_tree_new(MIB, &tree, &err);
    (void)state;
    for (int i = 0; status == 0 && i < 1000000; i++) {
        char path[32];
        (void)snprintf(path, sizeof path, "d%d/file%d", i / 100, i);
        status = layer_paths_add(tree, path, &index, &err);
        if (status == 0) {
            assert_int_equal(layer_paths_find(tree, path), index);
        }
    }
    assert_int_equal(status, LPIPE_NO_RESOURCES);
    assert_non_null(strstr(err.message, "`layer`"));
    assert_int_equal(layer_paths_find(tree, "d0/nothing"), PATH_NONE);
    path_tree_free(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hold),
        cmocka_unit_test(test_clean),
        cmocka_unit_test(test_whiteout_kinds),
        cmocka_unit_test(test_tree_is_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
