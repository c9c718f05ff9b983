/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the offset that a registry reports for an upload session. Registries report offsets in many
 * forms, and some report wrong ones. So our own count is trusted unless the Range header shows that
 * bytes are missing; the digest at the end finds any error that is left. Pure; any thread. */
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

/* After an accepted PATCH: start bytes were acknowledged before it, and it sent size bytes. True when
 * the registry seems to have taken fewer, so its offset has to be queried. */
bool upload_range_is_short(const struct upload_range *range, uint64_t start, uint64_t size);

/* From the answer to an offset query: how many bytes the session has, or UPLOAD_OFFSET_NONE when the
 * answer does not say. */
#define UPLOAD_OFFSET_NONE UINT64_MAX
uint64_t upload_range_offset(const struct upload_range *range, uint64_t start);

#endif
