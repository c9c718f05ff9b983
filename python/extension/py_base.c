/* SPDX-License-Identifier: Apache-2.0 */
#include "py_base.h"

#include <stdatomic.h>
#include <string.h>

static atomic_bool is_ending;

bool python_is_ending(void)
{
    return atomic_load(&is_ending);
}

void python_set_ending(void)
{
    atomic_store(&is_ending, true);
}

static void error_raise(const struct lpipe_error *err)
{
    PyObject *module = PyImport_ImportModule("layerpipe._errors");
    PyObject *message =
        PyUnicode_DecodeUTF8(err->message, (Py_ssize_t)strlen(err->message), "replace");
    PyObject *error = NULL;
    if (module != NULL && message != NULL) {
        error =
            PyObject_CallMethod(module, "error_of", "siOiiIKs", lpipe_status_name(err->status),
                                lpipe_status_exit_code(err->status), message, (int)err->sys_errno,
                                (int)err->http_status, (unsigned int)err->flags,
                                (unsigned long long)err->offset, err->registry_code);
    }
    if (error != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    }
    Py_XDECREF(error);
    Py_XDECREF(message);
    Py_XDECREF(module);
}

bool status_check(int status, const struct lpipe_error *err)
{
    if (status != 0) {
        error_raise(err);
    }
    return status == 0;
}

PyObject *exception_take(void)
{
    PyObject *type = NULL, *value = NULL, *traceback = NULL;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (value != NULL && traceback != NULL) {
        (void)PyException_SetTraceback(value, traceback);
    }
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return value;
}

void exception_raise(PyObject *exception)
{
    PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
    Py_DECREF(exception);
}

static PyObject *decoded_or_none(const char *text, const char *errors)
{
    if (text == NULL || text[0] == '\0') {
        return Py_BuildValue("");
    }
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), errors);
}

PyObject *text_or_none(const char *text)
{
    return decoded_or_none(text, "replace");
}

PyObject *name_or_none(const char *name)
{
    return decoded_or_none(name, "surrogateescape");
}

PyObject *texts_list(char *const *texts, size_t count)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < count; i++) {
        PyObject *text = name_or_none(texts[i]);
        if (text == NULL || PyList_Append(list, text) != 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(text);
    }
    return list;
}
