/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "base/limits.h"
#include "base/macros.h"
#include "oci/json_read.h"
#include "oci/json_write.h"

static int parse(const char *text, size_t size, struct json_doc *doc, struct lpipe_error *err)
{
    return json_doc_parse(text, size, MANIFEST_BYTES_MAX, "thing", LPIPE_PROTOCOL, doc, err);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *why;
    } rows[] = {
        { "", "empty" },
        { "[]", "must be a JSON object" },
        { "null", "must be a JSON object" },
        { "1", "must be a JSON object" },
        { "{", "not valid JSON" },
        { "{}x", "not valid JSON" },
        { "{} {}", "not valid JSON" },
        { "{\"a\":1,\"a\":1}", "duplicate" },
        { "{\"a\":{\"b\":1,\"b\":2}}", "duplicate" },
        { "{\"a\":1,\"\\u0061\":2}", "duplicate" },
        { "{\"\\u0000\":1}", "not valid JSON" },
        { "{\"a\":\"\xff\"}", "not valid JSON" },
        { "{\"a\":\"\xc0\x80\"}", "not valid JSON" },
        { "{\"a\":\"\\ud800\"}", "not valid JSON" },
        { "{\"a\":01}", "not valid JSON" },
        { "{\"a\":099999999999999999999}", "not valid JSON" },
        { "{\"a\":99999999999999999999.}", "not valid JSON" },
        { "{\"a\":1.e400}", "not valid JSON" },
        { "{\"a\":1e+}", "not valid JSON" },
        { "{\"a\":99999999999999999999-}", "not valid JSON" },
        { "{\"a\":--99999999999999999999}", "not valid JSON" },
        { "{99999999999999999999:1}", "not valid JSON" },
        { "{\"a\":\"x\"99999999999999999999}", "not valid JSON" },
        { "{\"a\":NaN}", "not valid JSON" },
        { "{'a':1}", "not valid JSON" },
        { "{\"a\":1,}", "not valid JSON" },
        { "\xef\xbb\xbf{}", "not valid JSON" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct json_doc doc = JSON_DOC_INIT;
        struct lpipe_error err = { 0 };
        assert_int_equal(parse(rows[i].text, strlen(rows[i].text), &doc, &err), LPIPE_PROTOCOL);
        assert_null(doc.root);
        if (strstr(err.message, rows[i].why) == NULL || strstr(err.message, "thing: ") == NULL) {
            fail_msg("%s: %s", rows[i].text, err.message);
        }
    }
    struct json_doc doc = JSON_DOC_INIT;
    assert_int_equal(parse("{\"a\":\"x\0y\"}", 11, &doc, NULL), LPIPE_PROTOCOL);
    assert_int_equal(parse("{}\0", 3, &doc, NULL), LPIPE_PROTOCOL);
    assert_int_equal(json_doc_parse("{} ", 3, 2, "x", LPIPE_PROTOCOL, &doc, NULL), LPIPE_TOO_LARGE);
}

/* An object (one level) with arrays nested depth levels deep. */
static char *nested(size_t depth, size_t *ret_size)
{
    char *text = malloc(2 * depth + 16);
    assert_non_null(text);
    memcpy(text, "{\"a\":", 5);
    memset(text + 5, '[', depth - 1);
    memset(text + 4 + depth, ']', depth - 1);
    text[3 + 2 * depth] = '}';
    *ret_size = 4 + 2 * depth;
    return text;
}

