/* SPDX-License-Identifier: Apache-2.0 */
/* Origins: parsing, relative references, and which secret may go where. */
#include "support/unit.h"

#include "auth/origin.h"
#include "base/address.h"
#include "base/macros.h"
#include "support/bad_urls.h"

static struct origin origin_of(const char *url)
{
    struct origin origin;
    struct lpipe_error err = { 0 };
    if (origin_parse(url, "test", &origin, NULL, &err) != 0) {
        fail_msg("%s: %s", url, err.message);
    }
    return origin;
}

/* What the policy makes of a URL in a sink. */
static enum url_fate fate_of(const struct origin_rules *rules, enum origin_sink sink,
                             const char *url, struct origin_verdict *ret_verdict,
                             struct lpipe_error *err)
{
    struct origin target;
    if (origin_parse(url, "test", &target, NULL, err) != 0 ||
        origin_decide(rules, sink, &target, ret_verdict, err) != 0) {
        return URL_REFUSED;
    }
    return ret_verdict->trust == ORIGIN_TRUSTED ? URL_TRUSTED : URL_ANONYMOUS;
}

static void test_every_sink_every_bad_url(void **state)
{
    (void)state;
    struct origin registry = origin_of("https://registry.example");
    struct origin_rules rules = { .registry = &registry };
    for (size_t i = 0; i < ARRAY_LEN(BAD_URLS); i++) {
        const struct bad_url *row = &BAD_URLS[i];
        struct origin_verdict verdict = { 0 };
        struct origin target;
        struct lpipe_error err = { 0 };
        enum url_fate realm = fate_of(&rules, ORIGIN_REALM, row->url, &verdict, &err);
        if (realm != row->realm) {
            fail_msg("realm %s: %d, wanted %d (%s)", row->url, realm, row->realm, err.message);
        }
        enum url_fate location = fate_of(&rules, ORIGIN_LOCATION, row->url, &verdict, &err);
        /* The policy itself never lets http through; the exchange restores https before it asks. */
        enum url_fate wanted = row->location == URL_RESTORED ? URL_REFUSED : row->location;
        bool restored = origin_parse(row->url, "test", &target, NULL, NULL) == 0 &&
                        origin_loss_of(&registry, &target) == ORIGIN_LOST_HTTPS;
        assert_int_equal(restored, row->location == URL_RESTORED);
        if (location != wanted) {
            fail_msg("location %s: %d, wanted %d (%s)", row->url, location, wanted, err.message);
        }
        if (location == URL_ANONYMOUS) {
            assert_int_equal(verdict.addresses, HTTP_ADDRESS_PUBLIC);
        }
    }
}

struct realm_row {
    const char *registry;
    const char *realm;
    const char *trusted_by_user; /* NULL = nobody */
    bool is_local;
    enum url_fate fate;
};

static const struct realm_row REALMS[] = {
    /* the built-in table, and only as a whole */
    { "https://index.docker.io", "https://auth.docker.io/token", NULL, false, URL_TRUSTED },
    { "https://registry-1.docker.io", "https://auth.docker.io/token", NULL, false, URL_TRUSTED },
    { "https://registry.gitlab.com", "https://gitlab.com/jwt/auth", NULL, false, URL_TRUSTED },
    { "https://index.docker.io:5000", "https://auth.docker.io/token", NULL, false, URL_ANONYMOUS },
    { "https://index.docker.io", "https://auth.docker.io:444/token", NULL, false, URL_ANONYMOUS },
    { "https://index.docker.io", "http://auth.docker.io/token", NULL, false, URL_REFUSED },
    { "https://index.docker.io", "https://gitlab.com/jwt/auth", NULL, false, URL_ANONYMOUS },
    { "https://index.docker.io.evil.test", "https://auth.docker.io/token", NULL, false,
      URL_ANONYMOUS },
    { "http://index.docker.io", "https://auth.docker.io/token", NULL, false, URL_ANONYMOUS },
    /* named by the user: host and port, nothing looser */
    { "https://registry.example", "https://auth.example/t", "auth.example", false, URL_TRUSTED },
    { "https://registry.example", "https://auth.example/t", "AUTH.example.", false, URL_TRUSTED },
    { "https://registry.example", "https://auth.example:8443/t", "auth.example", false,
      URL_ANONYMOUS },
    { "https://registry.example", "https://auth.example:8443/t", "auth.example:8443", false,
      URL_TRUSTED },
    { "https://registry.example", "https://x.auth.example/t", "auth.example", false,
      URL_ANONYMOUS },
    { "https://registry.example", "https://10.0.0.7/t", "10.0.0.7", false, URL_TRUSTED },
    { "https://registry.example", "https://10.0.0.8/t", "10.0.0.7", false, URL_REFUSED },
    { "https://registry.example", "http://auth.example/t", "auth.example", false, URL_REFUSED },
    /* named for one registry */
    { "https://registry.example", "https://auth.example/t", "registry.example=auth.example", false,
      URL_TRUSTED },
    { "https://registry.example", "https://auth.example/t", "registry.example:443=auth.example",
      false, URL_TRUSTED },
    { "https://registry.example:5000", "https://auth.example/t", "registry.example=auth.example",
      false, URL_ANONYMOUS },
    { "https://other.example", "https://auth.example/t", "registry.example=auth.example", false,
      URL_ANONYMOUS },
    { "https://registry.example", "https://auth.example/t", "=auth.example", false, URL_ANONYMOUS },
    { "https://registry.example", "https://auth.example/t", "registry.example=", false,
      URL_ANONYMOUS },
    /* a registry on this machine, without TLS */
    { "http://127.0.0.1:5000", "http://127.0.0.1:5000/token", NULL, true, URL_TRUSTED },
    { "http://127.0.0.1:5000", "http://127.0.0.1:5001/token", NULL, true, URL_REFUSED },
    { "http://127.0.0.1:5000", "http://127.0.0.1:5001/token", "127.0.0.1:5001", true, URL_TRUSTED },
    { "http://localhost:5000", "http://localhost:5001/token", NULL, true, URL_TRUSTED },
    { "http://localhost:5000", "https://auth.example/token", NULL, true, URL_ANONYMOUS },
    { "http://[::1]:5000", "http://[0:0::1]:5000/token", NULL, true, URL_TRUSTED },
    /* private address, same host and port: a registry with a token server of its own */
    { "https://10.0.0.5", "https://10.0.0.5/token", NULL, true, URL_TRUSTED },
    { "https://10.0.0.5", "https://10.0.0.5:8443/token", NULL, true, URL_REFUSED },
};

