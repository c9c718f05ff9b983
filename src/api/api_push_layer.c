/* SPDX-License-Identifier: Apache-2.0 */
/* The public functions that put a single layer into a store: from a source, or written by the
 * caller. */
#include "base/mem.h"
#include "flow/layer.h"
#include "image/blob_push.h"
#include "image/store_open.h"
#include "layerpipe/push.h"
#include "registry/client.h"

/* An image archive is complete with its list of images, and a layer alone has none. */
static int open_store(lpipe_client *client, const lpipe_ref *dest, struct store **ret_store,
                      struct lpipe_error *err)
{
    enum lpipe_ref_kind kind = lpipe_ref_kind(dest);
    return kind == LPIPE_REF_OCI_ARCHIVE || kind == LPIPE_REF_DOCKER_ARCHIVE
               ? fail_with_advice(err, LPIPE_INVALID_ARGUMENT,
                                  "%s: a single layer cannot be written into an image archive; "
                                  "push an image there, or write the layer into a layout (oci:DIR)",
                                  lpipe_ref_name(dest))
               : store_open(client, dest, STORE_WRITE, ret_store, err);
}

int lpipe_write_layer(lpipe_client *client, const lpipe_ref *dest, lpipe_layer *layer,
                      struct lpipe_layer_result *ret_result, struct lpipe_error *err)
{
    struct store *store AUTO_STORE = NULL;
    struct lpipe_layer_result result = LPIPE_LAYER_RESULT_INIT;
    if (client == NULL || dest == NULL || layer == NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "lpipe_write_layer: client, dest and layer are required");
    }
    int status = client_check(client, err);
    status = status == 0 ? layer_check_result(ret_result, err) : status;
    if (status != 0) {
        return status;
    }
    CONTEXT_CALL(&client->context);
    status = open_store(client, dest, &store, err);
    struct blob_job job = { .client = client, .store = store, .name = "layer" };
    status = status == 0 ? blob_push(&job, layer, NULL, &result, err) : status;
    return status == 0 && ret_result != NULL ? lpipe_layer_result(layer, ret_result, err) : status;
}

struct lpipe_writer {
    struct store *store;
    struct blob_writer *blob;
    lpipe_layer *layer;
    struct blob_job job;
    struct blob_progress progress;
    struct lpipe_error failure; /* the first one; status 0 = none */
    bool finished;
    pid_t process; /* that made it */
};

static int sink_write(void *ctx, const void *data, size_t size, struct lpipe_error *err)
{
    lpipe_writer *writer = ctx;
    return writer->blob->ops->write(writer->blob, data, size, err);
}

static void sink_progress(void *ctx, uint64_t bytes_in, uint64_t bytes_out)
{
    lpipe_writer *writer = ctx;
    blob_progress_count(&writer->progress, bytes_in, bytes_out);
}

static struct layer_sink sink_of(lpipe_writer *writer)
{
    return (struct layer_sink){ sink_write, sink_progress, writer };
}

/* Starts the progress events. Must run before the blob is begun, because the store then reports
 * acknowledged bytes. */
static void writer_start_progress(lpipe_writer *writer, lpipe_client *client)
{
    layer_use_cancel(writer->layer, client->context.cancel);
    writer->job = (struct blob_job){ .client = client, .store = writer->store, .name = "layer" };
    blob_progress_start(&writer->progress, &writer->job, layer_expected(writer->layer).name,
                        LPIPE_ORIGIN_STREAMED, NULL);
}

static int writer_begin(lpipe_writer *writer, lpipe_client *client, const lpipe_ref *dest,
                        const struct lpipe_layer_options *options, struct lpipe_error *err)
{
    struct blob_hint hint = blob_progress_hint(&writer->progress, NULL, NULL);
    int status = layer_new_fed(options, &writer->layer, err);
    status = status == 0 ? open_store(client, dest, &writer->store, err) : status;
    if (status != 0) {
        return status;
    }
    writer_start_progress(writer, client);
    status = writer->store->ops->blob_begin(writer->store, &hint, &writer->blob, err);
    if (status != 0) {
        blob_progress_end(&writer->progress, status, NULL, 0);
    }
    return status;
}

