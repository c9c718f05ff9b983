/* SPDX-License-Identifier: Apache-2.0 */
/* Which proxy the environment names for a URL. libcurl is not asked: what goes to no proxy is held to
 * the rules for addresses, so it has to be known before. */
#ifndef HTTP_HTTP_PROXY_H
#define HTTP_HTTP_PROXY_H

#include <stdbool.h>
#include <stddef.h>

/* Borrowed from the environment; NULL = none. The variables are read in both cases (lower case
 * first); HTTP_PROXY is not where a web server could have set it. This machine is never behind a
 * proxy, nor is what NO_PROXY lists. */
const char *proxy_of(const char *url);

/* Whether a list like that of NO_PROXY names a host (IPv6 without brackets): names with all names
 * below them, with or without a dot before them; addresses; blocks (10.0.0.0/8); "*" alone.
 * Separated by commas and blanks, letter case and a dot at the end do not matter. */
bool proxy_list_has(const char *list, const char *host);

/* "host:port" of a proxy's value in the environment, without its user and password; "" for NULL. */
void proxy_describe(const char *proxy, char *buf, size_t buf_size);

#endif