static void test_depth(void **state)
{
    (void)state;
    static const size_t depths[] = { 63, 64, 65, 1000000 };
    for (size_t i = 0; i < ARRAY_LEN(depths); i++) {
        size_t size = 0;
        struct lpipe_error err = { 0 };
        struct json_doc doc = JSON_DOC_INIT;
        char *text = nested(depths[i], &size);
        int status = parse(text, size, &doc, &err);
        assert_int_equal(status, depths[i] <= JSON_DEPTH_MAX ? 0 : LPIPE_PROTOCOL);
        if (status != 0) {
            assert_non_null(strstr(err.message, "deeper than 64"));
        }
        json_doc_dispose(&doc);
        free(text);
    }
    /* Brackets in strings are not counted. */
    struct json_doc doc = JSON_DOC_INIT;
    char text[400];
    (void)snprintf(text, sizeof text, "{\"a\":\"\\\"%0200d\"}", 0);
    for (char *at = strchr(text, '0'); *at == '0'; at++) {
        *at = '[';
    }
    assert_int_equal(parse(text, strlen(text), &doc, NULL), 0);
    json_doc_dispose(&doc);
}

static char *repeated(size_t count, const char *value, size_t *ret_size)
{
    size_t size = 6;
    char *text = malloc(count * (strlen(value) + 1) + 16);
    assert_non_null(text);
    memcpy(text, "{\"a\":[", 6);
    for (size_t i = 0; i < count; i++) {
        size += (size_t)sprintf(text + size, "%s%s", i > 0 ? "," : "", value);
    }
    size += (size_t)sprintf(text + size, "]}");
    *ret_size = size;
    return text;
}

/* Small values need far more memory than text: the parser never sees more than JSON_VALUES_MAX. */
static void test_values(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        size_t counted; /* for each value */
    } rows[] = { { "0", 1 }, { "\"\"", 1 }, { "{}", 2 }, { "[]", 2 }, { "\",,[{\"", 1 } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t over = 0; over < 2; over++) {
            size_t size = 0;
            struct lpipe_error err = { 0 };
            struct json_doc doc = JSON_DOC_INIT;
            char *text =
                repeated((JSON_VALUES_MAX - 1) / rows[i].counted + over, rows[i].value, &size);
            int status = parse(text, size, &doc, &err);
            if (status != (over == 1 ? LPIPE_TOO_LARGE : 0)) {
                fail_msg("%s: %d %s", rows[i].value, status, err.message);
            }
            assert_true(over == 0 || strstr(err.message, "more than the 200000 values") != NULL);
            json_doc_dispose(&doc);
            free(text);
        }
    }
}

static void test_large(void **state)
{
    (void)state;
    size_t count = JSON_VALUES_MAX;
    size_t size = 0;
    char *text = malloc(count * 16);
    assert_non_null(text);
    text[size++] = '{';
    for (size_t i = 0; i < count; i++) {
        size += (size_t)sprintf(text + size, "%s\"%zu\":0", i > 0 ? "," : "", i);
    }
    text[size++] = '}';
    struct json_doc doc = JSON_DOC_INIT;
    assert_int_equal(parse(text, size, &doc, NULL), 0);
    struct json_node root = json_node_root(&doc);
    assert_int_equal(json_node_count(&root), count);
    json_doc_dispose(&doc);
    size = MANIFEST_BYTES_MAX;
    text = realloc(text, size);
    assert_non_null(text);
    memset(text, 'x', size);
    memcpy(text, "{\"a\":\"", 6);
    memcpy(text + size - 2, "\"}", 2);
    assert_int_equal(parse(text, size, &doc, NULL), 0);
    json_doc_dispose(&doc);
    free(text);
}

