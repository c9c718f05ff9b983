/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image_push.h"

#include <stdio.h>
#include <string.h>

#include "base/cancel.h"
#include "base/mem.h"
#include "image/image_blobs.h"
#include "image/image_documents.h"
#include "image/image_referrers.h"
#include "registry/client.h"

static void send_event(const lpipe_image *image, enum lpipe_event_kind kind, const char *digest,
                       const char *text)
{
    const struct lpipe_event event = {
        .struct_size = sizeof event, .kind = kind, .digest = digest, .text = text
    };
    context_event(&image->client->context, &event);
}

/* True when reference names this manifest already. After a failure the answer is no, and the put
 * shows whether the store works. */
static bool is_put_already(struct store *store, const char *reference, const char *digest)
{
    char found[DIGEST_TEXT_SIZE];
    return store_manifest_head(store, reference, found, NULL) == 1 && strcmp(found, digest) == 0;
}

static int put_manifest(const lpipe_image *image, const struct push_target *target,
                        const struct document *manifest, const char *tag, struct lpipe_error *err)
{
    struct store *store = target->store;
    const char *digest = manifest->descriptor.digest;
    /* A layout may have the blob of a manifest without an entry in index.json, so a manifest
     * without a tag is always put there. */
    bool can_skip = tag != NULL || target->remote;
    int status = cancel_requested(image->client->context.cancel) ? fail_cancelled(err) : 0;
    if (status == 0 && !(can_skip && is_put_already(store, tag != NULL ? tag : digest, digest))) {
        status = store->ops->manifest_put(store, manifest, tag, err);
    }
    if (status == 0) {
        send_event(image, tag != NULL ? LPIPE_EVENT_TAG : LPIPE_EVENT_MANIFEST, digest, tag);
    }
    return status;
}

/* Puts a manifest with a subject. If the store does not list referrers, adds the manifest to the
 * subject's referrers tag. */
static int put_referrer(const lpipe_image *image, const struct push_target *target,
                        const struct image_documents *documents, struct lpipe_error *err)
{
    struct store *store = target->store;
    const struct document *manifest = &documents->manifest;
    int status = store->ops->manifest_put(store, manifest, NULL, err);
    if (status != 0) {
        return status;
    }
    send_event(image, LPIPE_EVENT_MANIFEST, manifest->descriptor.digest, NULL);
    if (store->ops->referrers_native(store) != 0) {
        return 0;
    }
    const struct manifest_item item = {
        .descriptor = manifest->descriptor,
        .artifact_type = image->artifact_type != NULL ? image->artifact_type
                                                      : documents->config.descriptor.media_type,
        .annotations = &image->annotations,
    };
    return image_referrers_add(store, target->subject.digest, &item, err);
}

/* Puts the manifest under each tag; without a tag, under its digest. Then completes the store. */
static int publish(const lpipe_image *image, const struct push_target *target,
                   const struct image_documents *documents, struct lpipe_error *err)
{
    const struct document *manifest = &documents->manifest;
    int status = 0;
    size_t put = 0;
    if (target->has_subject) {
        status = put_referrer(image, target, documents, err);
    } else if (target->tag_count == 0) {
        status = put_manifest(image, target, manifest, NULL, err);
    }
    for (; put < target->tag_count && status == 0; put++) {
        status = put_manifest(image, target, manifest, target->tags[put], err);
    }
    if (status != 0 && put > 1 && err != NULL) {
        err->flags |= LPIPE_ERROR_MAYBE_PUBLISHED; /* the tags before this one are set */
    }
    return status == 0 ? store_finish(target->store, err) : status;
}

static int check_digest(const struct push_target *target, const struct document *manifest,
                        struct lpipe_error *err)
{
    const char *digest = manifest->descriptor.digest;
    return target->digest == NULL || strcmp(target->digest, digest) == 0
               ? 0
               : fail(err, LPIPE_INTEGRITY,
                      "the digest of the image is %s, but the reference names %s", digest,
                      target->digest);
}

