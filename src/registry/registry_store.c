/* SPDX-License-Identifier: Apache-2.0 */
/* The store operations of a repository. */
#include "registry/registry_store.h"

#include <stdatomic.h>

#include "base/mem.h"
#include "oci/reference.h"
#include "registry/client.h"
#include "registry/registry_blob.h"
#include "registry/registry_manifest.h"
#include "registry/registry_referrers.h"
#include "request/blob_head.h"
#include "upload/upload.h"

struct registry_store {
    struct store base;
    struct repository repository;
    char *registry; /* owned; repository points to it and to the name */
    char *repository_name;
    unsigned ranges;             /* of a blob that is read */
    atomic_bool lists_referrers; /* an answer to a manifest with a subject has said so */
};

static struct repository *repository_of(struct store *store)
{
    return &((struct registry_store *)store)->repository;
}

/* A blob of another size counts as missing, so that it is sent again. A registry, or a proxy in
 * front of it, that does not allow HEAD does not say whether it has the blob. */
static int store_blob_exists(struct store *store, const struct descriptor *blob,
                             struct lpipe_error *err)
{
    struct lpipe_error why = { 0 };
    uint64_t size = 0;
    int found = blob_head(repository_of(store), blob->digest, &size, NULL, &why);
    if (found == BLOB_HEAD_UNPROVEN || found == BLOB_HEAD_OTHER || why.http_status == 405 ||
        why.http_status == 501) {
        return STORE_BLOB_UNKNOWN;
    }
    if (found < 0 && err != NULL) {
        *err = why;
        if (why.http_status == 403) {
            blob_head_explain(repository_of(store), blob->digest, err);
        }
    }
    return found == 1 ? size == BLOB_SIZE_UNKNOWN || blob->size == DESCRIPTOR_SIZE_UNKNOWN ||
                            size == blob->size
                      : found;
}

static int mount_blob(struct store *store, const struct descriptor *blob,
                      const char *from_repository, struct lpipe_error *err)
{
    return registry_blob_mount(repository_of(store), blob->digest, from_repository, err);
}

static int store_blob_begin(struct store *store, const struct blob_hint *hint,
                            struct blob_writer **ret_writer, struct lpipe_error *err)
{
    return upload_begin(repository_of(store), hint, ret_writer, err);
}

static int store_blob_open(struct store *store, const struct descriptor *blob,
                           struct blob_reader **ret_reader, struct lpipe_error *err)
{
    const struct registry_store *self = (struct registry_store *)store;
    return registry_blob_open(&self->repository, blob, self->ranges, ret_reader, err);
}

static int store_manifest_get(struct store *store, const char *reference,
                              struct document *ret_document, struct lpipe_error *err)
{
    return registry_manifest_get(repository_of(store), reference, ret_document, err);
}

static int store_manifest_put(struct store *store, const struct document *manifest, const char *tag,
                              struct lpipe_error *err)
{
    struct registry_store *self = (struct registry_store *)store;
    int status = registry_manifest_put(&self->repository, manifest, tag, err);
    if (status > 0) {
        atomic_store(&self->lists_referrers, true);
    }
    return MIN_OF(status, 0);
}

static int store_referrers_native(struct store *store)
{
    return atomic_load(&((struct registry_store *)store)->lists_referrers);
}

static int store_manifest_digest(struct store *store, const char *reference,
                                 char ret_digest[DIGEST_TEXT_SIZE], struct lpipe_error *err)
{
    return registry_manifest_head(repository_of(store), reference, ret_digest, err);
}

static int store_referrers_list(struct store *store, const char *digest,
                                struct descriptor_list *list, struct lpipe_error *err)
{
    return registry_referrers_list(repository_of(store), digest, list, err);
}

static void registry_store_free(struct store *store)
{
    struct registry_store *self = (struct registry_store *)store;
    free(self->registry);
    free(self->repository_name);
    free(self);
}

static const struct store_ops ops = {
    .blob_exists = store_blob_exists,
    .blob_mount = mount_blob,
    .blob_begin = store_blob_begin,
    .blob_open = store_blob_open,
    .manifest_get = store_manifest_get,
    .manifest_put = store_manifest_put,
    .referrers_native = store_referrers_native,
    .free = registry_store_free,
    .manifest_head = store_manifest_digest,
    .referrers_list = store_referrers_list,
};

static int repository_init(struct registry_store *self, lpipe_client *client, const lpipe_ref *ref,
                           struct registry_host *host, bool writes)
{
    self->registry = mem_strdup(ref->registry);
    self->repository_name = mem_strdup(ref->repository);
    self->base.store_id = mem_printf("registry:%s", host->registry);
    self->base.name = mem_printf("%s/%s", ref->registry, ref->repository);
    self->repository = (struct repository){
        .context = &client->context,
        .host = host,
        .registry = self->registry,
        .name = self->repository_name,
        .actions = writes ? "pull,push" : "pull",
    };
    bool has_memory = self->registry != NULL && self->repository_name != NULL &&
                      self->base.store_id != NULL && self->base.name != NULL;
    return has_memory ? 0 : LPIPE_NO_MEMORY;
}

int registry_store_open(lpipe_client *client, const lpipe_ref *ref, bool writes, unsigned ranges,
                        struct store **ret_store, struct lpipe_error *err)
{
    struct registry_host *host = NULL;
    int status = host_list_get(&client->hosts, &client->context, ref, &host, err);
    if (status != 0) {
        return status;
    }
    struct registry_store *self = NEW(struct registry_store);
    if (self == NULL) {
        return fail_memory(err);
    }
    self->base.ops = &ops;
    self->ranges = ranges;
    if (repository_init(self, client, ref, host, writes) != 0) {
        store_free(&self->base);
        return fail_memory(err);
    }
    *ret_store = &self->base;
    return 0;
}
