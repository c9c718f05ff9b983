/* SPDX-License-Identifier: Apache-2.0 */
/* What a registry says of how many bytes it has, and what to make of it. Registries report offsets
 * in many forms and some are wrong for ever; our own count is the truth until one of them looks like
 * a genuine loss, and the digest at the end is the judge. Pure; any thread. */
#ifndef UPLOAD_UPLOAD_OFFSET_H
#define UPLOAD_UPLOAD_OFFSET_H

#include <stdbool.h>
#include <stdint.h>

/* Value of a Range header: "0-N", also with "bytes", "bytes=" or "/..." around it; N is the last byte. */
struct upload_range {
    enum { RANGE_NONE = 0, RANGE_EMPTY, RANGE_LAST } kind; /* none: missing or not understood */
    bool has_unit;                                         /* "bytes" before it */
    uint64_t last;
};
struct upload_range upload_range_parse(const char *value);

/* After an accepted PATCH: start bytes were acknowledged before it, size were sent with it. True when
 * it was a short accept for all we can see, so that the registry has to be asked. */
bool upload_range_is_short(const struct upload_range *range, uint64_t start, uint64_t size);

/* After a broken one, from the answer to a status query: how many bytes the session has, or
 * UPLOAD_OFFSET_NONE when it does not tell. */
#define UPLOAD_OFFSET_NONE UINT64_MAX
uint64_t upload_range_offset(const struct upload_range *range, uint64_t start);

#endif
