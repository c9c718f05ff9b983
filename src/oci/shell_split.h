/* SPDX-License-Identifier: Apache-2.0 */
/* Splits a command line into words as a shell does, but expands nothing. No I/O; any thread. */
#ifndef OCI_SHELL_SPLIT_H
#define OCI_SHELL_SPLIT_H

#include "base/fail.h"

struct json_t;

/* Words are separated by blanks; '...', "..." and backslash quote (POSIX Shell Command Language,
 * 2.2). The result is a new array of texts, owned by the caller. INVALID_ARGUMENT when a quote does
 * not end or nothing follows a backslash; the message starts with what. */
MUST_CHECK int shell_split(const char *text, const char *what, struct json_t **ret_array,
                           struct lpipe_error *err);

#endif
