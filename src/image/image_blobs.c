/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image_blobs.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "flow/layer.h"
#include "image/blob_push.h"
#include "image/image_documents.h"
#include "image/image_tasks.h"
#include "image/latch.h"
#include "registry/client.h"

/* Layers with a lower value are started first. */
enum work_priority {
    PRIORITY_CHECK = 0,  /* only a question to the store; a missing layer fails the push early */
    PRIORITY_STREAM = 1, /* a stream whose producer may be waiting */
    PRIORITY_LATER = 2,
    PRIORITY_NONE = 3 /* no work to do */
};

struct blobs {
    lpipe_image *image;
    const struct image_blobs_target *target;
    size_t *order; /* indexes of the layers that need work, in the order of their start */
    size_t count;
    size_t stream_count;
    struct writer_registry writers;
    struct latch unread; /* counts the layers whose diff IDs are not known yet */
    struct document *config;
};

/* The user pointer of on_layer_read(). */
struct reading {
    struct blobs *blobs;
    struct image_layer *layer;
};

static bool is_nondistributable(const struct image_layer *layer)
{
    return layer->kind == IMAGE_LAYER_BASE &&
           media_type_role(layer->result.media_type, NULL) == MEDIA_ROLE_FOREIGN;
}

/* Index of the first layer that is the same blob: the layer's own index when there is no earlier
 * one. Unread layers are not compared, because their digests are not known. */
static size_t first_with_same_blob(const lpipe_image *image, size_t number)
{
    const struct image_layer *layer = &image->layers[number];
    size_t i = 0;
    while (i < number && (image->layers[i].kind == IMAGE_LAYER_UNREAD ||
                          strcmp(image->layers[i].result.digest, layer->result.digest) != 0)) {
        i++;
    }
    return i;
}

static enum work_priority priority_of(const lpipe_image *image, size_t number)
{
    const struct image_layer *layer = &image->layers[number];
    switch (layer->kind) {
    case IMAGE_LAYER_UNREAD:
        return layer_can_rewind(layer->unread) ? PRIORITY_LATER : PRIORITY_STREAM;
    case IMAGE_LAYER_KNOWN:
        return first_with_same_blob(image, number) == number ? PRIORITY_CHECK : PRIORITY_NONE;
    case IMAGE_LAYER_BASE:
        break;
    }
    /* A layer that is not distributable is not copied: its descriptor names where to get it. */
    bool needs_work = !is_nondistributable(layer) && first_with_same_blob(image, number) == number;
    return needs_work ? PRIORITY_LATER : PRIORITY_NONE;
}

/* Fills in the order of the layers. Returns the number of unread layers. */
static size_t plan_order(struct blobs *blobs)
{
    const lpipe_image *image = blobs->image;
    size_t unread = 0;
    for (enum work_priority priority = PRIORITY_CHECK; priority < PRIORITY_NONE; priority++) {
        for (size_t i = 0; i < image->layer_count; i++) {
            if (priority_of(image, i) == priority) {
                blobs->order[blobs->count++] = i;
                blobs->stream_count += priority == PRIORITY_STREAM;
                unread += image->layers[i].kind == IMAGE_LAYER_UNREAD;
            }
        }
    }
    return unread;
}

static size_t thread_count(const struct blobs *blobs)
{
    lpipe_client *client = blobs->image->client;
    size_t jobs = client->context.settings.jobs;
    if (jobs == 0 && blobs->target->store->one_writer) {
        jobs = MAX_OF(blobs->stream_count, (size_t)1);
    }
    if (jobs == 0) {
        jobs = MAX_OF((size_t)JOBS_DEFAULT, blobs->stream_count + 1); /* one for all other blobs */
        jobs = MIN_OF(jobs, (size_t)JOBS_MAX);
    }
    if (jobs < blobs->stream_count) {
        context_notice(
            &client->context,
            "jobs is %zu, but there are %zu input streams: if the producer of one stream "
            "waits until a later stream is read, the push waits forever; use %zu jobs",
            jobs, blobs->stream_count, blobs->stream_count);
    }
    /* The extra thread for the config saves round trips of a network; a local store has none. */
    return blobs->target->remote ? jobs : MIN_OF(jobs, MAX_OF(blobs->count, (size_t)1));
}

static int ensure_layer(const struct blobs *blobs, const struct blob_job *job,
                        struct image_layer *layer, struct lpipe_error *err)
{
    const struct image_base *base = &blobs->image->base;
    struct blob_sources sources = { .mount_second = blobs->target->mount_from };
    struct descriptor blob = { .size = layer->result.size };
    (void)snprintf(blob.digest, sizeof blob.digest, "%s", layer->result.digest);
    (void)snprintf(blob.media_type, sizeof blob.media_type, "%s", layer->result.media_type);
    if (layer->kind == IMAGE_LAYER_BASE) {
        bool can_mount = strcmp(base->store->store_id, blobs->target->store->store_id) == 0;
        sources.mount_first = can_mount ? base->repository : NULL;
        sources.from = base->store;
    }
    return blob_ensure(job, &blob, &sources, &layer->result.origin, err);
}

/* Keeps the result of the first call only. A layer that is sent again has the same digests, or
 * fails; and after latch_count_down() the thread of the config reads the result without a lock. */
static void on_layer_read(void *user, const struct lpipe_layer_result *result)
{
    const struct reading *reading = user;
    if (reading->layer->result.digest[0] == '\0') {
        reading->layer->result = *result;
        latch_count_down(&reading->blobs->unread);
    }
}

