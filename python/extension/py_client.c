/* SPDX-License-Identifier: Apache-2.0 */
#include "py_client.h"

#include "py_layer.h"
#include "py_options.h"

#define CLIENT_NAME "layerpipe.client"
#define ROW(name, kind, member)                                                                    \
    {                                                                                              \
        name, kind, offsetof(struct lpipe_client_options, member), 0, 0, NULL                      \
    }
#define FLAG_ROW(name, flag)                                                                       \
    {                                                                                              \
        name, OPTION_FLAG, offsetof(struct lpipe_client_options, flags), 0, flag, NULL             \
    }

/* In the order of enum lpipe_upload_mode. */
static const char *const upload_names[] = { "auto", "streamed", "chunked", "monolithic", NULL };

static const struct option_row client_rows[] = {
    FLAG_ROW("anonymous", LPIPE_CLIENT_ANONYMOUS),
    FLAG_ROW("plain_http", LPIPE_CLIENT_PLAIN_HTTP),
    FLAG_ROW("tls_no_verify", LPIPE_CLIENT_TLS_NO_VERIFY),
    FLAG_ROW("https", LPIPE_CLIENT_HTTPS),
    ROW("authfile", OPTION_TEXT, authfile),
    ROW("username", OPTION_TEXT, username),
    ROW("password", OPTION_TEXT, password),
    ROW("cacert", OPTION_TEXT, cacert),
    ROW("cert", OPTION_TEXT, cert),
    ROW("key", OPTION_TEXT, key),
    { "trust_realms", OPTION_TEXTS, offsetof(struct lpipe_client_options, trust_realms),
      offsetof(struct lpipe_client_options, trust_realm_count), 0, NULL },
    ROW("user_agent", OPTION_TEXT, user_agent),
    { "upload", OPTION_CHOICE, offsetof(struct lpipe_client_options, upload), 0, 0, upload_names },
    ROW("chunk_size", OPTION_UINT64, chunk_bytes),
    ROW("spool", OPTION_TEXT, spool_dir),
    ROW("retry", OPTION_INT32, retry_count),
    ROW("jobs", OPTION_UINT32, jobs),
    ROW("limit_rate", OPTION_UINT64, rate_bytes_max),
    { NULL, OPTION_TEXT, 0, 0, 0, NULL },
};

/* Names of the enums of an event; a later library may have more values. */
static const char *const kind_names[] = {
    [LPIPE_EVENT_BLOB_START] = "blob_start", [LPIPE_EVENT_BLOB_PROGRESS] = "blob_progress",
    [LPIPE_EVENT_BLOB_DONE] = "blob_done",   [LPIPE_EVENT_BLOB_FAILED] = "blob_failed",
    [LPIPE_EVENT_MANIFEST] = "manifest",     [LPIPE_EVENT_TAG] = "tag",
    [LPIPE_EVENT_NOTICE] = "notice",         [LPIPE_EVENT_TICK] = "tick",
};
static const char *const phase_names[] = {
    [LPIPE_PHASE_TRANSFER] = "transfer",
    [LPIPE_PHASE_HASH] = "hash",
    [LPIPE_PHASE_WAIT] = "wait",
};

#define NAME_OF(names, value)                                                                      \
    ((size_t)(value) < sizeof(names) / sizeof((names)[0]) ? (names)[(size_t)(value)] : NULL)

struct py_client *client_of(PyObject *capsule)
{
    struct py_client *client = PyCapsule_GetPointer(capsule, CLIENT_NAME);
    if (client != NULL && client->is_closed) {
        PyErr_SetString(PyExc_ValueError, "the client is closed");
        return NULL;
    }
    return client;
}

/* Callbacks of the client may run until the end. */
static void client_end(struct py_client *client)
{
    lpipe_client *ended = client->client;
    client->client = NULL;
    Py_BEGIN_ALLOW_THREADS;
    (void)lpipe_client_free(ended);
    Py_END_ALLOW_THREADS;
}

void client_use(struct py_client *client)
{
    client->users++;
}

void client_release(struct py_client *client)
{
    client->users--;
    if (client->users == 0 && client->is_closed) {
        client_end(client);
    }
}

/* Keeps the exception of a callback for the call that runs, and ends that call. */
static void keep_failure(struct py_client *client)
{
    PyObject *exception = exception_take();
    if (client->failure == NULL) {
        client->failure = exception;
    } else {
        Py_XDECREF(exception);
    }
    lpipe_cancel_trigger(client->cancel);
}

/* Calls a callback with arguments, which are consumed. They are NULL if they could not be made. */
static void callback_run(struct py_client *client, PyObject *callback, PyObject *args)
{
    PyObject *result = args == NULL ? NULL : PyObject_CallObject(callback, args);
    if (result == NULL) {
        keep_failure(client);
    }
    Py_XDECREF(result);
    Py_XDECREF(args);
}

