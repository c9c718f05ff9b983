/* SPDX-License-Identifier: Apache-2.0 */
/* The manifests and blobs that an image or an index consists of. The manifests are fetched and
 * verified, the blobs are only listed.
 *
 * Any thread; one thread at a time may use a graph. */
#ifndef COPY_COPY_GRAPH_H
#define COPY_COPY_GRAPH_H

#include <pthread.h>

#include "base/limits.h"
#include "image/image_fetch.h"
#include "layerpipe/client.h"

/* A manifest or an index. */
struct copy_node {
    struct descriptor descriptor; /* as the index that names it says */
    struct document document;
};

struct copy_graph {
    pthread_mutex_t lock; /* guards all below while the manifests are fetched */
    struct copy_node *nodes[COPY_MANIFESTS_MAX]; /* the root first, then level by level; owned */
    size_t count;
    size_t levels[INDEX_DEPTH_MAX + 2]; /* number of the first node of each level, and the count */
    size_t level_count;
    size_t next_level; /* number of the first node of the level below the one that is fetched */
    uint64_t manifest_bytes;
    struct descriptor *blobs; /* each digest once, the largest first */
    size_t blob_count;
    size_t blob_capacity;
    size_t foreign_count; /* layers that are not distributable; they are not in blobs */
};

/* Fetches everything below the root, several manifests at a time. The graph takes the root, which
 * is empty afterwards. Call copy_graph_free() in every case. PROTOCOL (indexes nested too deep),
 * TOO_LARGE (COPY_MANIFESTS_MAX, COPY_MANIFEST_BYTES_MAX, COPY_BLOBS_MAX), UNSUPPORTED (Docker
 * schema 1), and the failures of the store. */
MUST_CHECK int copy_graph_load(lpipe_client *client, struct store *store, struct fetched *root,
                               struct copy_graph **ret_graph, struct lpipe_error *err);
struct copy_graph *copy_graph_free(struct copy_graph *graph);
static inline void cleanup_copy_graph(struct copy_graph **graph)
{
    copy_graph_free(*graph);
}
#define AUTO_COPY_GRAPH CLEANUP(cleanup_copy_graph)

#endif
