/* SPDX-License-Identifier: Apache-2.0 */
#include "copy/copy_write.h"

#include <stdio.h>
#include <string.h>

#include "base/sync.h"
#include "copy/copy_jobs.h"
#include "image/blob_ensure.h"
#include "image/image_tasks.h"
#include "image/manifest_publish.h"

struct blobs {
    const struct copy_route *route;
    const struct copy_graph *graph;
    struct writer_registry writers;
    pthread_mutex_t lock;
    struct lpipe_copy_result *counts; /* guarded by the lock */
};

static void count_blob(struct blobs *blobs, enum lpipe_blob_origin origin, uint64_t size)
{
    GUARD(&blobs->lock);
    switch (origin) {
    case LPIPE_ORIGIN_MOUNTED:
        blobs->counts->blobs_mounted++;
        break;
    case LPIPE_ORIGIN_EXISTING:
        blobs->counts->blobs_existing++;
        break;
    case LPIPE_ORIGIN_STREAMED:
    case LPIPE_ORIGIN_COPIED:
        blobs->counts->blobs_copied++;
        blobs->counts->bytes_copied += size;
        break;
    }
}

/* "blob 1a2b3c4d5e6f": the name in progress and messages. */
static void name_blob(const struct descriptor *blob, char *name, size_t size)
{
    (void)snprintf(name, size, "blob %.12s", strchr(blob->digest, ':') + 1);
}

static int write_blob(void *ctx, size_t index, struct lpipe_error *err)
{
    struct blobs *blobs = ctx;
    const struct copy_route *route = blobs->route;
    const struct descriptor *blob = &blobs->graph->blobs[index];
    const struct blob_sources sources = { .mount_first = route->from_repository,
                                          .from = route->from };
    enum lpipe_blob_origin origin = LPIPE_ORIGIN_COPIED;
    char name[32];
    name_blob(blob, name, sizeof name);
    const struct blob_job job = { .client = route->client,
                                  .store = route->to,
                                  .index = (uint32_t)index,
                                  .name = name,
                                  .writers = &blobs->writers };
    int status = blob_job_check(&job, err);
    status = status == 0 ? blob_ensure(&job, blob, &sources, &origin, err) : status;
    if (status == 0) {
        count_blob(blobs, origin, blob->size);
    }
    return status == 0 ? 0 : fail_context(err, status, "%s", name);
}

static void abort_blobs(void *ctx)
{
    writer_registry_abort_all(&((struct blobs *)ctx)->writers);
}

static int write_blobs(const struct copy_route *route, const struct copy_graph *graph,
                       struct lpipe_copy_result *counts, struct lpipe_error *err)
{
    struct blobs blobs = { .route = route, .graph = graph, .counts = counts };
    const struct task_list tasks = { .count = graph->blob_count,
                                     .threads = copy_route_jobs(route, graph->blob_count),
                                     .threads_min = 1,
                                     .run = write_blob,
                                     .abort = abort_blobs,
                                     .ctx = &blobs };
    writer_registry_init(&blobs.writers);
    (void)pthread_mutex_init(&blobs.lock, NULL);
    int status = tasks_run(&tasks, err);
    (void)pthread_mutex_destroy(&blobs.lock);
    writer_registry_dispose(&blobs.writers);
    return status;
}

int copy_write_manifest(const struct copy_route *route, const struct copy_manifest *put,
                        struct lpipe_error *err)
{
    const struct document *document = put->document;
    AUTO_MANIFEST struct manifest *manifest = NULL;
    int status = manifest_parse(document, &manifest, err);
    if (status != 0) {
        return status;
    }
    const struct manifest_item referrer = {
        .descriptor = document->descriptor,
        .artifact_type = manifest->artifact_type != NULL ? manifest->artifact_type
                         : manifest->kind == MANIFEST_KIND_IMAGE
                             ? manifest->config.descriptor.media_type
                             : NULL,
        .annotations = &manifest->annotations,
    };
    const struct publication publication = {
        .client = route->client,
        .store = route->to,
        .is_new = put->is_new,
        .found_reference = put->found_reference,
        .manifest = document,
        .tags = put->tags,
        .tag_count = put->tag_count,
        .subject_digest = manifest->has_subject ? manifest->subject.descriptor.digest : NULL,
        .referrer = &referrer,
    };
    return put->as_child ? manifest_publish_child(&publication, err)
                         : manifest_publish(&publication, err);
}

struct level {
    const struct copy_route *route;
    struct copy_node *const *nodes;
};

static int write_node(void *ctx, size_t index, struct lpipe_error *err)
{
    const struct level *level = ctx;
    const struct copy_manifest child = { .document = &level->nodes[index]->document,
                                         .as_child = true };
    return copy_write_manifest(level->route, &child, err);
}

/* A registry may refuse an index whose manifests it does not have, so the deepest level is
 * first. */
static int write_children(const struct copy_route *route, const struct copy_graph *graph,
                          struct lpipe_error *err)
{
    int status = 0;
    for (size_t depth = graph->level_count - 1; depth > 0 && status == 0; depth--) {
        struct level level = { route, &graph->nodes[graph->levels[depth]] };
        size_t count = graph->levels[depth + 1] - graph->levels[depth];
        const struct task_list tasks = { .count = count,
                                         .threads = copy_route_jobs(route, count),
                                         .threads_min = 1,
                                         .run = write_node,
                                         .ctx = &level };
        status = tasks_run(&tasks, err);
    }
    return status;
}

static int find_node(void *ctx, size_t index, struct lpipe_error *err)
{
    const struct level *level = ctx;
    char found[DIGEST_TEXT_SIZE];
    const char *digest = level->nodes[index]->document.descriptor.digest;
    int there = store_manifest_head(level->route->to, digest, found, err);
    return there == 0 ? fail(err, LPIPE_NOT_FOUND, "no manifest %s", digest) : MIN_OF(there, 0);
}

bool copy_has_children(const struct copy_route *route, const struct copy_graph *graph)
{
    struct level level = { route, &graph->nodes[1] };
    size_t count = graph->count - 1;
    const struct task_list tasks = { .count = count,
                                     .threads = copy_route_jobs(route, count),
                                     .threads_min = 1,
                                     .run = find_node,
                                     .ctx = &level };
    return count == 0 || tasks_run(&tasks, NULL) == 0;
}

static void notice_foreign_layers(const struct copy_route *route, const struct copy_graph *graph)
{
    if (graph->foreign_count > 0) {
        context_notice(&route->client->context,
                       "%zu layers are not distributable, so they are not copied; their "
                       "descriptors say where to get them",
                       graph->foreign_count);
    }
}

int copy_write(const struct copy_route *route, const struct copy_graph *graph,
               struct lpipe_copy_result *counts, struct lpipe_error *err)
{
    notice_foreign_layers(route, graph);
    int status = write_blobs(route, graph, counts, err);
    return status == 0 ? write_children(route, graph, err) : status;
}

void copy_count_existing(const struct copy_route *route, const struct copy_graph *graph,
                         struct lpipe_copy_result *counts)
{
    notice_foreign_layers(route, graph);
    for (size_t i = 0; i < graph->blob_count; i++) {
        char name[32];
        name_blob(&graph->blobs[i], name, sizeof name);
        const struct blob_job job = {
            .client = route->client, .store = route->to, .index = (uint32_t)i, .name = name
        };
        blob_progress_skipped(&job, LPIPE_ORIGIN_EXISTING, &graph->blobs[i]);
        counts->blobs_existing++;
    }
}
