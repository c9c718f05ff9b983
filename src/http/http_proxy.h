/* SPDX-License-Identifier: Apache-2.0 */
/* Which proxy the environment names for a URL. */
#ifndef HTTP_HTTP_PROXY_H
#define HTTP_HTTP_PROXY_H

#include <stdbool.h>

/* Borrowed from the environment; NULL = none. The variables are read in both cases (lower case
 * first); HTTP_PROXY is not where a web server could have set it. Loopback never goes to a proxy. */
const char *proxy_of(const char *url, bool loopback);
/* The hosts that need no proxy, as libcurl takes them; "" = none. */
const char *proxy_exceptions(void);

#endif
