/* SPDX-License-Identifier: Apache-2.0 */
/* The store operations of a layout. */
#include "layout/layout_store.h"

#include <stdio.h>
#include <string.h>

#include "base/cancel.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/sync.h"
#include "layout/layout_blob.h"
#include "layout/layout_index.h"
#include "oci/manifest.h"

static const struct layout *layout_of(const struct store *store)
{
    return (const struct layout *)store;
}

static int store_blob_exists(struct store *store, const struct descriptor *blob,
                             struct lpipe_error *err)
{
    return layout_blob_exists(layout_of(store), blob, err);
}

static int store_blob_begin(struct store *store, const struct blob_hint *hint,
                            struct blob_writer **ret_writer, struct lpipe_error *err)
{
    return layout_blob_begin(layout_of(store), hint, ret_writer, err);
}

static int store_blob_open(struct store *store, const struct descriptor *blob,
                           struct blob_reader **ret_reader, struct lpipe_error *err)
{
    return layout_blob_open(layout_of(store), blob, ret_reader, err);
}

/* A digest is looked up in blobs/, not in index.json, because index.json does not list the
 * manifests of a nested index. */
static int store_manifest_get(struct store *store, const char *reference,
                              struct document *ret_document, struct lpipe_error *err)
{
    const struct layout *layout = layout_of(store);
    struct descriptor entry = { "", "", 0 };
    bool by_digest = digest_valid(reference);
    if (!by_digest) {
        int status = layout_index_find(layout, reference, &entry, err);
        if (status != 0) {
            return status;
        }
    }
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
    int status = layout_blob_read(layout, by_digest ? reference : entry.digest, &document, err);
    if (status != 0) {
        return status;
    }
    if (!by_digest && document.bytes.size != entry.size) {
        return fail(err, LPIPE_INTEGRITY,
                    "%s: index.json says %llu bytes for %s, but the blob has %zu", layout->dir,
                    (unsigned long long)entry.size, reference, document.bytes.size);
    }
    memcpy(document.descriptor.media_type, entry.media_type, sizeof entry.media_type);
    *ret_document = document;
    document = (struct document)DOCUMENT_INIT;
    return 0;
}

static int put_bytes(const struct layout *layout, const struct document *document,
                     struct lpipe_error *err)
{
    struct blob_writer *writer AUTO_BLOB_WRITER = NULL;
    int status = layout_blob_begin(layout, NULL, &writer, err);
    if (status == 0) {
        status = writer->ops->write(writer, document->bytes.data, document->bytes.size, err);
    }
    return status == 0 ? writer->ops->finish(writer, document->descriptor.digest,
                                             document->descriptor.size, err)
                       : status;
}

static bool is_put_locked(const struct layout *layout, const char *digest)
{
    const struct layout_entries *entries = &layout->locked.entries;
    for (size_t i = 0; i < entries->count; i++) {
        if (strcmp(entries->items[i].manifest.digest, digest) == 0) {
            return true;
        }
    }
    return false;
}

static int add_entry_locked(struct layout *layout, const struct descriptor *manifest,
                            const char *tag)
{
    struct layout_entries *entries = &layout->locked.entries;
    struct layout_entry *items =
        mem_realloc(entries->items, (entries->count + 1) * sizeof *entries->items);
    if (items == NULL) {
        return LPIPE_NO_MEMORY;
    }
    entries->items = items;
    items[entries->count] = (struct layout_entry){ .manifest = *manifest, .tag = mem_strdup(tag) };
    if (tag != NULL && items[entries->count].tag == NULL) {
        return LPIPE_NO_MEMORY;
    }
    entries->count++;
    return 0;
}

/* index.json is changed by store_finish(), once for all tags. */
static int store_manifest_put(struct store *store, const struct document *manifest, const char *tag,
                              struct lpipe_error *err)
{
    struct layout *layout = (struct layout *)store;
    GUARD(&layout->mutex);
    int status =
        is_put_locked(layout, manifest->descriptor.digest) ? 0 : put_bytes(layout, manifest, err);
    if (status == 0 && add_entry_locked(layout, &manifest->descriptor, tag) != 0) {
        status = fail_memory(err);
    }
    return status;
}

static void entries_dispose(struct layout_entries *entries)
{
    for (size_t i = 0; i < entries->count; i++) {
        free(entries->items[i].tag);
    }
    free(entries->items);
    *entries = (struct layout_entries){ .count = 0 };
}

