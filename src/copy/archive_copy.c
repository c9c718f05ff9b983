/* SPDX-License-Identifier: Apache-2.0 */
#include "copy/archive_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "archive/archive_read_store.h"
#include "base/text.h"
#include "copy/archive_blob.h"
#include "copy/copy_result.h"
#include "copy/copy_soci.h"
#include "copy/copy_steps.h"
#include "flow/layer_format.h"
#include "flow/layer_media.h"
#include "flow/source_fd.h"
#include "image/image.h"
#include "image/image_push.h"
#include "image/push_target.h"
#include "oci/reference.h"
#include "registry/client.h"

#define NAME "the image archive"

struct archive_run {
    lpipe_client *client;
    const struct lpipe_copy_options *options;
    struct archive_wish wish;
    struct platform platform;
    bool docker;         /* Docker's media types */
    bool compress_named; /* see struct archive_target */
    struct push_target target;
    struct archive_blob *blob; /* has stored the members */
    struct archive_members *members;
    struct store *documents;
    struct fetched root;
};

static void run_dispose(struct archive_run *run)
{
    fetched_dispose(&run->root);
    store_free(run->documents);
    (void)archive_members_free(run->members);
    (void)archive_blob_free(run->blob);
    push_target_dispose(&run->target);
}

static int check_docker(const struct layer_format *layer, struct lpipe_error *err)
{
    if (layer_media_of(layer->codec.kind, true) == NULL) {
        return fail_docker_zstd(LPIPE_INVALID_ARGUMENT, err);
    }
    return layer->toc != 0 ? layer_format_fail_docker(err) : 0;
}

/* Blobs with their digests as names: those of an OCI archive keep their bytes, and those of a
 * manifest whose digest is given. Since Docker 25 the uncompressed layers of docker save have such
 * names, too. */
static int read_options(struct archive_run *run, const struct archive_wish *which,
                        struct lpipe_error *err)
{
    const struct lpipe_copy_options *options = run->options;
    struct layer_format layer;
    int status = layer_format_parse(options->compress, &layer, err);
    if (status == 0 && options->soci != LPIPE_SOCI_NONE) {
        status = copy_soci_check(options, &layer, err);
    }
    if (status == 0 && options->soci != LPIPE_SOCI_NONE && (options->flags & LPIPE_COPY_ALL) != 0) {
        return fail_with_advice(err, LPIPE_INVALID_ARGUMENT,
                                "the images of an index cannot get SOCI indexes while an archive "
                                "is read once; name the archive as a file: oci-archive:FILE");
    }
    if (status == 0 && options->platform != NULL) {
        status = platform_parse(options->platform, &run->platform, err);
    }
    run->docker = options->format == LPIPE_FORMAT_DOCKER;
    if (status == 0 && run->docker) {
        status = check_docker(&layer, err);
    }
    run->compress_named = which->kind != ARCHIVE_KIND_OCI && which->digest == NULL && status == 0 &&
                          layer.codec.kind != CODEC_NONE;
    run->wish = (struct archive_wish){
        .kind = which->kind,
        .image = which->image,
        .digest = which->digest,
        .all = (options->flags & LPIPE_COPY_ALL) != 0,
        .platform = options->platform != NULL ? &run->platform : NULL,
        .format = options->soci == LPIPE_SOCI_NONE ? options->format : LPIPE_FORMAT_OCI,
    };
    return status;
}

static int open_target(struct archive_run *run, const lpipe_ref *dest, struct lpipe_error *err)
{
    struct lpipe_push_options options = LPIPE_PUSH_OPTIONS_INIT;
    options.tags = run->options->tags;
    options.tag_count = run->options->tag_count;
    options.mount_from = run->options->mount_from;
    options.soci = run->options->soci;
    options.soci_bytes_min = run->options->soci_bytes_min;
    return push_target_open(run->client, dest, &options, &run->target, err);
}

static int read_archive(struct archive_run *run, struct source *source,
                        struct lpipe_copy_result *counts, struct lpipe_error *err)
{
    struct archive_sink sink;
    const struct archive_target target = {
        .client = run->client,
        .store = run->target.store,
        .mount_from = run->target.mount_from,
        .compress_named = run->compress_named,
        .compress = run->options->compress,
        .threads = run->options->threads,
        .docker = run->docker,
        .record_ztocs = run->options->soci != LPIPE_SOCI_NONE,
        .counts = counts,
    };
    int status = archive_blob_new(&target, &run->blob, err);
    if (status != 0) {
        return status;
    }
    archive_blob_sink(run->blob, &sink);
    return archive_read(source, run->client->context.cancel, &sink, &run->members, err);
}

