/* SPDX-License-Identifier: Apache-2.0 */
/* A layer that Python writes. */
#include "py_blocking.h"
#include "py_layer.h"
#include "py_reference.h"

#define WRITER_NAME "layerpipe.writer"

struct writer {
    PyObject *client_capsule;
    struct py_client *client;
    lpipe_writer *writer; /* NULL after writer_free() */
    bool in_use;          /* a call runs without the GIL */
};

static void writer_close(struct writer *writer)
{
    Py_BEGIN_ALLOW_THREADS;
    writer->writer = lpipe_writer_free(writer->writer);
    Py_END_ALLOW_THREADS;
    if (writer->client != NULL) {
        client_release(writer->client);
        writer->client = NULL;
    }
}

static void writer_dispose(struct writer *writer)
{
    writer_close(writer);
    Py_XDECREF(writer->client_capsule);
    PyMem_Free(writer);
}

static void capsule_dispose(PyObject *capsule)
{
    writer_dispose(PyCapsule_GetPointer(capsule, WRITER_NAME));
}

/* The writer of a capsule, marked as in use; NULL with an exception. */
static struct writer *writer_take(PyObject *capsule)
{
    struct writer *writer = PyCapsule_GetPointer(capsule, WRITER_NAME);
    if (writer == NULL) {
        return NULL;
    }
    if (writer->in_use) {
        PyErr_SetString(PyExc_RuntimeError, "another thread uses this layer");
        return NULL;
    }
    if (writer->writer == NULL) {
        PyErr_SetString(PyExc_ValueError, "the layer is closed");
        return NULL;
    }
    writer->in_use = true;
    return writer;
}

struct open_state {
    struct writer *writer;
    lpipe_ref *dest;
    struct lpipe_layer_options options;
};

static int run_open(void *state, struct lpipe_error *err)
{
    struct open_state *open = state;
    return lpipe_writer_open(open->writer->client->client, open->dest, &open->options,
                             &open->writer->writer, err);
}

static bool writer_begin(struct writer *writer, PyObject *dest, unsigned int flags, PyObject *dict)
{
    struct open_state open = { .writer = writer, .options = LPIPE_LAYER_OPTIONS_INIT };
    PyObject *keep = PyList_New(0);
    bool good = keep != NULL && layer_options_fill(dict, writer->client, &open.options, keep);
    if (good) {
        open.dest = reference_of(dest, flags);
        good = open.dest != NULL && blocking_call(writer->client, run_open, &open, NULL);
    }
    (void)lpipe_ref_free(open.dest);
    Py_XDECREF(keep);
    return good;
}

static PyObject *writer_open(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *client = NULL, *dest = NULL, *dict = NULL;
    unsigned int flags = 0;
    if (!PyArg_ParseTuple(args, "OOIO!:writer_open", &client, &dest, &flags, &PyDict_Type, &dict) ||
        client_of(client) == NULL) {
        return NULL;
    }
    struct writer *writer = PyMem_Calloc(1, sizeof(*writer));
    if (writer == NULL) {
        return PyErr_NoMemory();
    }
    Py_INCREF(client);
    writer->client_capsule = client;
    writer->client = client_of(client);
    client_use(writer->client);
    PyObject *capsule = writer_begin(writer, dest, flags, dict)
                            ? PyCapsule_New(writer, WRITER_NAME, capsule_dispose)
                            : NULL;
    if (capsule == NULL) {
        PyObject *exception = exception_take();
        writer_dispose(writer);
        exception_raise(exception);
    }
    return capsule;
}

struct write_state {
    lpipe_writer *writer;
    const char *data;
    size_t size;
    struct lpipe_layer_result result;
};

static int run_write(void *state, struct lpipe_error *err)
{
    struct write_state *write = state;
    return lpipe_writer_write(write->writer, write->data, write->size, err);
}

static PyObject *writer_write(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *capsule = NULL, *buffer = NULL;
    Py_ssize_t size = 0;
    if (!PyArg_ParseTuple(args, "OO!n:writer_write", &capsule, &PyByteArray_Type, &buffer, &size)) {
        return NULL;
    }
    if (size < 0 || size > PyByteArray_Size(buffer)) {
        PyErr_SetString(PyExc_ValueError, "the buffer has fewer bytes");
        return NULL;
    }
    struct writer *writer = writer_take(capsule);
    if (writer == NULL) {
        return NULL;
    }
    struct write_state state = { .writer = writer->writer,
                                 .data = PyByteArray_AsString(buffer),
                                 .size = (size_t)size };
    bool good = blocking_call(writer->client, run_write, &state, NULL);
    writer->in_use = false;
    return good ? Py_BuildValue("") : NULL;
}

static int run_finish(void *state, struct lpipe_error *err)
{
    struct write_state *write = state;
    return lpipe_writer_finish(write->writer, &write->result, err);
}

static PyObject *writer_finish(PyObject *module, PyObject *capsule)
{
    (void)module;
    struct writer *writer = writer_take(capsule);
    if (writer == NULL) {
        return NULL;
    }
    struct write_state state = { .writer = writer->writer, .result = LPIPE_LAYER_RESULT_INIT };
    bool good = blocking_call(writer->client, run_finish, &state, NULL);
    writer->in_use = false;
    return good ? layer_dict(&state.result) : NULL;
}

static PyObject *writer_free(PyObject *module, PyObject *capsule)
{
    (void)module;
    struct writer *writer = PyCapsule_GetPointer(capsule, WRITER_NAME);
    if (writer == NULL) {
        return NULL;
    }
    if (writer->writer != NULL) {
        if (writer_take(capsule) == NULL) {
            return NULL;
        }
        writer_close(writer);
        writer->in_use = false;
    }
    Py_RETURN_NONE;
}

PyMethodDef writer_methods[] = {
    { "writer_open", writer_open, METH_VARARGS, "Opens a layer for writing." },
    { "writer_write", writer_write, METH_VARARGS, "Writes the first bytes of a bytearray." },
    { "writer_finish", writer_finish, METH_O, "Commits the blob; returns its values." },
    { "writer_free", writer_free, METH_O, "Frees the writer; an open upload is abandoned." },
    { NULL, NULL, 0, NULL },
};
