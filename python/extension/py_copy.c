/* SPDX-License-Identifier: Apache-2.0 */
/* Copies images, and makes indexes of them. */
#include "py_blocking.h"
#include "py_layer.h"
#include "py_options.h"
#include "py_reference.h"

#define COPY_ROW(name, kind, member)                                                               \
    {                                                                                              \
        name, kind, offsetof(struct lpipe_copy_options, member), 0, 0, NULL                        \
    }

static const struct option_row copy_rows[] = {
    { "all", OPTION_FLAG, offsetof(struct lpipe_copy_options, flags), 0, LPIPE_COPY_ALL, NULL },
    { "referrers", OPTION_FLAG, offsetof(struct lpipe_copy_options, flags), 0, LPIPE_COPY_REFERRERS,
      NULL },
    COPY_ROW("platform", OPTION_TEXT, platform),
    { "tags", OPTION_TEXTS, offsetof(struct lpipe_copy_options, tags),
      offsetof(struct lpipe_copy_options, tag_count), 0, NULL },
    COPY_ROW("compress", OPTION_TEXT, compress),
    COPY_ROW("threads", OPTION_INT32, threads),
    { "format", OPTION_CHOICE, offsetof(struct lpipe_copy_options, format), 0, 0, format_names },
    COPY_ROW("mount_from", OPTION_TEXT, mount_from),
    COPY_ROW("image", OPTION_TEXT, image),
    { "soci", OPTION_CHOICE, offsetof(struct lpipe_copy_options, soci), 0, 0, soci_names },
    COPY_ROW("soci_min_size", OPTION_UINT64, soci_bytes_min),
    { NULL, OPTION_TEXT, 0, 0, 0, NULL },
};

static const struct option_row index_rows[] = {
    { "append", OPTION_FLAG, offsetof(struct lpipe_index_options, flags), 0, LPIPE_INDEX_APPEND,
      NULL },
    { "skip_missing", OPTION_FLAG, offsetof(struct lpipe_index_options, flags), 0,
      LPIPE_INDEX_SKIP_MISSING, NULL },
    { "format", OPTION_CHOICE, offsetof(struct lpipe_index_options, format), 0, 0, format_names },
    { "annotations", OPTION_TEXTS, offsetof(struct lpipe_index_options, annotations),
      offsetof(struct lpipe_index_options, annotation_count), 0, NULL },
    { "tags", OPTION_TEXTS, offsetof(struct lpipe_index_options, tags),
      offsetof(struct lpipe_index_options, tag_count), 0, NULL },
    { NULL, OPTION_TEXT, 0, 0, 0, NULL },
};

struct copy {
    struct py_client *client;
    lpipe_ref *from; /* NULL: an archive is read from source */
    struct lpipe_source source;
    lpipe_ref *dest;
    struct lpipe_copy_options options;
    struct lpipe_copy_result result;
};

static int run_copy(void *state, struct lpipe_error *err)
{
    struct copy *copy = state;
    return copy->from != NULL ? lpipe_copy(copy->client->client, copy->from, copy->dest,
                                           &copy->options, &copy->result, err)
                              : lpipe_copy_archive(copy->client->client, &copy->source, copy->dest,
                                                   &copy->options, &copy->result, err);
}

/* The keys are the members of layerpipe.CopyResult. */
static PyObject *copy_dict(const struct lpipe_copy_result *result)
{
    return Py_BuildValue("{s:N,s:s,s:s,s:K,s:N,s:K,s:K,s:K,s:K,s:K,s:K}", "reference",
                         name_or_none(result->reference), "media_type", result->media_type,
                         "digest", result->digest, "size", (unsigned long long)result->size, "tags",
                         texts_list(result->tags, result->tag_count), "manifest_count",
                         (unsigned long long)result->manifest_count, "blobs_copied",
                         (unsigned long long)result->blobs_copied, "blobs_mounted",
                         (unsigned long long)result->blobs_mounted, "blobs_existing",
                         (unsigned long long)result->blobs_existing, "bytes_copied",
                         (unsigned long long)result->bytes_copied, "referrer_count",
                         (unsigned long long)result->referrer_count);
}

/* source: a reference, or an object for source_open(). This is the last step before the call, which
 * closes the source. */
