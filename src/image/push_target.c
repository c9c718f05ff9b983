/* SPDX-License-Identifier: Apache-2.0 */
#include "image/push_target.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "image/image_fetch.h"
#include "image/store_open.h"
#include "oci/reference.h"

void push_target_dispose(struct push_target *target)
{
    store_free(target->store);
    free(target->tags);
    free(target->mount_from);
}

static void add_tag(struct push_target *target, const char *tag)
{
    for (size_t i = 0; i < target->tag_count; i++) {
        if (strcmp(target->tags[i], tag) == 0) {
            return;
        }
    }
    target->tags[target->tag_count++] = tag;
}

static int collect_tags(struct push_target *target, const lpipe_ref *dest,
                        const struct lpipe_push_options *options, struct lpipe_error *err)
{
    target->tags = mem_new_array(options->tag_count + 1, sizeof *target->tags);
    if (target->tags == NULL) {
        return fail_memory(err);
    }
    if (dest->kind == LPIPE_REF_DOCKER_ARCHIVE && dest->tag == NULL && options->tag_count > 0) {
        return fail_with_advice(err, LPIPE_INVALID_ARGUMENT,
                                "a tag in a docker-archive needs a name: write "
                                "docker-archive:%s:NAME:TAG",
                                dest->repository);
    }
    if (dest->tag != NULL) {
        add_tag(target, dest->tag);
    }
    for (size_t i = 0; i < options->tag_count; i++) {
        int status = reference_check_tag(options->tags[i], err);
        if (status != 0) {
            return status;
        }
        add_tag(target, options->tags[i]);
    }
    return 0;
}

/* True when the first component is a registry host, not the start of a repository path. */
static bool names_registry(const char *text)
{
    size_t size = strcspn(text, "/");
    return text[size] == '/' &&
           (memchr(text, '.', size) != NULL || memchr(text, ':', size) != NULL ||
            (size == strlen("localhost") && text_starts(text, "localhost")));
}

/* from is a repository path, or a full name: its registry must then be the target's. */
static int set_mount_from(struct push_target *target, const lpipe_ref *dest, const char *from,
                          struct lpipe_error *err)
{
    lpipe_ref *ref AUTO_REFERENCE = NULL;
    if (from == NULL) {
        return 0;
    }
    bool named = names_registry(from);
    int status = named ? reference_parse(from, LPIPE_REF_REPOSITORY, &ref, err)
                       : reference_check_repository(from, err);
    if (status != 0) {
        return fail_context(err, status, "repository to mount from");
    }
    if (named && (dest->registry == NULL || strcmp(ref->registry, dest->registry) != 0)) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "%s is not in the registry of the target, so no blob can be mounted from it",
                    ref->name);
    }
    target->mount_from = mem_strdup(named ? ref->repository : from);
    return target->mount_from == NULL ? fail_memory(err) : 0;
}

static bool same_repository(const lpipe_ref *a, const lpipe_ref *b)
{
    return a->kind == b->kind && a->repository != NULL && b->repository != NULL &&
           strcmp(a->repository, b->repository) == 0 &&
           (a->registry == NULL || strcmp(a->registry, b->registry) == 0);
}

/* Parses the subject: a digest, or a reference to the repository of the target. *ret_ref is NULL
 * for a digest and for no subject. */
static int parse_subject(const lpipe_ref *dest, const char *text, lpipe_ref **ret_ref,
                         struct lpipe_error *err)
{
    lpipe_ref *ref AUTO_REFERENCE = NULL;
    if (text == NULL || digest_valid(text)) {
        return 0;
    }
    int status = reference_parse(text, 0, &ref, err);
    if (status != 0) {
        return fail_context(err, status, "subject");
    }
    if (!same_repository(ref, dest)) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "the subject %s is not in the repository of the target", ref->name);
    }
    *ret_ref = TAKE(ref);
    return 0;
}

static int find_subject(struct push_target *target, const lpipe_ref *ref, const char *text,
                        struct lpipe_error *err)
{
    struct fetched fetched AUTO_FETCHED = FETCHED_INIT;
    if (text == NULL) {
        return 0;
    }
    int status = image_fetch_manifest(
        target->store, ref == NULL ? text : image_fetch_reference(ref), &fetched, err);
    if (status != 0) {
        return fail_context(err, status, "subject");
    }
    target->subject = fetched.document.descriptor;
    target->has_subject = true;
    return 0;
}

int push_target_open(lpipe_client *client, const lpipe_ref *dest,
                     const struct lpipe_push_options *options, struct push_target *ret_target,
                     struct lpipe_error *err)
{
    struct push_target target AUTO_PUSH_TARGET = { .remote = dest->kind == LPIPE_REF_REGISTRY,
                                                   .digest = dest->digest,
                                                   .soci = options->soci,
                                                   .soci_bytes_min = options->soci_bytes_min };
    lpipe_ref *subject AUTO_REFERENCE = NULL;
    if (target.soci_bytes_min == 0) {
        target.soci_bytes_min = SOCI_LAYER_BYTES_MIN;
    }
    if (dest->kind == LPIPE_REF_DOCKER_ARCHIVE && options->soci != LPIPE_SOCI_NONE) {
        return fail_with_advice(err, LPIPE_INVALID_ARGUMENT,
                                "docker-archive: takes an image without a SOCI index; use "
                                "oci-archive:");
    }
    int status = collect_tags(&target, dest, options, err);
    status = status == 0 ? set_mount_from(&target, dest, options->mount_from, err) : status;
    status = status == 0 ? parse_subject(dest, options->subject, &subject, err) : status;
    if (status == 0) {
        status = store_open(client, dest, STORE_WRITE, &target.store, err);
    }
    status = status == 0 ? find_subject(&target, subject, options->subject, err) : status;
    if (status == 0) {
        *ret_target = target;
        target = (struct push_target){ 0 };
    }
    return status;
}

int push_target_check_digest(const struct push_target *target, const struct descriptor *manifest,
                             struct lpipe_error *err)
{
    return target->digest == NULL || strcmp(target->digest, manifest->digest) == 0
               ? 0
               : fail_with_advice(err, LPIPE_INTEGRITY,
                                  "the digest of the image is %s, but the reference names %s; "
                                  "check the inputs, or leave the digest out",
                                  manifest->digest, target->digest);
}
