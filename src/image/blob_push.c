/* SPDX-License-Identifier: Apache-2.0 */
#include "image/blob_push.h"

#include "base/limits.h"
#include "flow/layer.h"
#include "registry/client.h"

struct push {
    struct blob_writer *writer;
    struct blob_progress progress;
};

static int push_write(void *ctx, const void *data, size_t size, struct lpipe_error *err)
{
    struct push *push = ctx;
    return push->writer->ops->write(push->writer, data, size, err);
}

static void push_progress(void *ctx, uint64_t bytes_in, uint64_t bytes_out)
{
    struct push *push = ctx;
    blob_progress_count(&push->progress, bytes_in, bytes_out);
}

/* The layer once, through a new writer. */
static int push_once(struct push *push, lpipe_layer *layer, const struct descriptor *known,
                     struct lpipe_layer_result *result, struct lpipe_error *err)
{
    struct blob_writer *writer AUTO_BLOB_WRITER = NULL;
    struct store *store = push->progress.job->store;
    struct blob_hint hint = { known, blob_progress_acked, &push->progress };
    struct layer_sink sink = { push_write, push_progress, push };
    int status = store->ops->blob_begin(store, &hint, &writer, err);
    if (status != 0) {
        return status;
    }
    push->writer = writer;
    status = layer_pump(layer, &sink, err);
    status = status == 0 ? lpipe_layer_result(layer, result, err) : status;
    return status == 0 ? writer->ops->finish(writer, result->digest, result->size, err) : status;
}

int blob_push(const struct blob_job *job, lpipe_layer *layer, const struct descriptor *known,
              struct lpipe_error *err)
{
    struct push push;
    struct lpipe_error local = { 0 };
    struct lpipe_layer_result result = LPIPE_LAYER_RESULT_INIT;
    err = err != NULL ? err : &local;
    blob_progress_start(&push.progress, job, LPIPE_ORIGIN_STREAMED, NULL);
    layer_use_cancel(layer, client_cancel(job->client));
    int status = push_once(&push, layer, known, &result, err);
    for (unsigned pass = 1; status != 0 && (err->flags & LPIPE_ERROR_REPLAY) != 0 &&
                            layer_can_rewind(layer) && pass < BLOB_PASSES_MAX;
         pass++) {
        client_notice(job->client, "%s; the input is read again from its start", err->message);
        status = layer_rewind(layer, err);
        status = status == 0 ? push_once(&push, layer, known, &result, err) : status;
    }
    const char *remark = status == 0 ? layer_remark(layer) : NULL;
    if (remark != NULL) {
        client_notice(job->client, "%s", remark);
    }
    blob_progress_end(&push.progress, status, result.digest, result.size);
    return status;
}

static int preview_write(void *ctx, const void *data, size_t size, struct lpipe_error *err)
{
    (void)ctx;
    (void)data;
    (void)size;
    (void)err;
    return 0;
}

static void preview_progress(void *ctx, uint64_t bytes_in, uint64_t bytes_out)
{
    const struct blob_job *job = ctx;
    (void)bytes_in;
    (void)bytes_out;
    if (job->moved != NULL) {
        (void)atomic_fetch_add(job->moved, 1);
    }
}

int blob_preview(const struct blob_job *job, lpipe_layer *layer,
                 struct lpipe_layer_result *ret_result, struct lpipe_error *err)
{
    struct blob_job copy = *job;
    struct layer_sink sink = { preview_write, preview_progress, &copy };
    layer_use_cancel(layer, client_cancel(job->client));
    int status = layer_pump(layer, &sink, err);
    status = status == 0 ? lpipe_layer_result(layer, ret_result, err) : status;
    return status == 0 ? layer_rewind(layer, err) : status;
}
