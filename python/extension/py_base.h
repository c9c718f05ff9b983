/* SPDX-License-Identifier: Apache-2.0 */
/* What every file of the extension includes. Only the limited API of Python 3.9 is used, so that
 * one file serves all later versions.
 *
 * Rules of the extension
 *   - The GIL is released around every function of the library that can block or that waits for a
 *     thread, and that is also true for the functions that free an object: threads of the library
 *     wait for the GIL to call Python.
 *   - Python code checks arguments and opens files. The extension converts values and calls the
 *     library.
 */
#ifndef LAYERPIPE_PY_BASE_H
#define LAYERPIPE_PY_BASE_H

#define Py_LIMITED_API 0x03090000
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>

#include <layerpipe.h>

/* True when the interpreter ends. No thread may call Python after that. */
bool python_is_ending(void);
void python_set_ending(void);

/* True if status is 0; else raises the Python exception for err. */
bool status_check(int status, const struct lpipe_error *err);

/* Takes the exception that is set. It is not set any more. */
PyObject *exception_take(void);
/* Raises an exception that exception_take() gave. Consumes it. */
void exception_raise(PyObject *exception);

/* Text of the library as a str; NULL or "" is None. Bytes that are not UTF-8 are replaced. */
PyObject *text_or_none(const char *text);
/* The same for what may be the name of a file: such bytes become surrogates, as os.fsdecode() does
 * it, so that the name can be used again. */
PyObject *name_or_none(const char *name);

/* The list of count texts. */
PyObject *texts_list(char *const *texts, size_t count);

/* The functions of the module. Each takes the arguments that python/layerpipe/_layerpipe.pyi
 * lists. */
extern PyMethodDef client_methods[];
extern PyMethodDef content_methods[];
extern PyMethodDef copy_methods[];
extern PyMethodDef login_methods[];
extern PyMethodDef push_methods[];
extern PyMethodDef reference_methods[];
extern PyMethodDef writer_methods[];

#endif
