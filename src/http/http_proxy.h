/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the proxy that the environment names for a URL. libcurl does not decide this, because
 * the address policy is checked only for direct connections, so it must be known before. */
#ifndef HTTP_HTTP_PROXY_H
#define HTTP_HTTP_PROXY_H

#include <stdbool.h>

#include "base/buf.h"

/* Borrowed from the environment; NULL = none. The variables are read in lower case first, then
 * in upper case; HTTP_PROXY is ignored in a CGI program. Loopback addresses and the hosts in
 * NO_PROXY never use a proxy. *ret_variable: the variable that named it; set only with a proxy. */
const char *proxy_of(const char *url, const char **ret_variable);

/* Whether a variable names an https proxy, for any URL. */
bool proxy_has_tls(void);

/* Whether a list in the form of NO_PROXY contains a host (IPv6 without brackets) and port. Items
 * are names, which include all names below them, with or without a leading dot; "*.name", which
 * includes only the names below it; addresses; blocks (10.0.0.0/8); each with or without
 * ":PORT"; or "*" alone. They are separated by commas and blanks. Letter case and a trailing dot
 * do not matter. */
bool proxy_list_has(const char *list, const char *host, unsigned port);

/* "host:port" of a proxy's value in the environment, without its user and password; "" for NULL. */
void proxy_describe(const char *proxy, char *buf, size_t buf_size);

/* Appends the proxy's URL for libcurl. Special characters in its user name and password, which
 * the variable may contain as they are, become escapes. The buffer has a password then: wipe it.
 * 0, NO_MEMORY, TOO_LARGE. */
MUST_CHECK int proxy_url(const char *proxy, struct buf *url);

#endif
