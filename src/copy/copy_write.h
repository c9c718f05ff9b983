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

/* How a manifest is put. Without tags: as a child of an index when as_child is set, else under its
 * digest. All members are borrowed for the call. */
struct copy_manifest {
    const struct document *document;
    bool as_child;
    bool is_new; /* see struct publication */
    const char **tags;
    size_t tag_count;
};

MUST_CHECK int copy_write_manifest(const struct copy_route *route,
                                   const struct copy_manifest *manifest, struct lpipe_error *err);

#endif
