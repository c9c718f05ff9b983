/* SPDX-License-Identifier: Apache-2.0 */
/* Times in RFC 3339 format, independent of locale and time zone. No I/O; any thread. */
#ifndef OCI_TIME_TEXT_H
#define OCI_TIME_TEXT_H

#include "base/fail.h"

/* Enough for "2026-01-02T03:04:05.123456789+01:00" and its NUL. */
#define TIME_TEXT_SIZE 40

/* Formats seconds since 1970 as "2026-01-02T03:04:05Z". False for a negative number and after the
 * year 9999. */
bool time_format(int64_t seconds, char ret_text[TIME_TEXT_SIZE]);
/* Parses a user's text: an RFC 3339 time, which is copied, or decimal seconds since 1970.
 * INVALID_ARGUMENT. */
MUST_CHECK int time_parse(const char *text, char ret_text[TIME_TEXT_SIZE], struct lpipe_error *err);

#endif
