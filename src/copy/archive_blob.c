/* SPDX-License-Identifier: Apache-2.0 */
#include "copy/archive_blob.h"

#include <stdio.h>
#include <string.h>

#include "archive/archive_name.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "flow/layer.h"
#include "image/blob_ensure.h"
#include "oci/media_type.h"
#include "registry/client.h"

enum mode {
    MODE_LEFT_OUT = 0,
    MODE_BYTES, /* stored as they are, under the digest in the name */
    MODE_LAYER  /* through a layer, which compresses them and computes the diff ID */
};

struct archive_blob {
    struct archive_target target;
    struct digest *digests[2]; /* of MODE_BYTES, by enum digest_alg */
    uint32_t count;            /* of blobs so far */
    /* Of the member that is being read. */
    struct archive_member *member;
    enum mode mode;
    char name[64]; /* of the blob in progress and messages */
    struct blob_job job;
    struct blob_progress progress;
    struct tracked_writer tracked; /* without a writer: the destination has the blob */
    struct descriptor known;       /* digest "" = not known */
    enum lpipe_blob_origin origin;
    unsigned sessions;
    lpipe_layer *layer;
    uint64_t done;
    /* Layers with zTOCs. */
    struct kept_layer *kept;
    size_t kept_count;
    size_t kept_capacity;
};

struct kept_layer {
    lpipe_layer *layer;
    char digest[DIGEST_TEXT_SIZE];
};

int archive_blob_new(const struct archive_target *target, struct archive_blob **ret_blob,
                     struct lpipe_error *err)
{
    struct archive_blob *blob AUTO_ARCHIVE_BLOB = NEW(struct archive_blob);
    if (blob == NULL) {
        return fail_memory(err);
    }
    blob->target = *target;
    int status = digest_new(DIGEST_SHA256, &blob->digests[DIGEST_SHA256], err);
    status = status == 0 ? digest_new(DIGEST_SHA512, &blob->digests[DIGEST_SHA512], err) : status;
    if (status == 0) {
        *ret_blob = TAKE(blob);
    }
    return status;
}

/* Forgets the member; a blob that is not finished is abandoned. */
static void end_member(struct archive_blob *blob)
{
    tracked_writer_dispose(&blob->tracked);
    blob->tracked = (struct tracked_writer)TRACKED_WRITER_INIT;
    blob->layer = lpipe_layer_free(blob->layer);
    blob->member = NULL;
}

struct archive_blob *archive_blob_free(struct archive_blob *blob)
{
    if (blob != NULL) {
        if (blob->member != NULL && blob->mode != MODE_LEFT_OUT) {
            blob_progress_end(&blob->progress, LPIPE_ABORTED, NULL, 0);
        }
        end_member(blob);
        for (size_t i = 0; i < blob->kept_count; i++) {
            lpipe_layer_free(blob->kept[i].layer);
        }
        free(blob->kept);
        digest_free(blob->digests[DIGEST_SHA256]);
        digest_free(blob->digests[DIGEST_SHA512]);
        free(blob);
    }
    return NULL;
}

static int keep_layer(struct archive_blob *blob, struct lpipe_error *err)
{
    if (!blob->target.record_ztocs) {
        return 0;
    }
    if (blob->kept_count == blob->kept_capacity) {
        size_t capacity = MAX_OF(blob->kept_capacity * 2, (size_t)8);
        struct kept_layer *grown = mem_realloc(blob->kept, capacity * sizeof *grown);
        if (grown == NULL) {
            return fail_memory(err);
        }
        blob->kept = grown;
        blob->kept_capacity = capacity;
    }
    struct kept_layer *kept = &blob->kept[blob->kept_count++];
    memcpy(kept->digest, blob->member->stored.digest, sizeof kept->digest);
    kept->layer = TAKE(blob->layer);
    return 0;
}

