/* SPDX-License-Identifier: Apache-2.0 */
#include "archive/archive_store.h"

#include <string.h>

#include "archive/archive_lists.h"
#include "archive/archive_write.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/sync.h"
#include "oci/reference.h"

#define OCI_LAYOUT_TEXT "{\"imageLayoutVersion\":\"1.0.0\"}"

struct archive_store {
    struct store base;
    bool is_docker;
    char *tag; /* of the reference; NULL = none */
    struct archive_write *write;
    pthread_mutex_t mutex;
    struct {
        struct archive_images images;
    } locked; /* by mutex */
};

static struct archive_store *archive_of(struct store *store)
{
    return (struct archive_store *)store;
}

static int store_blob_exists(struct store *store, const struct descriptor *blob,
                             struct lpipe_error *err)
{
    (void)err;
    return archive_write_has_blob(archive_of(store)->write, blob);
}

static int store_blob_begin(struct store *store, const struct blob_hint *hint,
                            struct blob_writer **ret_writer, struct lpipe_error *err)
{
    return archive_write_blob_begin(archive_of(store)->write, hint, ret_writer, err);
}

static int store_blob_open(struct store *store, const struct descriptor *blob,
                           struct blob_reader **ret_reader, struct lpipe_error *err)
{
    return archive_write_blob_open(archive_of(store)->write, blob, ret_reader, err);
}

static int store_manifest_get(struct store *store, const char *reference,
                              struct document *ret_document, struct lpipe_error *err)
{
    (void)ret_document;
    return fail(err, LPIPE_NOT_FOUND, "%s is a new image archive, which has no image %s",
                store->name, reference);
}

static int put_bytes(struct archive_store *archive, const struct document *document,
                     struct lpipe_error *err)
{
    const struct descriptor *descriptor = &document->descriptor;
    const struct blob_hint hint = { .known = descriptor };
    struct blob_writer *writer AUTO_BLOB_WRITER = NULL;
    if (archive_write_has_blob(archive->write, descriptor)) {
        return 0;
    }
    int status = archive_write_blob_begin(archive->write, &hint, &writer, err);
    if (status == 0) {
        status = writer->ops->write(writer, document->bytes.data, document->bytes.size, err);
    }
    return status == 0 ? writer->ops->finish(writer, descriptor->digest, descriptor->size, err)
                       : status;
}

/* What docker load can read: an image with all its layers. */
static int check_docker_image(const struct manifest *manifest, struct lpipe_error *err)
{
    if (manifest->kind != MANIFEST_KIND_IMAGE) {
        return fail_with_advice(err, LPIPE_UNSUPPORTED,
                                "docker-archive: takes an image of one platform, not an index; use "
                                "oci-archive:");
    }
    if (media_type_role(manifest->config.descriptor.media_type, NULL) != MEDIA_ROLE_CONFIG) {
        return fail_with_advice(err, LPIPE_UNSUPPORTED,
                                "docker-archive: takes an image, not an artifact; use "
                                "oci-archive:");
    }
    for (size_t i = 0; i < manifest->item_count; i++) {
        const struct descriptor *layer = &manifest->items[i].descriptor;
        if (media_type_role(layer->media_type, NULL) == MEDIA_ROLE_FOREIGN) {
            return fail_with_advice(err, LPIPE_UNSUPPORTED,
                                    "layer %zu is not distributable, so docker-archive: cannot "
                                    "have it; use oci-archive:",
                                    i + 1);
        }
    }
    return 0;
}

/* NAME:TAG for a tag. The tag of the reference is NAME or NAME:TAG; any other is a TAG of the same
 * NAME. */
static char *docker_name(const struct archive_store *archive, const char *tag)
{
    const char *name = archive->tag;
    const char *slash = strrchr(name, '/');
    const char *colon = strrchr(slash != NULL ? slash : name, ':');
    int size = colon != NULL ? (int)(colon - name) : (int)strlen(name);
    if (strcmp(tag, name) != 0) {
        return mem_printf("%.*s:%s", size, name, tag);
    }
    return colon != NULL ? mem_strdup(name) : mem_printf("%s:latest", name);
}

/* Parses NAME:TAG; the first ':' of a reference to an archive does not tell whether it is one. */
static int parse_docker_name(const char *name, lpipe_ref **ret_ref, struct lpipe_error *err)
{
    int status = reference_parse(name, 0, ret_ref, err);
    if (status == 0 && ((*ret_ref)->kind != LPIPE_REF_REGISTRY || (*ret_ref)->digest != NULL)) {
        *ret_ref = reference_free(*ret_ref);
        status = fail(err, LPIPE_INVALID_ARGUMENT, "%s is not NAME:TAG", name);
    }
    return status == 0 ? 0 : fail_context(err, status, "name in a docker-archive");
}

static int add_docker_image_locked(struct archive_store *archive,
                                   const struct descriptor *descriptor, const char *tag,
                                   const struct manifest *manifest, struct lpipe_error *err)
{
    lpipe_ref *ref AUTO_REFERENCE = NULL;
    if (tag == NULL) {
        return archive_images_add(&archive->locked.images, descriptor, NULL, NULL, manifest, err);
    }
    if (archive->tag == NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "a tag in a docker-archive needs a name");
    }
    AUTO_FREE char *name = docker_name(archive, tag);
    int status = name == NULL ? fail_memory(err) : parse_docker_name(name, &ref, err);
    if (status != 0) {
        return status;
    }
    bool is_hub = strcmp(ref->registry, "index.docker.io") == 0;
    AUTO_FREE char *full =
        mem_printf("%s/%s:%s", is_hub ? "docker.io" : ref->registry, ref->repository, ref->tag);
    return full == NULL
               ? fail_memory(err)
               : archive_images_add(&archive->locked.images, descriptor, name, full, manifest, err);
}

