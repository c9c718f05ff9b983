/* SPDX-License-Identifier: Apache-2.0 */
/* Where this system keeps its certificate authorities. Debian's libcurl knows its own place. A
 * command that is linked statically runs on every distribution, so it looks into the places that
 * distributions use. Any thread. */
#ifndef HTTP_HTTP_AUTHORITIES_H
#define HTTP_HTTP_AUTHORITIES_H

#include <stdbool.h>

#include "base/fail.h"

/* One of them is a constant path, the other NULL. A directory is one that OpenSSL can search,
 * with a name for the hash of each certificate: only the authority that is needed is read from
 * it. A file has all of them. Both are NULL if libcurl knows a place that exists, or if there is
 * none. Fails only if libcurl cannot be loaded: NO_RESOURCES. */
struct http_authorities {
    const char *directory;
    const char *file;
};
MUST_CHECK int http_authorities_find(struct http_authorities *ret_found, struct lpipe_error *err);

/* No authority is in a place that is known here or to libcurl, so no server can be verified.
 * libcurl is loaded already. */
bool http_authorities_are_missing(void);

/* Looks into the known places below root, without asking libcurl. The paths that it gives are
 * without root. */
struct http_authorities http_authorities_search(const char *root);

#endif
