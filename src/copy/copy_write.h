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

/* For a registry that has the root: whether it has the manifests below it, too. Then nothing is to
 * be written: a registry takes a manifest only when it has its blobs. But some take an index
 * without its manifests. */
bool copy_has_children(const struct copy_route *route, const struct copy_graph *graph);
/* In place of copy_write(), when all blobs are there. */
void copy_count_existing(const struct copy_route *route, const struct copy_graph *graph,
                         struct lpipe_copy_result *counts);

/* How a manifest is put. Without tags: as a child of an index when as_child is set, else under its
 * digest. All members are borrowed for the call. */
struct copy_manifest {
    const struct document *document;
    bool as_child;
    bool is_new; /* this and found_reference: see struct publication */
    const char *found_reference;
    const char **tags;
    size_t tag_count;
};

MUST_CHECK int copy_write_manifest(const struct copy_route *route,
                                   const struct copy_manifest *manifest, struct lpipe_error *err);

#endif
