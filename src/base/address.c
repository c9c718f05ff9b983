/* SPDX-License-Identifier: Apache-2.0 */
#include "base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/macros.h"

static enum address_class class_of_ipv4(uint32_t address)
{
    static const struct {
        uint32_t net;
        uint32_t mask;
        enum address_class class;
    } ranges[] = {
        { 0x7f000000, 0xff000000, ADDRESS_LOOPBACK }, /* 127/8 */
        { 0x0a000000, 0xff000000, ADDRESS_PRIVATE },  /* 10/8 */
        { 0xac100000, 0xfff00000, ADDRESS_PRIVATE },  /* 172.16/12 */
        { 0xc0a80000, 0xffff0000, ADDRESS_PRIVATE },  /* 192.168/16 */
        { 0x64400000, 0xffc00000, ADDRESS_PRIVATE },  /* 100.64/10 */
        { 0x00000000, 0xff000000, ADDRESS_SPECIAL },  /* 0/8 */
        { 0xa9fe0000, 0xffff0000, ADDRESS_SPECIAL },  /* 169.254/16 */
        { 0xc0000000, 0xffffff00, ADDRESS_SPECIAL },  /* 192.0.0/24 */
        { 0xe0000000, 0xe0000000, ADDRESS_SPECIAL },  /* 224/4 and 240/4 */
    };
    for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
        if ((address & ranges[i].mask) == ranges[i].net) {
            return ranges[i].class;
        }
    }
    return ADDRESS_PUBLIC;
}

static uint32_t ipv4_at(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* True for an IPv6 address that contains an IPv4 address. */
static bool ipv4_inside(const unsigned char *b, uint32_t *ret_address)
{
    static const unsigned char zero[12] = { 0 };
    static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
    static const unsigned char nat64[12] = { 0, 0x64, 0xff, 0x9b };
    if (memcmp(b, mapped, 12) == 0 || memcmp(b, nat64, 12) == 0 ||
        (memcmp(b, zero, 12) == 0 && ipv4_at(b + 12) > 1)) {
        *ret_address = ipv4_at(b + 12);
        return true;
    }
    if (b[0] == 0x20 && b[1] == 0x02) { /* 6to4 */
        *ret_address = ipv4_at(b + 2);
        return true;
    }
    return false;
}

static enum address_class class_of_ipv6(const struct in6_addr *address)
{
    const unsigned char *b = address->s6_addr;
    uint32_t inner = 0;
    if (IN6_IS_ADDR_LOOPBACK(address)) {
        return ADDRESS_LOOPBACK;
    }
    if (IN6_IS_ADDR_UNSPECIFIED(address)) {
        return ADDRESS_SPECIAL;
    }
    if (ipv4_inside(b, &inner)) {
        return class_of_ipv4(inner);
    }
    if ((b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0xc0) == 0xc0)) {
        return ADDRESS_PRIVATE; /* unique local, and the old site-local */
    }
    return (b[0] & 0xe0) == 0x20 ? ADDRESS_PUBLIC : ADDRESS_SPECIAL; /* 2000::/3 */
}

/* The last label is a number, decimal or hex: a resolver may read the whole name as an address. */
static bool ends_in_number(const char *host)
{
    size_t size = strlen(host);
    while (size > 0 && host[size - 1] == '.') {
        size--;
    }
    size_t start = size;
    while (start > 0 && host[start - 1] != '.') {
        start--;
    }
    const char *label = host + start;
    size_t length = size - start;
    if (length == 0) {
        return false;
    }
    if (length >= 2 && label[0] == '0' && (label[1] == 'x' || label[1] == 'X')) {
        return strspn(label + 2, "0123456789abcdefABCDEF") >= length - 2;
    }
    return strspn(label, "0123456789") >= length;
}

enum address_class address_class_of_host(const char *host)
{
    char text[INET6_ADDRSTRLEN + 1];
    size_t size = strlen(host);
    struct in_addr ipv4;
    struct in6_addr ipv6;
    if (size >= 2 && host[0] == '[' && host[size - 1] == ']') {
        host++;
        size -= 2;
    }
    if (size < sizeof text) {
        memcpy(text, host, size);
        text[size] = '\0';
        if (inet_pton(AF_INET, text, &ipv4) == 1) {
            return class_of_ipv4(ntohl(ipv4.s_addr));
        }
        if (inet_pton(AF_INET6, text, &ipv6) == 1) {
            return class_of_ipv6(&ipv6);
        }
    }
    if (memchr(host, ':', size) != NULL) {
        return ADDRESS_ODD;
    }
    return ends_in_number(host) ? ADDRESS_ODD : ADDRESS_NAME;
}

enum address_class address_class_of(const struct sockaddr *address)
{
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
    switch (address->sa_family) {
    case AF_INET:
        memcpy(&ipv4, address, sizeof ipv4);
        return class_of_ipv4(ntohl(ipv4.sin_addr.s_addr));
    case AF_INET6:
        memcpy(&ipv6, address, sizeof ipv6);
        return class_of_ipv6(&ipv6.sin6_addr);
    default:
        return ADDRESS_SPECIAL;
    }
}
