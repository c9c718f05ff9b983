/* SPDX-License-Identifier: Apache-2.0 */
#include "image/blob_push.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "flow/layer.h"
#include "image/tracked_writer.h"
#include "registry/client.h"

struct push {
    lpipe_layer *layer;
    struct blob_writer *writer; /* NULL = the layer is only hashed */
    struct blob_progress progress;
    struct lpipe_layer_result result;
    struct descriptor known; /* digest "" = not known yet */
    unsigned sessions;       /* upload sessions opened for the layer */
    bool existed;            /* the store had the layer when its end was reached */
};

static int push_write(void *ctx, const void *data, size_t size, struct lpipe_error *err)
{
    struct push *push = ctx;
    return push->writer == NULL ? 0 : push->writer->ops->write(push->writer, data, size, err);
}

static void push_progress(void *ctx, uint64_t bytes_in, uint64_t bytes_out)
{
    struct push *push = ctx;
    struct layer_expected expected = layer_expected(push->layer);
    blob_progress_expect(&push->progress, expected.bytes_in, expected.bytes_out);
    blob_progress_count(&push->progress, bytes_in, bytes_out);
}

/* "bin/x (header at byte 512): its type is S (a sparse file of GNU tar)" */
static void describe_odd(const struct tar_odd *odd, char *text, size_t size)
{
    (void)snprintf(text, size, "%.200s%s%" PRIu64 "%s: %s", odd->name,
                   odd->name[0] != '\0' ? " (header at byte " : "the entry at byte ", odd->offset,
                   odd->name[0] != '\0' ? ")" : "", odd->what);
}

/* An image archive as a layer: the image in it would not start. */
static int check_image_archive(const struct push *push, struct lpipe_error *err)
{
    const struct blob_job *job = push->progress.job;
    if (!layer_is_image_archive(push->layer)) {
        return 0;
    }
    if (job->refuse_odd && !layer_allows_odd(push->layer)) {
        return fail_with_advice(err, LPIPE_NOT_TAR,
                                "the input is an image archive (docker save or an OCI layout), not "
                                "a file system; `lpipe_copy_archive` pushes the image in it, "
                                "`LPIPE_LAYER_ALLOW_ODD_ENTRIES` makes it a layer");
    }
    context_notice(&job->client->context,
                   "%s: this is an image archive (docker save or an OCI layout), not a file system",
                   job->name);
    return 0;
}

/* Entries that container runtimes cannot unpack: the layer is refused or reported. */
static int check_odd(const struct push *push, struct lpipe_error *err)
{
    const struct blob_job *job = push->progress.job;
    const struct tar_odd *odd = layer_odd(push->layer);
    char text[400];
    if (odd->count == 0) {
        return 0;
    }
    describe_odd(odd, text, sizeof text);
    if (job->refuse_odd && !layer_allows_odd(push->layer)) {
        int status = fail_with_advice(err, LPIPE_NOT_TAR,
                                      "container runtimes cannot unpack %s; %s, or push it as it "
                                      "is with `LPIPE_LAYER_ALLOW_ODD_ENTRIES`",
                                      text, odd->cure);
        err->offset = odd->offset;
        return status;
    }
    context_notice(&job->client->context,
                   "%s: container runtimes cannot unpack %" PRIu64 " of its entries; the first is "
                   "%s",
                   job->name, odd->count, text);
    return 0;
}

/* Zeros are a valid tar, which ends where it begins. That is seldom what was meant. */
static void report_empty_tar(const struct push *push)
{
    if (layer_is_empty_tar(push->layer)) {
        context_notice(&push->progress.job->client->context,
                       "%s: the tar archive has no entries, only its end-of-archive mark: the "
                       "layer is empty (%" PRIu64 " bytes were read)",
                       push->progress.job->name, push->result.uncompressed_size);
    }
}

/* Reads the layer to its end. Its bytes go to push->writer. */
static int push_read(struct push *push, struct lpipe_error *err)
{
    const struct blob_job *job = push->progress.job;
    struct layer_sink sink = { push_write, push_progress, push };
    int status = layer_pump(push->layer, &sink, err);
    status = status == 0 ? layer_result(push->layer, &push->result, err) : status;
    if (status == 0) {
        blob_progress_expect(&push->progress, push->result.uncompressed_size, push->result.size);
    }
    status = status == 0 ? check_image_archive(push, err) : status;
    status = status == 0 ? check_odd(push, err) : status;
    if (status == 0 && job->on_layer_read != NULL) {
        job->on_layer_read(job->user, &push->result);
    }
    return status;
}

