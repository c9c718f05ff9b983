/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests and indexes. Digests marked "Go" are what go-containerregistry computes for the same
 * document; equal digests mean equal bytes. */
#include "support/unit.h"

#include "base/macros.h"
#include "oci/manifest.h"

#define D1 "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define D2 "sha256:2222222222222222222222222222222222222222222222222222222222222222"
#define OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define OCI_GZIP "application/vnd.oci.image.layer.v1.tar+gzip"
#define DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define DOCKER_LIST "application/vnd.docker.distribution.manifest.list.v2+json"
#define DESC "{\"mediaType\":\"" OCI_CONFIG "\",\"size\":7,\"digest\":\"" D1 "\"}"

static int parse_as(const char *text, const char *media_type, struct manifest **ret_manifest,
                    struct lpipe_error *err)
{
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
    AUTO_BUF struct buf bytes = BUF_INIT(8u << 20);
    assert_int_equal(buf_append_text(&bytes, text), 0);
    assert_int_equal(document_make(&bytes, media_type, NULL, &document, NULL), 0);
    return manifest_parse(&document, ret_manifest, err);
}

static void check_refused(const char *text, const char *media_type, int status, const char *why)
{
    struct manifest *manifest = NULL;
    struct lpipe_error err = { 0 };
    int got = parse_as(text, media_type, &manifest, &err);
    if (got != status || manifest != NULL || strstr(err.message, why) == NULL) {
        fail_msg("%s\n  as '%s' gave %d: %s (wanted %s)", text, media_type, got, err.message, why);
    }
}

static void test_parse_image(void **state)
{
    (void)state;
    static const char text[] =
        "{\"schemaVersion\":2,\"mediaType\":\"" OCI_MANIFEST "\",\"config\":" DESC
        ",\"layers\":[{\"mediaType\":\"" OCI_GZIP "\",\"digest\":\"" D2
        "\",\"size\":5000000000,\"annotations\":{\"a\":\"b\"}}],\"annotations\":{\"z\":\"1\","
        "\"b\":\"2\"},\"artifactType\":\"application/x\",\"subject\":" DESC ",\"unknown\":[1]}";
    struct manifest *manifest AUTO_MANIFEST = NULL;
    assert_int_equal(parse_as(text, OCI_MANIFEST, &manifest, NULL), 0);
    assert_int_equal(manifest->kind, MANIFEST_KIND_IMAGE);
    assert_int_equal(manifest->family, MEDIA_FAMILY_OCI);
    assert_string_equal(manifest->config.descriptor.digest, D1);
    assert_true(manifest->config.descriptor.size == 7);
    assert_int_equal(manifest->item_count, 1);
    assert_true(manifest->items[0].descriptor.size == UINT64_C(5000000000));
    assert_string_equal(manifest->items[0].descriptor.media_type, OCI_GZIP);
    assert_string_equal(manifest->artifact_type, "application/x");
    assert_true(manifest->has_subject);
    assert_string_equal(string_map_get(&manifest->annotations, "b"), "2");
    assert_int_equal(manifest->annotations.count, 2);
}

#define IMAGE_BODY "\"config\":" DESC ",\"layers\":[]"
#define INDEX_BODY "\"manifests\":[]"
#define V2 "{\"schemaVersion\":2,"
#define TYPE(t) "\"mediaType\":\"" t "\","

