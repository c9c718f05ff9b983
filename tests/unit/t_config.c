/* SPDX-License-Identifier: Apache-2.0 */
/* Image configurations. Digests marked "Go" are what go-containerregistry computes for the same
 * image; equal digests mean equal bytes. */
#include "support/unit.h"

#include "base/macros.h"
#include "oci/image_config.h"
#include "oci/image_edit.h"
#include "oci/manifest.h"
#include "oci/time_text.h"

#define D1 "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define D2 "sha256:2222222222222222222222222222222222222222222222222222222222222222"
#define GO_ZERO_TIME "0001-01-01T00:00:00Z"
#define GO_EMPTY                                                                                   \
    "{\"architecture\":\"\",\"created\":\"" GO_ZERO_TIME "\",\"os\":\"\",\"rootfs\":{\"type\":"    \
    "\"layers\",\"diff_ids\":null},\"config\":{}}"

static const struct platform NOWHERE = { "", "", "", "" };
static const struct platform AMD64 = { "linux", "amd64", "", "" };

static struct image_config *fresh(const struct platform *platform)
{
    struct image_config *config = NULL;
    assert_int_equal(image_config_new(platform, &config, NULL), 0);
    return config;
}

static int parse(const char *text, size_t layer_count, struct image_config **ret_config,
                 struct lpipe_error *err)
{
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
    AUTO_BUF struct buf bytes = BUF_INIT(1000000);
    assert_int_equal(buf_append_text(&bytes, text), 0);
    assert_int_equal(document_make(&bytes, "", NULL, &document, NULL), 0);
    return image_config_parse(&document, layer_count, ret_config, err);
}

static struct image_config *base(const char *text, size_t layer_count)
{
    struct image_config *config = NULL;
    struct lpipe_error err = { 0 };
    if (parse(text, layer_count, &config, &err) != 0) {
        fail_msg("%s", err.message);
    }
    return config;
}

static void edit(struct image_config *config, enum lpipe_edit what, const char *value)
{
    struct lpipe_error err = { 0 };
    if (image_edit_apply(config, what, value, &err) != 0) {
        fail_msg("%s: %s", value, err.message);
    }
}

static void check_text(const struct image_config *config, const char *text)
{
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
    assert_int_equal(image_config_write(config, MEDIA_FAMILY_OCI, &document, NULL), 0);
    assert_string_equal(document.bytes.data, text);
    assert_string_equal(document.descriptor.media_type, "application/vnd.oci.image.config.v1+json");
}

static void check_digest(const struct image_config *config, const char *digest)
{
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
    assert_int_equal(image_config_write(config, MEDIA_FAMILY_DOCKER, &document, NULL), 0);
    if (strcmp(document.descriptor.digest, digest) != 0) {
        fail_msg("wanted %s: %s", digest, document.bytes.data);
    }
    assert_string_equal(document.descriptor.media_type,
                        "application/vnd.docker.container.image.v1+json");
}

static void test_same_as_go(void **state)
{
    (void)state;
    static const struct image_history history = { .created = GO_ZERO_TIME };
    struct image_config *one AUTO_IMAGE_CONFIG = fresh(&NOWHERE);
    assert_int_equal(image_config_set_created(one, GO_ZERO_TIME, NULL), 0);
    assert_int_equal(image_config_add_layer(
                         one,
                         "sha256:27dd1f61b867b6a0f6e9d8a41c43231de52107e53ae424de8f847b821db4b711",
                         &history, NULL),
                     0);
    check_digest(one, "sha256:3b0c99651f408868e566bf4ba5ad7a3b7ebbf6be48f4363683e55c9044924d1f");
    struct image_config *empty AUTO_IMAGE_CONFIG = base(GO_EMPTY, 0);
    check_digest(empty, "sha256:5b943e2b943f6c81dbbd4e2eca5121f4fcc39139e3d1219d6d89bd925b77d9fe");
    edit(empty, LPIPE_EDIT_LABEL, "z=1");
    edit(empty, LPIPE_EDIT_LABEL, "a=2");
    edit(empty, LPIPE_EDIT_CMD, "sh");
    check_digest(empty, "sha256:bc91fa28a485b9062c7a391bf74d67e45c2c2a19a69c00dc91f583f59b5a7779");
}

