/* SPDX-License-Identifier: Apache-2.0 */
/* The defaults of an upload for each known registry: upload methods and chunk sizes. The table in
 * upload_defaults.c is the only place that has them; a new registry is a new row. Pure; any
 * thread. */
#ifndef UPLOAD_UPLOAD_DEFAULTS_H
#define UPLOAD_UPLOAD_DEFAULTS_H

#include <stdint.h>

#include "upload/upload_machine.h"

enum upload_last_chunk { UPLOAD_LAST_IN_PATCH = 0, UPLOAD_LAST_IN_PUT };

struct upload_defaults {
    const char *pattern;         /* of the host without its port; '*' matches any text */
    enum upload_method start;    /* the first method: chunked or streamed */
    enum upload_method fallback; /* tried when start is refused; the same as start = none */
    uint64_t chunk_bytes;        /* without --chunk-size */
    uint64_t chunk_bytes_max;    /* also with --chunk-size */
    enum upload_last_chunk last; /* where the last of several chunks goes */
};

/* registry is host[:port]. The last row of the table is for all registries without a row. */
const struct upload_defaults *upload_defaults_for(const char *registry);

#endif
