/* SPDX-License-Identifier: Apache-2.0 */
/* Builds struct lpipe_error values. Every function here tolerates err == NULL and returns the
 * status, so that a failing function ends with `return fail(err, STATUS, "...")`. */
#ifndef BASE_FAIL_H
#define BASE_FAIL_H

#include "base/macros.h"
#include "layerpipe/error.h"

/* Sets status and message, clears the rest. */
int fail(struct lpipe_error *err, int status, const char *format, ...) PRINTF_LIKE(3, 4);

/* The same for a message that says what the user can do ("try ...", "use `spool_dir`"): sets
 * LPIPE_ERROR_ADVICE, so that the command adds no hint to it. */
int fail_with_advice(struct lpipe_error *err, int status, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* As fail(), with an errno value, whose text is appended (": No space left on device"). ENOMEM
 * turns the status into NO_MEMORY; EMFILE, ENFILE and EAGAIN into NO_RESOURCES. */
int fail_errno(struct lpipe_error *err, int status, int sys_errno, const char *format, ...)
    PRINTF_LIKE(4, 5);

int fail_memory(struct lpipe_error *err);

/* Appends what the user can do to an error's message: message + "; " + advice, and sets
 * LPIPE_ERROR_ADVICE. Returns status, also when err is NULL. */
int fail_add_advice(struct lpipe_error *err, int status, const char *advice);

/* Puts context before an error's message: "push layer 3: " + message. Returns status, also when
 * err is NULL. */
int fail_context(struct lpipe_error *err, int status, const char *format, ...) PRINTF_LIKE(3, 4);

/* The same with "kind name: ", unless the message has the name already. kind may be empty. */
int fail_about(struct lpipe_error *err, int status, const char *kind, const char *name);

#endif
