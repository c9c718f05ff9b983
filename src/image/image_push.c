/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image_push.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "image/image_blobs.h"
#include "image/image_documents.h"
#include "image/manifest_publish.h"
#include "registry/client.h"

static int publish(const lpipe_image *image, const struct push_target *target,
                   const struct image_documents *documents, struct lpipe_error *err)
{
    const struct manifest_item referrer = {
        .descriptor = documents->manifest.descriptor,
        .artifact_type = image->artifact_type != NULL ? image->artifact_type
                                                      : documents->config.descriptor.media_type,
        .annotations = &image->annotations,
    };
    const struct publication publication = {
        .client = image->client,
        .store = target->store,
        .remote = target->remote,
        .is_new = atomic_load(&image->has_new_blob),
        .manifest = &documents->manifest,
        .tags = target->tags,
        .tag_count = target->tag_count,
        .subject_digest = target->has_subject ? target->subject.digest : NULL,
        .referrer = &referrer,
    };
    int status = manifest_publish(&publication, err);
    return status == 0 ? store_finish(target->store, err) : status;
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
    status = status == 0 ? push_target_check_digest(target, &documents.manifest.descriptor, err)
                         : status;
    status = status == 0 ? make_result(image, target, &documents, &result, err) : status;
    status = status == 0 ? publish(image, target, &documents, err) : status;
    if (status == 0) {
        *ret_result = result;
        result = (struct lpipe_push_result)LPIPE_PUSH_RESULT_INIT;
    }
    return status;
}

static int check_image(const lpipe_image *image, const struct lpipe_push_options *options,
                       struct lpipe_error *err)
{
    if (image->pushed) {
        return fail(err, LPIPE_INVALID_STATE, "the image was pushed already");
    }
    return options->subject != NULL && image->family == MEDIA_FAMILY_DOCKER
               ? fail(err, LPIPE_INVALID_ARGUMENT,
                      "Docker's manifest format has no subject; use the OCI format")
               : 0;
}

int image_push(lpipe_image *image, const lpipe_ref *dest, const struct lpipe_push_options *options,
               struct lpipe_push_result *ret_result, struct lpipe_error *err)
{
    CONTEXT_CALL(&image->client->context);
    struct push_target target AUTO_PUSH_TARGET = { 0 };
    int status = check_image(image, options, err);
    status = status == 0 ? push_target_open(image->client, dest, options, &target, err) : status;
    return status == 0 ? image_push_into(image, &target, ret_result, err) : status;
}