static void test_sizes(void **state)
{
    (void)state;
    static const struct {
        const char *number;
        int found;
        uint64_t size;
    } rows[] = {
        { "0", 1, 0 },
        { "-0", 1, 0 },
        { "2147483648", 1, UINT64_C(2147483648) },
        { "4294967296", 1, UINT64_C(4294967296) },
        { "9007199254740991", 1, UINT64_C(9007199254740991) },
        { "9007199254740992", LPIPE_PROTOCOL, 0 },
        { "4611686018427387904", LPIPE_PROTOCOL, 0 },
        { "9223372036854775807", LPIPE_PROTOCOL, 0 },
        { "-1", LPIPE_PROTOCOL, 0 },
        { "5.5", LPIPE_PROTOCOL, 0 },
        { "5.0", LPIPE_PROTOCOL, 0 },
        { "1e3", LPIPE_PROTOCOL, 0 },
        { "\"5\"", LPIPE_PROTOCOL, 0 },
        { "true", LPIPE_PROTOCOL, 0 },
        { "[1]", LPIPE_PROTOCOL, 0 },
        { "null", 0, 7 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[80];
        uint64_t size = 7;
        struct lpipe_error err = { 0 };
        struct json_doc doc = JSON_DOC_INIT;
        (void)snprintf(text, sizeof text, "{\"layers\":[{\"size\":%s}]}", rows[i].number);
        assert_int_equal(parse(text, strlen(text), &doc, NULL), 0);
        struct json_node root = json_node_root(&doc);
        struct json_node layers = json_node_member(&root, "layers");
        struct json_node layer = json_node_entry(&layers, 0);
        assert_int_equal(json_get_size(&layer, "size", &size, &err), rows[i].found);
        assert_true(size == (rows[i].found == 1 ? rows[i].size : 7));
        if (rows[i].found < 0) {
            assert_string_equal(err.message,
                                "thing: layers[0].size: must be a whole number from 0 to 2^53 - 1");
        }
        json_doc_dispose(&doc);
    }
}

static void test_getters(void **state)
{
    (void)state;
    static const char text[] =
        "{\"t\":\"x\",\"b\":true,\"n\":null,\"o\":{\"k\":1},\"a\":[\"y\",2]}";
    struct json_doc doc = JSON_DOC_INIT;
    struct lpipe_error err = { 0 };
    const char *found = "untouched";
    bool value = false;
    assert_int_equal(parse(text, strlen(text), &doc, NULL), 0);
    struct json_node root = json_node_root(&doc);
    assert_int_equal(json_get_text(&root, "n", &found, &err), 0);
    assert_int_equal(json_get_text(&root, "absent", &found, &err), 0);
    assert_int_equal(json_get_text(&root, "b", &found, &err), LPIPE_PROTOCOL);
    assert_string_equal(err.message, "thing: b: must be a string");
    assert_string_equal(found, "untouched");
    assert_int_equal(json_get_text(&root, "t", &found, &err), 1);
    assert_string_equal(found, "x");
    assert_int_equal(json_get_bool(&root, "b", &value, &err), 1);
    assert_true(value);
    assert_int_equal(json_get_bool(&root, "t", &value, &err), LPIPE_PROTOCOL);
    struct json_node absent = json_node_member(&root, "absent");
    assert_int_equal(json_node_require(&absent, JSON_KIND_ARRAY, &err), LPIPE_PROTOCOL);
    assert_string_equal(err.message, "thing: absent: missing, must be an array");
    struct json_node array = json_node_member(&root, "a");
    struct json_node entry = json_node_entry(&array, 1);
    assert_int_equal(json_node_count(&array), 2);
    assert_int_equal(json_node_require(&entry, JSON_KIND_TEXT, &err), LPIPE_PROTOCOL);
    assert_string_equal(err.message, "thing: a[1]: must be a string");
    struct json_node beyond = json_node_entry(&array, 2);
    assert_null(beyond.value);
    assert_string_equal(json_next_key(&root, NULL), "t");
    assert_string_equal(json_next_key(&root, "o"), "a");
    assert_null(json_next_key(&root, "a"));
    json_doc_dispose(&doc);
}

static void test_case(void **state)
{
    (void)state;
    static const char *const known[] = { "layers", "config", NULL };
    static const char text[] = "{\"layers\":[],\"Layers\":[]}";
    struct json_doc doc = JSON_DOC_INIT;
    struct lpipe_error err = { 0 };
    assert_int_equal(parse(text, strlen(text), &doc, NULL), 0);
    struct json_node root = json_node_root(&doc);
    assert_int_equal(json_check_case(&root, known, &err), LPIPE_PROTOCOL);
    assert_non_null(strstr(err.message, "letter case"));
    json_doc_dispose(&doc);
}

/* Text of the remote side is printable in messages. */
static void test_hostile_path(void **state)
{
    (void)state;
    static const char text[] = "{\"\\u001b]0;x\\u0007\":{\"size\":-1}}";
    struct json_doc doc = JSON_DOC_INIT;
    struct lpipe_error err = { 0 };
    uint64_t size = 0;
    assert_int_equal(parse(text, strlen(text), &doc, NULL), 0);
    struct json_node root = json_node_root(&doc);
    struct json_node object = json_node_member(&root, json_next_key(&root, NULL));
    assert_int_equal(json_get_size(&object, "size", &size, &err), LPIPE_PROTOCOL);
    assert_null(strchr(err.message, 0x1b));
    assert_null(strchr(err.message, 0x07));
    json_doc_dispose(&doc);
}

static void check_round(const char *in, const char *out)
{
    struct json_doc doc = JSON_DOC_INIT;
    struct buf buf = BUF_INIT(MANIFEST_BYTES_MAX);
    assert_int_equal(parse(in, strlen(in), &doc, NULL), 0);
    assert_int_equal(json_write(doc.root, &buf), 0);
    assert_string_equal(buf.data, out);
    assert_int_equal(buf.size, strlen(out));
    buf_dispose(&buf);
    json_doc_dispose(&doc);
}

static void test_written_bytes(void **state)
{
    (void)state;
    check_round("{ }", "{}");
    check_round("{\"z\":1,\"a\":[true,false,null,{}],\"m\":{\"y\":\"\",\"b\":[]}}",
                "{\"z\":1,\"a\":[true,false,null,{}],\"m\":{\"y\":\"\",\"b\":[]}}");
    check_round("{\"a\":\"cmd <a&b>\"}", "{\"a\":\"cmd \\u003ca\\u0026b\\u003e\"}");
    check_round("{\"<k>\":\"\\b\\f\\n\\r\\t\\\\\\\"\\/\\u001f\\u007f\"}",
                "{\"\\u003ck\\u003e\":\"\\u0008\\u000c\\n\\r\\t\\\\\\\"/\\u001f\x7f\"}");
    check_round("{\"a\":\"\\u2028\\u2029\\u00e9\\ud83d\\ude00\xe2\x80\xa7\"}",
                "{\"a\":\"\\u2028\\u2029\xc3\xa9\xf0\x9f\x98\x80\xe2\x80\xa7\"}");
    check_round("{\"a\":[-9223372036854775808,9223372036854775807,0.1,1.5,1e300,-2.50]}",
                "{\"a\":[-9223372036854775808,9223372036854775807,0.1,1.5,1e300,-2.5]}");
    check_round("{\"a\":0.30000000000000004}", "{\"a\":0.30000000000000004}");
}

static void check_kept(const char *value)
{
    char text[300];
    (void)snprintf(text, sizeof text, "{\"a\":%s,\"b\":[%s,%s]}", value, value, value);
    check_round(text, text);
}

/* What nobody gets is kept as it was, also what no C type can hold. */
static void test_odd_values_are_kept(void **state)
{
    (void)state;
    static const char *const values[] = {
        "9223372036854775808",
        "-9223372036854775809",
        "99999999999999999999999999999999999999",
        "18446744073709551616.5",
        "1e400",
        "-2.50E+400",
        "1e-400",
        "\"\\u0000\"",
        "\"x\\u0000y\"",
        "\"\\u0000\\u0000\"",
        "\"\\u0000#5\"",
        "\"\\u0000\\u0000#5\"",
        "\"99999999999999999999\"",
        "\"\\\\u0000\"",
    };
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        check_kept(values[i]);
    }
    check_round("{\"a\":[99999999999999999999,\"\\u0000#99999999999999999999\"]}",
                "{\"a\":[99999999999999999999,\"\\u0000#99999999999999999999\"]}");
}