static int push_layer(const struct blobs *blobs, const struct blob_job *job,
                      struct image_layer *layer, struct lpipe_error *err)
{
    const struct blob_sources mount_sources = { .mount_first = blobs->target->mount_from };
    struct lpipe_layer_result result = LPIPE_LAYER_RESULT_INIT;
    int status =
        blob_push(job, layer->unread, blobs->target->remote ? &mount_sources : NULL, &result, err);
    if (status == 0) {
        layer->result.origin = result.origin;
    }
    return status;
}

/* A config with the present time cannot be in the store. So the image is new, and its layers
 * probably are, too. Of any other image all may be there. */
static bool is_new_image(const lpipe_image *image)
{
    return image->is_dated_now && image->config != NULL && !image->is_copy;
}

static int put_layer(struct blobs *blobs, size_t number, struct lpipe_error *err)
{
    struct image_layer *layer = &blobs->image->layers[number];
    struct reading reading = { blobs, layer };
    char name[32];
    (void)snprintf(name, sizeof name, "layer %zu", number + 1);
    const struct blob_job job = { .client = blobs->image->client,
                                  .store = blobs->target->store,
                                  .index = (uint32_t)number,
                                  .name = name,
                                  .presence =
                                      is_new_image(blobs->image) ? BLOB_LIKELY_NEW : BLOB_MAY_EXIST,
                                  .writers = &blobs->writers,
                                  .refuse_odd = blobs->image->artifact_type == NULL,
                                  .on_layer_read = on_layer_read,
                                  .user = &reading,
                                  .ret_is_new = &blobs->image->has_new_blob };
    int status = blob_job_check(&job, err);
    if (status == 0) {
        status = layer->kind == IMAGE_LAYER_UNREAD ? push_layer(blobs, &job, layer, err)
                                                   : ensure_layer(blobs, &job, layer, err);
    }
    return status == 0 || blobs->image->layer_count == 1 ? status
                                                         : fail_context(err, status, "%s", name);
}

/* The config of an artifact is the empty blob, which does not depend on the layers. It waits for
 * them too, so that nothing is left in the store when a stream fails. */
static int put_config(struct blobs *blobs, struct lpipe_error *err)
{
    const struct blob_job job = { .client = blobs->image->client,
                                  .store = blobs->target->store,
                                  .index = (uint32_t)blobs->image->layer_count,
                                  .name = "config",
                                  .presence =
                                      is_new_image(blobs->image) ? BLOB_IS_NEW : BLOB_MAY_EXIST,
                                  .writers = &blobs->writers,
                                  .ret_is_new = &blobs->image->has_new_blob };
    latch_wait(&blobs->unread);
    int status = blob_job_check(&job, err);
    status = status == 0 ? image_documents_config(blobs->image, blobs->config, err) : status;
    return status == 0
               ? blob_ensure_bytes(&job, &blobs->config->descriptor, blobs->config->bytes.data, err)
               : status;
}

/* The config is the last task: all layers that it waits for were started before it. */
static int put_blob(void *ctx, size_t index, struct lpipe_error *err)
{
    struct blobs *blobs = ctx;
    return index < blobs->count ? put_layer(blobs, blobs->order[index], err)
                                : put_config(blobs, err);
}

/* The order matters: layer_rewind() resets the effect of layer_stop(), but a job checks the writer
 * registry after a rewind, so the registry must be aborted first. */
static void abort_blobs(void *ctx)
{
    struct blobs *blobs = ctx;
    writer_registry_abort_all(&blobs->writers);
    for (size_t i = 0; i < blobs->image->layer_count; i++) {
        if (blobs->image->layers[i].kind == IMAGE_LAYER_UNREAD) {
            layer_stop(blobs->image->layers[i].unread);
        }
    }
    latch_release_all(&blobs->unread);
}

/* Sets the origin of the layers that had no work of their own: the blob is the same as an earlier
 * layer's, or the layer is not distributable. */
static void set_other_origins(const struct blobs *blobs)
{
    lpipe_image *image = blobs->image;
    for (size_t i = 0; i < image->layer_count; i++) {
        struct image_layer *layer = &image->layers[i];
        if (is_nondistributable(layer)) {
            layer->result.origin = LPIPE_ORIGIN_EXISTING;
            context_notice(&image->client->context,
                           "layer %zu is not distributable, so it is not copied to the target",
                           i + 1);
        } else if (layer->kind != IMAGE_LAYER_UNREAD) {
            layer->result.origin = image->layers[first_with_same_blob(image, i)].result.origin;
        }
    }
}

int image_blobs(lpipe_image *image, const struct image_blobs_target *target,
                struct document *ret_config, struct lpipe_error *err)
{
    struct document config AUTO_DOCUMENT = DOCUMENT_INIT;
    AUTO_FREE size_t *order = mem_new_array(image->layer_count + 1, sizeof *order);
    if (order == NULL) {
        return fail_memory(err);
    }
    struct blobs blobs = { .image = image, .target = target, .order = order, .config = &config };
    writer_registry_init(&blobs.writers);
    latch_init(&blobs.unread, plan_order(&blobs));
    size_t threads = thread_count(&blobs);
    const struct task_list tasks = { .count = blobs.count + 1, /* the config */
                                     .threads = threads,
                                     .threads_min = MIN_OF(threads, blobs.stream_count),
                                     .run = put_blob,
                                     .abort = abort_blobs,
                                     .ctx = &blobs };
    int status = tasks_run(&tasks, err);
    latch_dispose(&blobs.unread);
    writer_registry_dispose(&blobs.writers);
    if (status == 0) {
        set_other_origins(&blobs);
        *ret_config = config;
        config = (struct document)DOCUMENT_INIT;
    }
    return status;
}