static int store_complete(struct store *store, struct lpipe_error *err)
{
    struct layout *layout = (struct layout *)store;
    GUARD(&layout->mutex);
    int status = layout_index_put(layout, &layout->locked.entries, err);
    entries_dispose(&layout->locked.entries);
    return status;
}

/* Programs find the referrers in a layout by reading index.json, so no referrers tag is needed. */
static int store_referrers_native(struct store *store)
{
    (void)store;
    return 1;
}

/* Of an entry of index.json. An entry that cannot be read is no concern of this image. */
static int add_referrer(const struct layout *layout, const struct descriptor *entry,
                        const char *subject, struct descriptor_list *list, struct lpipe_error *err)
{
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
    AUTO_MANIFEST struct manifest *manifest = NULL;
    int status = layout_blob_read(layout, entry->digest, &document, NULL);
    status = status == 0 ? manifest_parse(&document, &manifest, NULL) : status;
    if (status != 0 || !manifest->has_subject ||
        strcmp(manifest->subject.descriptor.digest, subject) != 0) {
        return status == LPIPE_NO_MEMORY ? fail_memory(err) : 0;
    }
    return descriptor_list_add(list, entry, err);
}

/* Other programs keep a referrers tag in a layout, too. */
static int store_referrers_list(struct store *store, const char *digest,
                                struct descriptor_list *list, struct lpipe_error *err)
{
    const struct layout *layout = layout_of(store);
    AUTO_DESCRIPTOR_LIST struct descriptor_list entries = { .count = 0 };
    int status = layout_index_entries(layout, &entries, err);
    for (size_t i = 0; status == 0 && i < entries.count; i++) {
        status = cancel_requested(layout->cancel)
                     ? fail_cancelled(err)
                     : add_referrer(layout, &entries.items[i], digest, list, err);
    }
    return status;
}

static void layout_store_free(struct store *store)
{
    struct layout *layout = (struct layout *)store;
    fd_close(&layout->fd);
    entries_dispose(&layout->locked.entries);
    pthread_mutex_destroy(&layout->mutex);
    (void)lpipe_cancel_unref(layout->cancel);
    free(layout->dir);
    free(layout);
}

static const struct store_ops OPS = {
    .blob_exists = store_blob_exists,
    .blob_begin = store_blob_begin,
    .blob_open = store_blob_open,
    .manifest_get = store_manifest_get,
    .manifest_put = store_manifest_put,
    .referrers_native = store_referrers_native,
    .free = layout_store_free,
    .finish = store_complete,
    .referrers_list = store_referrers_list,
};

static struct layout *new_layout(const char *dir)
{
    struct layout *layout = NEW(struct layout);
    if (layout == NULL) {
        return NULL;
    }
    layout->base.ops = &OPS;
    layout->base.children_are_blobs = true;
    layout->fd = -1;
    pthread_mutex_init(&layout->mutex, NULL);
    layout->dir = mem_strdup(dir);
    layout->base.name = mem_printf("oci:%s", dir);
    if (layout->dir == NULL || layout->base.name == NULL) {
        store_free(&layout->base);
        return NULL;
    }
    return layout;
}

/* From the real path, so that two names of one directory give the same id. */
static int set_store_id(struct layout *layout, struct lpipe_error *err)
{
    AUTO_FREE char *real = realpath(layout->dir, NULL);
    layout->base.store_id = mem_printf("oci:%s", real != NULL ? real : layout->dir);
    return layout->base.store_id != NULL ? 0 : fail_memory(err);
}

int layout_store_open(const char *dir, bool create, lpipe_cancel *cancel, struct store **ret_store,
                      struct lpipe_error *err)
{
    struct layout *layout = new_layout(dir);
    if (layout == NULL) {
        return fail_memory(err);
    }
    struct store *store AUTO_STORE = &layout->base;
    layout->cancel = cancel_ref(cancel);
    layout->read_only = !create;
    int status = layout_dir_open(layout, create, err);
    if (status == 0) {
        status = create ? layout_index_prepare(layout, err) : layout_index_check(layout, err);
    }
    if (status == 0) {
        status = set_store_id(layout, err);
    }
    if (status == 0) {
        *ret_store = TAKE(store);
    }
    return status;
}
