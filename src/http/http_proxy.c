/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http_proxy.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/fail.h"
#include "base/text.h"

#define HOST_BYTES 256

/* The value of the first variable that is set, or NULL; *ret_name is that variable. */
static const char *variable(const char *lower, const char *upper, const char **ret_name)
{
    const char *value = secure_getenv(lower);
    *ret_name = lower;
    if (value == NULL && upper != NULL) {
        value = secure_getenv(upper);
        *ret_name = upper;
    }
    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* The host of a URL, without brackets ("" when it is too long), and its port. */
static void split_url(const char *url, char host[HOST_BYTES], unsigned *ret_port)
{
    const char *start = strstr(url, "://");
    uint64_t port = text_same_start(url, "https:", 6) ? 443 : 80;
    start = start == NULL ? url : start + 3;
    bool bracket = start[0] == '[';
    start += bracket;
    size_t size = strcspn(start, bracket ? "]" : ":/?#");
    size = size < HOST_BYTES ? size : 0;
    memcpy(host, start, size);
    host[size] = '\0';
    start += size;
    start += bracket && *start == ']';
    if (*start == ':') {
        (void)text_to_u64(start + 1, strspn(start + 1, "0123456789"), UINT16_MAX, &port);
    }
    *ret_port = (unsigned)port;
}

static bool is_this_machine(const char *host)
{
    return address_class_of_host(host) == ADDRESS_LOOPBACK || text_same(host, "localhost") ||
           text_ends(host, ".localhost");
}

/* Compares the first bits of two addresses of one family. */
static bool same_bits(const unsigned char *a, const unsigned char *b, unsigned bits)
{
    unsigned rest = bits % 8;
    unsigned char mask = (unsigned char)(0xff00u >> rest);
    return memcmp(a, b, bits / 8) == 0 && (rest == 0 || ((a[bits / 8] ^ b[bits / 8]) & mask) == 0);
}

/* item is an address, or a block of addresses that contains this one. */
static bool has_address(const char *item, size_t size, int family, const unsigned char *address)
{
    char text[HOST_BYTES];
    unsigned char block[16];
    uint64_t bits_max = family == AF_INET ? 32 : 128;
    uint64_t bits = bits_max;
    const char *slash = memchr(item, '/', size);
    size_t text_size = slash == NULL ? size : (size_t)(slash - item);
    if (text_size >= sizeof text) {
        return false;
    }
    memcpy(text, item, text_size);
    text[text_size] = '\0';
    return (slash == NULL || text_to_u64(slash + 1, size - text_size - 1, bits_max, &bits)) &&
           inet_pton(family, text, block) == 1 && same_bits(block, address, (unsigned)bits);
}

/* item is the host's name, or the name of a domain that it is in. */
static bool has_name(const char *item, size_t size, const char *host, size_t host_size)
{
    while (size > 0 && item[0] == '.') {
        item++;
        size--;
    }
    size -= size > 0 && item[size - 1] == '.';
    return size > 0 && size <= host_size && text_same_start(host + host_size - size, item, size) &&
           (size == host_size || host[host_size - size - 1] == '.');
}

/* Takes ":PORT" off the end of an item, and brackets off an IPv6 address. False when the item
 * has another port than wanted. An IPv6 address without brackets has no port. */
static bool strip_port(const char **item, size_t *size, unsigned wanted)
{
    const char *text = *item;
    const char *colon = memrchr(text, ':', *size);
    bool bracket = *size > 0 && text[0] == '[';
    uint64_t port = wanted;
    if (colon != NULL && (bracket ? colon[-1] == ']' : memchr(text, ':', *size) == colon)) {
        if (!text_to_u64(colon + 1, *size - (size_t)(colon - text) - 1, UINT16_MAX, &port)) {
            return false;
        }
        *size = (size_t)(colon - text);
    }
    if (bracket && *size > 1 && text[*size - 1] == ']') {
        *item += 1;
        *size -= 2;
    }
    return port == wanted;
}

static bool item_has(const char *item, size_t size, const char *host, unsigned port)
{
    /* "*.example.org": all names below it, as ".example.org" */
    bool below = size > 2 && item[0] == '*' && item[1] == '.';
    item += below;
    size -= below;
    if (!strip_port(&item, &size, port)) {
        return false;
    }
    unsigned char address[16];
    size_t host_size = strlen(host);
    int family = inet_pton(AF_INET, host, address) == 1    ? AF_INET
                 : inet_pton(AF_INET6, host, address) == 1 ? AF_INET6
                                                           : AF_UNSPEC;
    host_size -= host_size > 0 && host[host_size - 1] == '.';
    if (below && family == AF_UNSPEC && host_size < size) {
        return false;
    }
    return family == AF_UNSPEC ? has_name(item, size, host, host_size)
                               : has_address(item, size, family, address);
}

bool proxy_list_has(const char *list, const char *host, unsigned port)
{
    static const char separators[] = ", \t";
    if (strcmp(list, "*") == 0) {
        return true;
    }
    for (list += strspn(list, separators); *list != '\0'; list += strspn(list, separators)) {
        size_t size = strcspn(list, separators);
        if (item_has(list, size, host, port)) {
            return true;
        }
        list += size;
    }
    return false;
}

bool proxy_has_tls(void)
{
    static const char *const names[] = { "http_proxy",  "HTTP_PROXY", "https_proxy",
                                         "HTTPS_PROXY", "all_proxy",  "ALL_PROXY" };
    bool found = false;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *value = secure_getenv(names[i]);
        found = found || (value != NULL && text_same_start(value, "https:", 6));
    }
    return found;
}