/* All combinations of Content-Type, mediaType and fields: only consistent ones are accepted. */
static void test_type_matrix(void **state)
{
    (void)state;
    static const char *const types[] = { "",          OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST,
                                         DOCKER_LIST, "text/plain" };
    static const bool image_type[] = { true, true, false, true, false, false };
    static const bool index_type[] = { true, false, true, false, true, false };
    static const bool docker[] = { false, false, false, true, true, false };
    static const char *const bodies[] = { IMAGE_BODY, INDEX_BODY, IMAGE_BODY "," INDEX_BODY,
                                          "\"x\":1" };
    for (size_t outer = 0; outer < 6; outer++) {
        for (size_t inner = 0; inner < 6; inner++) {
            for (size_t body = 0; body < 4; body++) {
                char text[1000];
                struct manifest *manifest = NULL;
                (void)snprintf(text, sizeof text, V2 "%s%s%s%s}",
                               inner > 0 ? "\"mediaType\":\"" : "", types[inner],
                               inner > 0 ? "\"," : "", bodies[body]);
                size_t type = inner > 0 ? inner : outer;
                bool agree = outer == 0 || inner == 0 || outer == inner;
                bool fits = (body == 0 && image_type[type]) || (body == 1 && index_type[type]);
                bool has_type = !docker[type] || inner > 0;
                int status = parse_as(text, types[outer], &manifest, NULL);
                if ((status == 0) != (agree && fits && has_type)) {
                    fail_msg("%s as '%s': %d", text, types[outer], status);
                }
                assert_true(status == 0 || status == LPIPE_PROTOCOL);
                if (status == 0) {
                    assert_int_equal(manifest->kind,
                                     body == 0 ? MANIFEST_KIND_IMAGE : MANIFEST_KIND_INDEX);
                    assert_int_equal(manifest->family,
                                     docker[type] ? MEDIA_FAMILY_DOCKER : MEDIA_FAMILY_OCI);
                }
                manifest_free(manifest);
            }
        }
    }
}

static void test_refused(void **state)
{
    (void)state;
    check_refused("{" IMAGE_BODY "}", "", LPIPE_PROTOCOL, "schemaVersion: must be 2");
    check_refused("{\"schemaVersion\":3," IMAGE_BODY "}", "", LPIPE_PROTOCOL, "must be 2");
    check_refused("{\"schemaVersion\":1,\"fsLayers\":[]}", "", LPIPE_UNSUPPORTED, "schema 1");
    check_refused(V2 "\"layers\":[]}", OCI_MANIFEST, LPIPE_PROTOCOL, "config: missing");
    check_refused(V2 "\"config\":" DESC "}", OCI_MANIFEST, LPIPE_PROTOCOL, "layers: missing");
    check_refused(V2 "\"config\":" DESC ",\"layers\":{}}", OCI_MANIFEST, LPIPE_PROTOCOL,
                  "layers: must be an array");
    check_refused(V2 "\"config\":" DESC ",\"layers\":[[]]}", OCI_MANIFEST, LPIPE_PROTOCOL,
                  "layers[0]: must be an object");
    check_refused(V2 IMAGE_BODY ",\"fsLayers\":[]}", OCI_MANIFEST, LPIPE_UNSUPPORTED, "schema 1");
    check_refused(V2 IMAGE_BODY ",\"history\":[]}", OCI_MANIFEST, LPIPE_PROTOCOL, "history");
    check_refused(V2 INDEX_BODY ",\"layers\":[]}", OCI_INDEX, LPIPE_PROTOCOL, "layers");
    check_refused(V2 INDEX_BODY ",\"config\":{}}", OCI_INDEX, LPIPE_PROTOCOL, "config");
    check_refused(V2 IMAGE_BODY ",\"Layers\":[]}", OCI_MANIFEST, LPIPE_PROTOCOL, "letter case");
    check_refused(V2 IMAGE_BODY ",\"MANIFESTS\":[]}", OCI_MANIFEST, LPIPE_PROTOCOL, "letter case");
    check_refused(V2 IMAGE_BODY ",\"annotations\":{\"a\":1}}", OCI_MANIFEST, LPIPE_PROTOCOL,
                  "annotations.a: must be a string");
    check_refused(V2 IMAGE_BODY ",\"layers\":[]}", OCI_MANIFEST, LPIPE_PROTOCOL, "duplicate");
    check_refused(V2 IMAGE_BODY ",\"subject\":{}}", OCI_MANIFEST, LPIPE_PROTOCOL,
                  "subject.mediaType: missing");
    check_refused("", OCI_MANIFEST, LPIPE_PROTOCOL, "empty");
}

