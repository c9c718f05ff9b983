/* SPDX-License-Identifier: Apache-2.0 */
/* Two URLs, of a registry and of what it names, and a list of trusted token servers: what is read
 * as an origin is what libcurl connects to, and the verdict of the policy is that of the model
 * below, which is written from SECURITY.md and compares texts.
 *
 * Lines: the registry's URL, the reference it gives, the trusted host. The first byte decides
 * whether the registry is at a local address. */
#include <curl/curl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "auth/origin.h"
#include "base/address.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* A part of a URL as libcurl reads it. */
static void curl_part(CURLU *parsed, CURLUPart part, char *buf, size_t buf_size)
{
    char *text = NULL;
    require(curl_url_get(parsed, part, &text, CURLU_DEFAULT_PORT) == CURLUE_OK);
    (void)snprintf(buf, buf_size, "%s", text);
    curl_free(text);
}

/* libcurl reads the same scheme, host and port. It does not normalise an IPv6 address, keeps the
 * dot at the end of a name, and makes an IPv4 address of numbers in odd forms, which the policy
 * never allows. */
static void check_against_curl(const char *url, const struct origin *origin)
{
    char scheme[16];
    char port[16];
    char host[400];
    char wanted[16];
    CURLU *parsed = curl_url();
    require(parsed != NULL && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK);
    curl_part(parsed, CURLUPART_SCHEME, scheme, sizeof scheme);
    curl_part(parsed, CURLUPART_PORT, port, sizeof port);
    curl_part(parsed, CURLUPART_HOST, host, sizeof host);
    (void)snprintf(wanted, sizeof wanted, "%u", (unsigned)origin->port);
    size_t size = strlen(host);
    host[size - (size > 0 && host[size - 1] == '.')] = '\0';
    require(strcasecmp(scheme, origin->https ? "https" : "http") == 0);
    require(strcmp(port, wanted) == 0);
    require(origin->ipv6 ? host[0] == '['
                         : strcasecmp(host, origin->host) == 0 ||
                               address_class_of_host(origin->host) == ADDRESS_ODD);
    curl_url_cleanup(parsed);
}

/* The model of the policy. */

static bool is_pair(const struct origin *registry, const struct origin *realm)
{
    static const char *const pairs[] = {
        "https://index.docker.io https://auth.docker.io",
        "https://registry-1.docker.io https://auth.docker.io",
        "https://docker.io https://auth.docker.io",
        "https://registry.gitlab.com https://gitlab.com",
        "https://registry.digitalocean.com https://api.digitalocean.com",
        "https://docker.elastic.co https://docker-auth.elastic.co",
    };
    char from[ORIGIN_TEXT_BYTES];
    char to[ORIGIN_TEXT_BYTES];
    char text[2 * ORIGIN_TEXT_BYTES];
    (void)snprintf(text, sizeof text, "%s %s", origin_format(registry, from, sizeof from),
                   origin_format(realm, to, sizeof to));
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        if (strcmp(text, pairs[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool same_text(const struct origin *a, const struct origin *b)
{
    char first[ORIGIN_TEXT_BYTES];
    char second[ORIGIN_TEXT_BYTES];
    return strcmp(origin_format(a, first, sizeof first), origin_format(b, second, sizeof second)) ==
           0;
}

/* [REGISTRY=]HOST, each with the default port of its scheme if it names none. */
static bool is_named(const struct origin_rules *rules, const struct origin *target)
{
    const char *entry = rules->trust_realms[0];
    const char *equals = strchr(entry, '=');
    struct origin named;
    if (equals != NULL) {
        AUTO_FREE char *first = mem_strndup(entry, (size_t)(equals - entry));
        if (origin_parse_host(first, rules->registry->https, &named, NULL) != 0 ||
            !same_text(&named, rules->registry)) {
            return false;
        }
        entry = equals + 1;
    }
    return origin_parse_host(entry, target->https, &named, NULL) == 0 && same_text(&named, target);
}

struct wanted {
    bool refused;
    bool trusted;
    enum http_address_policy addresses;
};

static struct wanted model_decide(const struct origin_rules *rules, bool is_realm,
                                  const struct origin *target)
{
    const struct origin *registry = rules->registry;
    bool same_host = registry->ipv6 == target->ipv6 && strcmp(registry->host, target->host) == 0;
    bool same_place = same_host && registry->port == target->port;
    bool named = is_realm && is_named(rules, target);
    enum address_class kind = address_class_of_host(target->host);
    bool local = kind == ADDRESS_LOOPBACK || kind == ADDRESS_PRIVATE;
    bool reachable = kind == ADDRESS_NAME || kind == ADDRESS_PUBLIC ||
                     (local && !is_realm && rules->registry_is_local);
    struct wanted wanted = {
        .trusted = same_text(registry, target) || named ||
                   (is_realm && (is_pair(registry, target) || (same_host && kind == ADDRESS_NAME))),
        .addresses = same_place || named                     ? HTTP_ADDRESS_ANY
                     : rules->registry_is_local && !is_realm ? HTTP_ADDRESS_LOCAL
                                                             : HTTP_ADDRESS_PUBLIC,
    };
    wanted.refused =
        (registry->https && !target->https) || (!wanted.trusted && !same_place && !reachable);
    return wanted;
}

static void check_verdict(const struct origin_rules *rules, enum origin_sink sink,
                          const struct origin *target)
{
    struct origin_verdict verdict = { 0 };
    struct wanted wanted = model_decide(rules, sink == ORIGIN_REALM, target);
    int status = origin_decide(rules, sink, target, &verdict, NULL);
    require((status != 0) == wanted.refused);
    if (status == 0) {
        require((verdict.trust == ORIGIN_TRUSTED) == wanted.trusted);
        require(verdict.addresses == wanted.addresses);
    }
}

static void check_urls(const char *base, const char *reference, const char *trusted, bool is_local)
{
    struct origin registry;
    struct origin target;
    AUTO_FREE char *url = NULL;
    if (origin_parse(base, "", &registry, NULL, NULL) != 0) {
        return;
    }
    check_against_curl(base, &registry);
    if (origin_resolve(base, reference, "", &url, NULL) != 0) {
        return;
    }
    require(origin_parse(url, "", &target, NULL, NULL) == 0);
    check_against_curl(url, &target);
    struct origin_rules rules = { .registry = &registry,
                                  .registry_is_local = is_local,
                                  .trust_realms = &trusted,
                                  .trust_realm_count = 1 };
    check_verdict(&rules, ORIGIN_REALM, &target);
    check_verdict(&rules, ORIGIN_LOCATION, &target);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE char *text = mem_strndup((const char *)data, size);
    char *lines[3] = { text + strlen(text), text + strlen(text), text + strlen(text) };
    if (size == 0 || text[0] == '\0') {
        return 0;
    }
    char *rest = text + 1;
    for (size_t i = 0; i < ARRAY_LEN(lines) && rest != NULL; i++) {
        lines[i] = strsep(&rest, "\n");
    }
    check_urls(lines[0], lines[1], lines[2], (text[0] & 1) != 0);
    return 0;
}
