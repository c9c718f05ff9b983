/* SPDX-License-Identifier: Apache-2.0 */
/* SOURCE_DATE_EPOCH, as reproducible-builds.org defines it: seconds since 1970. */
#ifndef IMAGE_SOURCE_DATE_H
#define IMAGE_SOURCE_DATE_H

#include "base/fail.h"

/* Leaves *ret_seconds alone where the variable is not set. INVALID_ARGUMENT for what is no time. */
MUST_CHECK int source_date(int64_t *ret_seconds, struct lpipe_error *err);

#endif
