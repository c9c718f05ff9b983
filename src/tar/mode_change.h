/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of permission bits as chmod(1) writes them: "755", or "u+rwX,go-w". The results are those
 * of GNU chmod with umask 0: a change without u, g, o or a is for all, and setuid and setgid of a
 * directory change only when they are named. Pure. */
#ifndef TAR_MODE_CHANGE_H
#define TAR_MODE_CHANGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/fail.h"
#include "base/limits.h"

struct mode_step {
    char operator;       /* '+', '-' or '=' */
    unsigned affected;   /* bits that the step may change */
    unsigned value;      /* bits that are named */
    unsigned mentioned;  /* of a directory's setuid and setgid, those that may change */
    unsigned copied;     /* the bits of u, g or o are taken: its mask; else 0 */
    bool execute_if_any; /* X */
};

struct mode_change {
    struct mode_step steps[MODE_STEPS_MAX];
    size_t count; /* 0 = nothing changes */
};

/* INVALID_ARGUMENT with a message about the text. */
MUST_CHECK int mode_change_parse(const char *text, struct mode_change *ret_change,
                                 struct lpipe_error *err);
unsigned mode_change_apply(const struct mode_change *change, unsigned mode, bool is_directory);

#endif
