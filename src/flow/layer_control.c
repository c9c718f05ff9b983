/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of a layer that are not part of driving it: stop it from another thread, set a
 * cancel token, describe it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cancel.h"
#include "base/sync.h"
#include "codec/unit_codec.h"
#include "flow/layer.h"
#include "flow/layer_object.h"

void layer_stop(lpipe_layer *layer)
{
    GUARD(&layer->lock);
    atomic_store(&layer->stop_requested, true);
    if (layer->driving) {
        if (layer->flow != NULL) {
            flow_stop(layer->flow);
        }
        layer_cancel_source(layer);
    }
}

int layer_check_result(const struct lpipe_layer_result *result, struct lpipe_error *err)
{
    return result == NULL || result->struct_size >= offsetof(struct lpipe_layer_result, digest)
               ? 0
               : fail(err, LPIPE_INVALID_ARGUMENT, "lpipe_layer_result: struct_size is not set");
}

void layer_use_cancel(lpipe_layer *layer, lpipe_cancel *cancel)
{
    GUARD(&layer->lock);
    if (layer->state != LAYER_NEW || layer->setup.cancel != NULL || cancel == NULL) {
        return;
    }
    layer->setup.cancel = cancel_ref(cancel);
    if (layer->source != NULL && layer->source->ops->use_cancel != NULL) {
        layer->source->ops->use_cancel(layer->source, cancel);
    }
}

void layer_describe(const lpipe_layer *layer, char ret_text[LAYER_PLAN_BYTES])
{
    const struct layer_setup *setup = &layer->setup;
    char recipe[CODEC_RECIPE_BYTES];
    struct flow_plan plan = { 0 };
    if (setup->toc != 0) {
        unit_codec_recipe(&setup->codec, recipe);
    } else {
        codec_recipe(&setup->codec, recipe);
    }
    /* Cannot fail: the same plan was made when the layer was made. */
    (void)flow_plan_make(&setup->codec, setup->toc != 0, setup->workers, setup->memory_bytes_max,
                         &plan, NULL);
    (void)snprintf(ret_text, LAYER_PLAN_BYTES, "%s, threads %u, buffers %" PRIu64 " KiB", recipe,
                   plan.workers, plan.memory_bytes / 1024);
}

void layer_record_ztoc(lpipe_layer *layer)
{
    GUARD(&layer->lock);
    if (layer->state == LAYER_NEW) {
        layer->setup.ztoc = layer->setup.codec.kind == CODEC_GZIP && layer->setup.toc == 0 &&
                            (layer->setup.flags & LPIPE_LAYER_RAW) == 0;
    }
}

const struct ztoc *layer_ztoc(const lpipe_layer *layer)
{
    return layer->ztoc;
}

const struct tar_odd *layer_odd(const lpipe_layer *layer)
{
    return &layer->odd;
}

const struct tar_tops *layer_tops(const lpipe_layer *layer)
{
    return &layer->tops;
}

bool layer_is_image_archive(const lpipe_layer *layer)
{
    return layer->is_image_archive;
}

bool layer_is_empty_tar(const lpipe_layer *layer)
{
    return layer->has_no_entries && (layer->setup.flags & LPIPE_LAYER_ALLOW_EMPTY) == 0;
}

bool layer_allows_odd(const lpipe_layer *layer)
{
    return (layer->setup.flags & LPIPE_LAYER_ALLOW_ODD_ENTRIES) != 0;
}

struct layer_expected layer_expected(const lpipe_layer *layer)
{
    struct layer_expected expected = { .name = layer->setup.input_name };
    bool has_size = layer->source != NULL && layer->source->ops->size != NULL;
    uint64_t size = has_size ? layer->source->ops->size(layer->source) : 0;
    expected.bytes_in = layer->is_input_compressed ? 0 : size;
    expected.bytes_out =
        layer->is_input_compressed || layer->setup.codec.kind == CODEC_NONE ? size : 0;
    return expected;
}

const char *layer_tar_digest(const lpipe_layer *layer)
{
    return layer->tar_digest;
}

const char *layer_notice(const lpipe_layer *layer)
{
    const char *notice = layer->source != NULL ? source_notice(layer->source) : NULL;
    return notice != NULL ? notice : layer->notice;
}

int layer_result(const lpipe_layer *layer, struct lpipe_layer_result *ret_result,
                 struct lpipe_error *err)
{
    int status = layer_check_result(ret_result, err);
    if (status != 0) {
        return status;
    }
    GUARD((pthread_mutex_t *)(uintptr_t)&layer->lock); /* a const layer must be locked, too */
    if (layer->state != LAYER_DONE) {
        return layer_fail_state(layer, err);
    }
    size_t struct_size = ret_result->struct_size;
    memcpy(ret_result, &layer->result, MIN_OF(struct_size, sizeof layer->result));
    ret_result->struct_size = struct_size;
    return 0;
}
