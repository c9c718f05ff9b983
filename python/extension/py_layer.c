/* SPDX-License-Identifier: Apache-2.0 */
#include "py_layer.h"

#include <errno.h>
#include <string.h>

#include "py_options.h"

#define LAYER_ROW(name, kind, member)                                                              \
    {                                                                                              \
        name, kind, offsetof(struct lpipe_layer_options, member), 0, 0, NULL                       \
    }
#define LAYER_FLAG(name, flag)                                                                     \
    {                                                                                              \
        name, OPTION_FLAG, offsetof(struct lpipe_layer_options, flags), 0, flag, NULL              \
    }
#define DIRECTORY_ROW(name, member)                                                                \
    {                                                                                              \
        name, OPTION_TEXT, offsetof(struct lpipe_directory_options, member), 0, 0, NULL            \
    }

static const struct option_row layer_rows[] = {
    LAYER_ROW("compress", OPTION_TEXT, compress),
    LAYER_ROW("media_type", OPTION_TEXT, media_type),
    LAYER_ROW("threads", OPTION_INT32, threads),
    LAYER_ROW("memory", OPTION_UINT64, memory_bytes_max),
    LAYER_ROW("spool", OPTION_TEXT, spool_dir),
    LAYER_ROW("name", OPTION_TEXT, input_name),
    LAYER_ROW("prefetch", OPTION_TEXT, prefetch),
    LAYER_ROW("title", OPTION_TEXT, title),
    LAYER_FLAG("raw", LPIPE_LAYER_RAW),
    LAYER_FLAG("allow_truncated", LPIPE_LAYER_ALLOW_TRUNCATED),
    LAYER_FLAG("allow_empty", LPIPE_LAYER_ALLOW_EMPTY),
    LAYER_FLAG("docker", LPIPE_LAYER_DOCKER),
    LAYER_FLAG("look_first", LPIPE_LAYER_LOOK_FIRST),
    LAYER_FLAG("allow_odd_entries", LPIPE_LAYER_ALLOW_ODD_ENTRIES),
    { NULL, OPTION_TEXT, 0, 0, 0, NULL },
};

static const struct option_row directory_rows[] = {
    DIRECTORY_ROW("owner", owner),
    DIRECTORY_ROW("prefix", prefix),
    DIRECTORY_ROW("mode", mode),
    { "excludes", OPTION_TEXTS, offsetof(struct lpipe_directory_options, excludes),
      offsetof(struct lpipe_directory_options, exclude_count), 0, NULL },
    { NULL, OPTION_TEXT, 0, 0, 0, NULL },
};

bool layer_options_fill(PyObject *dict, const struct py_client *client,
                        struct lpipe_layer_options *options, PyObject *keep)
{
    options->cancel = client->cancel;
    return options_fill(dict, layer_rows, options, keep);
}

const char *origin_name(enum lpipe_blob_origin origin)
{
    static const char *const names[] = {
        [LPIPE_ORIGIN_STREAMED] = "streamed",
        [LPIPE_ORIGIN_MOUNTED] = "mounted",
        [LPIPE_ORIGIN_EXISTING] = "existing",
        [LPIPE_ORIGIN_COPIED] = "copied",
    };
    return (size_t)origin < sizeof names / sizeof names[0] ? names[origin] : NULL;
}

#define SOURCE_BYTES ((size_t)262144)

/* Python gets a bytearray of its own and never memory of the library: it may keep what it gets. */
struct source {
    PyObject *object;
    PyObject *buffer;
    PyObject **failure;
};

/* Returns how many bytes were copied to buf, or -EIO with an exception. */
static ptrdiff_t source_copy(struct source *source, void *buf, size_t size)
{
    PyObject *count =
        PyObject_CallMethod(source->object, "read_into", "On", source->buffer, (Py_ssize_t)size);
    Py_ssize_t done = count == NULL ? -1 : PyLong_AsSsize_t(count);
    Py_XDECREF(count);
    if (PyErr_Occurred() != NULL) {
        return -EIO;
    }
    if (done < 0 || (size_t)done > size || done > PyByteArray_Size(source->buffer)) {
        PyErr_SetString(PyExc_ValueError, "a read returned more bytes than were asked for");
        return -EIO;
    }
    memcpy(buf, PyByteArray_AsString(source->buffer), (size_t)done);
    return done;
}

static ptrdiff_t source_read(void *ctx, void *buf, size_t size)
{
    struct source *source = ctx;
    if (python_is_ending()) {
        return -ECANCELED;
    }
    PyGILState_STATE state = PyGILState_Ensure();
    ptrdiff_t done = source_copy(source, buf, size < SOURCE_BYTES ? size : SOURCE_BYTES);
    if (done < 0) {
        PyObject *exception = exception_take();
        if (*source->failure == NULL) {
            *source->failure = exception;
        } else {
            Py_XDECREF(exception);
        }
    }
    PyGILState_Release(state);
    return done;
}

