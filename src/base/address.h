/* SPDX-License-Identifier: Apache-2.0 */
/* What kind of network an IP address belongs to. Pure; any thread. */
#ifndef BASE_ADDRESS_H
#define BASE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr;

enum address_class {
    ADDRESS_NAME = 0, /* not an address literal: a host name */
    ADDRESS_PUBLIC,
    ADDRESS_LOOPBACK,
    ADDRESS_PRIVATE, /* RFC 1918, carrier-grade NAT, unique local */
    ADDRESS_SPECIAL, /* link-local (cloud metadata too), unspecified, multicast, reserved */
    /* Neither an address nor a name: ends in a number but is not a dotted quad ("127.1",
     * "0x7f000001"), or has a colon but is not an IPv6 address. */
    ADDRESS_ODD
};

/* For a host of a URL: name, dotted quad, IPv6 with or without brackets. IPv4 inside IPv6 (mapped,
 * compatible, NAT64, 6to4) counts as the IPv4 address. */
enum address_class address_class_of_host(const char *host);
/* An address that a connection is about to be made to. ADDRESS_SPECIAL for an unknown family. */
enum address_class address_class_of(const struct sockaddr *address);

#endif