/* A number is no text and a text with NUL is none that a C string can be. */
static void test_odd_values_are_not_taken(void **state)
{
    (void)state;
    static const char text[] = "{\"n\":99999999999999999999,\"z\":\"x\\u0000y\"}";
    struct json_doc doc = JSON_DOC_INIT;
    struct lpipe_error err = { 0 };
    const char *found = "untouched";
    uint64_t size = 7;
    bool flag = false;
    assert_int_equal(parse(text, strlen(text), &doc, NULL), 0);
    struct json_node root = json_node_root(&doc);
    assert_int_equal(json_get_text(&root, "n", &found, &err), LPIPE_PROTOCOL);
    assert_string_equal(err.message, "thing: n: must be a string");
    assert_int_equal(json_get_text(&root, "z", &found, &err), LPIPE_PROTOCOL);
    assert_string_equal(err.message, "thing: z: has a NUL character");
    assert_string_equal(found, "untouched");
    assert_int_equal(json_get_size(&root, "n", &size, &err), LPIPE_PROTOCOL);
    assert_int_equal(json_get_bool(&root, "n", &flag, &err), LPIPE_PROTOCOL);
    struct json_node number = json_node_member(&root, "n");
    assert_null(json_node_text(&number));
    assert_null(json_member_text(doc.root, "n"));
    assert_null(json_member_text(doc.root, "z"));
    json_doc_dispose(&doc);
}

