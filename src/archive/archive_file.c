/* SPDX-License-Identifier: Apache-2.0 */
#include "archive/archive_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/archive_choose.h"
#include "archive/archive_read_store.h"
#include "archive/archive_scan.h"
#include "base/fd.h"
#include "base/mem.h"
#include "codec/codec.h"
#include "oci/reference.h"

struct archive_file {
    struct store base;
    int fd;
    enum archive_kind kind;
    struct archive_members *members;
    struct store *documents; /* the kept members */
};

/* Gives the contents of a member. */
struct member_reader {
    struct blob_reader base;
    const struct archive_file *file;
    uint64_t position;
    uint64_t left;
};

static struct archive_file *file_of(struct store *store)
{
    return (struct archive_file *)store;
}

static int member_read(struct blob_reader *reader, void *buf, size_t size, size_t *ret_size,
                       struct lpipe_error *err)
{
    struct member_reader *self = (struct member_reader *)reader;
    size_t wanted = (size_t)MIN_OF((uint64_t)size, self->left);
    ptrdiff_t got = wanted == 0 ? 0 : fd_read_at(self->file->fd, buf, wanted, self->position);
    if (got < 0) {
        return fail_errno(err, LPIPE_SOURCE_IO, (int)-got, "reading %s failed",
                          self->file->base.name);
    }
    if (got == 0 && wanted > 0) {
        return fail(err, LPIPE_TRUNCATED, "%s has become shorter", self->file->base.name);
    }
    self->position += (uint64_t)got;
    self->left -= (uint64_t)got;
    *ret_size = (size_t)got;
    return 0;
}

static void member_free(struct blob_reader *reader)
{
    free(reader);
}

static int open_member(const struct archive_file *file, const struct archive_member *member,
                       const struct descriptor *blob, struct blob_reader **ret_reader,
                       struct lpipe_error *err)
{
    static const struct blob_reader_ops ops = { .read = member_read, .free = member_free };
    if (blob->size != DESCRIPTOR_SIZE_UNKNOWN && blob->size != member->size) {
        return fail(err, LPIPE_INTEGRITY, "the blob %s in %s has %" PRIu64 " bytes, not %" PRIu64,
                    blob->digest, file->base.name, member->size, blob->size);
    }
    struct member_reader *reader = NEW(struct member_reader);
    if (reader == NULL) {
        return fail_memory(err);
    }
    reader->base.ops = &ops;
    reader->file = file;
    reader->position = member->offset;
    reader->left = member->size;
    *ret_reader = &reader->base;
    return 0;
}

static int store_blob_open(struct store *store, const struct descriptor *blob,
                           struct blob_reader **ret_reader, struct lpipe_error *err)
{
    struct archive_file *file = file_of(store);
    const struct archive_member *member = archive_members_by_digest(file->members, blob->digest);
    return member != NULL && member->state == ARCHIVE_STORED
               ? open_member(file, member, blob, ret_reader, err)
               : file->documents->ops->blob_open(file->documents, blob, ret_reader, err);
}

/* "" and a tag choose an image of the list. */
static int store_manifest_get(struct store *store, const char *reference,
                              struct document *ret_document, struct lpipe_error *err)
{
    struct archive_file *file = file_of(store);
    const struct archive_wish wish = {
        .kind = file->kind,
        .image = reference[0] != '\0' && !digest_valid(reference) ? reference : NULL,
        .digest = digest_valid(reference) ? reference : NULL,
    };
    return archive_choose(file->members, file->documents, &wish, ret_document, err);
}

static int store_blob_exists(struct store *store, const struct descriptor *blob,
                             struct lpipe_error *err)
{
    struct store *documents = file_of(store)->documents;
    return documents->ops->blob_exists(documents, blob, err);
}

static int store_blob_begin(struct store *store, const struct blob_hint *hint,
                            struct blob_writer **ret_writer, struct lpipe_error *err)
{
    struct store *documents = file_of(store)->documents;
    return documents->ops->blob_begin(documents, hint, ret_writer, err);
}