static void check_empty(const char *text, const char *media_type, enum manifest_kind kind)
{
    struct manifest *manifest AUTO_MANIFEST = NULL;
    struct lpipe_error err = { 0 };
    if (parse_as(text, media_type, &manifest, &err) != 0) {
        fail_msg("%s: %s", text, err.message);
    }
    assert_int_equal(manifest->kind, kind);
    assert_int_equal(manifest->item_count, 0);
}

/* Go programs write an empty list or map as null. */
static void test_null_is_empty(void **state)
{
    (void)state;
    check_empty(V2 "\"config\":" DESC ",\"layers\":null,\"annotations\":null,\"subject\":null,"
                   "\"manifests\":null,\"mediaType\":null}",
                OCI_MANIFEST, MANIFEST_KIND_IMAGE);
    check_empty(V2 "\"config\":" DESC ",\"layers\":null,\"manifests\":null}", "",
                MANIFEST_KIND_IMAGE);
    check_empty(V2 "\"manifests\":null,\"annotations\":null,\"layers\":null}", OCI_INDEX,
                MANIFEST_KIND_INDEX);
    check_empty(V2 "\"manifests\":null}", "", MANIFEST_KIND_INDEX);
    check_empty(V2 "\"config\":{\"mediaType\":\"" OCI_CONFIG "\",\"size\":7,\"digest\":\"" D1
                   "\",\"urls\":null,\"annotations\":null,\"platform\":null,\"data\":null},"
                   "\"layers\":null}",
                OCI_MANIFEST, MANIFEST_KIND_IMAGE);
    check_refused(V2 "\"config\":null,\"layers\":[]}", OCI_MANIFEST, LPIPE_PROTOCOL,
                  "config: null, must be an object");
    check_refused(V2 "\"config\":" DESC ",\"layers\":[null]}", OCI_MANIFEST, LPIPE_PROTOCOL,
                  "layers[0]: ");
}

static void check_config_field(const char *media_type, const char *digest, const char *size,
                               const char *why)
{
    char text[600];
    (void)snprintf(text, sizeof text,
                   V2 "\"layers\":[],\"config\":{\"mediaType\":%s,\"digest\":%s,\"size\":%s}}",
                   media_type, digest, size);
    check_refused(text, OCI_MANIFEST, LPIPE_PROTOCOL, why);
}

/* Texts that are not digests, such as paths and queries, are refused. */
static void test_hostile_descriptors(void **state)
{
    (void)state;
    static const char *const digests[] = {
        "\"sha256:../../x\"",
        "\"sha256:1111111111111111111111111111111111111111111111111111111111111111/\"",
        "\"sha256:111111111111111111111111111111111111111111111111111111111111111A\"",
        "\"sha256:111111111111111111111111111111111111111111111111111111111111111\"",
        "\"sha256:11111111111111111111111111111111111111111111111111111111111111111\"",
        "\"sha256:111111111111111111111111111111111111111111111111111111111111111?\"",
        "\"sha256:1111111111111111111111111111111111111111111111111111111111111 11\"",
        "\"sha256:11111111111111111111111111111111111111111111111111111111111%2f1\"",
        "\"sha384:1111111111111111111111111111111111111111111111111111111111111111\"",
        "\"1111111111111111111111111111111111111111111111111111111111111111\"",
        "\"\"",
        "null",
        "5",
    };
    static const char *const sizes[] = {
        "-1", "9223372036854775807", "4611686018427387904", "5.5", "\"5\"", "1e3", "null", "[]"
    };
    for (size_t i = 0; i < ARRAY_LEN(digests); i++) {
        check_config_field("\"a/b\"", digests[i], "1", "config.digest: ");
    }
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        check_config_field("\"a/b\"", "\"" D1 "\"", sizes[i], "config.size: ");
    }
    check_config_field("\"ab\"", "\"" D1 "\"", "1", "not a media type");
    check_config_field("\"a/b c\"", "\"" D1 "\"", "1", "not a media type");
    check_config_field("null", "\"" D1 "\"", "1", "config.mediaType: missing");
}

