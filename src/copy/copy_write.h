/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a loaded graph into a store: the blobs, then the manifests below the root, the deepest
 * first. The root itself is left to the caller. Any thread. */
#ifndef COPY_COPY_WRITE_H
#define COPY_COPY_WRITE_H

#include "copy/copy_graph.h"
#include "copy/copy_route.h"
#include "layerpipe/copy.h"

/* Adds the counts of blobs and bytes to *counts. */
MUST_CHECK int copy_write(const struct copy_route *route, const struct copy_graph *graph,
                          struct lpipe_copy_result *counts, struct lpipe_error *err);
/* Puts a manifest of the graph under the tags. Without tags: as a child of an index when
 * as_child is set, else under its digest. */
MUST_CHECK int copy_write_manifest(const struct copy_route *route, const struct document *manifest,
                                   bool as_child, const char **tags, size_t tag_count,
                                   struct lpipe_error *err);

#endif