static int put_docker_locked(struct archive_store *archive, const struct document *document,
                             const char *tag, struct lpipe_error *err)
{
    struct manifest *manifest AUTO_MANIFEST = NULL;
    int status = manifest_parse(document, &manifest, err);
    status = status == 0 ? check_docker_image(manifest, err) : status;
    return status == 0 ? add_docker_image_locked(archive, &document->descriptor, tag, manifest, err)
                       : status;
}

static int store_check(struct store *store, const struct document *document,
                       struct lpipe_error *err)
{
    struct manifest *manifest AUTO_MANIFEST = NULL;
    if (!archive_of(store)->is_docker) {
        return 0;
    }
    int status = manifest_parse(document, &manifest, err);
    return status == 0 ? check_docker_image(manifest, err) : status;
}

static int store_manifest_put(struct store *store, const struct document *document, const char *tag,
                              struct lpipe_error *err)
{
    struct archive_store *archive = archive_of(store);
    GUARD(&archive->mutex);
    int status = archive->is_docker
                     ? put_docker_locked(archive, document, tag, err)
                     : archive_images_add(&archive->locked.images, &document->descriptor, tag, NULL,
                                          NULL, err);
    return status == 0 ? put_bytes(archive, document, err) : status;
}

/* index.json lists the referrers. */
static int store_referrers_native(struct store *store)
{
    (void)store;
    return 1;
}

static int write_list(struct archive_store *archive, const char *name,
                      int (*make)(const struct archive_images *images, struct buf *ret_text,
                                  struct lpipe_error *err),
                      struct lpipe_error *err)
{
    struct buf text AUTO_BUF = BUF_INIT(MANIFEST_BYTES_MAX);
    int status = make(&archive->locked.images, &text, err);
    return status == 0 ? archive_write_member(archive->write, name, text.data, text.size, err)
                       : status;
}

static int store_complete(struct store *store, struct lpipe_error *err)
{
    struct archive_store *archive = archive_of(store);
    GUARD(&archive->mutex);
    int status = write_list(archive, "index.json", archive_lists_index, err);
    if (status == 0 && archive->is_docker) {
        status = write_list(archive, "manifest.json", archive_lists_docker, err);
    }
    return status == 0 ? archive_write_publish(archive->write, err) : status;
}

static void archive_store_free(struct store *store)
{
    struct archive_store *archive = archive_of(store);
    if (archive->write != NULL) {
        archive_write_free(archive->write);
    }
    archive_images_dispose(&archive->locked.images);
    pthread_mutex_destroy(&archive->mutex);
    free(archive->tag);
    free(archive);
}

static const struct store_ops OPS = {
    .blob_exists = store_blob_exists,
    .blob_begin = store_blob_begin,
    .blob_open = store_blob_open,
    .manifest_get = store_manifest_get,
    .manifest_put = store_manifest_put,
    .referrers_native = store_referrers_native,
    .free = archive_store_free,
    .finish = store_complete,
    .manifest_check = store_check,
};

static int init(struct archive_store *archive, const lpipe_ref *ref, struct lpipe_error *err)
{
    AUTO_FREE char *name =
        mem_printf("%s:%s", archive->is_docker ? "docker-archive" : "oci-archive", ref->repository);
    archive->base.children_are_blobs = true;
    archive->base.one_writer = true;
    pthread_mutex_init(&archive->mutex, NULL);
    archive->tag = mem_strdup(ref->tag);
    int status = store_init(&archive->base, &OPS, name, name, err);
    return status == 0 && ref->tag != NULL && archive->tag == NULL ? fail_memory(err) : status;
}

/* A name that docker load would refuse is refused before the first byte is read. */
static int check_name(const struct archive_store *archive, struct lpipe_error *err)
{
    lpipe_ref *ref AUTO_REFERENCE = NULL;
    return archive->is_docker && archive->tag != NULL ? parse_docker_name(archive->tag, &ref, err)
                                                      : 0;
}

int archive_store_new(const lpipe_ref *ref, const char *spool_dir, lpipe_cancel *cancel,
                      struct store **ret_store, struct lpipe_error *err)
{
    struct archive_store *archive = NEW(struct archive_store);
    if (archive == NULL) {
        return fail_memory(err);
    }
    struct store *store AUTO_STORE = &archive->base;
    archive->is_docker = ref->kind == LPIPE_REF_DOCKER_ARCHIVE;
    int status = init(archive, ref, err);
    status = status == 0 ? check_name(archive, err) : status;
    if (status == 0) {
        status = archive_write_new(ref->repository, spool_dir, cancel, &archive->write, err);
    }
    if (status == 0) {
        status = archive_write_member(archive->write, "oci-layout", OCI_LAYOUT_TEXT,
                                      sizeof OCI_LAYOUT_TEXT - 1, err);
    }
    if (status == 0) {
        *ret_store = TAKE(store);
    }
    return status;
}
