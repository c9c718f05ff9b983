/* SPDX-License-Identifier: Apache-2.0 */
/* Makes and frees layers; their states and results. */
#include "flow/layer_object.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/cancel.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/sync.h"
#include "flow/layer_format.h"
#include "flow/layer_media.h"
#include "flow/prefetch_source.h"
#include "flow/source_callback.h"
#include "flow/source_fd.h"
#include "tar/tar_scan.h"
#include "toc/toc.h"
#include "toc/ztoc.h"

/* The media type until the input is known. */
static void media_update(struct lpipe_layer *layer)
{
    const char *media = layer->setup.label;
    if (media == NULL) {
        media =
            layer_media_of(layer->setup.codec.kind, (layer->setup.flags & LPIPE_LAYER_DOCKER) != 0);
    }
    assert(media != NULL);
    atomic_store(&layer->media, media);
}

static int layer_make(const struct lpipe_layer_options *options, struct lpipe_layer **ret_layer,
                      struct lpipe_error *err)
{
    AUTO_FREE struct lpipe_layer *layer = NEW(struct lpipe_layer);
    if (layer == NULL) {
        return fail_memory(err);
    }
    int status = layer_setup_init(&layer->setup, options, err);
    if (status != 0) {
        return status;
    }
    pthread_mutex_init(&layer->lock, NULL);
    pthread_cond_init(&layer->drive_ended, NULL);
    layer->reader.layer = layer;
    media_update(layer);
    *ret_layer = TAKE(layer);
    return 0;
}

static bool has_prefetch_list(const struct lpipe_layer *layer)
{
    return layer != NULL && layer->setup.prefetch != NULL;
}

int layer_new_source(struct source *source, const struct lpipe_layer_options *options,
                     lpipe_layer **ret_layer, struct lpipe_error *err)
{
    struct lpipe_layer *layer = NULL;
    int status = ret_layer == NULL
                     ? fail(err, LPIPE_INVALID_ARGUMENT, "the result pointer for the layer is NULL")
                     : layer_make(options, &layer, err);
    if (status != 0) {
        (void)source_close(source);
        source_free(source);
        return status;
    }
    if (has_prefetch_list(layer)) {
        status = prefetch_source_new(source, layer->setup.prefetch, layer->setup.spool_dir, &source,
                                     err);
    }
    if (status != 0) {
        lpipe_layer_free(layer);
        return status;
    }
    if (source->ops->use_cancel != NULL) {
        source->ops->use_cancel(source, layer->setup.cancel);
    }
    layer->source = source;
    *ret_layer = layer;
    return 0;
}

int lpipe_layer_new(const struct lpipe_source *source, const struct lpipe_layer_options *options,
                    lpipe_layer **ret_layer, struct lpipe_error *err)
{
    if (source == NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "a layer needs a source");
    }
    struct source *wrapped = source->read != NULL ? source_callback_new(source) : NULL;
    if (wrapped == NULL) {
        if (source->close != NULL) {
            (void)source->close(source->ctx);
        }
        return source->read != NULL
                   ? fail_memory(err)
                   : fail(err, LPIPE_INVALID_ARGUMENT, "a layer needs a read function");
    }
    return layer_new_source(wrapped, options, ret_layer, err);
}

int lpipe_layer_new_fd(int fd, const struct lpipe_layer_options *options, lpipe_layer **ret_layer,
                       struct lpipe_error *err)
{
    struct source *source = NULL;
    bool borrowed = options != NULL &&
                    options->struct_size > offsetof(struct lpipe_layer_options, flags) &&
                    (options->flags & LPIPE_LAYER_FD_BORROWED) != 0;
    if (fd < 0) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "a layer needs a descriptor to read from");
    }
    int status = source_fd_new(fd, borrowed, &source, err);
    return status == 0 ? layer_new_source(source, options, ret_layer, err) : status;
}

int layer_new_fed(const struct lpipe_layer_options *options, lpipe_layer **ret_layer,
                  struct lpipe_error *err)
{
    struct lpipe_layer *layer = NULL;
    int status = layer_make(options, &layer, err);
    if (status == 0 && has_prefetch_list(layer)) {
        lpipe_layer_free(layer);
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "bytes that are written into a layer cannot get another order: a list of files "
                    "to prefetch needs a file or a directory");
    }
    if (status == 0) {
        *ret_layer = layer;
    }
    return status;
}

/* Waits until a drive in another thread has ended, and prevents further ones. */
static void stop_driver(struct lpipe_layer *layer)
{
    pthread_mutex_lock(&layer->lock);
    atomic_store(&layer->stop_requested, true);
    layer->closing = true;
    while (layer->driving) {
        if (layer->flow != NULL) {
            flow_stop(layer->flow);
        }
        layer_cancel_source(layer);
        pthread_cond_wait(&layer->drive_ended, &layer->lock);
    }
    pthread_mutex_unlock(&layer->lock);
}