/* Reads the layer once and sends it through a new writer. */
static int push_once(struct push *push, struct lpipe_error *err)
{
    struct tracked_writer tracked AUTO_TRACKED_WRITER = TRACKED_WRITER_INIT;
    struct blob_hint hint = blob_progress_hint(
        &push->progress, push->known.digest[0] != '\0' ? &push->known : NULL, &push->sessions);
    hint.existed = &push->existed;
    hint.presence = MAX_OF(hint.presence, push->progress.job->presence);
    int status = tracked_writer_begin(&tracked, push->progress.job, &hint, err);
    if (status != 0) {
        return status;
    }
    push->writer = tracked.writer;
    status = push_read(push, err);
    push->writer = NULL;
    return status == 0 ? tracked.writer->ops->finish(tracked.writer, push->result.digest,
                                                     push->result.size, err)
                       : status;
}

/* layer_rewind() resets the effect of layer_stop(), so the job is checked afterwards. */
static int push_rewind(struct push *push, struct lpipe_error *err)
{
    int status = layer_rewind(push->layer, err);
    return status == 0 ? blob_job_check(push->progress.job, err) : status;
}

/* Reads the layer without sending it. 1 when the store has the blob or mounted it; 0 when the blob
 * has to be sent: then the layer is rewound. */
static int push_hash_first(struct push *push, const struct blob_sources *mount_sources,
                           struct lpipe_error *err)
{
    blob_progress_phase(&push->progress, LPIPE_PHASE_HASH);
    int status = push_read(push, err);
    if (status != 0) {
        return status;
    }
    push->known.size = push->result.size;
    memcpy(push->known.digest, push->result.digest, sizeof push->known.digest);
    memcpy(push->known.media_type, push->result.media_type, sizeof push->known.media_type);
    int found = blob_exists_or_mount(push->progress.job->store, &push->known, mount_sources,
                                     &push->progress.origin, err);
    if (found == 0 || found == STORE_BLOB_UNKNOWN) {
        blob_progress_phase(&push->progress, LPIPE_PHASE_TRANSFER);
        return push_rewind(push, err);
    }
    return found;
}

static int push_send(struct push *push, struct lpipe_error *err)
{
    const struct blob_job *job = push->progress.job;
    int status = push_once(push, err);
    for (unsigned pass = 1; status != 0 && (err->flags & LPIPE_ERROR_REPLAY) != 0 &&
                            layer_can_rewind(push->layer) && pass < BLOB_PASSES_MAX;
         pass++) {
        context_notice(&job->client->context, "%s; the input is read again from its start",
                       err->message);
        status = push_rewind(push, err);
        status = status == 0 ? push_once(push, err) : status;
    }
    return status;
}

/* Logs the plan of the layer (threads, memory) before it is read. */
static void push_log_plan(const struct blob_job *job, const lpipe_layer *layer)
{
    char plan[LAYER_PLAN_BYTES];
    char line[LAYER_PLAN_BYTES + 64];
    layer_describe(layer, plan);
    (void)snprintf(line, sizeof line, "%.60s: %s", job->name, plan);
    context_log(&job->client->context, LPIPE_LOG_REQUEST, line);
}

int blob_push(const struct blob_job *job, lpipe_layer *layer,
              const struct blob_sources *mount_sources, struct lpipe_layer_result *ret_result,
              struct lpipe_error *err)
{
    struct lpipe_error local = { 0 };
    err = err != NULL ? err : &local;
    struct push push = { .layer = layer, .result = LPIPE_LAYER_RESULT_INIT };
    blob_progress_start(&push.progress, job, layer_expected(layer).name, LPIPE_ORIGIN_STREAMED,
                        NULL);
    layer_use_cancel(layer, job->client->context.cancel);
    push_log_plan(job, layer);
    bool hash_first = mount_sources != NULL && layer_wants_hash_first(layer);
    int status = hash_first ? push_hash_first(&push, mount_sources, err) : 0;
    status = status == 0 ? push_send(&push, err) : MIN_OF(status, 0);
    blob_job_note_sessions(job, push.sessions);
    if (status == 0) {
        report_empty_tar(&push);
    }
    const char *notice = status == 0 ? layer_notice(layer) : NULL;
    if (notice != NULL) {
        context_notice(&job->client->context, "%s: %s", job->name, notice);
    }
    if (push.existed) {
        push.progress.origin = LPIPE_ORIGIN_EXISTING;
    }
    blob_progress_end(&push.progress, status, push.result.digest, push.result.size);
    if (status == 0) {
        *ret_result = push.result;
        ret_result->origin = push.progress.origin;
    }
    return status;
}
