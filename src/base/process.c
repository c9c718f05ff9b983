/* SPDX-License-Identifier: Apache-2.0 */
#include "base/process.h"

#include <unistd.h>

pid_t process_self(void)
{
    return getpid();
}

bool process_is_other(pid_t made_by)
{
    return made_by != getpid();
}

int process_check(pid_t made_by, const char *what, struct lpipe_error *err)
{
    return process_is_other(made_by)
               ? fail(err, LPIPE_INVALID_STATE,
                      "%s was made by another process; a child of fork() must make its own", what)
               : 0;
}