void image_push_result_dispose(struct lpipe_push_result *result)
{
    for (size_t i = 0; i < result->tag_count; i++) {
        free(result->tags[i]);
    }
    free(result->tags);
    free(result->layers);
    free(result->reference);
    result->tags = NULL;
    result->layers = NULL;
    result->reference = NULL;
    result->tag_count = result->layer_count = 0;
}

static void result_cleanup(struct lpipe_push_result *result)
{
    image_push_result_dispose(result);
}

static int copy_lists(const lpipe_image *image, const struct push_target *target,
                      struct lpipe_push_result *result, struct lpipe_error *err)
{
    result->layers = mem_new_array(image->layer_count + 1, sizeof *result->layers);
    result->tags = mem_new_array(target->tag_count + 1, sizeof *result->tags);
    if (result->layers == NULL || result->tags == NULL) {
        return fail_memory(err);
    }
    for (size_t i = 0; i < image->layer_count; i++) {
        result->layers[result->layer_count++] = image->layers[i].result;
    }
    for (size_t i = 0; i < target->tag_count; i++) {
        result->tags[i] = mem_strdup(target->tags[i]);
        if (result->tags[i] == NULL) {
            return fail_memory(err);
        }
        result->tag_count++;
    }
    return 0;
}

/* Called before the manifest is put: after that, no failed allocation can hide the result. */
static int make_result(const lpipe_image *image, const struct push_target *target,
                       const struct image_documents *documents,
                       struct lpipe_push_result *ret_result, struct lpipe_error *err)
{
    const struct descriptor *manifest = &documents->manifest.descriptor;
    const struct descriptor *config = &documents->config.descriptor;
    struct lpipe_push_result result CLEANUP(result_cleanup) = LPIPE_PUSH_RESULT_INIT;
    result.reference = mem_printf("%s@%s", target->store->name, manifest->digest);
    result.size = manifest->size;
    result.config_size = config->size;
    memcpy(result.media_type, manifest->media_type, sizeof manifest->media_type);
    memcpy(result.digest, manifest->digest, sizeof manifest->digest);
    memcpy(result.config_media_type, config->media_type, sizeof config->media_type);
    memcpy(result.config_digest, config->digest, sizeof config->digest);
    int status =
        result.reference == NULL ? fail_memory(err) : copy_lists(image, target, &result, err);
    if (status == 0) {
        *ret_result = result;
        result = (struct lpipe_push_result)LPIPE_PUSH_RESULT_INIT;
    }
    return status;
}

int image_push_into(lpipe_image *image, const struct push_target *target,
                    struct lpipe_push_result *ret_result, struct lpipe_error *err)
{
    struct image_documents documents AUTO_IMAGE_DOCUMENTS = IMAGE_DOCUMENTS_INIT;
    struct lpipe_push_result result CLEANUP(result_cleanup) = LPIPE_PUSH_RESULT_INIT;
    const struct image_blobs_target blobs = { target->store, target->mount_from, target->remote };
    image->pushed = true;
    int status = image_blobs(image, &blobs, &documents.config, err);
    if (status == 0) {
        status = image_documents_manifest(image, target->has_subject ? &target->subject : NULL,
                                          &documents, err);
    }
    status = status == 0 ? check_digest(target, &documents.manifest, err) : status;
    status = status == 0 ? make_result(image, target, &documents, &result, err) : status;
    status = status == 0 ? publish(image, target, &documents, err) : status;
    if (status == 0) {
        *ret_result = result;
        result = (struct lpipe_push_result)LPIPE_PUSH_RESULT_INIT;
    }
    return status;
}

int image_push(lpipe_image *image, const lpipe_ref *dest, const struct lpipe_push_options *options,
               struct lpipe_push_result *ret_result, struct lpipe_error *err)
{
    struct push_target target AUTO_PUSH_TARGET = { 0 };
    int status = image->pushed ? fail(err, LPIPE_INVALID_STATE, "the image was pushed already") : 0;
    status = status == 0 ? push_target_open(image, dest, options, &target, err) : status;
    return status == 0 ? image_push_into(image, &target, ret_result, err) : status;
}