/* Go programs write an empty list as null. */
static void test_null_list(void **state)
{
    (void)state;
    static const char text[] = "{\"list\":null}";
    struct json_doc doc = JSON_DOC_INIT;
    struct lpipe_error err = { 0 };
    assert_int_equal(parse(text, strlen(text), &doc, NULL), 0);
    struct json_node root = json_node_root(&doc);
    struct json_node list = json_node_member(&root, "list");
    assert_int_equal(json_node_require(&list, JSON_KIND_ARRAY, &err), 0);
    assert_int_equal(json_node_count(&list), 0);
    assert_int_equal(json_node_require(&list, JSON_KIND_OBJECT, &err), LPIPE_PROTOCOL);
    assert_string_equal(err.message, "thing: list: null, must be an object");
    json_doc_dispose(&doc);
}

static void test_build(void **state)
{
    (void)state;
    struct json_t *object = json_new_object();
    struct json_t *list = json_new_array();
    struct buf buf = BUF_INIT(1000);
    int status = json_set_text(object, "z", "1");
    status |= json_set_size(object, "a", UINT64_C(4294967296));
    status |= json_set_bool(object, "m", true);
    status |= json_add_text(list, "x");
    status |= json_set_value(object, "l", list);
    status |= json_set_text(object, "z", "2"); /* keeps its position */
    assert_int_equal(status, 0);
    assert_int_equal(json_write(object, &buf), 0);
    assert_string_equal(buf.data, "{\"z\":\"2\",\"a\":4294967296,\"m\":true,\"l\":[\"x\"]}");
    buf_clear(&buf);
    assert_int_equal(json_sort_keys(object), 0);
    assert_int_equal(json_write(object, &buf), 0);
    assert_string_equal(buf.data, "{\"a\":4294967296,\"l\":[\"x\"],\"m\":true,\"z\":\"2\"}");
    struct buf small = BUF_INIT(10);
    assert_int_equal(json_write(object, &small), LPIPE_TOO_LARGE);
    assert_int_equal(json_set_text(NULL, "a", "b"), LPIPE_NO_MEMORY);
    assert_false(json_text_valid("\xff", 1));
    assert_false(json_text_valid("a\0b", 3));
    assert_true(json_text_valid("a\xc3\xa9", 3));
    buf_dispose(&small);
    buf_dispose(&buf);
    json_unref(&object);
    assert_null(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_getters),
        cmocka_unit_test(test_case),
        cmocka_unit_test(test_hostile_path),
        cmocka_unit_test(test_written_bytes),
        cmocka_unit_test(test_build),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_odd_values_are_kept),
        cmocka_unit_test(test_odd_values_are_not_taken),
        cmocka_unit_test(test_null_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
