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

/* What is worked on first. */
enum work_priority {
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
    struct writer_registry stop;
    struct latch unread; /* layers whose diff IDs are not known yet */
    struct document *config;
};

/* A layer that is read. */
struct reading {
    struct blobs *blobs;
    struct image_layer *layer;
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

static enum work_priority work_priority_of(const lpipe_image *image, size_t number)
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

/* The order of the layers. Returns how many of them are to be read. */
static size_t plan(struct blobs *blobs)
{
    const lpipe_image *image = blobs->image;
    size_t unread = 0;
    for (enum work_priority work_priority = URGENCY_CHECK; work_priority < URGENCY_NEVER;
         work_priority++) {
        for (size_t i = 0; i < image->layer_count; i++) {
            if (work_priority_of(image, i) == work_priority) {
                blobs->order[blobs->count++] = i;
                blobs->stream_count += work_priority == URGENCY_STREAM;
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
    if (jobs == 0) {
        jobs = MAX_OF((size_t)JOBS_DEFAULT, blobs->stream_count + 1); /* all else is done by one */
        jobs = MIN_OF(jobs, (size_t)JOBS_MAX);
    }
    if (jobs < blobs->stream_count) {
        context_notice(&client->context,
                       "%zu streams are read %zu at a time: one that waits for another to be read "
                       "further down would wait forever",
                       blobs->stream_count, jobs);
    }
    /* Where nobody's answers are waited for, nothing is won by a thread for the config. */
    return blobs->target->remote ? jobs : MIN_OF(jobs, MAX_OF(blobs->count, (size_t)1));
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
    return blob_ensure(job, &blob, &sources, &layer->result.origin, err);
}

/* The first time counts: a layer that is sent again has the same digests, or fails. Who has waited
 * reads the diff ID, so that it is not written again. */
static void was_read(void *user, const struct lpipe_layer_result *result)
{
    const struct reading *reading = user;
    if (reading->layer->result.digest[0] == '\0') {
        reading->layer->result = *result;
        latch_count(&reading->blobs->unread);
    }
}

static int push(const struct blobs *blobs, const struct blob_job *job, struct image_layer *layer,
                struct lpipe_error *err)
{
    const struct blob_sources first = { .mount_first = blobs->target->mount_from };
    struct lpipe_layer_result result = LPIPE_LAYER_RESULT_INIT;
    int status = blob_push(job, layer->unread, blobs->target->remote ? &first : NULL, &result, err);
    if (status == 0) {
        layer->result.origin = result.origin;
    }
    return status;
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
                                  .stop = &blobs->stop,
                                  .was_read = was_read,
                                  .user = &reading };
    int status = blob_job_check(&job, err);
    if (status == 0) {
        status = layer->kind == IMAGE_LAYER_UNREAD ? push(blobs, &job, layer, err)
                                                   : place(blobs, &job, layer, err);
    }
    return status == 0 || blobs->image->layer_count == 1 ? status
                                                         : fail_context(err, status, "%s", name);
}

/* The config of an artifact is the empty blob, which is its only layer too where it has none. It
 * waits all the same: nothing of a stream that turns out to be bad is left behind. */
static int put_config(struct blobs *blobs, struct lpipe_error *err)
{
    const struct blob_job job = { .client = blobs->image->client,
                                  .store = blobs->target->store,
                                  .index = (uint32_t)blobs->image->layer_count,
                                  .name = "config",
                                  .stop = &blobs->stop };
    latch_wait(&blobs->unread);
    int status = blob_job_check(&job, err);
    status = status == 0 ? image_documents_config(blobs->image, blobs->config, err) : status;
    return status == 0
               ? blob_ensure_bytes(&job, &blobs->config->descriptor, blobs->config->bytes.data, err)
               : status;
}

/* The config is the last piece: when it is begun, all that it waits for has been begun. */
static int run(void *ctx, size_t index, struct lpipe_error *err)
{
    struct blobs *blobs = ctx;
    return index < blobs->count ? put_layer(blobs, blobs->order[index], err)
                                : put_config(blobs, err);
}

/* The writers come first: a layer that is rewound forgets that it was stopped, but its job is asked
 * afterwards. */
static void stop(void *ctx)
{
    struct blobs *blobs = ctx;
    writer_registry_stop_all(&blobs->stop);
    for (size_t i = 0; i < blobs->image->layer_count; i++) {
        if (blobs->image->layers[i].kind == IMAGE_LAYER_UNREAD) {
            layer_stop(blobs->image->layers[i].unread);
        }
    }
    latch_release_all(&blobs->unread);
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
            context_notice(&image->client->context,
                           "layer %zu may not be distributed; it stays where it is", i + 1);
        } else if (layer->kind != IMAGE_LAYER_UNREAD) {
            layer->result.origin = image->layers[first_like(image, i)].result.origin;
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
    writer_registry_init(&blobs.stop);
    latch_init(&blobs.unread, plan(&blobs));
    size_t threads = thread_count(&blobs);
    const struct task_list tasks = { .count = blobs.count + 1, /* the config */
                                     .threads = threads,
                                     .threads_min = MIN_OF(threads, blobs.stream_count),
                                     .run = run,
                                     .stop = stop,
                                     .ctx = &blobs };
    int status = tasks_run(&tasks, err);
    latch_dispose(&blobs.unread);
    writer_registry_dispose(&blobs.stop);
    if (status == 0) {
        settle_rest(&blobs);
        *ret_config = config;
        config = (struct document)DOCUMENT_INIT;
    }
    return status;
}