/* A layer of two bytes on the empty image, config and manifest. */
static void test_same_as_go_with_manifest(void **state)
{
    (void)state;
    static const struct image_history history = { .created = GO_ZERO_TIME };
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
    AUTO_DOCUMENT struct document manifest = DOCUMENT_INIT;
    struct manifest_item layer = { .descriptor = { .media_type = "application/vnd.x+json",
                                                   .digest = EMPTY_JSON_DIGEST,
                                                   .size = 2 } };
    struct image_config *config AUTO_IMAGE_CONFIG = fresh(&NOWHERE);
    assert_int_equal(image_config_set_created(config, GO_ZERO_TIME, NULL), 0);
    assert_int_equal(image_config_add_layer(config, EMPTY_JSON_DIGEST, &history, NULL), 0);
    assert_int_equal(image_config_write(config, MEDIA_FAMILY_OCI, &document, NULL), 0);
    struct manifest_spec spec = { .family = MEDIA_FAMILY_OCI,
                                  .config = &document.descriptor,
                                  .layers = &layer,
                                  .layer_count = 1 };
    assert_int_equal(manifest_write(&spec, &manifest, NULL), 0);
    assert_string_equal(manifest.descriptor.digest, "sha256:f6cc4459d3066a9a7dd6a11451ce4a2adc5c69"
                                                    "2f5d616a7e63ab8e91e3516ec9");
}

/* Intended differences from Go: no layers are [], not null, and unknown fields are kept. */
static void test_other_than_go(void **state)
{
    (void)state;
    struct image_config *empty AUTO_IMAGE_CONFIG = fresh(&AMD64);
    check_text(empty,
               "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\","
               "\"diff_ids\":[]},\"config\":{}}");
    static const char text[] =
        "{\"os\":\"linux\",\"x-unknown\":{\"b\":[1,2.5,\"<\\u00e9>\"],\"a\":null},\"architecture\":"
        "\"arm64\",\"config\":{\"Zeta\":1,\"Env\":[\"A=1\",\"PATH=/bin\"],\"Alpha\":{\"x\":null}},"
        "\"rootfs\":{\"diff_ids\":[\"" D1 "\"],\"type\":\"layers\"},\"container_config\":{}}";
    struct image_config *kept AUTO_IMAGE_CONFIG = base(text, 1);
    edit(kept, LPIPE_EDIT_ENV, "A=2");
    edit(kept, LPIPE_EDIT_USER, "me");
    check_text(
        kept,
        "{\"os\":\"linux\",\"x-unknown\":{\"b\":[1,2.5,\"\\u003c\xc3\xa9\\u003e\"],\"a\":null},"
        "\"architecture\":\"arm64\",\"config\":{\"Zeta\":1,\"Env\":[\"A=2\",\"PATH=/bin\"],"
        "\"Alpha\":{\"x\":null},\"User\":\"me\"},\"rootfs\":{\"diff_ids\":[\"" D1
        "\"],\"type\":\"layers\"},\"container_config\":{}}");
}

