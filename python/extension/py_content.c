/* SPDX-License-Identifier: Apache-2.0 */
/* Content of an image that is read back, and what an image is. */
#include <stdlib.h>

#include "py_blocking.h"
#include "py_options.h"
#include "py_reference.h"

#define CONTENT_NAME "layerpipe.content"
#define ROW(name, kind, member)                                                                    \
    {                                                                                              \
        name, kind, offsetof(struct lpipe_content_options, member), 0, 0, NULL                     \
    }

static const struct option_row content_rows[] = {
    { "blob", OPTION_FLAG, offsetof(struct lpipe_content_options, flags), 0, LPIPE_CONTENT_BLOB,
      NULL },
    ROW("platform", OPTION_TEXT, platform),
    ROW("layer", OPTION_TEXT, layer),
    ROW("compress", OPTION_TEXT, compress),
    ROW("threads", OPTION_INT32, threads),
    { NULL, OPTION_TEXT, 0, 0, 0, NULL },
};

struct content {
    PyObject *client_capsule;
    struct py_client *client;
    lpipe_content *content; /* NULL after content_close() */
    bool in_use;            /* a call runs without the GIL */
};

static void content_end(struct content *content)
{
    Py_BEGIN_ALLOW_THREADS;
    content->content = lpipe_content_close(content->content);
    Py_END_ALLOW_THREADS;
    if (content->client != NULL) {
        client_release(content->client);
        content->client = NULL;
    }
}

static void content_dispose(struct content *content)
{
    content_end(content);
    Py_XDECREF(content->client_capsule);
    PyMem_Free(content);
}

static void capsule_dispose(PyObject *capsule)
{
    content_dispose(PyCapsule_GetPointer(capsule, CONTENT_NAME));
}

struct open_state {
    struct content *content;
    lpipe_ref *ref;
    struct lpipe_content_options options;
};

static int run_open(void *state, struct lpipe_error *err)
{
    struct open_state *open = state;
    return lpipe_content_open(open->content->client->client, open->ref, &open->options,
                              &open->content->content, err);
}

static bool content_begin(struct content *content, PyObject *reference, PyObject *dict)
{
    struct open_state open = { .content = content, .options = LPIPE_CONTENT_OPTIONS_INIT };
    PyObject *keep = PyList_New(0);
    bool good = keep != NULL && options_fill(dict, content_rows, &open.options, keep);
    if (good) {
        open.ref = reference_of(reference, 0);
        good = open.ref != NULL && blocking_call(content->client, run_open, &open, NULL);
    }
    (void)lpipe_ref_free(open.ref);
    Py_XDECREF(keep);
    return good;
}

static PyObject *content_open(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *client = NULL, *reference = NULL, *dict = NULL;
    if (!PyArg_ParseTuple(args, "OOO!:content_open", &client, &reference, &PyDict_Type, &dict) ||
        client_of(client) == NULL) {
        return NULL;
    }
    struct content *content = PyMem_Calloc(1, sizeof(*content));
    if (content == NULL) {
        return PyErr_NoMemory();
    }
    Py_INCREF(client);
    content->client_capsule = client;
    content->client = client_of(client);
    client_use(content->client);
    PyObject *capsule = content_begin(content, reference, dict)
                            ? PyCapsule_New(content, CONTENT_NAME, capsule_dispose)
                            : NULL;
    if (capsule == NULL) {
        PyObject *exception = exception_take();
        content_dispose(content);
        exception_raise(exception);
    }
    return capsule;
}

/* The content of a capsule, marked as in use; NULL with an exception. */
static struct content *content_take(PyObject *capsule)
{
    struct content *content = PyCapsule_GetPointer(capsule, CONTENT_NAME);
    if (content == NULL) {
        return NULL;
    }
    if (content->in_use) {
        PyErr_SetString(PyExc_RuntimeError, "another thread uses this content");
        return NULL;
    }
    if (content->content == NULL) {
        PyErr_SetString(PyExc_ValueError, "the content is closed");
        return NULL;
    }
    content->in_use = true;
    return content;
}

struct read_state {
    lpipe_content *content;
    char *buf;
    size_t capacity;
    size_t size;
};

/* Fills the buffer, so that Python is not called for each block of the library. */
static int run_read(void *state, struct lpipe_error *err)
{
    struct read_state *read = state;
    size_t done = 1;
    int status = 0;
    while (status == 0 && done > 0 && read->size < read->capacity) {
        status = lpipe_content_read(read->content, read->buf + read->size,
                                    read->capacity - read->size, &done, err);
        read->size += status == 0 ? done : 0;
    }
    /* A failure comes again with the next call. */
    return read->size > 0 ? 0 : status;
}

static PyObject *content_read(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *capsule = NULL, *buffer = NULL;
    if (!PyArg_ParseTuple(args, "OO!:content_read", &capsule, &PyByteArray_Type, &buffer)) {
        return NULL;
    }
    struct content *content = content_take(capsule);
    if (content == NULL) {
        return NULL;
    }
    struct read_state state = { .content = content->content,
                                .buf = PyByteArray_AsString(buffer),
                                .capacity = (size_t)PyByteArray_Size(buffer) };
    bool good = blocking_call(content->client, run_read, &state, NULL);
    content->in_use = false;
    return good ? PyLong_FromSize_t(state.size) : NULL;
}

static PyObject *content_close(PyObject *module, PyObject *capsule)
{
    (void)module;
    struct content *content = PyCapsule_GetPointer(capsule, CONTENT_NAME);
    if (content == NULL) {
        return NULL;
    }
    if (content->content != NULL) {
        if (content_take(capsule) == NULL) {
            return NULL;
        }
        content_end(content);
        content->in_use = false;
    }
    Py_RETURN_NONE;
}

struct inspect_state {
    struct py_client *client;
    lpipe_ref *ref;
    const char *platform;
    uint32_t flags;
    char *text;
};

static int run_inspect(void *state, struct lpipe_error *err)
{
    struct inspect_state *inspect = state;
    return lpipe_inspect_with(inspect->client->client, inspect->ref, inspect->platform,
                              inspect->flags, &inspect->text, err);
}

static PyObject *inspect(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *client = NULL, *reference = NULL;
    int tables = 0;
    struct inspect_state state = { 0 };
    if (!PyArg_ParseTuple(args, "OOzp:inspect", &client, &reference, &state.platform, &tables)) {
        return NULL;
    }
    state.flags = LPIPE_INSPECT_JSON | (tables != 0 ? LPIPE_INSPECT_TABLES : 0);
    state.client = client_of(client);
    state.ref = state.client == NULL ? NULL : reference_of(reference, 0);
    PyObject *text = NULL;
    if (state.ref != NULL && blocking_call(state.client, run_inspect, &state, NULL)) {
        text = text_or_none(state.text);
    }
    free(state.text);
    (void)lpipe_ref_free(state.ref);
    return text;
}

PyMethodDef content_methods[] = {
    { "content_open", content_open, METH_VARARGS, "Opens an image or a layer for reading." },
    { "content_read", content_read, METH_VARARGS,
      "Fills a bytearray; returns the number of bytes." },
    { "content_close", content_close, METH_O, "Closes the content." },
    { "inspect", inspect, METH_VARARGS, "Fetches a manifest and its config as JSON." },
    { NULL, NULL, 0, NULL },
};
