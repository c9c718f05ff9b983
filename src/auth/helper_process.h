/* SPDX-License-Identifier: Apache-2.0 */
/* Runs one helper program with an input, collects its output, and ends it at a deadline. No
 * process and no descriptor is left afterwards. Any thread; the handling of SIGCHLD and SIGPIPE
 * is not changed. */
#ifndef AUTH_HELPER_PROCESS_H
#define AUTH_HELPER_PROCESS_H

#include "base/buf.h"
#include "layerpipe/observe.h"

/* Runs the program (absolute path) with one argument. output's maximum is the cap on what it may
 * write; *ret_exit is its exit status, 128 + n when signal n killed it. AUTH_REQUIRED for a program
 * that cannot be run, writes too much or does not end; CANCELLED, NO_MEMORY, NO_RESOURCES. */
MUST_CHECK int helper_process_run(const char *path, const char *action, const struct buf *input,
                                  uint64_t deadline_ms, lpipe_cancel *cancel, struct buf *output,
                                  int *ret_exit, struct lpipe_error *err);

#endif
