/* SPDX-License-Identifier: Apache-2.0 */
/* Times in RFC 3339. Pure. */
#ifndef OCI_TIME_TEXT_H
#define OCI_TIME_TEXT_H

#include "base/fail.h"

/* "2026-01-02T03:04:05.123456789+01:00" and its NUL. */
#define TIME_TEXT_SIZE 40

/* "2026-01-02T03:04:05Z" of seconds since 1970; false before that and past the year 9999. */
bool time_format(int64_t seconds, char ret_text[TIME_TEXT_SIZE]);
/* User text (an RFC 3339 time, kept as it is, or decimal seconds) as a time. INVALID_ARGUMENT. */
MUST_CHECK int time_parse(const char *text, char ret_text[TIME_TEXT_SIZE], struct lpipe_error *err);

#endif