static void flow_drop(struct lpipe_layer *layer)
{
    layer->reader.holding = false;
    layer->reader.output = (struct flow_output){ NULL, 0 };
    pthread_mutex_lock(&layer->lock);
    struct flow *flow = TAKE(layer->flow);
    pthread_mutex_unlock(&layer->lock);
    flow_free(flow);
}

/* Marks the source as closed before it is closed, so that no other thread cancels or closes it. */
static bool source_claim(struct lpipe_layer *layer)
{
    GUARD(&layer->lock);
    bool claimed = !layer->source_closed;
    layer->source_closed = true;
    return claimed;
}

void layer_close_source(struct lpipe_layer *layer)
{
    if (source_claim(layer)) {
        int code = layer->source != NULL ? source_close(layer->source) : 0;
        GUARD(&layer->lock);
        layer->close_errno = code < 0 ? -code : 0;
    }
}

int layer_close_error(struct lpipe_layer *layer, struct lpipe_error *err)
{
    GUARD(&layer->lock);
    int code = layer->close_errno;
    layer->close_errno = 0;
    return code == 0 ? 0 : fail_errno(err, LPIPE_SOURCE_IO, code, "closing the input failed");
}

int layer_check_process(const struct lpipe_layer *layer, struct lpipe_error *err)
{
    int process = atomic_load(&layer->process);
    return process == 0 ? 0 : process_check(process, "the layer's pipeline", err);
}

lpipe_layer *lpipe_layer_free(lpipe_layer *layer)
{
    if (layer == NULL || layer_check_process(layer, NULL) != 0) {
        return NULL;
    }
    stop_driver(layer);
    flow_drop(layer);
    layer_watch_stop(layer);
    layer_close_source(layer);
    source_free(layer->source);
    layer_setup_dispose(&layer->setup);
    ztoc_free(layer->ztoc);
    pthread_cond_destroy(&layer->drive_ended);
    pthread_mutex_destroy(&layer->lock);
    free(layer);
    return NULL;
}

int layer_fail_aborted(struct lpipe_error *err)
{
    return fail(err, LPIPE_ABORTED, "the layer was closed before its stream ended");
}

int layer_fail_state(const struct lpipe_layer *layer, struct lpipe_error *err)
{
    if (layer->state == LAYER_FAILED || layer->state == LAYER_ABORTED) {
        if (err != NULL) {
            *err = layer->cause;
        }
        return layer->cause.status;
    }
    return fail(err, LPIPE_NOT_COMPUTED, "the layer's stream has not ended yet");
}

static void set_end_state(struct lpipe_layer *layer, enum layer_state state,
                          const struct lpipe_error *cause)
{
    GUARD(&layer->lock);
    if (layer->state == LAYER_OPEN) {
        layer->state = state;
        layer->cause = *cause;
    }
}

int drive_begin(struct lpipe_layer *layer, struct lpipe_error *err)
{
    int status = layer_check_process(layer, err);
    if (status != 0) {
        return status;
    }
    GUARD(&layer->lock);
    if (layer->driving) {
        return fail(err, LPIPE_IN_USE, "the layer is being read by another thread");
    }
    if (layer->state == LAYER_FAILED || layer->state == LAYER_ABORTED) {
        return layer_fail_state(layer, err);
    }
    if (layer->state == LAYER_NEW) {
        return fail(err, LPIPE_INVALID_STATE, "the layer is not open");
    }
    if (layer->state == LAYER_OPEN && layer->closing) {
        return layer_fail_aborted(err);
    }
    layer->driving = true;
    return 0;
}

/* Frees the pipeline. A source that can be read again stays open. */
static void layer_end(struct lpipe_layer *layer)
{
    flow_drop(layer);
    atomic_store(&layer->process, 0);
    layer_watch_stop(layer);
    if (!layer_can_rewind(layer)) {
        layer_close_source(layer);
    }
}

int drive_end(struct lpipe_layer *layer, int status, struct lpipe_error *err)
{
    if (status != 0) {
        bool aborted = status == LPIPE_ABORTED;
        set_end_state(layer, aborted ? LAYER_ABORTED : LAYER_FAILED, err);
        layer_end(layer);
    }
    GUARD(&layer->lock);
    layer->driving = false;
    pthread_cond_broadcast(&layer->drive_ended);
    return status;
}

