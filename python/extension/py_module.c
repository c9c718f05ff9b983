/* SPDX-License-Identifier: Apache-2.0 */
/* The extension module layerpipe._layerpipe. The package around it checks arguments, opens files
 * and makes objects of what the functions return; only the package calls them. */
#include "py_base.h"

static PyObject *version(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return PyUnicode_FromString(lpipe_version());
}

static PyObject *build_info(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return PyUnicode_FromString(lpipe_build_info());
}

/* Called when the interpreter ends: from now on threads of the library do not call Python. */
static PyObject *python_ends(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    python_set_ending();
    Py_RETURN_NONE;
}

static PyMethodDef module_methods[] = {
    { "version", version, METH_NOARGS, "Version of the library." },
    { "build_info", build_info, METH_NOARGS, "Codecs and libraries of this build." },
    { "python_ends", python_ends, METH_NOARGS, "Ends all callbacks." },
    { NULL, NULL, 0, NULL },
};

static struct PyModuleDef module_def = {
    PyModuleDef_HEAD_INIT, "_layerpipe", NULL, -1, module_methods, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__layerpipe(void);
PyMODINIT_FUNC PyInit__layerpipe(void)
{
    PyMethodDef *const others[] = { client_methods, content_methods,   copy_methods,  login_methods,
                                    push_methods,   reference_methods, writer_methods };
    PyObject *module = PyModule_Create(&module_def);
    bool good =
        module != NULL &&
        PyModule_AddIntConstant(module, "REF_REPOSITORY", LPIPE_REF_REPOSITORY) == 0 &&
        PyModule_AddIntConstant(module, "REF_NO_DEFAULT_TAG", LPIPE_REF_NO_DEFAULT_TAG) == 0;
    for (size_t i = 0; good && i < sizeof others / sizeof others[0]; i++) {
        good = PyModule_AddFunctions(module, others[i]) == 0;
    }
    if (!good) {
        Py_CLEAR(module);
    }
    return module;
}