static void test_fresh_with_everything(void **state)
{
    (void)state;
    static const struct platform platform = { "linux", "arm", "v7", "" };
    static const struct image_history history = { .created = "2026-01-02T03:04:05Z",
                                                  .created_by = "cmd <a&b>",
                                                  .comment = "c" };
    static const char expected[] =
        "{\"architecture\":\"arm\",\"author\":\"me\",\"created\":\"2026-01-02T03:04:05Z\","
        "\"history\":["
        "{\"created\":\"2026-01-02T03:04:05Z\",\"created_by\":\"cmd \\u003ca\\u0026b\\u003e\","
        "\"comment\":\"c\"},{\"created\":\"2026-01-02T03:04:05Z\",\"created_by\":\"cmd "
        "\\u003ca\\u0026b\\u003e\",\"comment\":\"c\",\"empty_layer\":true}],\"os\":\"linux\","
        "\"rootfs\":"
        "{\"type\":\"layers\",\"diff_ids\":[\"" D1 "\"]},\"config\":{\"Cmd\":[\"a b\",\"c\"],"
        "\"Entrypoint\":[\"/bin/"
        "sh\",\"-c\"],\"Env\":[\"A=1\",\"B=\"],\"Labels\":{\"a\":\"=\",\"z\":\"\"},"
        "\"User\":\"0:0\",\"Volumes\":{\"/a\":{},\"/b\":{}},\"WorkingDir\":\"/w\",\"ExposedPorts\":"
        "{\"53/udp\":{},\"80/tcp\":{}},\"StopSignal\":\"SIGTERM\"},\"variant\":\"v7\"}";
    static const struct {
        enum lpipe_edit what;
        const char *value;
    } edits[] = {
        { LPIPE_EDIT_CMD, "[\"a b\",\"c\"]" },
        { LPIPE_EDIT_ENTRYPOINT, "/bin/sh -c" },
        { LPIPE_EDIT_ENV, "A=1" },
        { LPIPE_EDIT_ENV, "B=" },
        { LPIPE_EDIT_LABEL, "z=" },
        { LPIPE_EDIT_LABEL, "a==" },
        { LPIPE_EDIT_USER, "0:0" },
        { LPIPE_EDIT_VOLUME, "/b" },
        { LPIPE_EDIT_VOLUME, "/a" },
        { LPIPE_EDIT_WORKDIR, "/w" },
        { LPIPE_EDIT_PORT, "80" },
        { LPIPE_EDIT_PORT, "53/udp" },
        { LPIPE_EDIT_STOP_SIGNAL, "SIGTERM" },
        { LPIPE_EDIT_AUTHOR, "me" },
    };
    /* The order of edits of different fields does not change the result. */
    for (int backward = 0; backward < 2; backward++) {
        struct image_config *config AUTO_IMAGE_CONFIG = fresh(&platform);
        for (size_t i = 0; i < ARRAY_LEN(edits); i++) {
            size_t at = backward != 0 && i >= 4 ? ARRAY_LEN(edits) + 3 - i : i;
            edit(config, edits[at].what, edits[at].value);
        }
        assert_int_equal(image_config_add_layer(config, D1, &history, NULL), 0);
        assert_int_equal(image_config_add_history(config, &history, NULL), 0);
        assert_int_equal(image_config_set_created(config, "2026-01-02T03:04:05Z", NULL), 0);
        check_text(config, expected);
        assert_int_equal(image_config_layer_count(config), 1);
        assert_string_equal(image_config_diff_id(config, 0), D1);
        assert_null(image_config_diff_id(config, 1));
        struct image_config *again AUTO_IMAGE_CONFIG = base(expected, 1);
        check_text(again, expected);
        struct platform read;
        image_config_platform(again, &read);
        assert_string_equal(read.variant, "v7");
    }
}

#define BASE_SETTINGS(settings)                                                                    \
    "{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":" settings ",\"rootfs\":{\"type\":"   \
    "\"layers\",\"diff_ids\":[]}}"

static void check_edit(const char *before, enum lpipe_edit what, const char *value,
                       const char *after)
{
    char text[1000];
    char expected[1000];
    (void)snprintf(text, sizeof text, BASE_SETTINGS("%s"), before);
    (void)snprintf(expected, sizeof expected, BASE_SETTINGS("%s"), after);
    struct image_config *config AUTO_IMAGE_CONFIG = base(text, 0);
    edit(config, what, value);
    check_text(config, expected);
}

static void test_edits_of_a_base(void **state)
{
    (void)state;
    check_edit("{\"Env\":[\"A=1\",\"B=2\",\"A=3\"]}", LPIPE_EDIT_ENV, "A=x=y",
               "{\"Env\":[\"A=1\",\"B=2\",\"A=x=y\"]}");
    check_edit("{\"Env\":[\"AB=1\"]}", LPIPE_EDIT_ENV, "A=2", "{\"Env\":[\"AB=1\",\"A=2\"]}");
    check_edit("{\"Env\":null}", LPIPE_EDIT_ENV, "A=2", "{\"Env\":[\"A=2\"]}");
    check_edit("{\"Cmd\":[\"x\"],\"Entrypoint\":[\"y\"],\"User\":\"u\"}", LPIPE_EDIT_ENTRYPOINT,
               "z", "{\"Entrypoint\":[\"z\"],\"User\":\"u\"}");
    check_edit("{\"Cmd\":[\"x\"],\"Entrypoint\":[\"y\"]}", LPIPE_EDIT_CMD, "[\"z\"]",
               "{\"Cmd\":[\"z\"],\"Entrypoint\":[\"y\"]}");
    check_edit("{\"Entrypoint\":[\"y\"]}", LPIPE_EDIT_ENTRYPOINT, "[]", "{}");
    check_edit("{\"Entrypoint\":[\"y\"]}", LPIPE_EDIT_ENTRYPOINT, "", "{}");
    check_edit("{\"User\":\"u\"}", LPIPE_EDIT_USER, "", "{}");
    check_edit("{\"ExposedPorts\":{\"9/tcp\":{}}}", LPIPE_EDIT_PORT, "080/tcp",
               "{\"ExposedPorts\":{\"80/tcp\":{},\"9/tcp\":{}}}");
    check_edit("{\"Labels\":{\"b\":\"1\",\"a\":\"2\"}}", LPIPE_EDIT_LABEL, "b=3",
               "{\"Labels\":{\"a\":\"2\",\"b\":\"3\"}}");
    check_edit("null", LPIPE_EDIT_USER, "u", "{\"User\":\"u\"}");
}

