/* SPDX-License-Identifier: Apache-2.0 */
/* Media types, platforms and string maps. */
#include "support/unit.h"

#include "base/macros.h"
#include "oci/media_type.h"
#include "oci/platform.h"
#include "oci/string_map.h"

#define OCI_GZIP "application/vnd.oci.image.layer.v1.tar+gzip"
#define DOCKER_GZIP "application/vnd.docker.image.rootfs.diff.tar.gzip"

static void test_roles(void **state)
{
    (void)state;
    for (int family = 0; family < 2; family++) {
        for (int role = MEDIA_ROLE_INDEX; role <= MEDIA_ROLE_EMPTY; role++) {
            enum media_family read = MEDIA_FAMILY_OCI;
            const char *name = media_type_name((enum media_family)family, (enum media_role)role);
            if (name == NULL) {
                continue;
            }
            assert_int_equal(media_type_role(name, &read), role);
            assert_int_equal(read, family);
            assert_true(media_type_valid(name, strlen(name)));
        }
    }
    assert_int_equal(media_type_role("text/plain", NULL), MEDIA_ROLE_OTHER);
    assert_int_equal(media_type_role("", NULL), MEDIA_ROLE_OTHER);
}

static void test_families(void **state)
{
    (void)state;
    assert_string_equal(media_type_in_family(OCI_GZIP, MEDIA_FAMILY_DOCKER), DOCKER_GZIP);
    assert_string_equal(media_type_in_family(DOCKER_GZIP, MEDIA_FAMILY_OCI), OCI_GZIP);
    assert_string_equal(media_type_in_family(OCI_GZIP, MEDIA_FAMILY_OCI), OCI_GZIP);
    assert_string_equal(media_type_in_family("a/b", MEDIA_FAMILY_DOCKER), "a/b");
    assert_null(
        media_type_in_family("application/vnd.oci.image.layer.v1.tar+zstd", MEDIA_FAMILY_DOCKER));
}

static void test_types_of_layers(void **state)
{
    static const struct {
        const char *type;
        enum media_role role;
        const char *compression; /* NULL = not a layer */
    } rows[] = {
        { OCI_GZIP, MEDIA_ROLE_LAYER, "gzip" },
        { DOCKER_GZIP, MEDIA_ROLE_LAYER, "gzip" },
        { "application/vnd.oci.image.layer.v1.tar", MEDIA_ROLE_LAYER, "none" },
        { "application/vnd.oci.image.layer.v1.tar+zstd", MEDIA_ROLE_LAYER, "zstd" },
        { "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", MEDIA_ROLE_FOREIGN,
          "zstd" },
        { "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", MEDIA_ROLE_FOREIGN, "gzip" },
        { "application/vnd.oci.image.config.v1+json", MEDIA_ROLE_CONFIG, NULL },
        { "application/vnd.oci.image.layer.v1.tar+xz", MEDIA_ROLE_OTHER, NULL },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *compression = media_type_compression(rows[i].type);
        assert_int_equal(media_type_role(rows[i].type, NULL), rows[i].role);
        assert_int_equal(compression != NULL, rows[i].compression != NULL);
        assert_string_equal(compression != NULL ? compression : "",
                            rows[i].compression != NULL ? rows[i].compression : "");
    }
    assert_string_equal(media_type_of_layer(MEDIA_FAMILY_DOCKER, "gzip"), DOCKER_GZIP);
    assert_null(media_type_of_layer(MEDIA_FAMILY_DOCKER, "zstd"));
    assert_null(media_type_of_layer(MEDIA_FAMILY_OCI, "xz"));
}

static void test_header(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        const char *type; /* NULL = not valid */
    } rows[] = {
        { "a/b", "a/b" },   { " Application/JSON ; charset=utf-8", "application/json" },
        { "a/b;q", "a/b" }, { "a/b c", NULL },
        { "", NULL },       { "a", NULL },
        { "/b", NULL },     { "a/", NULL },
        { "a/b/c", NULL },  { "a/b\x1b", NULL },
        { "-a/b", NULL },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char type[64] = "x";
        assert_int_equal(media_type_from_header(rows[i].header, type, sizeof type),
                         rows[i].type != NULL);
        assert_string_equal(type, rows[i].type != NULL ? rows[i].type : "x");
    }
    char small[4];
    assert_false(media_type_from_header("abc/d", small, sizeof small));
}