/* In the order of the members of layerpipe.Event. */
static PyObject *event_args(const struct lpipe_event *event)
{
    return Py_BuildValue(
        "(NNNIKKKKKKKNNN)", text_or_none(NAME_OF(kind_names, event->kind)),
        text_or_none(origin_name(event->origin)), text_or_none(NAME_OF(phase_names, event->phase)),
        (unsigned int)event->blob_index, (unsigned long long)event->bytes_in,
        (unsigned long long)event->bytes_out, (unsigned long long)event->bytes_sent,
        (unsigned long long)event->bytes_resent, (unsigned long long)event->bytes_acked,
        (unsigned long long)event->bytes_total, (unsigned long long)event->input_total,
        text_or_none(event->digest), text_or_none(event->text), name_or_none(event->input));
}

/* Runs in threads of the library. */
static void on_event(void *user, const struct lpipe_event *event)
{
    struct py_client *client = user;
    if (python_is_ending()) {
        return;
    }
    PyGILState_STATE state = PyGILState_Ensure();
    if (client->failure == NULL) {
        callback_run(client, client->progress, event_args(event));
    }
    PyGILState_Release(state);
}

static void on_log(void *user, enum lpipe_log_level level, const char *line)
{
    struct py_client *client = user;
    if (python_is_ending()) {
        return;
    }
    PyGILState_STATE state = PyGILState_Ensure();
    if (client->failure == NULL) {
        callback_run(client, client->log, Py_BuildValue("(iN)", (int)level, text_or_none(line)));
    }
    PyGILState_Release(state);
}

static void client_dispose(struct py_client *client)
{
    client_end(client);
    (void)lpipe_cancel_unref(client->cancel);
    Py_CLEAR(client->progress);
    Py_CLEAR(client->log);
    Py_CLEAR(client->failure);
    PyMem_Free(client);
}

static void capsule_dispose(PyObject *capsule)
{
    client_dispose(PyCapsule_GetPointer(capsule, CLIENT_NAME));
}

static bool client_begin(struct py_client *client, PyObject *dict)
{
    struct lpipe_client_options options = LPIPE_CLIENT_OPTIONS_INIT;
    struct lpipe_error err;
    PyObject *keep = PyList_New(0);
    bool good = keep != NULL && options_fill(dict, client_rows, &options, keep);
    if (good) {
        options.observer = (struct lpipe_observer){
            .event = client->progress == NULL ? NULL : on_event,
            .log = client->log == NULL ? NULL : on_log,
            .user = client,
        };
        int status = lpipe_cancel_new(&client->cancel, &err);
        options.cancel = client->cancel;
        if (status == 0) {
            status = lpipe_client_new(&options, &client->client, &err);
        }
        good = status_check(status, &err);
    }
    Py_XDECREF(keep);
    return good;
}

static PyObject *callable_or_null(PyObject *callable)
{
    if (callable == Py_None) {
        return NULL;
    }
    Py_INCREF(callable);
    return callable;
}

static PyObject *client_open(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *dict = NULL, *progress = NULL, *log = NULL;
    if (!PyArg_ParseTuple(args, "O!OO:client_open", &PyDict_Type, &dict, &progress, &log)) {
        return NULL;
    }
    struct py_client *client = PyMem_Calloc(1, sizeof(*client));
    if (client == NULL) {
        return PyErr_NoMemory();
    }
    client->progress = callable_or_null(progress);
    client->log = callable_or_null(log);
    PyObject *capsule =
        client_begin(client, dict) ? PyCapsule_New(client, CLIENT_NAME, capsule_dispose) : NULL;
    if (capsule == NULL) {
        PyObject *exception = exception_take();
        client_dispose(client);
        exception_raise(exception);
    }
    return capsule;
}

static PyObject *client_cancel(PyObject *module, PyObject *capsule)
{
    (void)module;
    struct py_client *client = client_of(capsule);
    if (client == NULL) {
        return NULL;
    }
    lpipe_cancel_trigger(client->cancel);
    Py_RETURN_NONE;
}

static PyObject *client_close(PyObject *module, PyObject *capsule)
{
    (void)module;
    struct py_client *client = PyCapsule_GetPointer(capsule, CLIENT_NAME);
    if (client == NULL) {
        return NULL;
    }
    client_use(client);
    client->is_closed = true;
    client_release(client);
    Py_RETURN_NONE;
}

PyMethodDef client_methods[] = {
    { "client_open", client_open, METH_VARARGS, "Makes a client." },
    { "client_cancel", client_cancel, METH_O, "Cancels all calls of a client. Any thread." },
    { "client_close", client_close, METH_O, "Closes a client when nobody uses it." },
    { NULL, NULL, 0, NULL },
};
