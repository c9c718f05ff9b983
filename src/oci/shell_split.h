/* SPDX-License-Identifier: Apache-2.0 */
/* Splitting a command line into words as a shell would, without expanding anything. Pure. */
#ifndef OCI_SHELL_SPLIT_H
#define OCI_SHELL_SPLIT_H

#include "base/fail.h"

struct json_t;

/* Words are separated by blanks; '...', "..." and backslash quote. The result is a new array of
 * texts. INVALID_ARGUMENT for a quote that does not end; what begins the message. */
MUST_CHECK int shell_split(const char *text, const char *what, struct json_t **ret_array,
                           struct lpipe_error *err);

#endif