lpipe_layer *archive_blob_take_layer(struct archive_blob *blob, const char *digest)
{
    for (size_t i = 0; i < blob->kept_count; i++) {
        if (blob->kept[i].layer != NULL && strcmp(blob->kept[i].digest, digest) == 0) {
            return TAKE(blob->kept[i].layer);
        }
    }
    return NULL;
}

#define HEX_SIZE 64 /* of the names that tools make of digests and of random numbers */

/* "blobs/sha256/1a2b..." is "blob 1a2b3c4d5e6f", "1a2b.../layer.tar" is "layer 1a2b3c4d5e6f"; any
 * other member has its own name. */
static void name_blob(struct archive_blob *blob)
{
    const char *name = blob->member->name;
    if (strlen(name) > HEX_SIZE && text_is_hex_lower(name, HEX_SIZE)) {
        (void)snprintf(blob->name, sizeof blob->name, "layer %.12s", name);
    } else if (blob->member->named[0] != '\0') {
        (void)snprintf(blob->name, sizeof blob->name, "blob %.12s",
                       digest_hex_of(blob->member->named));
    } else {
        (void)text_printable(blob->name, sizeof blob->name, name, strlen(name));
    }
}

static bool is_tar(enum archive_content content)
{
    return content == ARCHIVE_CONTENT_TAR || content == ARCHIVE_CONTENT_COMPRESSED;
}

static enum mode choose_mode(const struct archive_blob *blob, enum archive_content content)
{
    const char *named = blob->member->named;
    if (named[0] == '\0') {
        return is_tar(content) ? MODE_LAYER : MODE_LEFT_OUT;
    }
    /* A diff ID is a SHA-256 digest, so only such a name can be compared with it. */
    return content == ARCHIVE_CONTENT_TAR && blob->target.compress_named &&
                   digest_alg_of(named) == DIGEST_SHA256
               ? MODE_LAYER
               : MODE_BYTES;
}

/* The media type as a layer, for an archive in which only the bytes say it. */
static const char *layer_type(const struct archive_blob *blob, enum archive_content content)
{
    enum media_family family = blob->target.docker ? MEDIA_FAMILY_DOCKER : MEDIA_FAMILY_OCI;
    const char *type =
        is_tar(content) ? media_type_of_layer(family, codec_name(blob->member->codec)) : NULL;
    return type != NULL ? type : "";
}

/* The digest that the blob will have, or may have when the name is only a guess. */
static void find_known(struct archive_blob *blob, enum archive_content content)
{
    blob->known = (struct descriptor){ .size = blob->member->size };
    if (blob->mode == MODE_BYTES) {
        (void)snprintf(blob->known.media_type, sizeof blob->known.media_type, "%s",
                       layer_type(blob, content));
        memcpy(blob->known.digest, blob->member->named, sizeof blob->known.digest);
    } else if (blob->member->named[0] == '\0' && content != ARCHIVE_CONTENT_TAR) {
        (void)archive_name_guess(blob->member->name, blob->known.digest);
    }
}

/* 1 when the destination has the blob already, or has mounted it. */
static int find_blob(struct archive_blob *blob, struct lpipe_error *err)
{
    struct store *store = blob->target.store;
    const struct blob_sources sources = { .mount_first = blob->target.mount_from };
    if (blob->known.digest[0] == '\0' || store->is_discard) {
        return 0;
    }
    int found = blob_exists_or_mount(store, &blob->known, &sources, &blob->origin, err);
    return found == STORE_BLOB_UNKNOWN ? 0 : found;
}