static struct manifest *parse_index(const char *children)
{
    char text[4000];
    struct manifest *manifest = NULL;
    struct lpipe_error err = { 0 };
    (void)snprintf(text, sizeof text, V2 TYPE(OCI_INDEX) "\"manifests\":[%s]}", children);
    if (parse_as(text, OCI_INDEX, &manifest, &err) != 0) {
        fail_msg("%s", err.message);
    }
    return manifest;
}

#define CHILD(size, platform)                                                                      \
    "{\"mediaType\":\"" OCI_MANIFEST "\",\"digest\":\"" D1 "\",\"size\":" #size platform "}"
#define ON(os, arch) ",\"platform\":{\"os\":\"" os "\",\"architecture\":\"" arch "\"}"
#define ON3(os, arch, variant)                                                                     \
    ",\"platform\":{\"os\":\"" os "\",\"architecture\":\"" arch "\",\"variant\":\"" variant "\"}"

static void check_not_chosen(const char *children, const char *has)
{
    static const struct platform amd64 = { "linux", "amd64", "", "" };
    struct manifest *index AUTO_MANIFEST = parse_index(children);
    const struct manifest_item *item = NULL;
    struct lpipe_error err = { 0 };
    assert_int_equal(manifest_choose(index, &amd64, &item, &err), LPIPE_NOT_FOUND);
    if (strstr(err.message, has) == NULL) {
        fail_msg("%s (wanted %s)", err.message, has);
    }
}

/* They may be for any platform, so none is taken, and the message says that they are there. */
static void test_entries_without_platform(void **state)
{
    (void)state;
    check_not_chosen("", "it has none");
    check_not_chosen(CHILD(1, "") "," CHILD(2, ""), "it has 2 without a platform; name an image");
    check_not_chosen(CHILD(1, ON("linux", "arm64")) "," CHILD(2, ""),
                     "it has linux/arm64, 1 without a platform; name an image by its digest");
    check_not_chosen(CHILD(1, ON("unknown", "unknown")) "," CHILD(2, ON("", "")) "," CHILD(3, ""),
                     "it has 2 without a platform");
    check_not_chosen(CHILD(1, ON("linux", "arm64")) "," CHILD(2, ON("unknown", "unknown")),
                     "it has linux/arm64");
}

