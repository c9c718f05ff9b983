/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of registries by their names: where an upload begins, and what is tried when that
 * does not work. Data, not code: a new registry is a row. Pure; any thread. */
#ifndef UPLOAD_UPLOAD_DEFAULTS_H
#define UPLOAD_UPLOAD_DEFAULTS_H

#include <stdint.h>

#include "upload/upload_machine.h"

enum upload_last { UPLOAD_LAST_IN_PATCH = 0, UPLOAD_LAST_IN_PUT }; /* of several chunks */

struct upload_defaults {
    const char *pattern;          /* of the host, without port; '*' is any text */
    enum upload_method start;     /* chunked or streamed */
    enum upload_method fall_back; /* the same as start = there is none */
    uint64_t chunk_bytes;         /* to begin with */
    uint64_t chunk_bytes_max;
    enum upload_last last;
};

/* The row of a registry, host[:port]; the last row is for all others. */
const struct upload_defaults *upload_defaults_of(const char *registry);

#endif