static int begin_state(struct lpipe_layer *layer, struct lpipe_error *err)
{
    GUARD(&layer->lock);
    if (layer->state == LAYER_NEW) {
        layer->state = LAYER_OPEN;
        return 0;
    }
    if (layer->source == NULL && layer->state != LAYER_OPEN && layer->state != LAYER_DONE) {
        return layer_fail_state(layer, err); /* a further write gets the cause of the failure */
    }
    if (layer->state == LAYER_OPEN || layer->reader.open) {
        return layer->state == LAYER_DONE
                   ? fail(err, LPIPE_CONSUMED, "the layer was read already")
                   : fail(err, LPIPE_IN_USE, "the layer is being read already");
    }
    return fail(err, LPIPE_CONSUMED, "the layer was read already; a stream is read once");
}

int layer_begin(struct lpipe_layer *layer, struct lpipe_error *err)
{
    int status = layer_check_process(layer, err);
    status = status == 0 ? begin_state(layer, err) : status;
    if (status != 0) {
        return status;
    }
    const struct layer_setup *setup = &layer->setup;
    struct flow_setup want = {
        .codec = setup->codec,
        .workers = setup->workers,
        .memory_bytes_max = setup->memory_bytes_max,
        .toc = setup->toc,
        .ztoc = setup->ztoc,
        .spool_dir = setup->spool_dir,
        .raw = (setup->flags & LPIPE_LAYER_RAW) != 0,
        .scan_flags =
            ((setup->flags & LPIPE_LAYER_ALLOW_TRUNCATED) != 0 ? TAR_SCAN_ALLOW_TRUNCATED : 0) |
            ((setup->flags & LPIPE_LAYER_ALLOW_EMPTY) != 0 ? TAR_SCAN_ALLOW_EMPTY : 0),
    };
    struct flow *flow = NULL;
    status = flow_new(&want, &flow, err);
    if (status == 0) {
        status = layer_watch_start(layer, err);
    }
    if (status != 0) {
        flow = flow_free(flow);
    }
    GUARD(&layer->lock);
    layer->flow = flow;
    atomic_store(&layer->process, status == 0 ? process_self() : 0);
    if (status != 0) {
        layer->state = LAYER_NEW; /* nothing was read, so the call may be repeated */
    }
    return status;
}

/* The annotations of the table of contents, or the notice why there is none. */
static void publish_toc(struct lpipe_layer *layer, struct lpipe_layer_result *result)
{
    const struct toc_annotation *annotations = NULL;
    const struct toc *toc = flow_toc(layer->flow);
    if (toc == NULL) {
        return;
    }
    size_t count = toc_annotations(toc, &annotations);
    _Static_assert(TOC_ANNOTATIONS_MAX <= LPIPE_LAYER_ANNOTATIONS_MAX, "all have a place");
    for (size_t i = 0; i < count; i++) {
        struct lpipe_annotation *to = &result->annotations[i];
        (void)snprintf(to->key, sizeof to->key, "%s", annotations[i].key);
        (void)snprintf(to->value, sizeof to->value, "%s", annotations[i].value);
    }
    result->annotation_count = count;
    if (toc_notice(toc) != NULL) {
        (void)snprintf(layer->toc_notice, sizeof layer->toc_notice, "%s", toc_notice(toc));
        layer->notice = layer->toc_notice;
    }
}

static void add_title(const struct lpipe_layer *layer, struct lpipe_layer_result *result)
{
    _Static_assert(TOC_ANNOTATIONS_MAX + 1 <= LPIPE_LAYER_ANNOTATIONS_MAX, "it has a place");
    if (layer->setup.title != NULL) {
        struct lpipe_annotation *to = &result->annotations[result->annotation_count++];
        (void)snprintf(to->key, sizeof to->key, "org.opencontainers.image.title");
        (void)snprintf(to->value, sizeof to->value, "%s", layer->setup.title);
    }
}

static void result_publish(struct lpipe_layer *layer)
{
    struct flow_summary summary;
    flow_summary(layer->flow, &summary);
    struct lpipe_layer_result result = {
        .struct_size = sizeof result,
        .size = summary.size,
        .uncompressed_size = summary.uncompressed_size,
        .origin = LPIPE_ORIGIN_STREAMED,
        .memory_bytes = flow_memory_bytes(layer->flow),
    };
    (void)snprintf(result.media_type, sizeof result.media_type, "%s", atomic_load(&layer->media));
    (void)snprintf(result.digest, sizeof result.digest, "%s", summary.digest);
    (void)snprintf(result.diff_id, sizeof result.diff_id, "%s", summary.diff_id);
    publish_toc(layer, &result);
    add_title(layer, &result);
    ztoc_free(layer->ztoc);
    layer->ztoc = flow_take_ztoc(layer->flow);
    GUARD(&layer->lock);
    layer->odd = summary.odd;
    layer->tops = summary.tops;
    layer->is_image_archive = summary.is_image_archive;
    layer->has_no_entries = summary.has_no_entries;
    memcpy(layer->tar_digest, summary.tar_digest, sizeof layer->tar_digest);
    layer->result = result;
    layer->state = LAYER_DONE;
}