static int begin_layer(struct archive_blob *blob, enum archive_content content,
                       struct lpipe_error *err)
{
    struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
    /* What is compressed already stays as it is. */
    options.compress = content == ARCHIVE_CONTENT_TAR ? blob->target.compress : NULL;
    options.threads = blob->target.threads;
    options.spool_dir = blob->target.client->context.settings.spool_dir;
    options.flags = (uint32_t)LPIPE_LAYER_ALLOW_TRUNCATED | (uint32_t)LPIPE_LAYER_ALLOW_EMPTY |
                    (blob->target.docker ? (uint32_t)LPIPE_LAYER_DOCKER : 0);
    int status = layer_new_fed(&options, &blob->layer, err);
    if (status == 0) {
        layer_use_cancel(blob->layer, blob->target.client->context.cancel);
    }
    if (status == 0 && blob->target.record_ztocs) {
        layer_record_ztoc(blob->layer);
    }
    return status;
}

static int begin_writer(struct archive_blob *blob, struct lpipe_error *err)
{
    bool sure = blob->mode == MODE_BYTES;
    struct blob_hint hint =
        blob_progress_hint(&blob->progress, sure ? &blob->known : NULL, &blob->sessions);
    hint.chunk_bytes_max = ARCHIVE_CHUNK_BYTES;
    int found = find_blob(blob, err);
    blob_progress_start(&blob->progress, &blob->job, NULL,
                        found == 1 ? blob->origin : LPIPE_ORIGIN_STREAMED,
                        sure ? &blob->known : NULL);
    if (found != 0) {
        return MIN_OF(found, 0);
    }
    blob->origin = LPIPE_ORIGIN_STREAMED;
    return tracked_writer_begin(&blob->tracked, &blob->job, &hint, err);
}

static int begin_member(void *ctx, struct archive_member *member, enum archive_content content,
                        struct lpipe_error *err)
{
    struct archive_blob *blob = ctx;
    blob->member = member;
    blob->mode = choose_mode(blob, content);
    blob->done = 0;
    blob->sessions = 0;
    if (blob->mode == MODE_LEFT_OUT) {
        return 0;
    }
    name_blob(blob);
    blob->job = (struct blob_job){ .client = blob->target.client,
                                   .store = blob->target.store,
                                   .index = blob->count++,
                                   .name = blob->name };
    find_known(blob, content);
    if (blob->mode == MODE_BYTES) {
        digest_reset(blob->digests[digest_alg_of(member->named)]);
    }
    int status = begin_writer(blob, err);
    if (status == 0 && blob->mode == MODE_LAYER) {
        status = begin_layer(blob, content, err);
    }
    return status == 0 ? 0 : fail_context(err, status, "%s", blob->name);
}

static int write_out(void *ctx, const void *data, size_t size, struct lpipe_error *err)
{
    struct blob_writer *writer = ((struct archive_blob *)ctx)->tracked.writer;
    return writer == NULL ? 0 : writer->ops->write(writer, data, size, err);
}

static void count_layer(void *ctx, uint64_t bytes_in, uint64_t bytes_out)
{
    blob_progress_count(&((struct archive_blob *)ctx)->progress, bytes_in, bytes_out);
}

static int write_member(void *ctx, const void *data, size_t size, struct lpipe_error *err)
{
    struct archive_blob *blob = ctx;
    int status = 0;
    if (blob->mode == MODE_LAYER) {
        const struct layer_sink sink = { write_out, count_layer, blob };
        status = layer_feed(blob->layer, data, size, &sink, err);
    } else if (blob->mode == MODE_BYTES) {
        digest_update(blob->digests[digest_alg_of(blob->member->named)], data, size);
        blob->done += size;
        blob_progress_count(&blob->progress, blob->done, blob->done);
        status = write_out(blob, data, size, err);
    }
    return status == 0 ? 0 : fail_context(err, status, "%s", blob->name);
}

static int fail_digest(const struct archive_blob *blob, const char *digest, struct lpipe_error *err)
{
    char shown[200];
    const char *name = blob->member->name;
    return fail(err, LPIPE_INTEGRITY, "the contents of %s in the image archive have the digest %s",
                text_printable(shown, sizeof shown, name, strlen(name)), digest);
}