/* A Cmd that is set together with an Entrypoint is kept, in both orders of the edits. */
static void test_entrypoint_and_cmd(void **state)
{
    (void)state;
    struct image_config *config AUTO_IMAGE_CONFIG =
        base(BASE_SETTINGS("{\"Cmd\":[\"old\"],\"Entrypoint\":[\"old\"]}"), 0);
    edit(config, LPIPE_EDIT_CMD, "new");
    edit(config, LPIPE_EDIT_ENTRYPOINT, "run");
    check_text(config, BASE_SETTINGS("{\"Cmd\":[\"new\"],\"Entrypoint\":[\"run\"]}"));
    edit(config, LPIPE_EDIT_CMD, "newer");
    check_text(config, BASE_SETTINGS("{\"Cmd\":[\"newer\"],\"Entrypoint\":[\"run\"]}"));
}

static void test_words(void **state)
{
    (void)state;
    check_edit("{}", LPIPE_EDIT_CMD, "  a  b\tc ", "{\"Cmd\":[\"a\",\"b\",\"c\"]}");
    check_edit("{}", LPIPE_EDIT_CMD, "sh -c 'echo \"$x\" \\n'",
               "{\"Cmd\":[\"sh\",\"-c\",\"echo \\\"$x\\\" \\\\n\"]}");
    check_edit("{}", LPIPE_EDIT_CMD, "a\"b c\"'d'e \"\" '' \\ x \"\\\"\\\\\\y\"",
               "{\"Cmd\":[\"ab cde\",\"\",\"\",\" x\",\"\\\"\\\\\\\\y\"]}");
}

static void test_refused_edits(void **state)
{
    (void)state;
    static const struct {
        enum lpipe_edit what;
        const char *value;
        const char *why;
    } rows[] = {
        { LPIPE_EDIT_ENV, "A", "KEY=VALUE" },
        { LPIPE_EDIT_ENV, "=x", "KEY=VALUE" },
        { LPIPE_EDIT_LABEL, "=x", "KEY=VALUE" },
        { LPIPE_EDIT_LABEL, "a", "KEY=VALUE" },
        { LPIPE_EDIT_ENV, "A=\xff", "UTF-8" },
        { LPIPE_EDIT_ENTRYPOINT, "[", "entrypoint: not valid JSON" },
        { LPIPE_EDIT_ENTRYPOINT, "[1]", "entrypoint: [0]: must be a string" },
        { LPIPE_EDIT_ENTRYPOINT, "[\"a\"],\"b\"", "not valid JSON" },
        { LPIPE_EDIT_CMD, "[[\"a\"]]", "command: [0]: must be a string" },
        { LPIPE_EDIT_CMD, "a 'b", "quote" },
        { LPIPE_EDIT_CMD, "a \"b", "quote" },
        { LPIPE_EDIT_CMD, "a \"b\\", "quote" },
        { LPIPE_EDIT_CMD, "a \\", "backslash" },
        { LPIPE_EDIT_PORT, "", "80/tcp" },
        { LPIPE_EDIT_PORT, "0", "80/tcp" },
        { LPIPE_EDIT_PORT, "65536", "80/tcp" },
        { LPIPE_EDIT_PORT, "80/", "80/tcp" },
        { LPIPE_EDIT_PORT, "80/icmp", "80/tcp" },
        { LPIPE_EDIT_PORT, "80-90", "80/tcp" },
        { LPIPE_EDIT_VOLUME, "data", "absolute" },
        { LPIPE_EDIT_VOLUME, "", "absolute" },
        { LPIPE_EDIT_WORKDIR, "w", "absolute" },
        { LPIPE_EDIT_STOP_SIGNAL, "TERM", "SIGTERM" },
        { LPIPE_EDIT_STOP_SIGNAL, "SIG", "SIGTERM" },
        { LPIPE_EDIT_STOP_SIGNAL, "0", "SIGTERM" },
        { LPIPE_EDIT_ANNOTATION, "a=b", "does not change the image config" },
    };
    struct image_config *config AUTO_IMAGE_CONFIG = fresh(&AMD64);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct lpipe_error err = { 0 };
        int status = image_edit_apply(config, rows[i].what, rows[i].value, &err);
        if (status != LPIPE_INVALID_ARGUMENT || strstr(err.message, rows[i].why) == NULL) {
            fail_msg("'%s' gave %d: %s", rows[i].value, status, err.message);
        }
    }
    check_text(config,
               "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\","
               "\"diff_ids\":[]},\"config\":{}}");
}

