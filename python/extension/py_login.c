/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that store and remove credentials of a registry. */
#include "py_blocking.h"

struct login {
    struct py_client *client;
    const char *registry;
    const char *username;
    const char *password;
    char realm[LPIPE_REALM_BYTES];
};

static bool login_call(struct login *login, PyObject *capsule, blocking_fn *run)
{
    login->client = client_of(capsule);
    return login->client != NULL && blocking_call(login->client, run, login, NULL);
}

static int run_login(void *state, struct lpipe_error *err)
{
    struct login *login = state;
    return lpipe_login(login->client->client, login->registry, login->username, login->password,
                       err);
}

static PyObject *client_login(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *capsule = NULL;
    struct login login = { 0 };
    if (!PyArg_ParseTuple(args, "Osss:client_login", &capsule, &login.registry, &login.username,
                          &login.password)) {
        return NULL;
    }
    if (!login_call(&login, capsule, run_login)) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static int run_logout(void *state, struct lpipe_error *err)
{
    struct login *login = state;
    return lpipe_logout(login->client->client, login->registry, err);
}

static PyObject *client_logout(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *capsule = NULL;
    struct login login = { 0 };
    if (!PyArg_ParseTuple(args, "Os:client_logout", &capsule, &login.registry)) {
        return NULL;
    }
    if (!login_call(&login, capsule, run_logout)) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static int run_login_realm(void *state, struct lpipe_error *err)
{
    struct login *login = state;
    return lpipe_login_realm(login->client->client, login->registry, login->realm, err);
}

static PyObject *client_login_realm(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *capsule = NULL;
    struct login login = { 0 };
    if (!PyArg_ParseTuple(args, "Os:client_login_realm", &capsule, &login.registry)) {
        return NULL;
    }
    if (!login_call(&login, capsule, run_login_realm)) {
        return NULL;
    }
    return text_or_none(login.realm);
}

PyMethodDef login_methods[] = {
    { "client_login", client_login, METH_VARARGS, "Checks and stores credentials." },
    { "client_login_realm", client_login_realm, METH_VARARGS,
      "Finds the registry's token server." },
    { "client_logout", client_logout, METH_VARARGS, "Removes stored credentials." },
    { NULL, NULL, 0, NULL },
};