static void test_realms(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(REALMS); i++) {
        const struct realm_row *row = &REALMS[i];
        struct origin registry = origin_of(row->registry);
        struct origin_verdict verdict = { 0 };
        struct lpipe_error err = { 0 };
        const char *const named[] = { row->trusted_by_user };
        struct origin_rules rules = { .registry = &registry,
                                      .registry_is_local = row->is_local,
                                      .trust_realms = named,
                                      .trust_realm_count = row->trusted_by_user != NULL };
        enum url_fate fate = fate_of(&rules, ORIGIN_REALM, row->realm, &verdict, &err);
        if (fate != row->fate) {
            fail_msg("%s of %s: %d, wanted %d (%s)", row->realm, row->registry, fate, row->fate,
                     err.message);
        }
    }
}

static void test_locations_of_a_local_registry(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        enum url_fate fate;
    } rows[] = {
        { "http://127.0.0.1:5000/v2/", URL_TRUSTED },
        { "http://127.0.0.1:9000/bucket", URL_ANONYMOUS },
        { "http://10.0.0.1/bucket", URL_ANONYMOUS },
        { "http://localhost:5000/v2/", URL_ANONYMOUS }, /* the same machine, another name */
        { "https://127.0.0.1:5000/v2/", URL_ANONYMOUS },
        { "http://169.254.169.254/latest", URL_REFUSED },
        { "http://0.0.0.0:5000/", URL_REFUSED },
        { "http://2130706433:5000/", URL_REFUSED },
    };
    struct origin registry = origin_of("http://127.0.0.1:5000");
    struct origin_rules rules = { .registry = &registry, .registry_is_local = true };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct origin_verdict verdict = { 0 };
        struct lpipe_error err = { 0 };
        enum url_fate fate = fate_of(&rules, ORIGIN_LOCATION, rows[i].url, &verdict, &err);
        if (fate != rows[i].fate) {
            fail_msg("%s: %d, wanted %d (%s)", rows[i].url, fate, rows[i].fate, err.message);
        }
        if (fate == URL_ANONYMOUS) {
            assert_int_equal(verdict.addresses, strstr(rows[i].url, "127.0.0.1:5000") != NULL
                                                    ? HTTP_ADDRESS_ANY
                                                    : HTTP_ADDRESS_LOCAL);
        }
    }
}

static void test_messages_name_cause_and_cure(void **state)
{
    (void)state;
    struct origin registry = origin_of("https://registry.example");
    struct origin_rules rules = { .registry = &registry };
    struct origin_verdict verdict;
    struct lpipe_error err = { 0 };
    struct origin target = origin_of("http://registry.example/v2/x");
    assert_int_equal(origin_decide(&rules, ORIGIN_LOCATION, &target, &verdict, &err),
                     LPIPE_REFUSED);
    assert_non_null(strstr(err.message, "X-Forwarded-Proto"));
    target = origin_of("https://127.0.0.1:5001/t");
    assert_int_equal(origin_decide(&rules, ORIGIN_REALM, &target, &verdict, &err),
                     LPIPE_AUTH_REQUIRED);
    assert_non_null(strstr(err.message, "`trust_realms` 127.0.0.1:5001"));
}

struct resolve_row {
    const char *base;
    const char *reference;
    const char *url; /* NULL = refused */
};

#define BASE "https://r.example/v2/a/blobs/uploads/?x=1"

