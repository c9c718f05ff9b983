/* SPDX-License-Identifier: Apache-2.0 */
/* The client of the library as a capsule, and the call of a function that blocks. */
#ifndef LAYERPIPE_PY_CLIENT_H
#define LAYERPIPE_PY_CLIENT_H

#include "py_base.h"

/* Members are used with the GIL held. */
struct py_client {
    lpipe_client *client; /* NULL when it is closed and nobody uses it */
    lpipe_cancel *cancel; /* of the client and of its layers */
    PyObject *progress;   /* callable, or NULL */
    PyObject *log;        /* callable, or NULL */
    PyObject *failure;    /* exception of a callback, until a call raises it */
    size_t users;         /* calls that run, open layers, open contents */
    bool is_closed;
};

/* The client in a capsule; NULL with an exception, also when it is closed. Borrowed: a caller that
 * needs it later keeps the capsule. */
struct py_client *client_of(PyObject *capsule);

/* Begins and ends a use. With the end of the last one a closed client is freed. */
void client_use(struct py_client *client);
void client_release(struct py_client *client);

/* A function that runs without the GIL. */
typedef int blocking_fn(void *state, struct lpipe_error *err);

/* Runs a function that blocks and returns true if it succeeded; else an exception is set. In the
 * main thread it runs in a helper thread, while the main thread runs the handlers of signals. If
 * one of them raises (KeyboardInterrupt), the client is cancelled and that exception is raised
 * when the function has ended. An exception of a callback comes before the library's own
 * failure; *failure is the one of the caller's callbacks, consumed; failure may be NULL. */
bool blocking_call(struct py_client *client, blocking_fn *run, void *state, PyObject **failure);

#endif
