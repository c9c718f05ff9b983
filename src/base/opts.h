/* SPDX-License-Identifier: Apache-2.0 */
/* Copies option structs of callers, by one rule for all of them: programs that were built with
 * an older or newer header work as they expect, or get a clear error. Any thread. */
#ifndef BASE_OPTS_H
#define BASE_OPTS_H

#include "base/fail.h"

/* Copies options (whose first member is its size) into a zeroed private struct of known_size bytes:
 * the smaller of both sizes. NULL gives all defaults. INVALID_ARGUMENT "built for a newer
 * liblayerpipe" when the caller's struct is larger and its tail is not zero, or when its size is
 * smaller than the size member itself. what names the struct. */
MUST_CHECK int opts_take(const void *options, void *ret_known, size_t known_size, const char *what,
                         struct lpipe_error *err);

/* INVALID_ARGUMENT when bits outside of known are set. */
MUST_CHECK int opts_check_flags(uint32_t flags, uint32_t known, const char *what,
                                struct lpipe_error *err);

#endif
