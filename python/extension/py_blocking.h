/* SPDX-License-Identifier: Apache-2.0 */
/* The call of a function of the library that blocks. */
#ifndef LAYERPIPE_PY_BLOCKING_H
#define LAYERPIPE_PY_BLOCKING_H

#include "py_client.h"

/* A function that runs without the GIL. */
typedef int blocking_fn(void *state, struct lpipe_error *err);

/* Runs a function that blocks and returns true if it succeeded; else an exception is set. In the
 * main thread it runs in a helper thread, while the main thread runs the handlers of signals. If
 * one of them raises (KeyboardInterrupt), the client is cancelled and that exception is raised
 * when the function has ended. An exception of a callback comes before the library's own
 * failure; *failure is the one of the caller's callbacks, consumed; failure may be NULL. */
bool blocking_call(struct py_client *client, blocking_fn *run, void *state, PyObject **failure);

#endif