static void test_refused_bases(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t layers;
        const char *why;
    } rows[] = {
        { "{}", 0, "rootfs: missing" },
        { "{\"rootfs\":[]}", 0, "rootfs: must be an object" },
        { "{\"rootfs\":{}}", 1, "diff_ids: 0 entries for the 1 layers" },
        { "{\"rootfs\":{\"diff_ids\":[]}}", 1, "0 entries for the 1" },
        { "{\"rootfs\":{\"diff_ids\":[\"" D1 "\"]}}", 0, "1 entries for the 0" },
        { "{\"rootfs\":{\"diff_ids\":[\"" D1 "\"]}}", 2, "1 entries for the 2" },
        { "{\"rootfs\":{\"diff_ids\":[5]}}", 1, "rootfs.diff_ids[0]: must be a string" },
        { "{\"rootfs\":{\"diff_ids\":[null]}}", 1, "rootfs.diff_ids[0]: must be a string" },
        { "{\"rootfs\":{\"diff_ids\":[\"sha256:..\"]}}", 1, "not a sha256" },
        { "{\"rootfs\":{\"diff_ids\":\"" D1 "\"}}", 1, "must be an array" },
        { "{\"rootfs\":{\"diff_ids\":[],\"Diff_IDs\":[]}}", 0,
          "rootfs.diff_ids: written \"Diff_IDs\", in other letter case" },
        { "{\"rootfs\":{\"Diff_ids\":[],\"Diff_IDs\":[]}}", 0, "letter case" },
        { "{\"rootfs\":{},\"Rootfs\":{}}", 0, "letter case" },
        { "{\"rootfs\":{},\"OS\":\"a\",\"Os\":\"b\"}", 0, "letter case" },
        { "{\"rootfs\":{},\"config\":{\"env\":[],\"Env\":[]}}", 0, "letter case" },
        { "{\"rootfs\":{},\"config\":{\"env\":1}}", 0, "config.Env: must be an array" },
        { "{\"rootfs\":null}", 0, "rootfs: null, must be an object" },
        { "{\"rootfs\":{},\"os\":99999999999999999999}", 0, "os: must be a string" },
        { "{\"rootfs\":{},\"os\":\"linux\\u0000\"}", 0, "os: has a NUL character" },
        { "{\"rootfs\":{\"diff_ids\":[\"" D1 "\\u0000x\"]}}", 1, "has a NUL character" },
        { "{\"rootfs\":{},\"history\":{}}", 0, "history: must be an array" },
        { "{\"rootfs\":{},\"history\":[1]}", 0, "history[0]: must be an object" },
        { "{\"rootfs\":{},\"history\":[{\"empty_layer\":1}]}", 0, "empty_layer" },
        { "{\"rootfs\":{},\"config\":[]}", 0, "config: must be an object" },
        { "{\"rootfs\":{},\"config\":{\"Env\":{}}}", 0, "config.Env: must be an array" },
        { "{\"rootfs\":{},\"config\":{\"Labels\":[]}}", 0, "config.Labels: must be an object" },
        { "{\"rootfs\":{},\"os\":1}", 0, "os: must be a string" },
        { "{\"rootfs\":{},\"created\":1}", 0, "created: must be a string" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct lpipe_error err = { 0 };
        struct image_config *config = NULL;
        int status = parse(rows[i].text, rows[i].layers, &config, &err);
        if (status != LPIPE_PROTOCOL || config != NULL ||
            strstr(err.message, rows[i].why) == NULL) {
            fail_msg("%s gave %d: %s", rows[i].text, status, err.message);
        }
    }
}