/* A blob that a manifest names. *ret_stored: it was stored while the archive was read. */
static int use_blob(struct archive_run *run, const struct descriptor *blob, bool *ret_stored,
                    struct lpipe_error *err)
{
    const struct archive_member *member = archive_members_by_digest(run->members, blob->digest);
    if (member != NULL && member->stored.size != blob->size) {
        return fail(err, LPIPE_INTEGRITY,
                    "the blob %s of the image archive has %" PRIu64
                    " bytes, but a manifest says %" PRIu64,
                    blob->digest, member->stored.size, blob->size);
    }
    archive_members_use(run->members, blob->digest);
    *ret_stored = member != NULL && member->state == ARCHIVE_STORED;
    return 0;
}

/* Takes out the blobs that were stored while the archive was read. */
static int leave_out_stored(void *ctx, struct copy_graph *graph, struct lpipe_error *err)
{
    struct archive_run *run = ctx;
    size_t left = 0;
    int status = 0;
    for (size_t i = 0; i < graph->blob_count && status == 0; i++) {
        bool stored = false;
        status = use_blob(run, &graph->blobs[i], &stored, err);
        if (!stored) {
            graph->blobs[left++] = graph->blobs[i];
        }
    }
    graph->blob_count = left;
    return status;
}

/* Says which blobs were stored for nothing: those of other images, or of no image. */
static void notice_unused(const struct archive_run *run)
{
    size_t count = 0;
    uint64_t bytes = 0;
    const char *first = "";
    for (size_t i = 0; i < archive_members_count(run->members); i++) {
        const struct archive_member *member = archive_members_at(run->members, i);
        if (member->state == ARCHIVE_STORED && !member->used) {
            first = count == 0 ? member->name : first;
            bytes += member->stored.size;
            count++;
        }
    }
    if (count > 0) {
        char shown[200];
        context_notice(
            &run->client->context,
            "blobs of the image archive that the image does not name were sent, too: %zu "
            "(%" PRIu64 " bytes); the first is %s",
            count, bytes, text_printable(shown, sizeof shown, first, strlen(first)));
    }
}

static int write_image(struct archive_run *run, struct lpipe_copy_result *result,
                       struct lpipe_error *err)
{
    const struct copy_steps image = {
        .route = { .client = run->client,
                   .from = run->documents,
                   .to = run->target.store,
                   .remote = run->target.remote },
        .target = &run->target,
        .with_referrers = (run->options->flags & LPIPE_COPY_REFERRERS) != 0,
        .on_graph = leave_out_stored,
        .ctx = run,
    };
    int status = push_target_check_digest(&run->target, &run->root.document.descriptor, err);
    status = status == 0 ? copy_root_write(&image, &run->root, result, err) : status;
    if (status == 0) {
        notice_unused(run);
    }
    return status;
}

/* The archive's image with the layers that were made. Takes the store and manifest of the run. */
static int soci_image(struct archive_run *run, lpipe_image **ret_image, struct lpipe_error *err)
{
    struct lpipe_image_options options = LPIPE_IMAGE_OPTIONS_INIT;
    lpipe_image *image = NULL;
    options.format = LPIPE_FORMAT_OCI;
    options.created = "0"; /* is not used: a copy keeps its time */
    int status = image_new(run->client, NULL, &options, &image, err);
    if (status != 0) {
        return status;
    }
    *ret_image = image;
    status = image_base_take(image, TAKE(run->documents), &run->root, err);
    for (size_t i = 0; i < image->layer_count && status == 0; i++) {
        struct image_layer *layer = &image->layers[i];
        bool stored = false;
        layer->made = archive_blob_take_layer(run->blob, layer->result.digest);
        status = use_blob(run, &layer->source->descriptor, &stored, err);
    }
    return status;
}

