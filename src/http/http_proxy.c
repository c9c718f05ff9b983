/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http_proxy.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/text.h"

static const char *variable(const char *lower, const char *upper)
{
    const char *value = secure_getenv(lower);
    if (value == NULL && upper != NULL) {
        value = secure_getenv(upper);
    }
    return value != NULL && value[0] != '\0' ? value : NULL;
}

const char *proxy_of(const char *url, bool loopback)
{
    if (loopback) {
        return NULL;
    }
    /* A CGI program gets the request's "Proxy:" header as HTTP_PROXY (RFC 3875, 4.1.18). */
    bool cgi = secure_getenv("REQUEST_METHOD") != NULL;
    const char *proxy = text_starts(url, "https:")
                            ? variable("https_proxy", "HTTPS_PROXY")
                            : variable("http_proxy", cgi ? NULL : "HTTP_PROXY");
    return proxy != NULL ? proxy : variable("all_proxy", "ALL_PROXY");
}

const char *proxy_exceptions(void)
{
    const char *hosts = variable("no_proxy", "NO_PROXY");
    return hosts != NULL ? hosts : "";
}