#define TWO_LAYERS "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" D1 "\",\"" D2 "\"]}"
#define THREE_LAYERS                                                                               \
    "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" D1 "\",\"" D2 "\",\"" D1 "\"]}"

/* The history of a base need not fit its layers: missing entries are filled up at the front, and
 * more entries stay as they are. */
static void test_history_of_any_length(void **state)
{
    (void)state;
    static const struct image_history history = { .created_by = "x" };
    static const struct {
        const char *before;
        const char *after; /* a layer was added */
    } rows[] = {
        { "null", "[{},{},{\"created_by\":\"x\"}]" },
        { "[]", "[{},{},{\"created_by\":\"x\"}]" },
        { "[{\"a\":1}]", "[{},{\"a\":1},{\"created_by\":\"x\"}]" },
        { "[{\"empty_layer\":true}]", "[{},{},{\"empty_layer\":true},{\"created_by\":\"x\"}]" },
        { "[{},{\"empty_layer\":true},{\"a\":1}]",
          "[{},{\"empty_layer\":true},{\"a\":1},{\"created_by\":\"x\"}]" },
        { "[{\"empty_layer\":null},{},{},{}]",
          "[{\"empty_layer\":null},{},{},{},{\"created_by\":\"x\"}]" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[1000];
        char expected[1000];
        (void)snprintf(text, sizeof text, "{" TWO_LAYERS ",\"history\":%s}", rows[i].before);
        (void)snprintf(expected, sizeof expected, "{" THREE_LAYERS ",\"history\":%s}",
                       rows[i].after);
        struct image_config *config AUTO_IMAGE_CONFIG = base(text, 2);
        check_text(config, text); /* nothing is filled up when nothing is added */
        assert_int_equal(image_config_add_layer(config, D1, &history, NULL), 0);
        check_text(config, expected);
    }
    struct image_config *config AUTO_IMAGE_CONFIG = base("{" TWO_LAYERS "}", 2);
    assert_int_equal(image_config_add_layer(config, D1, &history, NULL), 0);
    check_text(config, "{" THREE_LAYERS ",\"history\":[{},{},{\"created_by\":\"x\"}]}");
}

/* Go programs read keys in any letter case. */
static void test_keys_in_other_letter_case(void **state)
{
    (void)state;
    struct platform platform;
    struct image_config *config AUTO_IMAGE_CONFIG =
        base("{\"Architecture\":\"arm64\",\"x\":1,\"OS\":\"linux\",\"RootFS\":{\"Type\":\"layers\","
             "\"Diff_IDs\":[\"" D1 "\"]},\"Config\":{\"env\":[\"A=1\"],\"y\":2}}",
             1);
    image_config_platform(config, &platform);
    assert_string_equal(platform.arch, "arm64");
    assert_string_equal(platform.os, "linux");
    edit(config, LPIPE_EDIT_ENV, "A=2");
    check_text(
        config,
        "{\"architecture\":\"arm64\",\"x\":1,\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\","
        "\"diff_ids\":[\"" D1 "\"]},\"config\":{\"Env\":[\"A=2\"],\"y\":2}}");
}

/* Fields that nobody needs do not stop the work, whatever is in them. */
static void test_odd_values_are_kept(void **state)
{
    (void)state;
    static const char text[] =
        "{\"rootfs\":{\"diff_ids\":null},\"config\":{\"Env\":[\"A=\\u0000\"],\"Memory\":"
        "99999999999999999999,\"Labels\":{\"l\":\"\\u0000\"},\"User\":\"u\"},\"x\":1e999,"
        "\"history\":[{"
        "\"empty_layer\":true,\"created_by\":\"a\\u0000b\"}]}";
    struct image_config *config AUTO_IMAGE_CONFIG = base(text, 0);
    edit(config, LPIPE_EDIT_USER, "u");
    check_text(config, text);
    edit(config, LPIPE_EDIT_ENV, "A=1");
}

/* An image that is only read: only what is needed is checked. */
static void test_what_nobody_reads_is_not_checked(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool read, edited; /* whether it is accepted */
    } rows[] = {
        { "{\"rootfs\":{},\"author\":\"a\\u0000b\",\"created\":\"\\u0000\"}", true, true },
        { "{\"rootfs\":{},\"author\":1}", true, false },
        { "{\"rootfs\":{},\"author\":\"a\",\"Author\":\"b\"}", true, false },
        { "{\"rootfs\":{},\"history\":\"none\"}", true, false },
        { "{\"rootfs\":{},\"config\":{\"Env\":{}}}", true, false },
        { "{\"rootfs\":{},\"os\":\"a\\u0000b\"}", false, false },
        { "{\"rootfs\":{},\"os\":\"linux\",\"OS\":\"other\"}", false, false },
        { "{\"rootfs\":{\"diff_ids\":[\"x\"]}}", false, false },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
        struct image_config *read AUTO_IMAGE_CONFIG = NULL;
        struct image_config *edited AUTO_IMAGE_CONFIG = NULL;
        document.bytes.size_max = 1000;
        assert_int_equal(buf_append_text(&document.bytes, rows[i].text), 0);
        if ((image_config_read(&document, 0, &read, NULL) == 0) != rows[i].read ||
            (image_config_parse(&document, 0, &edited, NULL) == 0) != rows[i].edited) {
            fail_msg("%s", rows[i].text);
        }
    }
}

