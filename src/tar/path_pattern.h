/* SPDX-License-Identifier: Apache-2.0 */
/* Compares a path with a pattern, byte by byte, without locale:
 *
 *   ?        one byte except '/'
 *   *        any number of bytes except '/'
 *   **       any number of bytes, also '/'; "**" and '/' at the start of a part of the path are any
 *            number of whole parts, also none
 *   [a-z]    one of these bytes, never '/'; [!a-z] and [^a-z] one of the others
 *   \        the next byte as it is
 *
 * A '[' without ']' and a '\' at the end are ordinary bytes. Slashes at the start and end of the
 * pattern do not count. Pure. */
#ifndef TAR_PATH_PATTERN_H
#define TAR_PATH_PATTERN_H

#include <stdbool.h>

/* path: without '/' at its start and end. */
bool path_pattern_matches(const char *pattern, const char *path);

#endif