static int check_replay(struct lpipe_layer *layer, struct lpipe_error *err)
{
    struct flow_summary summary;
    flow_summary(layer->flow, &summary);
    if (layer->replay &&
        ((layer->source->ops->is_unchanged != NULL &&
          !layer->source->ops->is_unchanged(layer->source)) ||
         (layer->first_digest[0] != '\0' && strcmp(layer->first_digest, summary.digest) != 0))) {
        return fail_with_advice(
            err, LPIPE_INTEGRITY,
            "the input changed while it was being sent again; push it when nothing writes to it");
    }
    memcpy(layer->first_digest, summary.digest, sizeof layer->first_digest);
    return 0;
}

int layer_finish(struct lpipe_layer *layer, struct lpipe_error *err)
{
    int status = check_replay(layer, err);
    if (status != 0) {
        return status;
    }
    result_publish(layer);
    layer_end(layer);
    return 0;
}

int lpipe_layer_open(lpipe_layer *layer, lpipe_reader **ret_reader, struct lpipe_error *err)
{
    if (layer == NULL || ret_reader == NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "lpipe_layer_open: layer or result pointer is NULL");
    }
    if (layer->source == NULL) {
        return fail(err, LPIPE_INVALID_STATE, "the layer has no source: its bytes must be written");
    }
    int status = layer_begin(layer, err);
    if (status != 0) {
        return status;
    }
    GUARD(&layer->lock);
    layer->reader.open = true;
    *ret_reader = &layer->reader;
    return 0;
}

int lpipe_reader_close(lpipe_reader *reader, struct lpipe_error *err)
{
    if (reader == NULL) {
        return 0;
    }
    struct lpipe_layer *layer = reader->layer;
    struct lpipe_error aborted;
    int other = layer_check_process(layer, err);
    if (other != 0) {
        return other;
    }
    (void)layer_fail_aborted(&aborted);
    stop_driver(layer);
    set_end_state(layer, LAYER_ABORTED, &aborted);
    layer_end(layer);
    pthread_mutex_lock(&layer->lock);
    reader->open = false;
    pthread_mutex_unlock(&layer->lock);
    return layer_close_error(layer, err);
}

int layer_set_docker(lpipe_layer *layer, bool docker, struct lpipe_error *err)
{
    GUARD(&layer->lock);
    if (layer->state != LAYER_NEW) {
        return fail(err, LPIPE_INVALID_STATE, "the layer is being read already");
    }
    if (docker && layer_media_of(layer->setup.codec.kind, true) == NULL) {
        return fail_docker_zstd(LPIPE_INVALID_ARGUMENT, err);
    }
    if (docker && layer->setup.toc != 0) {
        return layer_format_fail_docker(err);
    }
    const char *label = layer->setup.label;
    int status = label != NULL ? layer_media_check_format(label, docker, err) : 0;
    if (status != 0) {
        return status;
    }
    layer->setup.flags &= ~(uint32_t)LPIPE_LAYER_DOCKER;
    layer->setup.flags |= docker ? LPIPE_LAYER_DOCKER : 0;
    media_update(layer);
    return 0;
}

int layer_can_rewind(const lpipe_layer *layer)
{
    return layer->source != NULL && source_can_rewind(layer->source);
}

bool layer_wants_hash_first(const lpipe_layer *layer)
{
    return (layer->setup.flags & LPIPE_LAYER_LOOK_FIRST) != 0 && layer_can_rewind(layer) != 0;
}

int layer_rewind(lpipe_layer *layer, struct lpipe_error *err)
{
    if (!layer_can_rewind(layer)) {
        return fail(err, LPIPE_UNSUPPORTED, "the input is a stream that cannot be read again");
    }
    GUARD(&layer->lock);
    if (layer->state == LAYER_NEW) {
        return 0;
    }
    if (layer->state == LAYER_OPEN) {
        return fail(err, LPIPE_INVALID_STATE, "the layer is still being read");
    }
    int status = layer->source->ops->rewind(layer->source, err);
    if (status == 0) {
        layer->replay = true;
        layer->state = LAYER_NEW;
        layer->reader.open = false;
        media_update(layer);
        atomic_store(&layer->stop_requested, false);
        layer->closing = false;
    }
    return status;
}