static void test_times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *time; /* NULL = refused */
    } rows[] = {
        { "0", "1970-01-01T00:00:00Z" },
        { "1700000000", "2023-11-14T22:13:20Z" },
        { "253402300799", "9999-12-31T23:59:59Z" },
        { "253402300800", NULL },
        { "-1", NULL },
        { "", NULL },
        { "now", NULL },
        { "2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z" },
        { "2026-01-02T03:04:05.123456789+01:00", "2026-01-02T03:04:05.123456789+01:00" },
        { "2026-01-02T03:04:05.1234567890Z", NULL },
        { "2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z" },
        { "2023-02-29T00:00:00Z", NULL },
        { "1900-02-29T00:00:00Z", NULL },
        { "2026-13-01T00:00:00Z", NULL },
        { "2026-00-01T00:00:00Z", NULL },
        { "2026-01-00T00:00:00Z", NULL },
        { "2026-01-01T24:00:00Z", NULL },
        { "2026-01-01T00:60:00Z", NULL },
        { "2026-01-01T00:00:60Z", NULL },
        { "2026-01-01 00:00:00Z", NULL },
        { "2026-01-01T00:00:00", NULL },
        { "2026-01-01T00:00:00.Z", NULL },
        { "2026-01-01T00:00:00+0100", NULL },
        { "2026-01-01T00:00:00Zx", NULL },
        { "2026-01-01", NULL },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char time[TIME_TEXT_SIZE] = "untouched";
        int status = time_parse(rows[i].text, time, NULL);
        assert_int_equal(status, rows[i].time != NULL ? 0 : LPIPE_INVALID_ARGUMENT);
        assert_string_equal(time, rows[i].time != NULL ? rows[i].time : "untouched");
    }
    char time[TIME_TEXT_SIZE];
    assert_false(time_format(-1, time));
    assert_false(time_format(INT64_MAX, time));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_as_go),
        cmocka_unit_test(test_same_as_go_with_manifest),
        cmocka_unit_test(test_other_than_go),
        cmocka_unit_test(test_fresh_with_everything),
        cmocka_unit_test(test_edits_of_a_base),
        cmocka_unit_test(test_entrypoint_and_cmd),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_refused_edits),
        cmocka_unit_test(test_refused_bases),
        cmocka_unit_test(test_history_of_any_length),
        cmocka_unit_test(test_keys_in_other_letter_case),
        cmocka_unit_test(test_odd_values_are_kept),
        cmocka_unit_test(test_what_nobody_reads_is_not_checked),
        cmocka_unit_test(test_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
