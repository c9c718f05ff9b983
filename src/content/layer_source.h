/* SPDX-License-Identifier: Apache-2.0 */
/* A layer of an image in a store as the input of a new layer: its tar, verified. It can be read
 * again. One thread at a time. */
#ifndef CONTENT_LAYER_SOURCE_H
#define CONTENT_LAYER_SOURCE_H

#include "base/source.h"
#include "content/layer_stream.h"

/* The store is borrowed until the source is freed; *layer is copied. Nothing is read yet.
 * without_table: what follows the end-of-archive mark of the tar is left out, except for zeros. An
 * eStargz has its table of contents there. */
MUST_CHECK int layer_source_new(struct store *store, const struct layer_spec *layer,
                                bool without_table, struct source **ret_source,
                                struct lpipe_error *err);

#endif
