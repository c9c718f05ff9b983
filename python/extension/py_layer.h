/* SPDX-License-Identifier: Apache-2.0 */
/* Layers: their options, the objects of Python that their bytes come from, and their results. */
#ifndef LAYERPIPE_PY_LAYER_H
#define LAYERPIPE_PY_LAYER_H

#include "py_client.h"

/* Fills the options of a layer from a dict. The cancel token is the client's. */
bool layer_options_fill(PyObject *dict, const struct py_client *client,
                        struct lpipe_layer_options *options, PyObject *keep);

/* A source that calls read_into(buffer, size) of an object, which returns how many bytes it has
 * put into the bytearray, 0 at the end; and its cancel(), from any thread. The first exception
 * of a source is put into *failure, which must live until the source is closed. Returns false
 * with an exception. */
bool source_open(PyObject *object, PyObject **failure, struct lpipe_source *ret_source);

/* Makes a layer of (kind, value, options of a layer, options of a directory). kind: "descriptor"
 * (an int, borrowed), "directory" (a path) or "source" (an object, as above). */
bool layer_open(PyObject *input, const struct py_client *client, PyObject **failure, PyObject *keep,
                lpipe_layer **ret_layer);

/* The dict of a result; its keys are the members of layerpipe.LayerResult, without reference. */
PyObject *layer_dict(const struct lpipe_layer_result *result);

/* "streamed", "mounted", "existing", "copied"; NULL for others */
const char *origin_name(enum lpipe_blob_origin origin);

#endif