static void test_platform_text(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *normal; /* NULL = refused */
    } rows[] = {
        { "linux/amd64", "linux/amd64" },
        { "linux/x86_64", "linux/amd64" },
        { "Linux/AMD64", "linux/amd64" },
        { "linux/amd64/v1", "linux/amd64" },
        { "linux/amd64/v3", "linux/amd64/v3" },
        { "linux/arm64/v8", "linux/arm64" },
        { "linux/arm64/v9", "linux/arm64/v9" },
        { "linux/aarch64", "linux/arm64" },
        { "linux/arm", "linux/arm/v7" },
        { "linux/arm/6", "linux/arm/v6" },
        { "linux/armhf", "linux/arm/v7" },
        { "linux/armel", "linux/arm/v6" },
        { "linux/i686", "linux/386" },
        { "linux/ppc64el", "linux/ppc64le" },
        { "windows/amd64", "windows/amd64" },
        { "linux/riscv64", "linux/riscv64" },
        { "", NULL },
        { "linux", NULL },
        { "linux/", NULL },
        { "/amd64", NULL },
        { "linux/amd64/", NULL },
        { "linux/arm/v7/x", NULL },
        { "linux/a b", NULL },
        { "linux/\x1b", NULL },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct platform platform;
        char text[PLATFORM_TEXT_SIZE];
        int status = platform_parse(rows[i].text, &platform, NULL);
        assert_int_equal(status, rows[i].normal != NULL ? 0 : LPIPE_INVALID_ARGUMENT);
        if (status == 0) {
            assert_string_equal(platform_text(&platform, text), rows[i].normal);
        }
    }
}

static void test_host(void **state)
{
    (void)state;
    struct platform host;
    struct platform again;
    char text[PLATFORM_TEXT_SIZE];
    platform_host(&host);
    assert_string_equal(host.os, "linux");
    assert_int_equal(platform_parse(platform_text(&host, text), &again, NULL), 0);
    assert_memory_equal(&host, &again, sizeof host.os + sizeof host.arch + sizeof host.variant);
#if defined(__x86_64__)
    assert_string_equal(text, "linux/amd64");
#elif defined(__aarch64__)
    assert_string_equal(text, "linux/arm64");
#endif
}

static void test_string_map(void **state)
{
    (void)state;
    AUTO_STRING_MAP struct string_map string_map = STRING_MAP_INIT;
    struct lpipe_error err = { 0 };
    static const char *const keys[] = { "m", "b", "z", "a", "m", "n" };
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        char value[8];
        (void)snprintf(value, sizeof value, "%zu", i);
        assert_int_equal(string_map_set(&string_map, keys[i], value, NULL), 0);
    }
    assert_int_equal(string_map.count, 5);
    for (size_t i = 1; i < string_map.count; i++) {
        assert_true(strcmp(string_map.items[i - 1].key, string_map.items[i].key) < 0);
    }
    assert_string_equal(string_map_get(&string_map, "m"), "4");
    assert_null(string_map_get(&string_map, "q"));
    assert_int_equal(string_map_set_text(&string_map, "k=v=w", "annotation", NULL), 0);
    assert_string_equal(string_map_get(&string_map, "k"), "v=w");
    assert_int_equal(string_map_set_text(&string_map, "empty=", "annotation", NULL), 0);
    assert_string_equal(string_map_get(&string_map, "empty"), "");
    assert_int_equal(string_map_set_text(&string_map, "k", "annotation", &err),
                     LPIPE_INVALID_ARGUMENT);
    assert_string_equal(err.message, "annotation 'k': write it as KEY=VALUE");
    assert_int_equal(string_map_set_text(&string_map, "=v", "annotation", &err),
                     LPIPE_INVALID_ARGUMENT);
    assert_int_equal(string_map_set_text(&string_map, "k=\xff", "x", &err), LPIPE_INVALID_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_roles),           cmocka_unit_test(test_families),
        cmocka_unit_test(test_types_of_layers), cmocka_unit_test(test_header),
        cmocka_unit_test(test_platform_text),   cmocka_unit_test(test_host),
        cmocka_unit_test(test_string_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
