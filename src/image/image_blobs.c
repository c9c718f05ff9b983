/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image_blobs.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "flow/layer.h"
#include "image/blob_push.h"
#include "image/image_tasks.h"
#include "registry/client.h"

/* What is worked on first. */
enum urgency {
    URGENCY_CHECK = 0,  /* a question only, whose answer may end all */
    URGENCY_STREAM = 1, /* a producer is waiting */
    URGENCY_LATER = 2,
    URGENCY_NEVER = 3 /* nothing to be done */
};

struct blobs {
    lpipe_image *image;
    const struct image_blobs_target *target;
    size_t *order; /* numbers of the layers to be worked on */
    size_t count;
    size_t stream_count;
    struct blob_stop stop;
};

static bool is_foreign(const struct image_layer *layer)
{
    return layer->kind == IMAGE_LAYER_BASE &&
           media_role_is_foreign(media_type_role(layer->result.media_type, NULL));
}

/* The first layer that is known to be the same blob: itself, if there is no other. */
static size_t first_like(const lpipe_image *image, size_t number)
{
    const struct image_layer *layer = &image->layers[number];
    size_t i = 0;
    while (i < number && (image->layers[i].kind == IMAGE_LAYER_UNREAD ||
                          strcmp(image->layers[i].result.digest, layer->result.digest) != 0)) {
        i++;
    }
    return i;
}

static enum urgency urgency_of(const lpipe_image *image, size_t number)
{
    const struct image_layer *layer = &image->layers[number];
    switch (layer->kind) {
    case IMAGE_LAYER_UNREAD:
        return layer_can_rewind(layer->unread) ? URGENCY_LATER : URGENCY_STREAM;
    case IMAGE_LAYER_KNOWN:
        return first_like(image, number) == number ? URGENCY_CHECK : URGENCY_NEVER;
    case IMAGE_LAYER_BASE:
        break;
    }
    /* What may not be distributed stays where its descriptor says. */
    return is_foreign(layer) || first_like(image, number) != number ? URGENCY_NEVER : URGENCY_LATER;
}

static void plan(struct blobs *blobs)
{
    const lpipe_image *image = blobs->image;
    for (enum urgency urgency = URGENCY_CHECK; urgency < URGENCY_NEVER; urgency++) {
        for (size_t i = 0; i < image->layer_count; i++) {
            if (urgency_of(image, i) == urgency) {
                blobs->order[blobs->count++] = i;
                blobs->stream_count += urgency == URGENCY_STREAM;
            }
        }
    }
}

static size_t thread_count(const struct blobs *blobs)
{
    lpipe_client *client = blobs->image->client;
    size_t jobs = client_settings(client)->jobs;
    if (jobs == 0) {
        bool others = blobs->count > blobs->stream_count;
        jobs = MAX_OF((size_t)JOBS_DEFAULT, blobs->stream_count + (others ? 1 : 0));
        jobs = MIN_OF(jobs, (size_t)JOBS_MAX);
    }
    if (jobs < blobs->stream_count) {
        client_notice(client,
                      "%zu streams are read %zu at a time: one that waits for another to be read "
                      "further down would wait forever",
                      blobs->stream_count, jobs);
    }
    return jobs;
}

static int place(const struct blobs *blobs, const struct blob_job *job, struct image_layer *layer,
                 struct lpipe_error *err)
{
    const struct image_base *base = &blobs->image->base;
    struct blob_sources sources = { .mount_second = blobs->target->mount_from };
    struct descriptor blob = { .size = layer->result.size };
    (void)snprintf(blob.digest, sizeof blob.digest, "%s", layer->result.digest);
    (void)snprintf(blob.media_type, sizeof blob.media_type, "%s", layer->result.media_type);
    if (layer->kind == IMAGE_LAYER_BASE) {
        bool near = strcmp(base->store->origin, blobs->target->store->origin) == 0;
        sources.mount_first = near ? base->repository : NULL;
        sources.from = base->store;
    }
    return blob_place(job, &blob, &sources, &layer->result.origin, err);
}

static int run(void *ctx, size_t index, struct lpipe_error *err)
{
    struct blobs *blobs = ctx;
    size_t number = blobs->order[index];
    struct image_layer *layer = &blobs->image->layers[number];
    char name[32];
    (void)snprintf(name, sizeof name, "layer %zu", number + 1);
    const struct blob_job job = { .client = blobs->image->client,
                                  .store = blobs->target->store,
                                  .index = (uint32_t)number,
                                  .name = name,
                                  .stop = &blobs->stop };
    const struct blob_sources first = { .mount_first = blobs->target->mount_from };
    int status = blob_job_check(&job, err);
    if (status == 0) {
        status = layer->kind == IMAGE_LAYER_UNREAD
                     ? blob_push(&job, layer->unread, blobs->target->remote ? &first : NULL,
                                 &layer->result, err)
                     : place(blobs, &job, layer, err);
    }
    return status == 0 || blobs->image->layer_count == 1 ? status
                                                         : fail_context(err, status, "%s", name);
}

/* The writers come first: a layer that is rewound forgets that it was stopped, but its job is asked
 * afterwards. */
static void stop(void *ctx)
{
    struct blobs *blobs = ctx;
    blob_stop_all(&blobs->stop);
    for (size_t i = 0; i < blobs->image->layer_count; i++) {
        if (blobs->image->layers[i].kind == IMAGE_LAYER_UNREAD) {
            layer_stop(blobs->image->layers[i].unread);
        }
    }
}

/* Layers that were not worked on because another one is the same blob, or because they stay where
 * they are. */
static void settle_rest(const struct blobs *blobs)
{
    lpipe_image *image = blobs->image;
    for (size_t i = 0; i < image->layer_count; i++) {
        struct image_layer *layer = &image->layers[i];
        if (is_foreign(layer)) {
            layer->result.origin = LPIPE_ORIGIN_EXISTING;
            client_notice(image->client, "layer %zu may not be distributed; it stays where it is",
                          i + 1);
        } else if (layer->kind != IMAGE_LAYER_UNREAD) {
            layer->result.origin = image->layers[first_like(image, i)].result.origin;
        }
    }
}

int image_blobs(lpipe_image *image, const struct image_blobs_target *target,
                struct lpipe_error *err)
{
    AUTO_FREE size_t *order = mem_new_array(image->layer_count + 1, sizeof *order);
    if (order == NULL) {
        return fail_memory(err);
    }
    struct blobs blobs = { .image = image, .target = target, .order = order };
    blob_stop_init(&blobs.stop);
    plan(&blobs);
    const struct task_list tasks = { .count = blobs.count,
                                     .threads = thread_count(&blobs),
                                     .run = run,
                                     .stop = stop,
                                     .ctx = &blobs };
    int status = tasks_run(&tasks, err);
    blob_stop_done(&blobs.stop);
    if (status == 0) {
        settle_rest(&blobs);
    }
    return status;
}