static bool copy_source_open(struct copy *copy, PyObject *source, PyObject **failure)
{
    if (PyUnicode_Check(source)) {
        copy->from = reference_of(source, 0);
        return copy->from != NULL;
    }
    return source_open(source, failure, &copy->source);
}

static PyObject *copy(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *client = NULL, *source = NULL, *dest = NULL, *dict = NULL, *failure = NULL;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "OOOO!:copy", &client, &source, &dest, &PyDict_Type, &dict)) {
        return NULL;
    }
    struct copy state = { .client = client_of(client),
                          .options = LPIPE_COPY_OPTIONS_INIT,
                          .result = LPIPE_COPY_RESULT_INIT };
    PyObject *keep = PyList_New(0);
    state.dest = state.client == NULL || keep == NULL ? NULL : reference_of(dest, 0);
    if (state.dest != NULL && options_fill(dict, copy_rows, &state.options, keep) &&
        copy_source_open(&state, source, &failure) &&
        blocking_call(state.client, run_copy, &state, &failure)) {
        result = copy_dict(&state.result);
    }
    lpipe_copy_result_done(&state.result);
    (void)lpipe_ref_free(state.from);
    (void)lpipe_ref_free(state.dest);
    Py_XDECREF(keep);
    return result;
}

struct index {
    struct py_client *client;
    lpipe_ref *dest;
    struct lpipe_index_entry *entries;
    lpipe_ref **refs;
    size_t count;
    struct lpipe_index_options options;
    struct lpipe_copy_result result;
};

static int run_index(void *state, struct lpipe_error *err)
{
    struct index *index = state;
    return lpipe_index_push(index->client->client, index->dest, index->entries, index->count,
                            &index->options, &index->result, err);
}

/* list: pairs of a reference and a platform, which may be None. */
static bool entries_fill(struct index *index, PyObject *list, PyObject *keep)
{
    size_t count = (size_t)PyList_Size(list);
    index->entries = PyMem_Calloc(count + 1, sizeof(*index->entries));
    index->refs = PyMem_Calloc(count + 1, sizeof(lpipe_ref *));
    if (index->entries == NULL || index->refs == NULL) {
        PyErr_NoMemory();
        return false;
    }
    for (; index->count < count; index->count++) {
        PyObject *reference = NULL, *platform = NULL;
        struct lpipe_index_entry *entry = &index->entries[index->count];
        if (!PyArg_ParseTuple(PyList_GetItem(list, (Py_ssize_t)index->count), "OO:entry",
                              &reference, &platform) ||
            !text_keep(platform, keep, &entry->platform)) {
            return false;
        }
        index->refs[index->count] = reference_of(reference, 0);
        if (index->refs[index->count] == NULL) {
            return false;
        }
        entry->ref = index->refs[index->count];
    }
    return true;
}

static void index_dispose(struct index *index)
{
    for (size_t i = 0; i < index->count; i++) {
        (void)lpipe_ref_free(index->refs[i]);
    }
    PyMem_Free(index->refs);
    PyMem_Free(index->entries);
    (void)lpipe_ref_free(index->dest);
    lpipe_copy_result_done(&index->result);
}

static PyObject *make_index(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *client = NULL, *dest = NULL, *list = NULL, *dict = NULL, *result = NULL;
    if (!PyArg_ParseTuple(args, "OOO!O!:index", &client, &dest, &PyList_Type, &list, &PyDict_Type,
                          &dict)) {
        return NULL;
    }
    struct index state = { .client = client_of(client),
                           .options = LPIPE_INDEX_OPTIONS_INIT,
                           .result = LPIPE_COPY_RESULT_INIT };
    PyObject *keep = PyList_New(0);
    state.dest = state.client == NULL || keep == NULL ? NULL : reference_of(dest, 0);
    if (state.dest != NULL && entries_fill(&state, list, keep) &&
        options_fill(dict, index_rows, &state.options, keep) &&
        blocking_call(state.client, run_index, &state, NULL)) {
        result = copy_dict(&state.result);
    }
    index_dispose(&state);
    Py_XDECREF(keep);
    return result;
}

PyMethodDef copy_methods[] = {
    { "copy", copy, METH_VARARGS, "Copies an image." },
    { "index", make_index, METH_VARARGS, "Makes an index and pushes it." },
    { NULL, NULL, 0, NULL },
};
