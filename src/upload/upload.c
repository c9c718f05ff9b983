/* SPDX-License-Identifier: Apache-2.0 */
/* The writer's side of an upload: it puts bytes into the window. The sender's thread starts when
 * there are enough bytes for the first request. A blob that ends before that is sent in the
 * writer's thread. */
#include "upload/upload.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/sync.h"
#include "upload/upload_run.h"

static void *sender_main(void *ctx)
{
    upload_run(ctx);
    return NULL;
}

static void sender_join(struct upload *upload)
{
    if (upload->has_thread) {
        (void)pthread_join(upload->thread, NULL);
        upload->has_thread = false;
    }
}

/* Waits for the sender and returns its result. */
static int join_and_report(struct upload *upload, struct lpipe_error *err)
{
    sender_join(upload);
    if (upload->status != 0 && err != NULL) {
        *err = upload->err;
    }
    return upload->status;
}

static int sender_start(struct upload *upload, struct lpipe_error *err)
{
    int status = thread_start(&upload->thread, "lpipe-upload", sender_main, upload, err);
    upload->has_thread = upload->is_started = status == 0;
    return status;
}

static int writer_write(struct blob_writer *writer, const void *data, size_t size,
                        struct lpipe_error *err)
{
    struct upload *upload = (struct upload *)writer;
    const char *rest = data;
    while (size > 0) {
        size_t taken = 0;
        uint64_t first = upload->is_started ? 0 : upload_first_bytes(upload);
        int status = window_write(&upload->window, rest, size, first, &taken, err);
        if (status == LPIPE_ABORTED && upload->is_started) {
            return join_and_report(upload, err);
        }
        if (status == 0 && !upload->is_started && window_size(&upload->window) >= first) {
            status = sender_start(upload, err);
        }
        if (status != 0) {
            return status;
        }
        rest += taken;
        size -= taken;
    }
    return 0;
}

static int writer_finish(struct blob_writer *writer, const char *digest, uint64_t size,
                         struct lpipe_error *err)
{
    struct upload *upload = (struct upload *)writer;
    if (size != window_size(&upload->window) || !digest_valid(digest)) {
        return fail(err, LPIPE_INTEGRITY,
                    "the blob's size or digest does not match the bytes that were written");
    }
    strcpy(upload->digest, digest);
    window_end(&upload->window);
    if (!upload->is_started) {
        upload->is_started = true;
        upload_run(upload);
    }
    return join_and_report(upload, err);
}

static void writer_free(struct blob_writer *writer)
{
    struct upload *upload = (struct upload *)writer;
    window_abandon(&upload->window);
    sender_join(upload);
    window_dispose(&upload->window);
    free(upload->location);
    free(upload->redirect);
    free(upload);
}

static void writer_abort(struct blob_writer *writer)
{
    window_abandon(&((struct upload *)writer)->window);
}

static const struct blob_writer_ops writer_ops = { writer_write, writer_finish, writer_free,
                                                   writer_abort };

static enum upload_method method_of(enum lpipe_upload_mode mode,
                                    const struct upload_defaults *defaults)
{
    switch (mode) {
    case LPIPE_UPLOAD_STREAMED:
        return UPLOAD_STREAMED;
    case LPIPE_UPLOAD_CHUNKED:
        return UPLOAD_CHUNKED;
    case LPIPE_UPLOAD_MONOLITHIC:
        return UPLOAD_SINGLE_PUT;
    case LPIPE_UPLOAD_AUTO:
    default:
        return defaults->start;
    }
}

/* The window's largest capacity; its memory is allocated as it fills. */
static uint64_t window_bytes_max(const struct upload *upload)
{
    bool only_streams =
        upload->mode == LPIPE_UPLOAD_STREAMED ||
        (upload->method == UPLOAD_STREAMED && upload->defaults->fallback == UPLOAD_STREAMED);
    return only_streams ? STREAM_RING_BYTES : CHUNK_BUFFERS * upload->chunk_size.bytes_max;
}

static uint64_t usual_chunk_bytes(const struct upload *upload)
{
    uint64_t usual = upload->defaults->chunk_bytes;
    uint64_t most = upload->hint.chunk_bytes_max;
    return most != 0 ? MIN_OF(usual, most) : usual;
}

int upload_begin(const struct repository *repository, const struct blob_hint *hint,
                 struct blob_writer **ret_writer, struct lpipe_error *err)
{
    const struct settings *settings = &repository->context->settings;
    struct upload *upload = NEW(struct upload);
    if (upload == NULL) {
        return fail_memory(err);
    }
    upload->writer.ops = &writer_ops;
    upload->repository = repository;
    upload->hint = *hint;
    upload->sessions_opened =
        hint->sessions != NULL ? hint->sessions : &upload->own_sessions_opened;
    upload->mode = settings->upload;
    upload->defaults = upload_defaults_for(repository->registry);
    upload->method = method_of(settings->upload, upload->defaults);
    upload->chunk_size = chunk_size_init(settings->chunk_bytes, usual_chunk_bytes(upload),
                                         upload->defaults->chunk_bytes_max);
    upload->expect = true;
    retry_init(&upload->retry, repository->context, repository->registry);
    int status = window_init(&upload->window, window_bytes_max(upload), settings->spool_dir, err);
    if (status != 0) {
        writer_free(&upload->writer);
        return status;
    }
    upload->window.pulled = hint->sent;
    upload->window.user = hint->user;
    if (upload->method != UPLOAD_STREAMED) {
        window_set_limit(&upload->window, CHUNK_BUFFERS * upload->chunk_size.bytes);
    } else {
        window_set_limit(&upload->window, STREAM_RING_BYTES);
    }
    *ret_writer = &upload->writer;
    return 0;
}
