/* SPDX-License-Identifier: Apache-2.0 */
#include "archive/archive_read_store.h"

#include <string.h>

#include "archive/decompressed_blob.h"
#include "base/mem.h"
#include "oci/manifest.h"

struct archive_read_store {
    struct store base;
    const struct archive_members *members;
    struct store *destination;
};

static const struct archive_read_store *self_of(const struct store *store)
{
    return (const struct archive_read_store *)store;
}

/* Gives the bytes of a kept member. */
struct kept_reader {
    struct blob_reader base;
    const struct archive_member *member;
    size_t done;
};

static int kept_read(struct blob_reader *reader, void *buf, size_t size, size_t *ret_size,
                     struct lpipe_error *err)
{
    struct kept_reader *self = (struct kept_reader *)reader;
    const struct buf *bytes = &self->member->bytes;
    size_t part = MIN_OF(size, bytes->size - self->done);
    (void)err;
    if (part > 0) {
        memcpy(buf, bytes->data + self->done, part);
    }
    self->done += part;
    *ret_size = part;
    return 0;
}

static void kept_free(struct blob_reader *reader)
{
    free(reader);
}

static int open_kept(const struct archive_member *member, struct blob_reader **ret_reader,
                     struct lpipe_error *err)
{
    static const struct blob_reader_ops ops = { .read = kept_read, .free = kept_free };
    struct kept_reader *reader = NEW(struct kept_reader);
    if (reader == NULL) {
        return fail_memory(err);
    }
    reader->base.ops = &ops;
    reader->member = member;
    *ret_reader = &reader->base;
    return 0;
}

static int store_blob_open(struct store *store, const struct descriptor *blob,
                           struct blob_reader **ret_reader, struct lpipe_error *err)
{
    const struct archive_read_store *self = self_of(store);
    const struct archive_member *member = archive_members_by_digest(self->members, blob->digest);
    if (member != NULL && member->state == ARCHIVE_KEPT) {
        return open_kept(member, ret_reader, err);
    }
    member = member != NULL ? member : archive_members_by_diff_id(self->members, blob->digest);
    if (member != NULL) {
        return decompressed_blob_open(self->destination, &member->stored, member->size, ret_reader,
                                      err);
    }
    return fail_with_advice(
        err, LPIPE_NOT_FOUND,
        "the image archive has no blob %s, which a manifest names; make it again", blob->digest);
}

int archive_member_document(const struct archive_member *member, const char *media_type,
                            struct document *ret_document, struct lpipe_error *err)
{
    AUTO_BUF struct buf bytes = BUF_INIT(member->bytes.size);
    if (buf_append(&bytes, member->bytes.data != NULL ? member->bytes.data : "",
                   member->bytes.size) != 0) {
        return fail_memory(err);
    }
    return document_make(&bytes, media_type, member->stored.digest, ret_document, err);
}

static int store_manifest_get(struct store *store, const char *reference,
                              struct document *ret_document, struct lpipe_error *err)
{
    const struct archive_member *member =
        archive_members_by_digest(self_of(store)->members, reference);
    if (member == NULL) {
        return fail(err, LPIPE_NOT_FOUND, "the image archive has no manifest %s", reference);
    }
    if (member->state != ARCHIVE_KEPT) {
        return fail(err, LPIPE_TOO_LARGE,
                    "the manifest %s of the image archive does not fit into the memory for "
                    "manifests, or is no JSON object",
                    reference);
    }
    return archive_member_document(member, "", ret_document, err);
}

static int store_blob_exists(struct store *store, const struct descriptor *blob,
                             struct lpipe_error *err)
{
    (void)err;
    return archive_members_by_digest(self_of(store)->members, blob->digest) != NULL ? 1 : 0;
}

static int fail_read_only(struct lpipe_error *err)
{
    return fail(err, LPIPE_UNSUPPORTED, "an image archive that is read cannot be written");
}

static int store_blob_begin(struct store *store, const struct blob_hint *hint,
                            struct blob_writer **ret_writer, struct lpipe_error *err)
{
    (void)store;
    (void)hint;
    (void)ret_writer;
    return fail_read_only(err);
}

static int store_manifest_put(struct store *store, const struct document *manifest, const char *tag,
                              struct lpipe_error *err)
{
    (void)store;
    (void)manifest;
    (void)tag;
    return fail_read_only(err);
}

static int store_referrers_native(struct store *store)
{
    (void)store;
    return 0;
}

/* Any kept member can be a manifest. */
static int add_referrer(const struct archive_member *member, const char *subject,
                        struct descriptor_list *list, struct lpipe_error *err)
{
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
    AUTO_MANIFEST struct manifest *manifest = NULL;
    int status = archive_member_document(member, "", &document, err);
    if (status != 0) {
        return status;
    }
    status = manifest_parse(&document, &manifest, NULL);
    if (status != 0 || !manifest->has_subject ||
        strcmp(manifest->subject.descriptor.digest, subject) != 0) {
        return status == LPIPE_NO_MEMORY ? fail_memory(err) : 0;
    }
    memcpy(document.descriptor.media_type, manifest->media_type, MEDIA_TYPE_SIZE);
    return descriptor_list_add(list, &document.descriptor, err);
}

static int store_referrers_list(struct store *store, const char *digest,
                                struct descriptor_list *list, struct lpipe_error *err)
{
    const struct archive_members *members = self_of(store)->members;
    int status = 0;
    for (size_t i = 0; i < archive_members_count(members) && status == 0; i++) {
        const struct archive_member *member = archive_members_at(members, i);
        if (member->state == ARCHIVE_KEPT && member->named[0] != '\0') {
            status = add_referrer(member, digest, list, err);
        }
    }
    return status;
}

static void documents_free(struct store *store)
{
    free(store);
}

int archive_read_store_open(const struct archive_members *members, struct store *destination,
                            struct store **ret_store, struct lpipe_error *err)
{
    static const struct store_ops ops = {
        .blob_exists = store_blob_exists,
        .blob_begin = store_blob_begin,
        .blob_open = store_blob_open,
        .manifest_get = store_manifest_get,
        .manifest_put = store_manifest_put,
        .referrers_native = store_referrers_native,
        .free = documents_free,
        .referrers_list = store_referrers_list,
    };
    struct archive_read_store *self = NEW(struct archive_read_store);
    if (self == NULL) {
        return fail_memory(err);
    }
    int status = store_init(&self->base, &ops, "archive:", "the image archive", err);
    if (status != 0) {
        store_free(&self->base);
        return status;
    }
    self->members = members;
    self->destination = destination;
    *ret_store = &self->base;
    return 0;
}
