/* SPDX-License-Identifier: Apache-2.0 */
/* What the user can try after a failure of the library. The hint depends on the status and flags of
 * the error, never on the words of its message. Pure; any thread. */
#ifndef CLI_FAILURE_HINT_H
#define CLI_FAILURE_HINT_H

#include <layerpipe.h>

#define PUBLISHED_NOTE                                                                             \
    "the manifest was sent before, so a tag may be set (layerpipe inspect shows it)"

/* NULL if the message says it already (LPIPE_ERROR_ADVICE), and for statuses with the exit status
 * 1 or 2. */
const char *failure_hint(const struct lpipe_error *err);

#endif
