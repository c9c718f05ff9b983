/* SPDX-License-Identifier: Apache-2.0 */
/* The upload defaults of known registries, by host name: the first upload method, the method to try
 * when that one is refused, and chunk sizes. One table; a new registry is a new row. Pure; any thread. */
#ifndef UPLOAD_UPLOAD_DEFAULTS_H
#define UPLOAD_UPLOAD_DEFAULTS_H

#include <stdint.h>

#include "upload/upload_machine.h"

enum upload_last { UPLOAD_LAST_IN_PATCH = 0, UPLOAD_LAST_IN_PUT }; /* how the last chunk is sent */

struct upload_defaults {
    const char *pattern;          /* of the host, without port; '*' is any text */
    enum upload_method start;     /* chunked or streamed */
    enum upload_method fall_back; /* the same as start = no other method is tried */
    uint64_t chunk_bytes;         /* first chunk size */
    uint64_t chunk_bytes_max;
    enum upload_last last;
};

/* The row of a registry, host[:port]; the last row is for all others. */
const struct upload_defaults *upload_defaults_of(const char *registry);

#endif
