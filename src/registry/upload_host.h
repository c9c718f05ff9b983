/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of registries by their names: where an upload begins, and what is tried when that
 * does not work. Data, not code: a new registry is a row. Pure; any thread. */
#ifndef REGISTRY_UPLOAD_HOST_H
#define REGISTRY_UPLOAD_HOST_H

#include <stdint.h>

#include "registry/upload_machine.h"

enum upload_last { UPLOAD_LAST_IN_PATCH = 0, UPLOAD_LAST_IN_PUT }; /* of several chunks */

struct upload_host {
    const char *pattern;       /* of the host, without port; '*' is any text */
    enum upload_way start;     /* chunked or streamed */
    enum upload_way fall_back; /* the same as start = there is none */
    uint64_t chunk_bytes;      /* to begin with */
    uint64_t chunk_bytes_max;
    enum upload_last last;
};

/* The row of a registry, host[:port]; the last row is for all others. */
const struct upload_host *upload_host_of(const char *registry);

#endif
