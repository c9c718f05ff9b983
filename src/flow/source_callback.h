/* SPDX-License-Identifier: Apache-2.0 */
/* The caller's callbacks (struct lpipe_source) as a source. */
#ifndef FLOW_SOURCE_CALLBACK_H
#define FLOW_SOURCE_CALLBACK_H

#include "base/source.h"
#include "layerpipe/layer.h"

/* callbacks is copied. NULL when out of memory; nothing was called then. */
struct source *source_callback_new(const struct lpipe_source *callbacks);

#endif
