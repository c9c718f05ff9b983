/* SPDX-License-Identifier: Apache-2.0 */
/* Pushes layers and images. */
#include <string.h>

#include "py_blocking.h"
#include "py_layer.h"
#include "py_options.h"
#include "py_reference.h"

#define IMAGE_ROW(name, member)                                                                    \
    {                                                                                              \
        name, OPTION_TEXT, offsetof(struct lpipe_image_options, member), 0, 0, NULL                \
    }

static const struct option_row image_rows[] = {
    { "format", OPTION_CHOICE, offsetof(struct lpipe_image_options, format), 0, 0, format_names },
    IMAGE_ROW("platform", platform),
    IMAGE_ROW("created", created),
    IMAGE_ROW("artifact_type", artifact_type),
    { NULL, OPTION_TEXT, 0, 0, 0, NULL },
};

static const struct option_row push_rows[] = {
    { "tags", OPTION_TEXTS, offsetof(struct lpipe_push_options, tags),
      offsetof(struct lpipe_push_options, tag_count), 0, NULL },
    { "subject", OPTION_TEXT, offsetof(struct lpipe_push_options, subject), 0, 0, NULL },
    { "mount_from", OPTION_TEXT, offsetof(struct lpipe_push_options, mount_from), 0, 0, NULL },
    { "soci", OPTION_CHOICE, offsetof(struct lpipe_push_options, soci), 0, 0, soci_names },
    { "soci_min_size", OPTION_UINT64, offsetof(struct lpipe_push_options, soci_bytes_min), 0, 0,
      NULL },
    { NULL, OPTION_TEXT, 0, 0, 0, NULL },
};

static const struct {
    const char *name;
    enum lpipe_edit edit;
} edits[] = {
    { "env", LPIPE_EDIT_ENV },
    { "entrypoint", LPIPE_EDIT_ENTRYPOINT },
    { "cmd", LPIPE_EDIT_CMD },
    { "user", LPIPE_EDIT_USER },
    { "workdir", LPIPE_EDIT_WORKDIR },
    { "label", LPIPE_EDIT_LABEL },
    { "port", LPIPE_EDIT_PORT },
    { "volume", LPIPE_EDIT_VOLUME },
    { "stop_signal", LPIPE_EDIT_STOP_SIGNAL },
    { "author", LPIPE_EDIT_AUTHOR },
    { "annotation", LPIPE_EDIT_ANNOTATION },
    { "history", LPIPE_EDIT_HISTORY },
};

/* A layer of the image: one that is read, or JSON that describes one in the repository. */
struct push_layer {
    lpipe_layer *layer;
    const char *json;
    const char *history;
};

struct push_edit {
    enum lpipe_edit edit;
    const char *value;
};

struct push {
    struct py_client *client;
    lpipe_ref *dest;
    lpipe_ref *base;
    struct lpipe_image_options image_options;
    struct lpipe_push_options push_options;
    const char *config;
    struct push_edit *edits;
    size_t edit_count;
    struct push_layer *layers;
    size_t layer_count;
    PyObject *keep;
    PyObject *failure; /* exception of a source */
    struct lpipe_push_result result;
};

static int apply_edits(struct push *push, lpipe_image *image, struct lpipe_error *err)
{
    int status = push->config == NULL
                     ? 0
                     : lpipe_image_set_config(image, push->config, strlen(push->config), err);
    for (size_t i = 0; status == 0 && i < push->edit_count; i++) {
        status = lpipe_image_edit(image, push->edits[i].edit, push->edits[i].value, err);
    }
    return status;
}

static int add_layers(struct push *push, lpipe_image *image, struct lpipe_error *err)
{
    int status = 0;
    for (size_t i = 0; status == 0 && i < push->layer_count; i++) {
        struct push_layer *layer = &push->layers[i];
        if (layer->json != NULL) {
            status = lpipe_image_add_descriptor_json(image, layer->json, strlen(layer->json),
                                                     layer->history, err);
            continue;
        }
        status = lpipe_image_add_layer(image, layer->layer, layer->history, err);
        if (status == 0) {
            layer->layer = NULL; /* taken */
        }
    }
    return status;
}

