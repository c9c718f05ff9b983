/* SPDX-License-Identifier: Apache-2.0 */
/* Loads libcurl. It needs more than twenty other libraries, and most runs of a program that writes
 * layouts and archives send no request. So a shared library of ours loads libcurl when it makes its
 * first client; a static one is linked with it (meson option `libcurl`). The other files of this
 * folder call libcurl's functions by their names in both cases. Any thread. */
#ifndef HTTP_HTTP_CURL_LOAD_H
#define HTTP_HTTP_CURL_LOAD_H

#include "base/fail.h"

/* Must have succeeded before a function of libcurl is called. What is loaded stays loaded. After a
 * failure the next call tries again. 0 or NO_RESOURCES. */
MUST_CHECK int curl_load(struct lpipe_error *err);

#endif
