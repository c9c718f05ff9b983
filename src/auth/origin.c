/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/origin.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/limits.h"
#include "base/text.h"

static bool is_url_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~:/?#[]@!$&'()*+,;=%", c) != NULL);
}

static bool is_host_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
}

/* An IPv6 address in brackets, in its canonical form, so that equal addresses compare equal. */
static bool read_bracketed(const char *text, size_t size, struct origin *origin)
{
    char inner[INET6_ADDRSTRLEN + 1];
    struct in6_addr address;
    if (size < 4 || size - 2 >= sizeof inner || text[size - 1] != ']') {
        return false;
    }
    memcpy(inner, text + 1, size - 2);
    inner[size - 2] = '\0';
    origin->ipv6 = true;
    return inet_pton(AF_INET6, inner, &address) == 1 &&
           inet_ntop(AF_INET6, &address, origin->host, sizeof origin->host) != NULL;
}

static bool read_name(const char *text, size_t size, struct origin *origin)
{
    if (size > 1 && text[size - 1] == '.') {
        size--;
    }
    if (size == 0 || size >= sizeof origin->host || text[0] == '.' || text[size - 1] == '.') {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (!is_host_char(text[i]) || (text[i] == '.' && text[i + 1] == '.')) {
            return false;
        }
        bool upper = text[i] >= 'A' && text[i] <= 'Z';
        origin->host[i] = upper ? (char)(text[i] - 'A' + 'a') : text[i];
    }
    origin->host[size] = '\0';
    return true;
}

/* host[:port] of exactly that size. */
static bool read_authority(const char *text, size_t size, bool https, struct origin *ret_origin)
{
    struct origin origin = { .https = https };
    bool bracketed = size > 0 && text[0] == '[';
    const char *close = bracketed ? memchr(text, ']', size) : NULL;
    const char *from = close == NULL ? text : close;
    const char *colon = memchr(from, ':', size - (size_t)(from - text));
    size_t host_size = colon == NULL ? size : (size_t)(colon - text);
    uint64_t port = https ? 443 : 80;
    if (colon != NULL &&
        (!text_to_u64(colon + 1, size - host_size - 1, 65535, &port) || port == 0)) {
        return false;
    }
    if (bracketed ? !read_bracketed(text, host_size, &origin)
                  : !read_name(text, host_size, &origin)) {
        return false;
    }
    origin.port = (uint16_t)port;
    *ret_origin = origin;
    return true;
}

static int fail_url(const char *what, const char *why, struct lpipe_error *err)
{
    return fail(err, LPIPE_PROTOCOL, "%s: %s", what, why);
}

int origin_parse(const char *url, const char *what, struct origin *ret_origin,
                 const char **ret_rest, struct lpipe_error *err)
{
    bool https = text_same_start(url, "https://", 8);
    if (strnlen(url, LOCATION_BYTES_MAX + 1) > LOCATION_BYTES_MAX) {
        return fail_url(what, "longer than any URL may be", err);
    }
    for (const char *c = url; *c != '\0'; c++) {
        if (!is_url_char(*c)) {
            return fail_url(what, "has a character that no URL may have", err);
        }
    }
    if (!https && !text_same_start(url, "http://", 7)) {
        return fail_url(what, "neither an https nor an http URL", err);
    }
    const char *authority = url + (https ? 8 : 7);
    size_t size = strcspn(authority, "/?#");
    if (memchr(authority, '@', size) != NULL) {
        return fail_url(what, "has a user name in it", err);
    }
    if (!read_authority(authority, size, https, ret_origin)) {
        return fail_url(what, "its host or port is malformed", err);
    }
    if (ret_rest != NULL) {
        *ret_rest = authority + size;
    }
    return 0;
}

int origin_parse_host(const char *host, bool https, struct origin *ret_origin,
                      struct lpipe_error *err)
{
    char shown[80];
    if (!read_authority(host, strlen(host), https, ret_origin)) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "\"%s\" is not a host with or without a port",
                    text_printable(shown, sizeof shown, host, strlen(host)));
    }
    return 0;
}

bool origin_same_host(const struct origin *a, const struct origin *b)
{
    return a->ipv6 == b->ipv6 && strcmp(a->host, b->host) == 0;
}

bool origin_same(const struct origin *a, const struct origin *b)
{
    return a->https == b->https && a->port == b->port && origin_same_host(a, b);
}

enum origin_loss origin_loss_of(const struct origin *registry, const struct origin *target)
{
    if (!origin_same_host(registry, target)) {
        return ORIGIN_LOST_NOTHING;
    }
    if (registry->https && !target->https &&
        (target->port == 80 || target->port == registry->port)) {
        return ORIGIN_LOST_HTTPS;
    }
    bool is_default = target->port == (target->https ? 443 : 80);
    return is_default && target->port != registry->port ? ORIGIN_LOST_PORT : ORIGIN_LOST_NOTHING;
}

char *origin_format(const struct origin *origin, char *buf, size_t buf_size)
{
    char port[8] = "";
    if (origin->port != (origin->https ? 443 : 80)) {
        (void)snprintf(port, sizeof port, ":%u", (unsigned)origin->port);
    }
    (void)snprintf(buf, buf_size, "%s://%s%s%s%s", origin->https ? "https" : "http",
                   origin->ipv6 ? "[" : "", origin->host, origin->ipv6 ? "]" : "", port);
    return buf;
}