/* The digest is the one that the name says. */
static int end_bytes(struct archive_blob *blob, struct lpipe_error *err)
{
    char digest[DIGEST_TEXT_SIZE];
    int status = digest_finish(blob->digests[digest_alg_of(blob->member->named)], digest, err);
    if (status == 0 && strcmp(digest, blob->known.digest) != 0) {
        return fail_digest(blob, digest, err);
    }
    blob->member->stored = blob->known;
    return status;
}

static int keep_annotations(const struct lpipe_layer_result *layer, struct string_map *annotations,
                            struct lpipe_error *err)
{
    int status = 0;
    for (size_t i = 0; i < layer->annotation_count && status == 0; i++) {
        status = string_map_set(annotations, layer->annotations[i].key, layer->annotations[i].value,
                                err);
    }
    return status;
}

static int end_layer(struct archive_blob *blob, struct lpipe_error *err)
{
    const struct layer_sink sink = { write_out, count_layer, blob };
    struct archive_member *member = blob->member;
    struct lpipe_layer_result result = LPIPE_LAYER_RESULT_INIT;
    int status = layer_feed_end(blob->layer, &sink, err);
    status = status == 0 ? layer_result(blob->layer, &result, err) : status;
    if (status != 0) {
        return status;
    }
    const char *tar_digest = layer_tar_digest(blob->layer);
    if (member->named[0] != '\0' && strcmp(member->named, tar_digest) != 0) {
        return fail_digest(blob, tar_digest, err);
    }
    if (blob->tracked.writer == NULL && strcmp(blob->known.digest, result.digest) != 0) {
        return fail_digest(blob, result.digest, err);
    }
    member->stored.size = result.size;
    memcpy(member->stored.digest, result.digest, sizeof member->stored.digest);
    memcpy(member->stored.media_type, result.media_type, sizeof member->stored.media_type);
    memcpy(member->diff_id, tar_digest, strlen(tar_digest) + 1);
    memcpy(member->stored_diff_id, result.diff_id, sizeof member->stored_diff_id);
    if (layer_notice(blob->layer) != NULL) {
        context_notice(&blob->target.client->context, "%s: %s", blob->name,
                       layer_notice(blob->layer));
    }
    status = keep_annotations(&result, &member->annotations, err);
    return status == 0 ? keep_layer(blob, err) : status;
}

static void count_blob(struct archive_blob *blob)
{
    struct lpipe_copy_result *counts = blob->target.counts;
    if (blob->origin == LPIPE_ORIGIN_MOUNTED) {
        counts->blobs_mounted++;
    } else if (blob->origin == LPIPE_ORIGIN_EXISTING) {
        counts->blobs_existing++;
    } else {
        counts->blobs_copied++;
        counts->bytes_copied += blob->member->stored.size;
    }
}

static int finish_writer(struct archive_blob *blob, struct lpipe_error *err)
{
    struct blob_writer *writer = blob->tracked.writer;
    const struct descriptor *stored = &blob->member->stored;
    return writer == NULL ? 0 : writer->ops->finish(writer, stored->digest, stored->size, err);
}

static int end_member_contents(void *ctx, struct lpipe_error *err)
{
    struct archive_blob *blob = ctx;
    struct archive_member *member = blob->member;
    int status = 0;
    if (blob->mode != MODE_LEFT_OUT) {
        status = blob->mode == MODE_LAYER ? end_layer(blob, err) : end_bytes(blob, err);
        status = status == 0 ? finish_writer(blob, err) : status;
        blob_progress_end(&blob->progress, status, member->stored.digest, member->stored.size);
        status = status == 0 ? 0 : fail_context(err, status, "%s", blob->name);
        if (status == 0) {
            member->state = ARCHIVE_STORED;
            count_blob(blob);
        }
    }
    end_member(blob);
    return status;
}

void archive_blob_sink(struct archive_blob *blob, struct archive_sink *ret_sink)
{
    *ret_sink = (struct archive_sink){
        .begin = begin_member, .write = write_member, .end = end_member_contents, .ctx = blob
    };
}