int lpipe_writer_open(lpipe_client *client, const lpipe_ref *dest,
                      const struct lpipe_layer_options *options, lpipe_writer **ret_writer,
                      struct lpipe_error *err)
{
    if (client == NULL || dest == NULL || ret_writer == NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "lpipe_writer_open: client, dest and ret_writer are required");
    }
    int status = client_check(client, err);
    if (status != 0) {
        return status;
    }
    lpipe_writer *writer = NEW(lpipe_writer);
    if (writer == NULL) {
        return fail_memory(err);
    }
    writer->process = process_self();
    status = writer_begin(writer, client, dest, options, err);
    if (status != 0) {
        lpipe_writer_free(writer);
        return status;
    }
    *ret_writer = writer;
    return 0;
}

/* 0 when the writer can be used, else why not. */
static int writer_check(const lpipe_writer *writer, struct lpipe_error *err)
{
    int status = process_check(writer->process, "the writer", err);
    if (status != 0) {
        return status;
    }
    if (writer->failure.status != 0) {
        if (err != NULL) {
            *err = writer->failure;
        }
        return writer->failure.status;
    }
    return writer->finished ? fail(err, LPIPE_INVALID_STATE, "the writer was finished already") : 0;
}

/* Reports the writer's failure, which every later call returns too. */
static int writer_failed(lpipe_writer *writer, struct lpipe_error *err)
{
    blob_progress_end(&writer->progress, writer->failure.status, NULL, 0);
    if (err != NULL) {
        *err = writer->failure;
    }
    return writer->failure.status;
}

int lpipe_writer_write(lpipe_writer *writer, const void *data, size_t size, struct lpipe_error *err)
{
    if (writer == NULL || (data == NULL && size > 0)) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "lpipe_writer_write: writer and data are required");
    }
    int status = writer_check(writer, err);
    if (status != 0) {
        return status;
    }
    struct layer_sink sink = sink_of(writer);
    struct lpipe_error failure = { 0 };
    if (layer_feed(writer->layer, data, size, &sink, &failure) != 0) {
        writer->failure = failure;
        return writer_failed(writer, err);
    }
    return 0;
}

int lpipe_writer_finish(lpipe_writer *writer, struct lpipe_layer_result *ret_result,
                        struct lpipe_error *err)
{
    struct lpipe_layer_result result = LPIPE_LAYER_RESULT_INIT;
    if (writer == NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "lpipe_writer_finish: writer is required");
    }
    int status = writer_check(writer, err);
    status = status == 0 ? layer_check_result(ret_result, err) : status;
    if (status != 0) {
        return status;
    }
    struct layer_sink sink = sink_of(writer);
    struct lpipe_error failure = { 0 };
    status = layer_feed_end(writer->layer, &sink, &failure);
    status = status == 0 ? lpipe_layer_result(writer->layer, &result, &failure) : status;
    if (status == 0) {
        blob_progress_expect(&writer->progress, result.uncompressed_size, result.size);
    }
    status = status == 0
                 ? writer->blob->ops->finish(writer->blob, result.digest, result.size, &failure)
                 : status;
    if (status != 0) {
        writer->failure = failure;
        return writer_failed(writer, err);
    }
    writer->finished = true;
    blob_progress_end(&writer->progress, 0, result.digest, result.size);
    return ret_result != NULL ? lpipe_layer_result(writer->layer, ret_result, err) : 0;
}

lpipe_writer *lpipe_writer_free(lpipe_writer *writer)
{
    if (writer != NULL && !process_is_other(writer->process)) {
        blob_progress_end(&writer->progress, LPIPE_ABORTED, NULL, 0);
        lpipe_layer_free(writer->layer);
        blob_writer_free(writer->blob);
        store_free(writer->store);
        free(writer);
    }
    return NULL;
}
