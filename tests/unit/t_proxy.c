/* SPDX-License-Identifier: Apache-2.0 */
/* What NO_PROXY means, and how messages name a proxy. */
#include "support/unit.h"

#include <stdlib.h>

#include "base/macros.h"
#include "http/http_proxy.h"

static void test_exceptions(void **state)
{
    static const struct {
        const char *list;
        const char *host;
        bool has;
        unsigned port; /* 0 = 443 */
    } rows[] = {
        { "registry.example", "registry.example", true },
        { "REGISTRY.example", "registry.EXAMPLE", true },
        { "registry.example.", "registry.example", true },
        { "registry.example", "registry.example.", true },
        { "example", "registry.example", true },
        { ".example", "registry.example", true },
        { ".registry.example", "registry.example", true },
        { "a,b\t,  registry.example ", "registry.example", true },
        { "a b registry.example", "registry.example", true },
        { "*", "registry.example", true },
        { "*", "10.1.2.3", true },
        { "*,a", "registry.example", false },
        { "*.example", "registry.example", true },
        { "*.example", "a.registry.example", true },
        { "*.registry.example", "registry.example", false },
        { "*.example:443", "registry.example", true },
        { "*example", "registry.example", false },
        { "gistry.example", "registry.example", false },
        { "registry", "registry.example", false },
        { "registry.example.org", "registry.example", false },
        { "registry.example:443", "registry.example", true },
        { "registry.example:5000", "registry.example", true, 5000 },
        { "registry.example:443", "registry.example", false, 5000 },
        { "registry.example:", "registry.example", false },
        { "registry.example:x", "registry.example", false },
        { "registry.example:99999", "registry.example", false },
        { "10.1.2.3:5000", "10.1.2.3", true, 5000 },
        { "10.1.2.3:5001", "10.1.2.3", false, 5000 },
        { "[fd12::1]:5000", "fd12::1", true, 5000 },
        { "[fd12::1]:5001", "fd12::1", false, 5000 },
        { "[fd12::1]", "fd12::1", true },
        { "", "registry.example", false },
        { ",. ,", "registry.example", false },
        { "10.1.2.3", "10.1.2.3", true },
        { "10.0.0.0/8", "10.1.2.3", true },
        { "10.1.0.0/15", "10.0.2.3", true },
        { "10.2.0.0/15", "10.1.2.3", false },
        { "10.1.2.3/32", "10.1.2.3", true },
        { "0.0.0.0/0", "10.1.2.3", true },
        { "10.0.0.0/33", "10.1.2.3", false },
        { "10.0.0.0/", "10.1.2.3", false },
        { "10.0.0.0/x", "10.1.2.3", false },
        { "2.3", "10.1.2.3", false },
        { ".1.2.3", "10.1.2.3", false },
        { "10.0.0.0/8", "registry.example", false },
        { "fd00::/8", "fd12::1", true },
        { "fd00::/8", "fe80::1", false },
        { "::1", "0:0:0:0:0:0:0:1", true },
        { "10.0.0.0/8", "fd12::1", false },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (proxy_list_has(rows[i].list, rows[i].host, rows[i].port != 0 ? rows[i].port : 443) !=
            rows[i].has) {
            fail_msg("\"%s\" and %s", rows[i].list, rows[i].host);
        }
    }
}

static void check_proxy(const char *url, const char *wanted)
{
    const char *variable = "none";
    const char *proxy = proxy_of(url, &variable);
    assert_true(proxy == NULL || secure_getenv(variable) == proxy);
    if (wanted == NULL ? proxy != NULL : proxy == NULL || strcmp(proxy, wanted) != 0) {
        fail_msg("%s: %s", url, proxy == NULL ? "none" : proxy);
    }
}

static void test_proxy_of_a_url(void **state)
{
    (void)state;
    setenv("https_proxy", "http://p", 1);
    setenv("http_proxy", "http://q", 1);
    setenv("no_proxy", "10.0.0.0/8,fd00::/8,direct.example", 1);
    check_proxy("https://registry.example/v2/", "http://p");
    check_proxy("HttpS://registry.example/v2/", "http://p");
    check_proxy("http://registry.example:5000", "http://q");
    check_proxy("https://direct.example:5000/v2/", NULL);
    check_proxy("https://10.1.2.3:5000/v2/", NULL);
    check_proxy("https://[fd00::1]:5000/v2/", NULL);
    check_proxy("https://[2001:db8::1]/v2/", "http://p");
    check_proxy("http://localhost:5000/v2/", NULL);
    check_proxy("http://a.localhost/v2/", NULL);
    check_proxy("https://127.9.9.9/v2/", NULL);
    check_proxy("https://[::1]/v2/", NULL);
    unsetenv("https_proxy");
    check_proxy("https://registry.example/v2/", NULL);
    setenv("ALL_PROXY", "http://r", 1);
    check_proxy("https://registry.example/v2/", "http://r");
}

static void test_description(void **state)
{
    static const char *const rows[][2] = {
        { "http://proxy:3128", "proxy:3128" },
        { "http://u:p@proxy:3128/", "proxy:3128" },
        { "u:p@q@proxy", "proxy" },
        { "socks5h://u:p%40@[::1]:9", "[::1]:9" },
    };
    char text[40];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        proxy_describe(rows[i][0], text, sizeof text);
        assert_string_equal(text, rows[i][1]);
    }
    proxy_describe(NULL, text, sizeof text);
    assert_string_equal(text, "");
}

/* What a variable may contain as it is must reach libcurl as a URL. */
static void test_url(void **state)
{
    static const char *const rows[][2] = {
        { "http://proxy:3128", "http://proxy:3128" },
        { "proxy:3128", "proxy:3128" },
        { "http://u:p@ss@proxy:3128/", "http://u:p%40ss@proxy:3128/" },
        { "http://u:p%40ss@proxy", "http://u:p%40ss@proxy" },
        { "http://u:100%@proxy", "http://u:100%25@proxy" },
        { "http://DOMAIN\\u:a/b#c?d:e@proxy", "http://DOMAIN%5Cu:a%2Fb%23c%3Fd%3Ae@proxy" },
        { "u@proxy", "u@proxy" },
        { "http://u:@[::1]:9", "http://u:@[::1]:9" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf url AUTO_BUF = BUF_INIT(4096);
        assert_int_equal(proxy_url(rows[i][0], &url), 0);
        assert_string_equal(url.data, rows[i][1]);
    }
}

static void test_https_proxies(void **state)
{
    (void)state;
    unsetenv("http_proxy");
    unsetenv("https_proxy");
    unsetenv("all_proxy");
    unsetenv("HTTP_PROXY");
    unsetenv("ALL_PROXY");
    setenv("HTTPS_PROXY", "http://proxy:3128", 1);
    assert_false(proxy_has_tls());
    setenv("HTTPS_PROXY", "https://proxy:3128", 1);
    assert_true(proxy_has_tls());
    setenv("HTTPS_PROXY", "", 1);
    setenv("all_proxy", "HTTPS://proxy", 1);
    assert_true(proxy_has_tls());
    unsetenv("HTTPS_PROXY");
    unsetenv("all_proxy");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exceptions),    cmocka_unit_test(test_proxy_of_a_url),
        cmocka_unit_test(test_description),   cmocka_unit_test(test_url),
        cmocka_unit_test(test_https_proxies),
    };
    return cmocka_run_group_tests_name("proxy", tests, NULL, NULL);
}
