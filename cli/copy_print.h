/* SPDX-License-Identifier: Apache-2.0 */
/* The result of the commands copy and index. */
#ifndef CLI_COPY_PRINT_H
#define CLI_COPY_PRINT_H

#include <layerpipe.h>

#include "options.h"

/* Writes the digest file, and prints the reference or a JSON object. what: "copy" or "index".
 * Returns the exit status. */
int copy_print(const struct settings *settings, const lpipe_ref *dest,
               const struct lpipe_copy_result *result, const char *what);

#endif