static const struct resolve_row RESOLVES[] = {
    { BASE, "/v2/a/blobs/uploads/u1?_state=a%2Bb=+c",
      "https://r.example/v2/a/blobs/uploads/"
      "u1?_state=a%2Bb=+c" },
    { BASE, "u1", "https://r.example/v2/a/blobs/uploads/u1" },
    { BASE, "../u1", "https://r.example/v2/a/blobs/u1" },
    { BASE, "./u1/", "https://r.example/v2/a/blobs/uploads/u1/" },
    { BASE, "../../../../../../x", "https://r.example/x" },
    { BASE, "..", "https://r.example/v2/a/blobs/" },
    { BASE, "/a/./b/../c", "https://r.example/a/c" },
    { BASE, "/a//b", "https://r.example/a//b" },
    { BASE, "?y=2", "https://r.example/v2/a/blobs/uploads/?y=2" },
    { BASE, "", "https://r.example/v2/a/blobs/uploads/?x=1" },
    { BASE, "/p?q#f", "https://r.example/p?q" },
    { BASE, "/p?a=b/../c&d=http://e", "https://r.example/p?a=b/../c&d=http://e" },
    { BASE, "//other.example/p", "https://other.example/p" },
    { BASE, "https://R.example:443/p?q", "https://r.example/p?q" },
    { BASE, "https://r.example.:8443", "https://r.example:8443/" },
    { BASE, "https://r.example?q", "https://r.example/?q" },
    { BASE, "http://other.example:80/p", "http://other.example/p" },
    { "http://[::1]:5000/v2/", "x", "http://[::1]:5000/v2/x" },
    { "http://h:5000", "x", "http://h:5000/x" },
    { BASE, "a:b", NULL },
    { BASE, "./a:b", "https://r.example/v2/a/blobs/uploads/a:b" },
    { BASE, "mailto:x@y", NULL },
    { BASE, "//u@other.example/p", NULL },
    { BASE, "/a b", NULL },
    { BASE, "/a\tb", NULL },
    { BASE, "/a\\b", NULL },
    { BASE, "/\xff", NULL },
    { BASE, "///p", NULL },
};

static void test_relative_references(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(RESOLVES); i++) {
        const struct resolve_row *row = &RESOLVES[i];
        AUTO_FREE char *url = NULL;
        struct lpipe_error err = { 0 };
        int status = origin_resolve(row->base, row->reference, "Location", &url, &err);
        if (row->url == NULL && status != LPIPE_PROTOCOL) {
            fail_msg("\"%s\" gave %s", row->reference, url);
        }
        if (row->url != NULL && (status != 0 || strcmp(url, row->url) != 0)) {
            fail_msg("\"%s\" gave %s, wanted %s", row->reference, status == 0 ? url : err.message,
                     row->url);
        }
    }
}

static void test_long_location(void **state)
{
    (void)state;
    AUTO_FREE char *long_one = malloc(40000);
    AUTO_FREE char *url = NULL;
    struct lpipe_error err = { 0 };
    memset(long_one, 'a', 40000);
    long_one[0] = '/';
    long_one[16384] = '\0';
    assert_int_equal(origin_resolve(BASE, long_one, "Location", &url, &err), 0);
    assert_int_equal(strlen(url), strlen("https://r.example") + 16384);
    long_one[16384] = 'a';
    long_one[39999] = '\0';
    AUTO_FREE char *none = NULL;
    assert_int_equal(origin_resolve(BASE, long_one, "Location", &none, &err), LPIPE_PROTOCOL);
    assert_null(none);
}

static void test_address_classes(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        enum address_class is;
    } rows[] = {
        { "registry.example", ADDRESS_NAME },
        { "localhost", ADDRESS_NAME },
        { "a-1", ADDRESS_NAME },
        { "1.example", ADDRESS_NAME },
        { "8.8.8.8", ADDRESS_PUBLIC },
        { "172.15.0.1", ADDRESS_PUBLIC },
        { "172.16.0.1", ADDRESS_PRIVATE },
        { "172.32.0.1", ADDRESS_PUBLIC },
        { "127.255.0.1", ADDRESS_LOOPBACK },
        { "::1", ADDRESS_LOOPBACK },
        { "[::1]", ADDRESS_LOOPBACK },
        { "fd12::1", ADDRESS_PRIVATE },
        { "ff02::1", ADDRESS_SPECIAL },
        { "2606:4700::1", ADDRESS_PUBLIC },
        { "::ffff:10.0.0.1", ADDRESS_PRIVATE },
        { "::", ADDRESS_SPECIAL },
        { "1.2.3", ADDRESS_ODD },
        { "0x10", ADDRESS_ODD },
        { "1.2.3.4.5", ADDRESS_ODD },
        { "fe80::1%eth0", ADDRESS_ODD },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        enum address_class found = address_class_of_host(rows[i].host);
        if (found != rows[i].is) {
            fail_msg("%s: %d, wanted %d", rows[i].host, found, rows[i].is);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_sink_every_bad_url),
        cmocka_unit_test(test_realms),
        cmocka_unit_test(test_locations_of_a_local_registry),
        cmocka_unit_test(test_messages_name_cause_and_cure),
        cmocka_unit_test(test_relative_references),
        cmocka_unit_test(test_long_location),
        cmocka_unit_test(test_address_classes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
