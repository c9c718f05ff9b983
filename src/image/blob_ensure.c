/* SPDX-License-Identifier: Apache-2.0 */
#include "image/blob_ensure.h"

#include <inttypes.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "image/tracked_writer.h"
#include "registry/client.h"

struct copy {
    struct blob_progress progress;
    const struct descriptor *blob;
    struct store *from;
    unsigned char *block;
    struct digest *digest;
    unsigned sessions; /* upload sessions opened for the blob */
};

static int fail_size(const struct copy *copy, struct lpipe_error *err)
{
    return fail(err, LPIPE_INTEGRITY,
                "the blob %s in %s does not have the %" PRIu64 " bytes that its descriptor says",
                copy->blob->digest, copy->from->name, copy->blob->size);
}

/* Copies all bytes, never more than the descriptor says. */
static int copy_bytes(struct copy *copy, struct blob_reader *reader, struct blob_writer *writer,
                      struct lpipe_error *err)
{
    uint64_t done = 0;
    for (;;) {
        size_t size = 0;
        int status = blob_job_check(copy->progress.job, err);
        if (status == 0) {
            status = reader->ops->read(reader, copy->block, COPY_BLOCK_BYTES, &size, err);
        }
        if (status != 0) {
            return status;
        }
        if (size > copy->blob->size - done || (size == 0 && done != copy->blob->size)) {
            return fail_size(copy, err);
        }
        if (size == 0) {
            return 0;
        }
        digest_update(copy->digest, copy->block, size);
        done += size;
        status = writer->ops->write(writer, copy->block, size, err);
        if (status != 0) {
            return status;
        }
        blob_progress_count(&copy->progress, 0, done);
    }
}

static int check_digest(struct copy *copy, struct lpipe_error *err)
{
    char digest[DIGEST_TEXT_SIZE];
    int status = digest_finish(copy->digest, digest, err);
    if (status == 0 && strcmp(digest, copy->blob->digest) != 0) {
        return fail(err, LPIPE_INTEGRITY, "the bytes of the blob %s in %s do not match its digest",
                    copy->blob->digest, copy->from->name);
    }
    return status;
}

static int copy_once(struct copy *copy, struct lpipe_error *err)
{
    struct blob_reader *reader AUTO_BLOB_READER = NULL;
    struct tracked_writer tracked AUTO_TRACKED_WRITER = TRACKED_WRITER_INIT;
    struct blob_hint hint = blob_progress_hint(&copy->progress, copy->blob, &copy->sessions);
    hint.chunk_bytes_max = COPY_CHUNK_BYTES;
    digest_reset(copy->digest);
    int status = copy->from->ops->blob_open(copy->from, copy->blob, &reader, err);
    if (status == 0) {
        status = tracked_writer_begin(&tracked, copy->progress.job, &hint, err);
    }
    if (status == 0) {
        status = copy_bytes(copy, reader, tracked.writer, err);
    }
    if (status == 0) {
        status = check_digest(copy, err);
    }
    return status == 0 ? tracked.writer->ops->finish(tracked.writer, copy->blob->digest,
                                                     copy->blob->size, err)
                       : status;
}

/* A copy can always be started again, so both kinds of failure can be retried. */
static bool can_retry(const struct lpipe_error *err)
{
    return (err->flags & (uint32_t)(LPIPE_ERROR_REPLAY | LPIPE_ERROR_RETRYABLE)) != 0;
}

static int copy_blob(const struct blob_job *job, const struct descriptor *blob, struct store *from,
                     struct lpipe_error *err)
{
    struct digest *digest AUTO_DIGEST = NULL;
    AUTO_FREE unsigned char *block = mem_new(COPY_BLOCK_BYTES);
    struct lpipe_error local = { 0 };
    err = err != NULL ? err : &local;
    int status =
        block == NULL ? fail_memory(err) : digest_new(digest_alg_of(blob->digest), &digest, err);
    if (status != 0) {
        return status;
    }
    struct copy copy = { .blob = blob, .from = from, .block = block, .digest = digest };
    blob_progress_start(&copy.progress, job, NULL, LPIPE_ORIGIN_COPIED, blob);
    status = copy_once(&copy, err);
    for (unsigned pass = 1; status != 0 && can_retry(err) && pass < BLOB_PASSES_MAX; pass++) {
        context_notice(&job->client->context, "%s; the blob is copied again", err->message);
        status = copy_once(&copy, err);
    }
    blob_job_note_sessions(job, copy.sessions);
    blob_progress_end(&copy.progress, status, blob->digest, blob->size);
    return status;
}

