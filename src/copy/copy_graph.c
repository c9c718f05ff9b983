/* SPDX-License-Identifier: Apache-2.0 */
#include "copy/copy_graph.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/sync.h"
#include "base/text.h"
#include "copy/copy_jobs.h"
#include "image/image_tasks.h"

#define BLOBS_FIRST_CAPACITY 16

/* The manifests of one level, which are fetched together. */
struct level {
    struct copy_graph *graph;
    struct store *store;
    size_t first;
    unsigned depth; /* of these manifests; the root has 0 */
};

/* Only the next level is searched: a manifest that two levels name is in both, because the deeper
 * one must be put before the index that names it. */
static bool has_node(const struct copy_graph *graph, const char *digest)
{
    for (size_t i = graph->next_level; i < graph->count; i++) {
        if (strcmp(graph->nodes[i]->descriptor.digest, digest) == 0) {
            return true;
        }
    }
    return false;
}

static int add_node(struct copy_graph *graph, const struct descriptor *child,
                    struct lpipe_error *err)
{
    if (has_node(graph, child->digest)) {
        return 0;
    }
    graph->manifest_bytes += MIN_OF(child->size, (uint64_t)MANIFEST_BYTES_MAX);
    if (graph->count == COPY_MANIFESTS_MAX || graph->manifest_bytes > COPY_MANIFEST_BYTES_MAX) {
        return fail(err, LPIPE_TOO_LARGE,
                    "the index and all below it are more than %d manifests or %zu bytes",
                    COPY_MANIFESTS_MAX, COPY_MANIFEST_BYTES_MAX);
    }
    struct copy_node *node = NEW(struct copy_node);
    if (node == NULL) {
        return fail_memory(err);
    }
    node->descriptor = *child;
    graph->nodes[graph->count++] = node;
    return 0;
}

static int add_blob(struct copy_graph *graph, const struct descriptor *blob,
                    struct lpipe_error *err)
{
    if (graph->blob_count == COPY_BLOBS_MAX) {
        return fail(err, LPIPE_TOO_LARGE, "the image has more than %d blobs", COPY_BLOBS_MAX);
    }
    if (graph->blob_count == graph->blob_capacity) {
        size_t capacity = MAX_OF(graph->blob_capacity * 2, (size_t)BLOBS_FIRST_CAPACITY);
        struct descriptor *grown = mem_realloc(graph->blobs, capacity * sizeof *grown);
        if (grown == NULL) {
            return fail_memory(err);
        }
        graph->blobs = grown;
        graph->blob_capacity = capacity;
    }
    graph->blobs[graph->blob_count++] = *blob;
    return 0;
}

static int add_layer(struct copy_graph *graph, const struct descriptor *layer,
                     struct lpipe_error *err)
{
    if (media_type_role(layer->media_type, NULL) == MEDIA_ROLE_FOREIGN) {
        graph->foreign_count++;
        return 0;
    }
    return add_blob(graph, layer, err);
}

/* An entry of an index can name any blob: BuildKit's caches are indexes of layers. */
static int add_entry(struct copy_graph *graph, const struct descriptor *entry, unsigned depth,
                     struct lpipe_error *err)
{
    enum media_role role = media_type_role(entry->media_type, NULL);
    if (text_starts(entry->media_type, MEDIA_TYPE_SCHEMA1_PREFIX)) {
        return fail(err, LPIPE_UNSUPPORTED,
                    "the index names the image %s in Docker's old schema 1 format, which is not "
                    "copied",
                    entry->digest);
    }
    if (role == MEDIA_ROLE_INDEX && depth == INDEX_DEPTH_MAX) {
        return fail(err, LPIPE_PROTOCOL, "the index has nested indexes more than %d levels deep",
                    INDEX_DEPTH_MAX);
    }
    return role == MEDIA_ROLE_INDEX || role == MEDIA_ROLE_MANIFEST ? add_node(graph, entry, err)
                                                                   : add_layer(graph, entry, err);
}

/* Adds what a manifest names. depth: of the manifest. */
static int add_content(struct copy_graph *graph, const struct manifest *manifest, unsigned depth,
                       struct lpipe_error *err)
{
    GUARD(&graph->lock);
    bool is_index = manifest->kind == MANIFEST_KIND_INDEX;
    int status = is_index ? 0 : add_blob(graph, &manifest->config.descriptor, err);
    for (size_t i = 0; i < manifest->item_count && status == 0; i++) {
        const struct descriptor *item = &manifest->items[i].descriptor;
        status = is_index ? add_entry(graph, item, depth + 1, err) : add_layer(graph, item, err);
    }
    return status;
}

