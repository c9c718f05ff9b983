/* SPDX-License-Identifier: Apache-2.0 */
#include "py_reference.h"

#include "py_options.h"

lpipe_ref *reference_of(PyObject *text, unsigned int flags)
{
    struct lpipe_error err;
    lpipe_ref *ref = NULL;
    const char *name = NULL;
    PyObject *keep = PyList_New(0);
    if (keep != NULL && text_keep(text, keep, &name)) {
        if (name == NULL) {
            PyErr_SetString(PyExc_TypeError, "a reference is a str");
        } else {
            (void)status_check(lpipe_ref_parse(name, flags, &ref, &err), &err);
        }
    }
    Py_XDECREF(keep);
    return ref;
}

static const char *kind_name(enum lpipe_ref_kind kind)
{
    static const char *const names[] = {
        [LPIPE_REF_REGISTRY] = "registry",
        [LPIPE_REF_LAYOUT] = "layout",
        [LPIPE_REF_NULL] = "null",
        [LPIPE_REF_OCI_ARCHIVE] = "oci-archive",
        [LPIPE_REF_DOCKER_ARCHIVE] = "docker-archive",
    };
    return (size_t)kind < sizeof names / sizeof names[0] ? names[kind] : NULL;
}

/* In the order of the members of layerpipe.Reference. */
static PyObject *reference_parse(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *text = NULL;
    unsigned int flags = 0;
    if (!PyArg_ParseTuple(args, "OI:reference_parse", &text, &flags)) {
        return NULL;
    }
    lpipe_ref *ref = reference_of(text, flags);
    if (ref == NULL) {
        return NULL;
    }
    PyObject *result = Py_BuildValue(
        "(NNNNNNN)", text_or_none(kind_name(lpipe_ref_kind(ref))),
        text_or_none(lpipe_ref_registry(ref)), name_or_none(lpipe_ref_repository(ref)),
        name_or_none(lpipe_ref_tag(ref)), text_or_none(lpipe_ref_digest(ref)),
        name_or_none(lpipe_ref_name(ref)), text_or_none(lpipe_ref_scheme(ref)));
    (void)lpipe_ref_free(ref);
    return result;
}

PyMethodDef reference_methods[] = {
    { "reference_parse", reference_parse, METH_VARARGS, "Parses a reference." },
    { NULL, NULL, 0, NULL },
};