static int source_close(void *ctx)
{
    struct source *source = ctx;
    if (python_is_ending()) {
        return 0;
    }
    PyGILState_STATE state = PyGILState_Ensure();
    Py_XDECREF(source->object);
    Py_XDECREF(source->buffer);
    PyMem_Free(source);
    PyGILState_Release(state);
    return 0;
}

static void source_cancel(void *ctx)
{
    struct source *source = ctx;
    if (python_is_ending()) {
        return;
    }
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *result = PyObject_CallMethod(source->object, "cancel", NULL);
    if (result == NULL) {
        PyErr_Clear();
    }
    Py_XDECREF(result);
    PyGILState_Release(state);
}

bool source_open(PyObject *object, PyObject **failure, struct lpipe_source *ret_source)
{
    struct source *source = PyMem_Calloc(1, sizeof(*source));
    PyObject *buffer = PyByteArray_FromStringAndSize(NULL, SOURCE_BYTES);
    if (source == NULL || buffer == NULL) {
        PyMem_Free(source);
        Py_XDECREF(buffer);
        PyErr_NoMemory();
        return false;
    }
    Py_INCREF(object);
    *source = (struct source){ .object = object, .buffer = buffer, .failure = failure };
    *ret_source = (struct lpipe_source){
        .read = source_read, .close = source_close, .cancel = source_cancel, .ctx = source
    };
    return true;
}

static bool open_source(PyObject *object, const struct lpipe_layer_options *options,
                        PyObject **failure, lpipe_layer **ret_layer)
{
    struct lpipe_source source;
    struct lpipe_error err;
    if (!source_open(object, failure, &source)) {
        return false;
    }
    return status_check(lpipe_layer_new(&source, options, ret_layer, &err), &err);
}

static bool open_directory(PyObject *path, PyObject *dict,
                           const struct lpipe_layer_options *options, PyObject *keep,
                           lpipe_layer **ret_layer)
{
    struct lpipe_directory_options directory = LPIPE_DIRECTORY_OPTIONS_INIT;
    struct lpipe_error err;
    const char *name = NULL;
    if (!text_keep(path, keep, &name) || !options_fill(dict, directory_rows, &directory, keep)) {
        return false;
    }
    return status_check(lpipe_layer_new_directory_with(name, &directory, options, ret_layer, &err),
                        &err);
}

static bool open_descriptor(PyObject *number, struct lpipe_layer_options *options,
                            lpipe_layer **ret_layer)
{
    struct lpipe_error err;
    long fd = PyLong_AsLong(number);
    if (PyErr_Occurred() != NULL) {
        return false;
    }
    options->flags |= LPIPE_LAYER_FD_BORROWED;
    return status_check(lpipe_layer_new_fd((int)fd, options, ret_layer, &err), &err);
}

bool layer_open(PyObject *input, const struct py_client *client, PyObject **failure, PyObject *keep,
                lpipe_layer **ret_layer)
{
    struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
    const char *kind = NULL;
    PyObject *value = NULL, *layer_dict_in = NULL, *directory = NULL;
    if (!PyArg_ParseTuple(input, "sOO!O!:input", &kind, &value, &PyDict_Type, &layer_dict_in,
                          &PyDict_Type, &directory) ||
        !layer_options_fill(layer_dict_in, client, &options, keep)) {
        return false;
    }
    if (strcmp(kind, "descriptor") == 0) {
        return open_descriptor(value, &options, ret_layer);
    }
    if (strcmp(kind, "directory") == 0) {
        return open_directory(value, directory, &options, keep, ret_layer);
    }
    return open_source(value, &options, failure, ret_layer);
}

static PyObject *annotations_dict(const struct lpipe_layer_result *result)
{
    PyObject *dict = PyDict_New();
    for (size_t i = 0; dict != NULL && i < result->annotation_count; i++) {
        PyObject *value = text_or_none(result->annotations[i].value);
        if (value == NULL || PyDict_SetItemString(dict, result->annotations[i].key, value) != 0) {
            Py_CLEAR(dict);
        }
        Py_XDECREF(value);
    }
    return dict;
}

PyObject *layer_dict(const struct lpipe_layer_result *result)
{
    PyObject *uncompressed = result->uncompressed_size == LPIPE_SIZE_UNKNOWN
                                 ? Py_BuildValue("")
                                 : PyLong_FromUnsignedLongLong(result->uncompressed_size);
    return Py_BuildValue("{s:s,s:s,s:N,s:K,s:N,s:N,s:K,s:N}", "media_type", result->media_type,
                         "digest", result->digest, "diff_id", text_or_none(result->diff_id), "size",
                         (unsigned long long)result->size, "uncompressed_size", uncompressed,
                         "origin", text_or_none(origin_name(result->origin)), "memory_bytes",
                         (unsigned long long)result->memory_bytes, "annotations",
                         annotations_dict(result));
}
