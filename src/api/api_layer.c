/* SPDX-License-Identifier: Apache-2.0 */
/* The public functions that return the values of a layer. Any thread. */
#include "base/sync.h"
#include "flow/layer_object.h"

/* The functions take a const layer but must lock it. */
static pthread_mutex_t *lock_of(const lpipe_layer *layer)
{
    return (pthread_mutex_t *)(uintptr_t)&layer->lock;
}

int lpipe_layer_result(const lpipe_layer *layer, struct lpipe_layer_result *ret_result,
                       struct lpipe_error *err)
{
    if (layer == NULL || ret_result == NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "lpipe_layer_result: layer and ret_result are required");
    }
    return layer_result(layer, ret_result, err);
}

/* The layer's result. NULL with *ret_status when there is none, or output is NULL. The result does
 * not change in the state DONE, except when the layer is rewound, so it can be read without the
 * lock. */
static const struct lpipe_layer_result *result_of(const lpipe_layer *layer, const void *output,
                                                  int *ret_status, struct lpipe_error *err)
{
    if (layer == NULL || output == NULL) {
        *ret_status = fail(err, LPIPE_INVALID_ARGUMENT,
                           "the layer and the pointer for its value are required");
        return NULL;
    }
    GUARD(lock_of(layer));
    if (layer->state != LAYER_DONE) {
        *ret_status = layer_fail_state(layer, err);
        return NULL;
    }
    *ret_status = 0;
    return &layer->result;
}

int lpipe_layer_digest(const lpipe_layer *layer, const char **ret_digest, struct lpipe_error *err)
{
    int status = 0;
    const struct lpipe_layer_result *result = result_of(layer, ret_digest, &status, err);
    if (result != NULL) {
        *ret_digest = result->digest;
    }
    return status;
}

int lpipe_layer_diff_id(const lpipe_layer *layer, const char **ret_diff_id, struct lpipe_error *err)
{
    int status = 0;
    const struct lpipe_layer_result *result = result_of(layer, ret_diff_id, &status, err);
    if (result != NULL) {
        *ret_diff_id = result->diff_id;
    }
    return status;
}

int lpipe_layer_size(const lpipe_layer *layer, uint64_t *ret_size, struct lpipe_error *err)
{
    int status = 0;
    const struct lpipe_layer_result *result = result_of(layer, ret_size, &status, err);
    if (result != NULL) {
        *ret_size = result->size;
    }
    return status;
}

const char *lpipe_layer_media_type(const lpipe_layer *layer)
{
    return layer == NULL ? "" : atomic_load(&layer->media);
}

int lpipe_layer_uncompressed(lpipe_layer *layer, lpipe_reader **ret_reader, struct lpipe_error *err)
{
    (void)layer;
    (void)ret_reader;
    return fail(err, LPIPE_UNSUPPORTED, "a stream cannot be read again in uncompressed form");
}
