/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image_push.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "image/hidden_links.h"
#include "image/image_blobs.h"
#include "image/image_documents.h"
#include "image/image_soci.h"
#include "image/manifest_publish.h"
#include "image/soci_find.h"
#include "registry/client.h"
#include "toc/toc_keys.h"

/* What a push makes besides the blobs. */
struct push_documents {
    struct image_documents image;
    struct document soci;  /* the SOCI index; empty = none */
    struct document index; /* what the tags name with a SOCI index of version 2; else empty */
};

static void push_documents_dispose(struct push_documents *documents)
{
    image_documents_dispose(&documents->image);
    document_dispose(&documents->soci);
    document_dispose(&documents->index);
}

static bool has_document(const struct document *document)
{
    return document->bytes.size > 0;
}

/* The manifest that the tags name. */
static const struct document *top_document(const struct push_documents *documents)
{
    return has_document(&documents->index) ? &documents->index : &documents->image.manifest;
}

static struct publication publication_of(const lpipe_image *image, const struct push_target *target)
{
    return (struct publication){ .client = image->client,
                                 .store = target->store,
                                 .is_new = atomic_load(&image->has_new_blob) };
}

/* The SOCI index goes first: of version 1 as a referrer of the image, of version 2 as a part of an
 * index. */
static int publish_soci(const lpipe_image *image, const struct push_target *target,
                        const struct push_documents *documents, struct lpipe_error *err)
{
    struct publication publication = publication_of(image, target);
    const struct manifest_item referrer = {
        .descriptor = documents->soci.descriptor,
        .artifact_type = soci_index_type(LPIPE_SOCI_V1),
    };
    publication.manifest = &documents->soci;
    if (target->soci == LPIPE_SOCI_V1) {
        publication.subject_digest = documents->image.manifest.descriptor.digest;
        publication.referrer = &referrer;
        return manifest_publish(&publication, err);
    }
    int status = manifest_publish_child(&publication, err);
    publication.manifest = &documents->image.manifest;
    return status == 0 && has_document(&documents->index)
               ? manifest_publish_child(&publication, err)
               : status;
}

static int publish(const lpipe_image *image, const struct push_target *target,
                   const struct push_documents *documents, struct lpipe_error *err)
{
    const struct manifest_item referrer = {
        .descriptor = documents->image.manifest.descriptor,
        .artifact_type = image->artifact_type != NULL
                             ? image->artifact_type
                             : documents->image.config.descriptor.media_type,
        .annotations = &image->annotations,
    };
    struct publication publication = publication_of(image, target);
    publication.manifest = top_document(documents);
    publication.tags = target->tags;
    publication.tag_count = target->tag_count;
    publication.subject_digest = target->has_subject ? target->subject.digest : NULL;
    publication.referrer = &referrer;
    int status = has_document(&documents->soci) ? publish_soci(image, target, documents, err) : 0;
    if (target->as_child) {
        return status == 0 ? manifest_publish_child(&publication, err) : status;
    }
    status = status == 0 ? manifest_publish(&publication, err) : status;
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
                       const struct push_documents *documents, struct lpipe_push_result *ret_result,
                       struct lpipe_error *err)
{
    const struct descriptor *manifest = &top_document(documents)->descriptor;
    const struct descriptor *config = &documents->image.config.descriptor;
    struct lpipe_push_result result CLEANUP(result_cleanup) = LPIPE_PUSH_RESULT_INIT;
    result.reference = mem_printf("%s@%s", target->store->name, manifest->digest);
    result.size = manifest->size;
    result.config_size = config->size;
    memcpy(result.media_type, manifest->media_type, sizeof manifest->media_type);
    memcpy(result.digest, manifest->digest, sizeof manifest->digest);
    memcpy(result.config_media_type, config->media_type, sizeof config->media_type);
    memcpy(result.config_digest, config->digest, sizeof config->digest);
    memcpy(result.soci_digest, documents->soci.descriptor.digest, sizeof result.soci_digest);
    memcpy(result.image_digest, documents->image.manifest.descriptor.digest,
           sizeof result.image_digest);
    int status =
        result.reference == NULL ? fail_memory(err) : copy_lists(image, target, &result, err);
    if (status == 0) {
        *ret_result = result;
        result = (struct lpipe_push_result)LPIPE_PUSH_RESULT_INIT;
    }
    return status;
}

/* Makes the manifests when all layers are in the store. */
static int make_documents(lpipe_image *image, const struct push_target *target,
                          struct push_documents *documents, struct lpipe_error *err)
{
    const struct descriptor *subject = target->has_subject ? &target->subject : NULL;
    const struct descriptor *manifest = &documents->image.manifest.descriptor;
    const struct descriptor *soci = &documents->soci.descriptor;
    int made = 0;
    if (target->soci == LPIPE_SOCI_V2) {
        made = image_soci_index(image, target, target->soci_bytes_min, NULL, &documents->soci, err);
    }
    int status =
        made == 1 ? string_map_set(&image->annotations, KEY_SOCI_INDEX, soci->digest, err) : made;
    status =
        status == 0 ? image_documents_manifest(image, subject, &documents->image, err) : status;
    if (status == 0 && made == 1 && target->as_child) {
        return 0; /* the index that names the image names this one, too */
    }
    if (status == 0 && made == 1) {
        return image_soci_wrap(image, manifest, soci, &documents->index, err);
    }
    if (status == 0 && target->soci == LPIPE_SOCI_V1) {
        status = image_soci_index(image, target, target->soci_bytes_min, manifest, &documents->soci,
                                  err);
    }
    return MIN_OF(status, 0);
}

int image_push_into(lpipe_image *image, const struct push_target *target,
                    struct lpipe_push_result *ret_result, struct lpipe_error *err)
{
    struct push_documents documents CLEANUP(
        push_documents_dispose) = { IMAGE_DOCUMENTS_INIT, DOCUMENT_INIT, DOCUMENT_INIT };
    struct lpipe_push_result result CLEANUP(result_cleanup) = LPIPE_PUSH_RESULT_INIT;
    const struct image_blobs_target blobs = { target->store, target->mount_from, target->remote };
    image->pushed = true;
    if (target->soci != LPIPE_SOCI_NONE) {
        image_soci_record(image);
    }
    int status = image_blobs(image, &blobs, &documents.image.config, err);
    if (status == 0) {
        hidden_links_report(image);
    }
    status = status == 0 ? make_documents(image, target, &documents, err) : status;
    if (status == 0) {
        status = push_target_check_digest(target, &top_document(&documents)->descriptor, err);
    }
    status = status == 0 ? make_result(image, target, &documents, &result, err) : status;
    status = status == 0 ? publish(image, target, &documents, err) : status;
    if (status == 0) {
        image->soci_index = documents.soci.descriptor;
        *ret_result = result;
        result = (struct lpipe_push_result)LPIPE_PUSH_RESULT_INIT;
    }
    return status;
}

int image_push_check(const lpipe_image *image, const struct lpipe_push_options *options,
                     struct lpipe_error *err)
{
    if (image->pushed) {
        return fail(err, LPIPE_INVALID_STATE, "the image was pushed already");
    }
    if (options->soci != LPIPE_SOCI_NONE &&
        (image->family == MEDIA_FAMILY_DOCKER || image->artifact_type != NULL)) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "a SOCI index is made for images in the OCI format");
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
    int status = image_push_check(image, options, err);
    status = status == 0 ? push_target_open(image->client, dest, options, &target, err) : status;
    return status == 0 ? image_push_into(image, &target, ret_result, err) : status;
}