static struct copy_node *node_at(struct copy_graph *graph, size_t number)
{
    GUARD(&graph->lock);
    return graph->nodes[number];
}

static int fetch_node(void *ctx, size_t index, struct lpipe_error *err)
{
    struct level *level = ctx;
    struct copy_node *node = node_at(level->graph, level->first + index);
    struct fetched fetched AUTO_FETCHED = FETCHED_INIT;
    int status = image_fetch_child(level->store, &node->descriptor, &fetched, err);
    if (status != 0) {
        return fail_context(err, status, "the manifest %s of the index", node->descriptor.digest);
    }
    node->document = fetched.document;
    fetched.document = (struct document)DOCUMENT_INIT;
    return add_content(level->graph, fetched.manifest, level->depth, err);
}

static int fetch_levels(lpipe_client *client, struct store *store, struct copy_graph *graph,
                        struct lpipe_error *err)
{
    int status = 0;
    size_t done = 1; /* the root */
    graph->levels[graph->level_count++] = 0;
    for (unsigned depth = 1; status == 0 && done < graph->count; depth++) {
        struct level level = { graph, store, done, depth };
        size_t count = graph->count;
        graph->next_level = count;
        const struct task_list tasks = {
            .count = count - done,
            .threads = copy_jobs(client, count - done),
            .threads_min = 1,
            .run = fetch_node,
            .ctx = &level,
        };
        graph->levels[graph->level_count++] = done;
        status = tasks_run(&tasks, err);
        done = count;
    }
    graph->levels[graph->level_count] = graph->count;
    return status;
}

static int compare_digests(const void *a, const void *b)
{
    return strcmp(((const struct descriptor *)a)->digest, ((const struct descriptor *)b)->digest);
}

/* The largest first: it takes longest, and all jobs shall end at about the same time. */
static int compare_sizes(const void *a, const void *b)
{
    const struct descriptor *left = a, *right = b;
    return left->size != right->size ? (left->size < right->size ? 1 : -1) : compare_digests(a, b);
}

static int settle_blobs(struct copy_graph *graph, struct lpipe_error *err)
{
    size_t kept = 0;
    if (graph->blob_count == 0) {
        return 0;
    }
    qsort(graph->blobs, graph->blob_count, sizeof *graph->blobs, compare_digests);
    for (size_t i = 0; i < graph->blob_count; i++) {
        const struct descriptor *last = kept > 0 ? &graph->blobs[kept - 1] : NULL;
        if (last == NULL || compare_digests(last, &graph->blobs[i]) != 0) {
            graph->blobs[kept++] = graph->blobs[i];
        } else if (last->size != graph->blobs[i].size) {
            return fail(err, LPIPE_PROTOCOL,
                        "the manifests name the blob %s with %" PRIu64 " and with %" PRIu64
                        " bytes",
                        last->digest, last->size, graph->blobs[i].size);
        }
    }
    graph->blob_count = kept;
    qsort(graph->blobs, graph->blob_count, sizeof *graph->blobs, compare_sizes);
    return 0;
}

int copy_graph_load(lpipe_client *client, struct store *store, struct fetched *root,
                    struct copy_graph **ret_graph, struct lpipe_error *err)
{
    struct copy_graph *graph AUTO_COPY_GRAPH = NEW(struct copy_graph);
    if (graph == NULL) {
        return fail_memory(err);
    }
    (void)pthread_mutex_init(&graph->lock, NULL);
    int status = add_node(graph, &root->document.descriptor, err);
    if (status == 0) {
        graph->next_level = 1;
        graph->nodes[0]->document = root->document;
        root->document = (struct document)DOCUMENT_INIT;
        status = add_content(graph, root->manifest, 0, err);
    }
    status = status == 0 ? fetch_levels(client, store, graph, err) : status;
    status = status == 0 ? settle_blobs(graph, err) : status;
    if (status == 0) {
        *ret_graph = TAKE(graph);
    }
    return status;
}

struct copy_graph *copy_graph_free(struct copy_graph *graph)
{
    if (graph != NULL) {
        for (size_t i = 0; i < graph->count; i++) {
            document_dispose(&graph->nodes[i]->document);
            free(graph->nodes[i]);
        }
        (void)pthread_mutex_destroy(&graph->lock);
        free(graph->blobs);
        free(graph);
    }
    return NULL;
}
