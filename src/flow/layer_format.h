/* SPDX-License-Identifier: Apache-2.0 */
/* How a layer is compressed, as the user writes it: "gzip:6", "zstd-chunked", "none". Pure. */
#ifndef FLOW_LAYER_FORMAT_H
#define FLOW_LAYER_FORMAT_H

#include "codec/codec.h"
#include "toc/toc_document.h"

struct layer_format {
    struct codec_spec codec;
    enum toc_format toc; /* 0 = no table of contents */
};

/* The text of lpipe_layer_options.compress; NULL = the default. INVALID_ARGUMENT, NO_MEMORY. */
MUST_CHECK int layer_format_parse(const char *text, struct layer_format *ret_format,
                                  struct lpipe_error *err);
/* A table of contents in a layer with Docker's media type. */
int layer_format_fail_docker(struct lpipe_error *err);

#endif
