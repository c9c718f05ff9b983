/* SPDX-License-Identifier: Apache-2.0 */
/* A layer's options: checked, copied, with defaults filled in. */
#ifndef FLOW_LAYER_SETUP_H
#define FLOW_LAYER_SETUP_H

#include "codec/codec.h"
#include "layerpipe/layer.h"
#include "toc/toc_document.h"

struct layer_setup {
    struct codec_spec codec;
    enum toc_format toc; /* 0 = no table of contents */
    bool ztoc;           /* make a zTOC */
    char *spool_dir;     /* for a table that is too long for memory */
    bool codec_given;    /* by the caller: then a compressed input must be of that codec */
    char *label;         /* media type given by the caller, or NULL */
    unsigned workers;    /* 0 = inline */
    char *input_name;    /* or NULL */
    char *prefetch;      /* or NULL */
    char *title;         /* or NULL */
    uint32_t flags;
    uint64_t memory_bytes_max;
    lpipe_cancel *cancel; /* a reference, or NULL */
};

/* options may be NULL or of an older, shorter struct. */
MUST_CHECK int layer_setup_init(struct layer_setup *setup,
                                const struct lpipe_layer_options *options, struct lpipe_error *err);
void layer_setup_dispose(struct layer_setup *setup);

#endif
