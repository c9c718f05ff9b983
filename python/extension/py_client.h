/* SPDX-License-Identifier: Apache-2.0 */
/* The client of the library as a capsule. */
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

#endif
