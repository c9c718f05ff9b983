/* SPDX-License-Identifier: Apache-2.0 */
/* References as the calls need them. */
#ifndef LAYERPIPE_PY_REFERENCE_H
#define LAYERPIPE_PY_REFERENCE_H

#include "py_base.h"

/* Parses a str. flags: enum lpipe_ref_flag. NULL with an exception. */
lpipe_ref *reference_of(PyObject *text, unsigned int flags);

#endif
