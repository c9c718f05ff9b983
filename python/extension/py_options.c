/* SPDX-License-Identifier: Apache-2.0 */
#include "py_options.h"

#include <string.h>

const char *const format_names[] = { "default", "oci", "docker", NULL };
const char *const soci_names[] = { "none", "v1", "v2", NULL };

bool text_keep(PyObject *value, PyObject *keep, const char **ret_text)
{
    if (value == Py_None) {
        *ret_text = NULL;
        return true;
    }
    if (!PyUnicode_Check(value)) {
        PyErr_SetString(PyExc_TypeError, "a str is needed");
        return false;
    }
    char *text = NULL;
    /* File names may have bytes that are not UTF-8: os.fsdecode() makes surrogates of them. */
    PyObject *bytes = PyUnicode_AsEncodedString(value, "utf-8", "surrogateescape");
    /* A NUL within the text is an error. */
    bool good = bytes != NULL && PyBytes_AsStringAndSize(bytes, &text, NULL) == 0 &&
                PyList_Append(keep, bytes) == 0;
    Py_XDECREF(bytes);
    *ret_text = text;
    return good;
}

static void memory_free(PyObject *capsule)
{
    PyMem_Free(PyCapsule_GetPointer(capsule, NULL));
}

/* Memory that lives as long as keep. */
static void *memory_keep(size_t size, PyObject *keep)
{
    void *memory = PyMem_Calloc(1, size);
    if (memory == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    PyObject *capsule = PyCapsule_New(memory, NULL, memory_free);
    if (capsule == NULL) {
        PyMem_Free(memory);
        return NULL;
    }
    int status = PyList_Append(keep, capsule);
    Py_DECREF(capsule);
    return status == 0 ? memory : NULL;
}

static bool fill_texts(PyObject *value, const struct option_row *row, char *options, PyObject *keep)
{
    PyObject *tuple = PySequence_Tuple(value);
    if (tuple == NULL) {
        return false;
    }
    size_t count = (size_t)PyTuple_Size(tuple);
    const char **texts = memory_keep((count + 1) * sizeof(*texts), keep);
    bool good = texts != NULL;
    for (size_t i = 0; good && i < count; i++) {
        good = text_keep(PyTuple_GetItem(tuple, (Py_ssize_t)i), keep, &texts[i]);
        if (good && texts[i] == NULL) {
            PyErr_Format(PyExc_TypeError, "%s: a str is needed", row->name);
            good = false;
        }
    }
    Py_DECREF(tuple);
    if (good) {
        memcpy(options + row->offset, &texts, sizeof texts);
        memcpy(options + row->count_offset, &count, sizeof count);
    }
    return good;
}

static bool fill_choice(PyObject *value, const struct option_row *row, char *options)
{
    for (int i = 0; row->choices[i] != NULL; i++) {
        if (PyUnicode_Check(value) &&
            PyUnicode_CompareWithASCIIString(value, row->choices[i]) == 0) {
            memcpy(options + row->offset, &i, sizeof i);
            return true;
        }
    }
    PyErr_Format(PyExc_ValueError, "%s: %R is not one of its values", row->name, value);
    return false;
}

static bool fill_flag(PyObject *value, const struct option_row *row, char *options)
{
    int is_true = PyObject_IsTrue(value);
    uint32_t flags = 0;
    memcpy(&flags, options + row->offset, sizeof flags);
    flags |= is_true > 0 ? row->flag : 0;
    memcpy(options + row->offset, &flags, sizeof flags);
    return is_true >= 0;
}

static bool fill_number(PyObject *value, const struct option_row *row, char *options)
{
    if (row->kind == OPTION_UINT64) {
        uint64_t number = PyLong_AsUnsignedLongLong(value);
        memcpy(options + row->offset, &number, sizeof number);
        return PyErr_Occurred() == NULL;
    }
    long long number = PyLong_AsLongLong(value);
    if (PyErr_Occurred() != NULL) {
        return false;
    }
    bool is_signed = row->kind == OPTION_INT32;
    if (number < (is_signed ? INT32_MIN : 0) || number > (is_signed ? INT32_MAX : UINT32_MAX)) {
        PyErr_Format(PyExc_OverflowError, "%s: %R is out of range", row->name, value);
        return false;
    }
    uint32_t bits = (uint32_t)number;
    memcpy(options + row->offset, &bits, sizeof bits);
    return true;
}

static bool fill_row(PyObject *value, const struct option_row *row, char *options, PyObject *keep)
{
    const char *text = NULL;
    switch (row->kind) {
    case OPTION_TEXT:
        if (!text_keep(value, keep, &text)) {
            return false;
        }
        memcpy(options + row->offset, &text, sizeof text);
        return true;
    case OPTION_TEXTS:
        return fill_texts(value, row, options, keep);
    case OPTION_FLAG:
        return fill_flag(value, row, options);
    case OPTION_CHOICE:
        return fill_choice(value, row, options);
    case OPTION_INT32:
    case OPTION_UINT32:
    case OPTION_UINT64:
        return fill_number(value, row, options);
    }
    return false;
}

static const struct option_row *row_find(const struct option_row *rows, PyObject *key)
{
    for (const struct option_row *row = rows; row->name != NULL; row++) {
        if (PyUnicode_Check(key) && PyUnicode_CompareWithASCIIString(key, row->name) == 0) {
            return row;
        }
    }
    PyErr_Format(PyExc_TypeError, "there is no option %R here", key);
    return NULL;
}

bool options_fill(PyObject *dict, const struct option_row *rows, void *options, PyObject *keep)
{
    PyObject *key = NULL, *value = NULL;
    Py_ssize_t position = 0;
    while (PyDict_Next(dict, &position, &key, &value)) {
        const struct option_row *row = row_find(rows, key);
        if (row == NULL || (value != Py_None && !fill_row(value, row, options, keep))) {
            return false;
        }
    }
    return true;
}