static void test_choose(void **state)
{
    (void)state;
    struct manifest *index AUTO_MANIFEST =
        parse_index(
            CHILD(1, ON("linux", "amd64")) "," CHILD(2, ON3("linux", "arm", "v5")) "," CHILD(3, ON3("linux", "arm", "v6")) "," CHILD(
                4,
                ON3("linux", "arm64",
                    "v8")) "," CHILD(5,
                                     ON("unknown",
                                        "unknown")) "," CHILD(6,
                                                              ON("windows",
                                                                 "amd64")) "," CHILD(7,
                                                                                     ON("linux",
                                                                                        "amd64")) "," CHILD(8,
                                                                                                            ON3("linux",
                                                                                                                "amd64",
                                                                                                                "v3")));
    static const struct {
        const char *platform;
        uint64_t size; /* 0 = none */
    } rows[] = {
        { "linux/amd64", 1 },    { "linux/x86_64", 1 },    { "linux/amd64/v3", 8 },
        { "linux/amd64/v2", 1 }, { "linux/arm/v7", 3 },    { "linux/arm/v6", 3 },
        { "linux/arm/v5", 2 },   { "linux/arm", 3 },       { "linux/arm64", 4 },
        { "linux/arm64/v8", 4 }, { "linux/aarch64", 4 },   { "windows/amd64", 6 },
        { "linux/s390x", 0 },    { "unknown/unknown", 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct platform platform;
        const struct manifest_item *item = NULL;
        struct lpipe_error err = { 0 };
        assert_int_equal(platform_parse(rows[i].platform, &platform, NULL), 0);
        int status = manifest_choose(index, &platform, &item, &err);
        assert_int_equal(status, rows[i].size == 0 ? LPIPE_NOT_FOUND : 0);
        if (status == 0 && item->descriptor.size != rows[i].size) {
            fail_msg("%s: child %d", rows[i].platform, (int)item->descriptor.size);
        }
        if (status != 0) {
            assert_non_null(strstr(err.message, "it has linux/amd64, linux/arm/v5, linux/arm/v6"));
        }
    }
}

static void test_choose_small(void **state)
{
    (void)state;
    struct platform platform = { "linux", "amd64", "", "" };
    const struct manifest_item *item = NULL;
    struct lpipe_error err = { 0 };
    struct manifest *empty AUTO_MANIFEST = parse_index("");
    assert_int_equal(manifest_choose(empty, &platform, &item, &err), LPIPE_NOT_FOUND);
    assert_non_null(strstr(err.message, "it has none"));
    struct manifest *single AUTO_MANIFEST = parse_index(CHILD(9, ""));
    assert_int_equal(manifest_choose(single, &platform, &item, &err), 0);
    assert_true(item->descriptor.size == 9);
    struct manifest *other AUTO_MANIFEST = parse_index(CHILD(9, ON("linux", "arm64")));
    assert_int_equal(manifest_choose(other, &platform, &item, &err), LPIPE_NOT_FOUND);
}

static struct descriptor descriptor_of(const char *media_type, const char *digest, uint64_t size)
{
    struct descriptor descriptor = { .size = size };
    (void)snprintf(descriptor.media_type, sizeof descriptor.media_type, "%s", media_type);
    (void)snprintf(descriptor.digest, sizeof descriptor.digest, "%s", digest);
    return descriptor;
}

static void check_written(const struct manifest_spec *spec, const char *digest)
{
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
    struct lpipe_error err = { 0 };
    if (manifest_write(spec, &document, &err) != 0) {
        fail_msg("%s", err.message);
    }
    if (strcmp(document.descriptor.digest, digest) != 0) {
        fail_msg("wanted %s: %s", digest, document.bytes.data);
    }
    assert_true(document.descriptor.size == document.bytes.size);
    struct manifest *again AUTO_MANIFEST = NULL;
    assert_int_equal(manifest_parse(&document, &again, NULL), 0);
}

#define EMPTY_CONFIG_GO "sha256:5b943e2b943f6c81dbbd4e2eca5121f4fcc39139e3d1219d6d89bd925b77d9fe"

static void test_same_as_go(void **state)
{
    (void)state;
    struct descriptor config = descriptor_of(OCI_CONFIG, EMPTY_CONFIG_GO, 115);
    struct manifest_spec spec = { .family = MEDIA_FAMILY_DOCKER, .config = &config };
    check_written(&spec, "sha256:732112270d7e59418a8c080b134b24cabd67d250d0d0147a97ed95ba5c280aa4");
    spec.family = MEDIA_FAMILY_OCI;
    check_written(&spec, "sha256:3d56b3c004797db33c7f771a2194d4c43a6cb740954863530b45f471da48cc08");
}

static void test_written_bytes(void **state)
{
    (void)state;
    AUTO_STRING_MAP struct string_map annotations = STRING_MAP_INIT;
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
    struct descriptor config = descriptor_of(OCI_CONFIG, D1, 5);
    struct descriptor subject = descriptor_of(OCI_MANIFEST, D2, 6);
    struct manifest_item layer = {
        .descriptor = descriptor_of("application/vnd.docker.image.rootfs.diff.tar.gzip", D2, 9)
    };
    assert_int_equal(string_map_set(&annotations, "z", "1", NULL), 0);
    assert_int_equal(string_map_set(&annotations, "a", "<2>", NULL), 0);
    struct manifest_spec spec = { .family = MEDIA_FAMILY_OCI,
                                  .artifact_type = "application/x",
                                  .config = &config,
                                  .layers = &layer,
                                  .layer_count = 1,
                                  .annotations = &annotations,
                                  .subject = &subject };
    assert_int_equal(manifest_write(&spec, &document, NULL), 0);
    assert_string_equal(
        document.bytes.data,
        "{\"schemaVersion\":2,\"mediaType\":\"" OCI_MANIFEST
        "\",\"config\":{\"mediaType\":\"" OCI_CONFIG "\",\"size\":5,\"digest\":\"" D1
        "\"},\"layers\":[{\"mediaType\":\"" OCI_GZIP "\",\"size\":9,\"digest\":\"" D2
        "\"}],\"annotations\":{\"a\":\"\\u003c2\\u003e\",\"z\":\"1\"},"
        "\"subject\":{\"mediaType\":\"" OCI_MANIFEST "\",\"size\":6,\"digest\":\"" D2
        "\"},\"artifactType\":\"application/x\"}");
    assert_false(manifest_needs_empty(&spec));
}

/* The other fields of a base's descriptor are written again. */
static void test_keeps_descriptor_fields(void **state)
{
    (void)state;
    static const char text[] =
        V2 TYPE(OCI_MANIFEST) "\"config\":" DESC ",\"layers\":[{\"annotations\":{\"k\":\"v\"},"
                              "\"digest\":\"" D2
                              "\",\"urls\":[\"https://x\"],\"size\":3,\"mediaType\":\"" OCI_GZIP
                              "\",\"data\":\"e30=\"}]}";
    struct manifest *manifest AUTO_MANIFEST = NULL;
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
    assert_int_equal(parse_as(text, "", &manifest, NULL), 0);
    struct manifest_spec spec = { .family = MEDIA_FAMILY_DOCKER,
                                  .config = &manifest->config.descriptor,
                                  .layers = manifest->items,
                                  .layer_count = 1 };
    assert_int_equal(manifest_write(&spec, &document, NULL), 0);
    assert_non_null(strstr(document.bytes.data,
                           "{\"mediaType\":\"application/vnd.docker.image.rootfs.diff.tar.gzip\","
                           "\"size\":3,\"digest\":\"" D2
                           "\",\"data\":\"e30=\",\"urls\":[\"https://x\"],"
                           "\"annotations\":{\"k\":\"v\"}}"));
}

static void test_empty_rules(void **state)
{
    (void)state;
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
    struct lpipe_error err = { 0 };
    struct manifest_spec spec = { .family = MEDIA_FAMILY_OCI };
    assert_int_equal(manifest_write(&spec, &document, &err), LPIPE_INVALID_ARGUMENT);
    assert_non_null(strstr(err.message, "artifact type"));
    spec.artifact_type = "not a type";
    assert_int_equal(manifest_write(&spec, &document, &err), LPIPE_INVALID_ARGUMENT);
    spec.artifact_type = "application/vnd.example+json";
    assert_true(manifest_needs_empty(&spec));
    assert_int_equal(manifest_write(&spec, &document, &err), 0);
    static const char empty[] = "{\"mediaType\":\"application/vnd.oci.empty.v1+json\",\"size\":2,"
                                "\"digest\":\"" EMPTY_JSON_DIGEST "\"}";
    char *first = strstr(document.bytes.data, empty);
    assert_non_null(first);
    char *second = strstr(first + 1, empty);
    assert_non_null(second);
    assert_null(strstr(second + 1, empty));
    char digest[DIGEST_TEXT_SIZE];
    assert_int_equal(digest_of(DIGEST_SHA256, "{}", EMPTY_JSON_SIZE, digest, NULL), 0);
    assert_string_equal(digest, EMPTY_JSON_DIGEST);
}

static void check_docker_refuses(const struct manifest_spec *spec, const char *why)
{
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
    struct lpipe_error err = { 0 };
    assert_int_equal(manifest_write(spec, &document, &err), LPIPE_INVALID_ARGUMENT);
    assert_non_null(strstr(err.message, why));
    assert_null(document.bytes.data);
}

static void test_docker_limits(void **state)
{
    (void)state;
    AUTO_STRING_MAP struct string_map annotations = STRING_MAP_INIT;
    struct descriptor config = descriptor_of(OCI_CONFIG, D1, 5);
    struct manifest_item zstd = { .descriptor = descriptor_of(
                                      "application/vnd.oci.image.layer.v1.tar+zstd", D2, 9) };
    struct manifest_spec spec = { .family = MEDIA_FAMILY_DOCKER, .config = &config };
    assert_int_equal(string_map_set(&annotations, "a", "b", NULL), 0);
    spec.annotations = &annotations;
    check_docker_refuses(&spec, "annotations");
    spec.annotations = NULL;
    spec.subject = &config;
    check_docker_refuses(&spec, "a subject");
    spec.subject = NULL;
    spec.artifact_type = "a/b";
    check_docker_refuses(&spec, "an artifact type");
    spec.artifact_type = NULL;
    spec.layers = &zstd;
    spec.layer_count = 1;
    check_docker_refuses(&spec, "layer 1");
}

static void test_write_index(void **state)
{
    (void)state;
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
    AUTO_STRING_MAP struct string_map annotations = STRING_MAP_INIT;
    assert_int_equal(string_map_set(&annotations, "k", "v", NULL), 0);
    struct manifest_item item = { .descriptor = descriptor_of(OCI_MANIFEST, D1, 4),
                                  .artifact_type = "application/x",
                                  .annotations = &annotations };
    const struct index_spec spec = { .items = &item, .item_count = 1 };
    assert_int_equal(manifest_write_index(&spec, &document, NULL), 0);
    assert_string_equal(document.bytes.data,
                        "{\"schemaVersion\":2,\"mediaType\":\"" OCI_INDEX
                        "\",\"manifests\":[{\"mediaType\":\"" OCI_MANIFEST
                        "\",\"size\":4,\"digest\":\"" D1
                        "\",\"annotations\":{\"k\":\"v\"},\"artifactType\":\"application/x\"}]}");
    struct manifest *again AUTO_MANIFEST = NULL;
    assert_int_equal(manifest_parse(&document, &again, NULL), 0);
    assert_string_equal(again->items[0].artifact_type, "application/x");
}

static void test_document(void **state)
{
    (void)state;
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
    AUTO_BUF struct buf bytes = BUF_INIT(100);
    struct lpipe_error err = { 0 };
    assert_int_equal(buf_append_text(&bytes, "{}"), 0);
    assert_int_equal(document_make(&bytes, "", D1, &document, &err), LPIPE_INTEGRITY);
    assert_int_equal(bytes.size, 2); /* untouched */
    assert_int_equal(document_make(&bytes, "", EMPTY_JSON_DIGEST, &document, &err), 0);
    assert_null(bytes.data);
    struct descriptor wanted = descriptor_of("", EMPTY_JSON_DIGEST, 2);
    assert_int_equal(document_check(&document, &wanted, &err), 0);
    wanted.size = 3;
    assert_int_equal(document_check(&document, &wanted, &err), LPIPE_INTEGRITY);
    wanted = descriptor_of("", D1, 2);
    assert_int_equal(document_check(&document, &wanted, &err), LPIPE_INTEGRITY);
    assert_non_null(strstr(err.message, EMPTY_JSON_DIGEST));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_image),
        cmocka_unit_test(test_type_matrix),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_null_is_empty),
        cmocka_unit_test(test_entries_without_platform),
        cmocka_unit_test(test_hostile_descriptors),
        cmocka_unit_test(test_choose),
        cmocka_unit_test(test_choose_small),
        cmocka_unit_test(test_same_as_go),
        cmocka_unit_test(test_written_bytes),
        cmocka_unit_test(test_keeps_descriptor_fields),
        cmocka_unit_test(test_empty_rules),
        cmocka_unit_test(test_docker_limits),
        cmocka_unit_test(test_write_index),
        cmocka_unit_test(test_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
