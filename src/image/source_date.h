/* SPDX-License-Identifier: Apache-2.0 */
/* The environment variable SOURCE_DATE_EPOCH (reproducible-builds.org): seconds since 1970. */
#ifndef IMAGE_SOURCE_DATE_H
#define IMAGE_SOURCE_DATE_H

#include "base/fail.h"

/* *ret_seconds is untouched when the variable is not set. INVALID_ARGUMENT when it is not a
 * time. */
MUST_CHECK int source_date_read(int64_t *ret_seconds, struct lpipe_error *err);

#endif
