/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the proxy that the environment names for a URL. libcurl does not decide this, because the address
 * policy is checked only for direct connections, so it must be known before. */
#ifndef HTTP_HTTP_PROXY_H
#define HTTP_HTTP_PROXY_H

#include <stdbool.h>
#include <stddef.h>

/* Borrowed from the environment; NULL = none. The variables are read in lower case first, then in upper
 * case; HTTP_PROXY is ignored in a CGI program. Loopback addresses and the hosts in NO_PROXY never use
 * a proxy. */
const char *proxy_of(const char *url);

/* Whether a list in the form of NO_PROXY contains a host (IPv6 without brackets). Items are names, which
 * include all names below them, with or without a leading dot; addresses; blocks (10.0.0.0/8); or "*"
 * alone. They are separated by commas and blanks. Letter case and a trailing dot do not matter. */
bool proxy_list_has(const char *list, const char *host);

/* "host:port" of a proxy's value in the environment, without its user and password; "" for NULL. */
void proxy_describe(const char *proxy, char *buf, size_t buf_size);

#endif