/* 1 when mounted. */
static int mount_blob(struct store *store, const struct descriptor *blob,
                      const struct blob_sources *sources, struct lpipe_error *err)
{
    const char *first = sources->mount_first;
    const char *second = sources->mount_second;
    int mounted = first != NULL ? store_blob_mount(store, blob, first, err) : 0;
    if (mounted == 0 && second != NULL && (first == NULL || strcmp(first, second) != 0)) {
        mounted = store_blob_mount(store, blob, second, err);
    }
    return mounted;
}

int blob_exists_or_mount(struct store *store, const struct descriptor *blob,
                         const struct blob_sources *sources, enum lpipe_blob_origin *ret_origin,
                         struct lpipe_error *err)
{
    enum lpipe_blob_origin origin = LPIPE_ORIGIN_EXISTING;
    int found = store->ops->blob_exists(store, blob, err);
    if (found == 0 || found == STORE_BLOB_UNKNOWN) {
        int mounted = mount_blob(store, blob, sources, err);
        origin = LPIPE_ORIGIN_MOUNTED;
        found = mounted == 0 ? found : mounted;
    }
    if (found == 1) {
        *ret_origin = origin;
    }
    return found;
}

int blob_ensure(const struct blob_job *job, const struct descriptor *blob,
                const struct blob_sources *sources, enum lpipe_blob_origin *ret_origin,
                struct lpipe_error *err)
{
    int found = blob_exists_or_mount(job->store, blob, sources, ret_origin, err);
    if (found == 1) {
        blob_progress_skipped(job, *ret_origin, blob);
    }
    if (found == 1 || found < 0) {
        return MIN_OF(found, 0);
    }
    if (sources->from == NULL && found == STORE_BLOB_UNKNOWN) {
        return fail(err, LPIPE_PROTOCOL,
                    "%s does not say whether it has the blob %s: its answer to HEAD has neither "
                    "Content-Length nor Docker-Content-Digest, or it does not allow HEAD",
                    job->store->name, blob->digest);
    }
    if (sources->from == NULL) {
        return fail_with_advice(err, LPIPE_NOT_FOUND,
                                "%s has no blob %s; push the layer to it first, or name the "
                                "repository that has it: `mount_from`",
                                job->store->name, blob->digest);
    }
    int status = copy_blob(job, blob, sources->from, err);
    if (status == 0) {
        *ret_origin = LPIPE_ORIGIN_COPIED;
    }
    return status;
}

static int write_bytes(struct blob_progress *progress, const struct descriptor *blob,
                       const void *bytes, struct lpipe_error *err)
{
    struct tracked_writer tracked AUTO_TRACKED_WRITER = TRACKED_WRITER_INIT;
    unsigned sessions = 0;
    struct blob_hint hint = blob_progress_hint(progress, blob, &sessions);
    int status = tracked_writer_begin(&tracked, progress->job, &hint, err);
    if (status == 0) {
        status = tracked.writer->ops->write(tracked.writer, bytes, blob->size, err);
    }
    if (status == 0) {
        status = tracked.writer->ops->finish(tracked.writer, blob->digest, blob->size, err);
    }
    blob_job_note_sessions(progress->job, sessions);
    return status;
}

/* A discard store says yes to everything, so it is not asked: see struct store. */
static int blob_exists(const struct blob_job *job, const struct descriptor *blob,
                       struct lpipe_error *err)
{
    struct store *store = job->store;
    return store->is_discard || job->presence == BLOB_IS_NEW
               ? 0
               : store->ops->blob_exists(store, blob, err);
}

int blob_ensure_bytes(const struct blob_job *job, const struct descriptor *blob, const void *bytes,
                      struct lpipe_error *err)
{
    struct lpipe_error local = { 0 };
    err = err != NULL ? err : &local;
    int found = blob_exists(job, blob, err);
    if (found == 1) {
        blob_progress_skipped(job, LPIPE_ORIGIN_EXISTING, blob);
    }
    if (found == 1 || found < 0) {
        return MIN_OF(found, 0);
    }
    struct blob_progress progress;
    blob_progress_start(&progress, job, NULL, LPIPE_ORIGIN_STREAMED, blob);
    int status = write_bytes(&progress, blob, bytes, err);
    for (unsigned pass = 1;
         status != 0 && (err->flags & LPIPE_ERROR_REPLAY) != 0 && pass < BLOB_PASSES_MAX; pass++) {
        status = write_bytes(&progress, blob, bytes, err);
    }
    blob_progress_end(&progress, status, blob->digest, blob->size);
    return status;
}
