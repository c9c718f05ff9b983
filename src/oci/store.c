/* SPDX-License-Identifier: Apache-2.0 */
/* Functions that are the same for all stores. */
#include "oci/store.h"

#include <string.h>

#include "base/mem.h"

int store_manifest_head(struct store *store, const char *reference,
                        char ret_digest[DIGEST_TEXT_SIZE], struct lpipe_error *err)
{
    if (store->ops->manifest_head != NULL) {
        return store->ops->manifest_head(store, reference, ret_digest, err);
    }
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
    int status = store->ops->manifest_get(store, reference, &document, err);
    if (status != 0) {
        return status == LPIPE_NOT_FOUND ? 0 : status;
    }
    memcpy(ret_digest, document.descriptor.digest, DIGEST_TEXT_SIZE);
    return 1;
}

int store_blob_mount(struct store *store, const struct descriptor *blob,
                     const char *from_repository, struct lpipe_error *err)
{
    return store->ops->blob_mount == NULL
               ? 0
               : store->ops->blob_mount(store, blob, from_repository, err);
}

int store_init(struct store *store, const struct store_ops *ops, const char *store_id,
               const char *name, struct lpipe_error *err)
{
    store->ops = ops;
    store->store_id = mem_strdup(store_id);
    store->name = mem_strdup(name);
    return store->store_id == NULL || store->name == NULL ? fail_memory(err) : 0;
}

int store_manifest_check(struct store *store, const struct document *manifest,
                         struct lpipe_error *err)
{
    return store->ops->manifest_check != NULL ? store->ops->manifest_check(store, manifest, err)
                                              : 0;
}

int store_finish(struct store *store, struct lpipe_error *err)
{
    return store->ops->finish != NULL ? store->ops->finish(store, err) : 0;
}

int blob_reader_skip(struct blob_reader *reader, uint64_t offset, struct lpipe_error *err)
{
    char part[4096];
    if (reader->ops->skip != NULL) {
        return reader->ops->skip(reader, offset, err);
    }
    while (offset > 0) {
        size_t got = 0;
        size_t wanted = (size_t)MIN_OF(offset, (uint64_t)sizeof part);
        int status = reader->ops->read(reader, part, wanted, &got, err);
        if (status != 0 || got == 0) {
            return status;
        }
        offset -= got;
    }
    return 0;
}

struct store *store_free(struct store *store)
{
    if (store != NULL) {
        free(TAKE(store->store_id));
        free(TAKE(store->name));
        store->ops->free(store);
    }
    return NULL;
}

struct blob_writer *blob_writer_free(struct blob_writer *writer)
{
    if (writer != NULL) {
        writer->ops->free(writer);
    }
    return NULL;
}

struct blob_reader *blob_reader_free(struct blob_reader *reader)
{
    if (reader != NULL) {
        reader->ops->free(reader);
    }
    return NULL;
}
