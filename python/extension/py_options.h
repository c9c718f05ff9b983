/* SPDX-License-Identifier: Apache-2.0 */
/* Fills an option struct of the library from a dict. Each struct has a table with a row for each
 * key. A value None and a key that is missing leave the default. */
#ifndef LAYERPIPE_PY_OPTIONS_H
#define LAYERPIPE_PY_OPTIONS_H

#include "py_base.h"

enum option_kind {
    OPTION_TEXT,   /* const char * */
    OPTION_TEXTS,  /* const char *const *, and a size_t at count_offset */
    OPTION_INT32,  /* int32_t */
    OPTION_UINT32, /* uint32_t */
    OPTION_UINT64, /* uint64_t */
    OPTION_FLAG,   /* a bit of a uint32_t, set if the value is true */
    OPTION_CHOICE  /* an enum: the position of the value in choices */
};

struct option_row {
    const char *name;
    enum option_kind kind;
    size_t offset;
    size_t count_offset;
    uint32_t flag;
    const char *const *choices; /* ends with NULL */
};

/* Choices in the order of enum lpipe_format and enum lpipe_soci. */
extern const char *const format_names[];
extern const char *const soci_names[];

/* Rows end with one that has no name. keep is a list: what the struct points to lives as long as
 * it. Returns false with an exception. */
bool options_fill(PyObject *dict, const struct option_row *rows, void *options, PyObject *keep);

/* The bytes of a str, which live as long as keep; NULL for None. Returns false with an
 * exception. */
bool text_keep(PyObject *value, PyObject *keep, const char **ret_text);

#endif