const char *proxy_of(const char *url, const char **ret_variable)
{
    char host[HOST_BYTES];
    unsigned port = 0;
    const char *exceptions = variable("no_proxy", "NO_PROXY", ret_variable);
    split_url(url, host, &port);
    if (is_this_machine(host) || (exceptions != NULL && proxy_list_has(exceptions, host, port))) {
        return NULL;
    }
    /* In a CGI program, HTTP_PROXY is the request's "Proxy:" header (RFC 3875, 4.1.18): not
     * trusted. */
    bool cgi = secure_getenv("REQUEST_METHOD") != NULL;
    const char *proxy = text_same_start(url, "https:", 6)
                            ? variable("https_proxy", "HTTPS_PROXY", ret_variable)
                            : variable("http_proxy", cgi ? NULL : "HTTP_PROXY", ret_variable);
    return proxy != NULL ? proxy : variable("all_proxy", "ALL_PROXY", ret_variable);
}

/* The end of "user:password@", or the host's start. A password may contain any character, also
 * '@' and '/', so the last '@' counts. */
static const char *host_text(const char *proxy)
{
    const char *scheme = strstr(proxy, "://");
    const char *start = scheme == NULL ? proxy : scheme + 3;
    const char *at = strrchr(start, '@');
    return at == NULL ? start : at + 1;
}

void proxy_describe(const char *proxy, char *buf, size_t buf_size)
{
    const char *host = proxy == NULL ? "" : host_text(proxy);
    text_printable(buf, buf_size, host, strcspn(host, "/?#"));
}

/* Appends one part of the user information, in which every character that has a meaning in a URL is
 * percent-encoded; escapes that are there already are kept. */
static int append_escaped(struct buf *url, const char *text, size_t size)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    static const char hex[] = "0123456789ABCDEFabcdef";
    int status = 0;
    for (size_t i = 0; i < size && status == 0; i++) {
        bool escape = text[i] == '%' && i + 2 < size && strchr(hex, text[i + 1]) != NULL &&
                      strchr(hex, text[i + 2]) != NULL;
        status = escape || strchr(plain, text[i]) != NULL
                     ? buf_append(url, text + i, 1)
                     : buf_printf(url, "%%%02X", (unsigned)(unsigned char)text[i]);
    }
    return status;
}

int proxy_url(const char *proxy, struct buf *url)
{
    const char *scheme = strstr(proxy, "://");
    const char *user = scheme == NULL ? proxy : scheme + 3;
    const char *host = host_text(proxy);
    int status = buf_append(url, proxy, (size_t)(user - proxy));
    if (status == 0 && host != user) {
        size_t size = (size_t)(host - user) - 1;
        const char *colon = memchr(user, ':', size);
        size_t name_size = colon == NULL ? size : (size_t)(colon - user);
        status = append_escaped(url, user, name_size);
        if (status == 0 && colon != NULL) {
            status = buf_append(url, ":", 1);
            status = status == 0 ? append_escaped(url, colon + 1, size - name_size - 1) : status;
        }
        status = status == 0 ? buf_append(url, "@", 1) : status;
    }
    return status == 0 ? buf_append_text(url, host) : status;
}
