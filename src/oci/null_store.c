/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/null_store.h"

#include "base/mem.h"

struct null_writer {
    struct blob_writer base;
    struct blob_hint hint;
    uint64_t bytes;
};

static int writer_write(struct blob_writer *writer, const void *data, size_t size,
                        struct lpipe_error *err)
{
    struct null_writer *self = (struct null_writer *)writer;
    (void)data;
    (void)err;
    self->bytes += size;
    blob_hint_written(&self->hint, self->bytes, size);
    return 0;
}

static int writer_finish(struct blob_writer *writer, const char *digest, uint64_t size,
                         struct lpipe_error *err)
{
    const struct null_writer *self = (const struct null_writer *)writer;
    if (self->bytes != size) {
        return fail(err, LPIPE_INTEGRITY, "%s: %llu bytes written, %llu expected", digest,
                    (unsigned long long)self->bytes, (unsigned long long)size);
    }
    return 0;
}

static void writer_free(struct blob_writer *writer)
{
    free(writer);
}

static int store_blob_begin(struct store *store, const struct blob_hint *hint,
                            struct blob_writer **ret_writer, struct lpipe_error *err)
{
    static const struct blob_writer_ops ops = { .write = writer_write,
                                                .finish = writer_finish,
                                                .free = writer_free };
    struct null_writer *writer = NEW(struct null_writer);
    (void)store;
    if (writer == NULL) {
        return fail_memory(err);
    }
    writer->base.ops = &ops;
    if (hint != NULL) {
        writer->hint = *hint;
    }
    *ret_writer = &writer->base;
    return 0;
}

/* Always yes: a blob with a known digest does not have to be read. */
static int store_blob_exists(struct store *store, const struct descriptor *blob,
                             struct lpipe_error *err)
{
    (void)store;
    (void)blob;
    (void)err;
    return 1;
}

static int store_blob_open(struct store *store, const struct descriptor *blob,
                           struct blob_reader **ret_reader, struct lpipe_error *err)
{
    (void)store;
    (void)ret_reader;
    return fail(err, LPIPE_NOT_FOUND, "null: stores nothing, so it has no blob %s", blob->digest);
}

static int store_manifest_get(struct store *store, const char *reference,
                              struct document *ret_document, struct lpipe_error *err)
{
    (void)store;
    (void)ret_document;
    return fail(err, LPIPE_NOT_FOUND, "null: stores nothing, so it has no manifest %s", reference);
}

static int store_manifest_put(struct store *store, const struct document *manifest, const char *tag,
                              struct lpipe_error *err)
{
    (void)store;
    (void)manifest;
    (void)tag;
    (void)err;
    return 0;
}

static int store_referrers_native(struct store *store)
{
    (void)store;
    return 1;
}

static void null_store_free(struct store *store)
{
    free(store);
}

int null_store_open(struct store **ret_store, struct lpipe_error *err)
{
    static const struct store_ops ops = {
        .blob_exists = store_blob_exists,
        .blob_begin = store_blob_begin,
        .blob_open = store_blob_open,
        .manifest_get = store_manifest_get,
        .manifest_put = store_manifest_put,
        .referrers_native = store_referrers_native,
        .free = null_store_free,
    };
    struct store *store = NEW(struct store);
    if (store == NULL) {
        return fail_memory(err);
    }
    int status = store_init(store, &ops, "null:", "null:", err);
    if (status != 0) {
        store_free(store);
        return status;
    }
    store->is_discard = true;
    *ret_store = store;
    return 0;
}