static int run_push(void *state, struct lpipe_error *err)
{
    struct push *push = state;
    lpipe_image *image = NULL;
    int status =
        lpipe_image_new(push->client->client, push->base, &push->image_options, &image, err);
    if (status == 0) {
        status = apply_edits(push, image, err);
    }
    if (status == 0) {
        status = add_layers(push, image, err);
    }
    if (status == 0) {
        status = lpipe_image_push(image, push->dest, &push->push_options, &push->result, err);
    }
    (void)lpipe_image_free(image);
    return status;
}

static void push_dispose(struct push *push)
{
    Py_BEGIN_ALLOW_THREADS;
    for (size_t i = 0; i < push->layer_count; i++) {
        (void)lpipe_layer_free(push->layers[i].layer);
    }
    Py_END_ALLOW_THREADS;
    lpipe_push_result_done(&push->result);
    (void)lpipe_ref_free(push->base);
    (void)lpipe_ref_free(push->dest);
    PyMem_Free(push->layers);
    PyMem_Free(push->edits);
    Py_XDECREF(push->failure);
    Py_XDECREF(push->keep);
}

static bool edit_fill(struct push_edit *edit, PyObject *pair, PyObject *keep)
{
    const char *name = NULL;
    PyObject *value = NULL;
    if (!PyArg_ParseTuple(pair, "sO:edit", &name, &value)) {
        return false;
    }
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        if (strcmp(edits[i].name, name) == 0) {
            edit->edit = edits[i].edit;
            return text_keep(value, keep, &edit->value);
        }
    }
    PyErr_Format(PyExc_TypeError, "there is no edit %s", name);
    return false;
}

static bool edits_fill(struct push *push, PyObject *list)
{
    push->edit_count = (size_t)PyList_Size(list);
    push->edits = PyMem_Calloc(push->edit_count + 1, sizeof(*push->edits));
    if (push->edits == NULL) {
        PyErr_NoMemory();
        return false;
    }
    for (size_t i = 0; i < push->edit_count; i++) {
        if (!edit_fill(&push->edits[i], PyList_GetItem(list, (Py_ssize_t)i), push->keep)) {
            return false;
        }
    }
    return true;
}

/* pair: (input, history). input: a str is JSON; a tuple is for layer_open(). */
static bool push_layer_fill(struct push *push, struct push_layer *layer, PyObject *pair)
{
    PyObject *input = NULL, *history = NULL;
    if (!PyArg_ParseTuple(pair, "OO:layer", &input, &history) ||
        !text_keep(history, push->keep, &layer->history)) {
        return false;
    }
    return PyUnicode_Check(input)
               ? text_keep(input, push->keep, &layer->json)
               : layer_open(input, push->client, &push->failure, push->keep, &layer->layer);
}

static bool layers_fill(struct push *push, PyObject *list)
{
    size_t count = (size_t)PyList_Size(list);
    push->layers = PyMem_Calloc(count + 1, sizeof(*push->layers));
    if (push->layers == NULL) {
        PyErr_NoMemory();
        return false;
    }
    push->layer_count = count;
    for (size_t i = 0; i < count; i++) {
        if (!push_layer_fill(push, &push->layers[i], PyList_GetItem(list, (Py_ssize_t)i))) {
            return false;
        }
    }
    return true;
}

static PyObject *layers_list(const struct lpipe_push_result *result)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < result->layer_count; i++) {
        PyObject *layer = layer_dict(&result->layers[i]);
        if (layer == NULL || PyList_Append(list, layer) != 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(layer);
    }
    return list;
}

