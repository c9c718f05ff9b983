/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http_proxy.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/address.h"
#include "base/fail.h"
#include "base/text.h"

#define HOST_BYTES 256

static const char *variable(const char *lower, const char *upper)
{
    const char *value = secure_getenv(lower);
    if (value == NULL && upper != NULL) {
        value = secure_getenv(upper);
    }
    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* The host of a URL, without brackets; "" when it is too long. */
static void host_of(const char *url, char host[HOST_BYTES])
{
    const char *start = strstr(url, "://");
    start = start == NULL ? url : start + 3;
    bool bracket = start[0] == '[';
    start += bracket;
    size_t size = strcspn(start, bracket ? "]" : ":/?#");
    size = size < HOST_BYTES ? size : 0;
    memcpy(host, start, size);
    host[size] = '\0';
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
    return size > 0 && size <= host_size && strncasecmp(host + host_size - size, item, size) == 0 &&
           (size == host_size || host[host_size - size - 1] == '.');
}

static bool item_has(const char *item, size_t size, const char *host)
{
    unsigned char address[16];
    size_t host_size = strlen(host);
    int family = inet_pton(AF_INET, host, address) == 1    ? AF_INET
                 : inet_pton(AF_INET6, host, address) == 1 ? AF_INET6
                                                           : AF_UNSPEC;
    host_size -= host_size > 0 && host[host_size - 1] == '.';
    return family == AF_UNSPEC ? has_name(item, size, host, host_size)
                               : has_address(item, size, family, address);
}

bool proxy_list_has(const char *list, const char *host)
{
    static const char separators[] = ", \t";
    if (strcmp(list, "*") == 0) {
        return true;
    }
    for (list += strspn(list, separators); *list != '\0'; list += strspn(list, separators)) {
        size_t size = strcspn(list, separators);
        if (item_has(list, size, host)) {
            return true;
        }
        list += size;
    }
    return false;
}

const char *proxy_of(const char *url)
{
    char host[HOST_BYTES];
    const char *exceptions = variable("no_proxy", "NO_PROXY");
    host_of(url, host);
    if (is_this_machine(host) || (exceptions != NULL && proxy_list_has(exceptions, host))) {
        return NULL;
    }
    /* In a CGI program, HTTP_PROXY is the request's "Proxy:" header (RFC 3875, 4.1.18): not trusted. */
    bool cgi = secure_getenv("REQUEST_METHOD") != NULL;
    const char *proxy = strncasecmp(url, "https:", 6) == 0
                            ? variable("https_proxy", "HTTPS_PROXY")
                            : variable("http_proxy", cgi ? NULL : "HTTP_PROXY");
    return proxy != NULL ? proxy : variable("all_proxy", "ALL_PROXY");
}

void proxy_describe(const char *proxy, char *buf, size_t buf_size)
{
    const char *host = proxy == NULL ? "" : proxy;
    const char *scheme = strstr(host, "://");
    host = scheme == NULL ? host : scheme + 3;
    size_t size = strcspn(host, "/?#");
    const char *user_end = memrchr(host, '@', size);
    size -= user_end == NULL ? 0 : (size_t)(user_end + 1 - host);
    text_printable(buf, buf_size, user_end == NULL ? host : user_end + 1, size);
}
