/* SPDX-License-Identifier: Apache-2.0 */
/* Objects with threads, and fork(): a child has the object's memory but none of its threads, and
 * its mutexes as they happened to be. Such an object remembers the process that made it. Any
 * thread. */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include <sys/types.h>

#include "base/fail.h"

pid_t process_self(void);
bool process_is_other(pid_t made_by);
/* 0, or INVALID_STATE when this process is not the one that made the object. what: "the client". */
MUST_CHECK int process_check(pid_t made_by, const char *what, struct lpipe_error *err);

#endif
