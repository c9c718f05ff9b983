/* SPDX-License-Identifier: Apache-2.0 */
/* The origin policy: one function. SECURITY.md has the reasons. */
#include <stdio.h>
#include <string.h>

#include "auth/origin.h"
#include "base/address.h"

/* Token servers whose host name differs from their registry's. Both are run by the same company,
 * which documents the pair. All use https on port 443. */
static const struct {
    const char *registry;
    const char *realm;
} KNOWN_REALMS[] = {
    { "index.docker.io", "auth.docker.io" },
    { "registry-1.docker.io", "auth.docker.io" },
    { "docker.io", "auth.docker.io" },
    { "registry.gitlab.com", "gitlab.com" },
    { "registry.digitalocean.com", "api.digitalocean.com" },
    { "docker.elastic.co", "docker-auth.elastic.co" },
};

static bool is_known_realm(const struct origin *registry, const struct origin *realm)
{
    for (size_t i = 0; i < sizeof KNOWN_REALMS / sizeof KNOWN_REALMS[0]; i++) {
        if (registry->https && registry->port == 443 && realm->https && realm->port == 443 &&
            strcmp(registry->host, KNOWN_REALMS[i].registry) == 0 &&
            strcmp(realm->host, KNOWN_REALMS[i].realm) == 0) {
            return true;
        }
    }
    return false;
}

/* Takes "REGISTRY=" from the start of an entry of the user's list, if it has that. False if the
 * entry is for another registry. */
static bool take_registry(const struct origin_rules *rules, const char **entry)
{
    const char *equals = strchr(*entry, '=');
    char name[ORIGIN_TEXT_BYTES];
    struct origin registry;
    if (equals == NULL) {
        return true;
    }
    if ((size_t)(equals - *entry) >= sizeof name) {
        return false;
    }
    (void)snprintf(name, sizeof name, "%.*s", (int)(equals - *entry), *entry);
    *entry = equals + 1;
    return origin_parse_host(name, rules->registry->https, &registry, NULL) == 0 &&
           origin_same(&registry, rules->registry);
}

/* In the user's list, a host without a port means the scheme's default port. */
static bool is_named_by_user(const struct origin_rules *rules, const struct origin *target)
{
    for (size_t i = 0; i < rules->trust_realm_count; i++) {
        struct origin named;
        const char *host = rules->trust_realms[i];
        if (take_registry(rules, &host) &&
            origin_parse_host(host, target->https, &named, NULL) == 0 &&
            origin_same(&named, target)) {
            return true;
        }
    }
    return false;
}

static bool same_host_and_port(const struct origin *a, const struct origin *b)
{
    return a->port == b->port && origin_same_host(a, b);
}

/* An http URL from an https registry. If it is on the registry's own host, the message names the
 * usual cause. */
static int fail_downgrade(const struct origin_rules *rules, enum origin_sink sink,
                          const struct origin *target, struct lpipe_error *err)
{
    char text[ORIGIN_TEXT_BYTES];
    const char *what = sink == ORIGIN_REALM ? "a token server" : "an address";
    origin_format(target, text, sizeof text);
    if (origin_same_host(rules->registry, target)) {
        return fail_with_advice(
            err, LPIPE_REFUSED,
            "the registry uses https but named %s on %s; the proxy in front of it probably "
            "does not set X-Forwarded-Proto",
            what, text);
    }
    return fail(err, LPIPE_REFUSED, "the registry uses https but named %s on %s", what, text);
}

static int fail_address(enum origin_sink sink, const struct origin *target, struct lpipe_error *err)
{
    char text[ORIGIN_TEXT_BYTES];
    origin_format(target, text, sizeof text);
    return sink == ORIGIN_REALM
               ? fail_with_advice(
                     err, LPIPE_AUTH_REQUIRED,
                     "the token server %s is at an address of a private or local network; if you "
                     "trust it, allow it with `trust_realms` %s",
                     text, strstr(text, "://") + 3)
               : fail(err, LPIPE_REFUSED,
                      "the registry named %s, an address of a private or local network", text);
}

/* For a host that is an address, not a name: public ones are allowed; for a Location also local
 * ones when the registry itself has a local address. */
static bool is_address_allowed(const struct origin_rules *rules, enum origin_sink sink,
                               const struct origin *target)
{
    switch (address_class_of_host(target->host)) {
    case ADDRESS_NAME:
    case ADDRESS_PUBLIC:
        return true;
    case ADDRESS_LOOPBACK:
    case ADDRESS_PRIVATE:
        return sink == ORIGIN_LOCATION && rules->registry_is_local;
    case ADDRESS_SPECIAL:
    case ADDRESS_ODD:
    default:
        return false;
    }
}

static bool is_trusted(const struct origin_rules *rules, enum origin_sink sink,
                       const struct origin *target)
{
    if (origin_same(rules->registry, target)) {
        return true;
    }
    return sink == ORIGIN_REALM &&
           (is_named_by_user(rules, target) || is_known_realm(rules->registry, target) ||
            (origin_same_host(rules->registry, target) &&
             address_class_of_host(target->host) == ADDRESS_NAME));
}

/* Which addresses the connection may have. A name that the registry gave must not lead to an
 * address that would be refused if the registry had given the address itself. */
static enum http_address_policy addresses_of(const struct origin_rules *rules,
                                             enum origin_sink sink, bool named)
{
    if (named) {
        return HTTP_ADDRESS_ANY;
    }
    return rules->registry_is_local && sink == ORIGIN_LOCATION ? HTTP_ADDRESS_LOCAL
                                                               : HTTP_ADDRESS_PUBLIC;
}

int origin_decide(const struct origin_rules *rules, enum origin_sink sink,
                  const struct origin *target, struct origin_verdict *ret_verdict,
                  struct lpipe_error *err)
{
    bool trusted = is_trusted(rules, sink, target);
    /* Never from https to http; not even for a token server that the user named. */
    if (rules->registry->https && !target->https) {
        return fail_downgrade(rules, sink, target, err);
    }
    if (!trusted && !same_host_and_port(rules->registry, target) &&
        !is_address_allowed(rules, sink, target)) {
        return fail_address(sink, target, err);
    }
    bool named = same_host_and_port(rules->registry, target) ||
                 (sink == ORIGIN_REALM && is_named_by_user(rules, target));
    *ret_verdict = (struct origin_verdict){
        .trust = trusted ? ORIGIN_TRUSTED : ORIGIN_ANONYMOUS,
        .addresses = addresses_of(rules, sink, named),
    };
    return 0;
}
