/* SPDX-License-Identifier: Apache-2.0 */
/* What other rooms may do to a layer from outside of a drive: stop it, give it a token, give its
 * source words. */
#include "base/cancel.h"
#include "base/sync.h"
#include "flow/layer_object.h"

void layer_stop(lpipe_layer *layer)
{
    GUARD(&layer->lock);
    atomic_store(&layer->leave, true);
    if (layer->driving) {
        if (layer->flow != NULL) {
            flow_stop(layer->flow);
        }
        layer_cancel_source(layer);
    }
}

void layer_use_cancel(lpipe_layer *layer, lpipe_cancel *cancel)
{
    GUARD(&layer->lock);
    if (layer->state != LAYER_NEW || layer->setup.cancel != NULL || cancel == NULL) {
        return;
    }
    layer->setup.cancel = cancel_ref(cancel);
    if (layer->file != NULL) {
        source_fd_use_cancel(layer->file, cancel);
    }
}

void layer_set_words(lpipe_layer *layer, const struct layer_words *words)
{
    layer->words = *words;
}

const char *layer_remark(const lpipe_layer *layer)
{
    return layer->words.remark != NULL ? layer->words.remark(layer->words.ctx) : NULL;
}
