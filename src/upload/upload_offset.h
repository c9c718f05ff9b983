/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the offset that a registry reports in a Range header: how many bytes the session has.
 * Registries write it in several forms, and some always report a wrong number. So the upload trusts
 * its own count, unless the header shows that bytes are missing. If that is wrong, the commit
 * fails, because the digest does not match. Pure; any thread. */
#ifndef UPLOAD_UPLOAD_OFFSET_H
#define UPLOAD_UPLOAD_OFFSET_H

#include <stdbool.h>
#include <stdint.h>

/* Value of a Range header: "0-N", with or without "bytes" or "bytes=" before it and "/..." after
 * it. N is the number of the last byte. */
struct upload_range {
    enum { RANGE_NONE = 0, RANGE_EMPTY, RANGE_LAST } kind; /* NONE: not understood */
    bool has_unit;                                         /* "bytes" before it */
    uint64_t last;
};
struct upload_range upload_range_parse(const char *value);

/* For the answer to a successful PATCH that sent size bytes after the start bytes acknowledged
 * before. True when the range shows that bytes of this PATCH are missing: the session has to be
 * queried. */
bool upload_range_is_short(const struct upload_range *range, uint64_t start, uint64_t size);

/* For the answer to GET of the session, after start bytes were acknowledged: how many bytes the
 * session has; UPLOAD_OFFSET_NONE when the range does not say. */
#define UPLOAD_OFFSET_NONE UINT64_MAX
uint64_t upload_range_offset(const struct upload_range *range, uint64_t start);

#endif