static int store_manifest_put(struct store *store, const struct document *manifest, const char *tag,
                              struct lpipe_error *err)
{
    struct store *documents = file_of(store)->documents;
    return documents->ops->manifest_put(documents, manifest, tag, err);
}

static int store_referrers_native(struct store *store)
{
    (void)store;
    return 0;
}

static int store_referrers_list(struct store *store, const char *digest,
                                struct descriptor_list *list, struct lpipe_error *err)
{
    struct store *documents = file_of(store)->documents;
    return documents->ops->referrers_list(documents, digest, list, err);
}

static void archive_file_free(struct store *store)
{
    struct archive_file *file = file_of(store);
    store_free(file->documents);
    (void)archive_members_free(file->members);
    fd_close(&file->fd);
    free(file);
}

static const struct store_ops OPS = {
    .blob_exists = store_blob_exists,
    .blob_begin = store_blob_begin,
    .blob_open = store_blob_open,
    .manifest_get = store_manifest_get,
    .manifest_put = store_manifest_put,
    .referrers_native = store_referrers_native,
    .free = archive_file_free,
    .referrers_list = store_referrers_list,
};

static int init(struct archive_file *file, const lpipe_ref *ref, struct lpipe_error *err)
{
    bool is_docker = ref->kind == LPIPE_REF_DOCKER_ARCHIVE;
    AUTO_FREE char *name =
        mem_printf("%s:%s", is_docker ? "docker-archive" : "oci-archive", ref->repository);
    file->fd = -1;
    file->kind = is_docker ? ARCHIVE_KIND_DOCKER : ARCHIVE_KIND_OCI;
    file->base.ops = &OPS;
    return name == NULL ? fail_memory(err) : store_init(&file->base, &OPS, name, name, err);
}

/* The members of a compressed archive have no place in the file. */
static int check_file(const struct archive_file *file, const lpipe_ref *ref,
                      struct lpipe_error *err)
{
    unsigned char head[CODEC_RECOGNISE_BYTES] = { 0 };
    struct stat info;
    bool is_file = file->fd >= 0 && fstat(file->fd, &info) == 0 && S_ISREG(info.st_mode);
    ptrdiff_t size = is_file ? fd_read_all_at(file->fd, head, sizeof head, 0) : 0;
    const char *what = !is_file ? "is not a file"
                       : size > 0 && codec_recognise(head, (size_t)size, NULL) != CODEC_NONE
                           ? "is compressed as a whole"
                           : NULL;
    return what == NULL
               ? 0
               : fail_with_advice(err, LPIPE_UNSUPPORTED,
                                  "the image archive %s %s, so its members cannot be read one by "
                                  "one; first use `lpipe_copy` %s oci:DIR",
                                  file->fd < 0 ? "on stdin" : ref->repository, what, ref->name);
}

static int open_file(struct archive_file *file, const lpipe_ref *ref, struct lpipe_error *err)
{
    if (strcmp(ref->repository, "-") == 0) {
        return check_file(file, ref, err);
    }
    file->fd = open(ref->repository, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    return file->fd < 0 ? fail_errno(err, LPIPE_SOURCE_IO, errno,
                                     "cannot open the image archive %s", ref->repository)
                        : check_file(file, ref, err);
}

int archive_file_open(const lpipe_ref *ref, lpipe_cancel *cancel, struct store **ret_store,
                      struct lpipe_error *err)
{
    struct archive_file *file = NEW(struct archive_file);
    if (file == NULL) {
        return fail_memory(err);
    }
    struct store *store AUTO_STORE = &file->base;
    int status = init(file, ref, err);
    status = status == 0 ? open_file(file, ref, err) : status;
    status = status == 0 ? archive_scan(file->fd, cancel, &file->members, err) : status;
    if (status == 0) {
        status = archive_read_store_open(file->members, store, &file->documents, err);
    }
    if (status == 0) {
        *ret_store = TAKE(store);
    }
    return status;
}