/* The keys are the members of layerpipe.PushResult. */
static PyObject *push_dict(const struct lpipe_push_result *result)
{
    return Py_BuildValue(
        "{s:N,s:s,s:s,s:K,s:s,s:s,s:K,s:N,s:N,s:N,s:N}", "reference",
        name_or_none(result->reference), "media_type", result->media_type, "digest", result->digest,
        "size", (unsigned long long)result->size, "config_media_type", result->config_media_type,
        "config_digest", result->config_digest, "config_size",
        (unsigned long long)result->config_size, "layers", layers_list(result), "tags",
        texts_list(result->tags, result->tag_count), "soci_digest",
        text_or_none(result->soci_digest), "image_digest", text_or_none(result->image_digest));
}

static bool push_begin(struct push *push, PyObject *args)
{
    PyObject *client = NULL, *dest = NULL, *base = NULL, *image = NULL, *options = NULL;
    PyObject *edit_list = NULL, *layer_list = NULL;
    unsigned int flags = 0;
    push->keep = PyList_New(0);
    if (push->keep == NULL ||
        !PyArg_ParseTuple(args, "OOIOzO!O!O!O!:push", &client, &dest, &flags, &base, &push->config,
                          &PyDict_Type, &image, &PyList_Type, &edit_list, &PyList_Type, &layer_list,
                          &PyDict_Type, &options)) {
        return false;
    }
    push->client = client_of(client);
    push->dest = push->client == NULL ? NULL : reference_of(dest, flags);
    push->base = push->dest == NULL || base == Py_None ? NULL : reference_of(base, 0);
    return push->dest != NULL && (push->base != NULL || base == Py_None) &&
           options_fill(image, image_rows, &push->image_options, push->keep) &&
           options_fill(options, push_rows, &push->push_options, push->keep) &&
           edits_fill(push, edit_list) && layers_fill(push, layer_list);
}

static PyObject *push(PyObject *module, PyObject *args)
{
    (void)module;
    struct push state = { .image_options = LPIPE_IMAGE_OPTIONS_INIT,
                          .push_options = LPIPE_PUSH_OPTIONS_INIT,
                          .result = LPIPE_PUSH_RESULT_INIT };
    PyObject *result = NULL;
    if (push_begin(&state, args) && blocking_call(state.client, run_push, &state, &state.failure)) {
        result = push_dict(&state.result);
    }
    PyObject *exception = result == NULL ? exception_take() : NULL;
    push_dispose(&state);
    if (exception != NULL) {
        exception_raise(exception);
    }
    return result;
}

struct write_layer {
    struct py_client *client;
    lpipe_ref *dest;
    lpipe_layer *layer;
    struct lpipe_layer_result result;
};

static int run_write_layer(void *state, struct lpipe_error *err)
{
    struct write_layer *write = state;
    int status =
        lpipe_write_layer(write->client->client, write->dest, write->layer, &write->result, err);
    write->layer = lpipe_layer_free(write->layer);
    return status;
}

static PyObject *write_layer(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *client = NULL, *dest = NULL, *input = NULL, *failure = NULL, *result = NULL;
    unsigned int flags = 0;
    if (!PyArg_ParseTuple(args, "OOIO:write_layer", &client, &dest, &flags, &input)) {
        return NULL;
    }
    struct write_layer state = { .client = client_of(client), .result = LPIPE_LAYER_RESULT_INIT };
    PyObject *keep = PyList_New(0);
    state.dest = state.client == NULL || keep == NULL ? NULL : reference_of(dest, flags);
    if (state.dest != NULL && layer_open(input, state.client, &failure, keep, &state.layer) &&
        blocking_call(state.client, run_write_layer, &state, &failure)) {
        result = layer_dict(&state.result);
    }
    Py_BEGIN_ALLOW_THREADS;
    (void)lpipe_layer_free(state.layer); /* if the call was not run */
    Py_END_ALLOW_THREADS;
    (void)lpipe_ref_free(state.dest);
    Py_XDECREF(failure);
    Py_XDECREF(keep);
    return result;
}

PyMethodDef push_methods[] = {
    { "push", push, METH_VARARGS, "Makes an image and pushes it." },
    { "write_layer", write_layer, METH_VARARGS, "Reads one layer and writes its blob." },
    { NULL, NULL, 0, NULL },
};