static int write_with_soci(struct archive_run *run, struct lpipe_copy_result *result,
                           struct lpipe_error *err)
{
    lpipe_image *image = NULL;
    struct lpipe_push_result pushed = LPIPE_PUSH_RESULT_INIT;
    int status = soci_image(run, &image, err);
    status = status == 0 ? image_push_into(image, &run->target, &pushed, err) : status;
    if (status == 0) {
        struct descriptor manifest = { .size = pushed.size };
        memcpy(manifest.media_type, pushed.media_type, sizeof manifest.media_type);
        memcpy(manifest.digest, pushed.digest, sizeof manifest.digest);
        result->manifest_count = copy_soci_manifests(&pushed, run->options->soci);
        notice_unused(run);
        status = copy_result_fill(&run->target, &manifest, result, err);
    }
    image_push_result_dispose(&pushed);
    (void)image_free(image);
    return status;
}

/* An archive's source that fails to close has not given all its bytes. */
static int close_source(struct source *source, struct lpipe_error *err)
{
    int code = source_close(source);
    return code < 0 ? fail_errno(err, LPIPE_SOURCE_IO, -code, "closing the input failed") : 0;
}

/* The archive is in memory and in the destination. */
static int finish_copy(struct archive_run *run, struct lpipe_copy_result *result,
                       struct lpipe_error *err)
{
    int status = archive_read_store_open(run->members, run->target.store, &run->documents, err);
    if (status == 0) {
        status = archive_choose(run->members, run->documents, &run->wish, &run->root.document, err);
    }
    status = status == 0 ? fetched_parse(&run->root, err) : status;
    if (status == 0) {
        status = copy_root_choose(run->client, run->documents, NAME, run->options, &run->root, err);
    }
    if (status != 0) {
        return status;
    }
    return run->options->soci != LPIPE_SOCI_NONE ? write_with_soci(run, result, err)
                                                 : write_image(run, result, err);
}

int archive_copy(lpipe_client *client, struct source *source, const struct archive_wish *which,
                 const lpipe_ref *dest, const struct lpipe_copy_options *options,
                 struct lpipe_copy_result *ret_result, struct lpipe_error *err)
{
    CONTEXT_CALL(&client->context);
    struct archive_run run CLEANUP(
        run_dispose) = { .client = client, .options = options, .root = FETCHED_INIT };
    struct lpipe_copy_result result AUTO_COPY_RESULT = LPIPE_COPY_RESULT_INIT;
    int status = read_options(&run, which, err);
    status = status == 0 ? open_target(&run, dest, err) : status;
    status = status == 0 ? read_archive(&run, source, &result, err) : status;
    int closed = close_source(source, status == 0 ? err : NULL);
    status = status == 0 ? closed : status;
    status = status == 0 ? finish_copy(&run, &result, err) : status;
    if (status == 0) {
        *ret_result = result;
        result = (struct lpipe_copy_result)LPIPE_COPY_RESULT_INIT;
    }
    return status;
}

bool archive_copy_is_archive(const lpipe_ref *ref)
{
    return ref->kind == LPIPE_REF_OCI_ARCHIVE || ref->kind == LPIPE_REF_DOCKER_ARCHIVE;
}

static int open_file(const char *file, struct source **ret_source, struct lpipe_error *err)
{
    if (strcmp(file, "-") == 0) {
        return source_fd_new(STDIN_FILENO, true, ret_source, err);
    }
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    return fd < 0
               ? fail_errno(err, LPIPE_SOURCE_IO, errno, "cannot open the image archive %s", file)
               : source_fd_new(fd, false, ret_source, err);
}

int archive_copy_ref(lpipe_client *client, const lpipe_ref *archive, const lpipe_ref *dest,
                     const struct lpipe_copy_options *options, struct lpipe_copy_result *ret_result,
                     struct lpipe_error *err)
{
    const struct archive_wish which = {
        .kind = archive->kind == LPIPE_REF_OCI_ARCHIVE ? ARCHIVE_KIND_OCI : ARCHIVE_KIND_DOCKER,
        .image = archive->tag != NULL ? archive->tag : options->image,
        .digest = archive->digest,
    };
    struct source *source = NULL;
    int status = open_file(archive->repository, &source, err);
    if (status == 0) {
        status = archive_copy(client, source, &which, dest, options, ret_result, err);
        source_free(source);
    }
    return status;
}
