/* SPDX-License-Identifier: Apache-2.0 */
#include "layout/layout_blob.h"

#include <errno.h>
#include <fcntl.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"

struct layout_writer {
    struct blob_writer base;
    struct layout_temp temp;
    struct blob_hint hint;
    uint64_t bytes;
};

struct layout_reader {
    struct blob_reader base;
    int fd;
    const char *dir; /* of the layout, for messages; borrowed */
};

/* 1 when the blob's file exists with this size, 0 when there is no file, else the failure. */
static int check_file(const struct layout *layout, int dir_fd, const char *digest, uint64_t size,
                      struct lpipe_error *err)
{
    struct stat info;
    if (fstatat(dir_fd, digest_hex_of(digest), &info, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT
                   ? 0
                   : fail_errno(err, LPIPE_OUTPUT_IO, errno,
                                "cannot get the size of the blob %s in %s", digest, layout->dir);
    }
    if (!S_ISREG(info.st_mode)) {
        return fail(err, LPIPE_OUTPUT_IO, "the blob %s in %s is not a regular file", digest,
                    layout->dir);
    }
    if ((uint64_t)info.st_size != size) {
        return fail(err, LPIPE_OUTPUT_IO,
                    "the layout %s is damaged: its blob %s has %llu bytes instead of %llu; remove "
                    "that file",
                    layout->dir, digest, (unsigned long long)info.st_size,
                    (unsigned long long)size);
    }
    return 1;
}

int layout_blob_exists(const struct layout *layout, const struct descriptor *blob,
                       struct lpipe_error *err)
{
    AUTO_FD int dir = -1;
    int found = layout_blobs_open(layout, blob->digest, false, &dir, err);
    return found == 1 ? check_file(layout, dir, blob->digest, blob->size, err) : found;
}

static int writer_write(struct blob_writer *writer, const void *data, size_t size,
                        struct lpipe_error *err)
{
    struct layout_writer *self = (struct layout_writer *)writer;
    int status = layout_temp_write(&self->temp, data, size, err);
    if (status != 0) {
        return status;
    }
    self->bytes += size;
    if (self->hint.acked != NULL) {
        self->hint.acked(self->hint.user, self->bytes);
    }
    return 0;
}

/* Syncs a blob that exists already: another process may have written it but not synced it yet. */
static int sync_existing(const struct layout *layout, int dir_fd, const char *digest,
                         struct lpipe_error *err)
{
    AUTO_FD int fd = -1;
    struct stat info;
    int found = layout_file_open(layout, dir_fd, digest_hex_of(digest), &fd, &info, err);
    if (found == 1 && fsync(fd) != 0) {
        return fail_errno(err, LPIPE_OUTPUT_IO, errno, "cannot write the blob %s of %s to the disk",
                          digest, layout->dir);
    }
    return found < 0 ? found : layout_sync_dir(layout, dir_fd, err);
}

static int writer_finish(struct blob_writer *writer, const char *digest, uint64_t size,
                         struct lpipe_error *err)
{
    struct layout_writer *self = (struct layout_writer *)writer;
    const struct layout *layout = self->temp.layout;
    AUTO_FD int dir = -1;
    if (self->bytes != size) {
        return fail(err, LPIPE_INTEGRITY, "%s: %llu bytes were written, %llu were expected", digest,
                    (unsigned long long)self->bytes, (unsigned long long)size);
    }
    int opened = layout_blobs_open(layout, digest, true, &dir, err);
    if (opened != 1) {
        return opened < 0 ? opened
                          : fail(err, LPIPE_OUTPUT_IO,
                                 "the directory blobs of the layout %s was removed", layout->dir);
    }
    int found = check_file(layout, dir, digest, size, err);
    if (found != 0) {
        return found < 0 ? found : sync_existing(layout, dir, digest, err);
    }
    int status = layout_temp_sync(&self->temp, err);
    return status == 0 ? layout_temp_publish(&self->temp, dir, digest_hex_of(digest), err) : status;
}

static void writer_free(struct blob_writer *writer)
{
    struct layout_writer *self = (struct layout_writer *)writer;
    layout_temp_dispose(&self->temp);
    free(self);
}

int layout_blob_begin(const struct layout *layout, const struct blob_hint *hint,
                      struct blob_writer **ret_writer, struct lpipe_error *err)
{
    static const struct blob_writer_ops ops = { .write = writer_write,
                                                .finish = writer_finish,
                                                .free = writer_free };
    AUTO_FREE struct layout_writer *writer = NEW(struct layout_writer);
    if (writer == NULL) {
        return fail_memory(err);
    }
    writer->base.ops = &ops;
    if (hint != NULL) {
        writer->hint = *hint;
    }
    int status = layout_temp_new(layout, &writer->temp, err);
    if (status == 0) {
        *ret_writer = &TAKE(writer)->base;
    }
    return status;
}

static int reader_read(struct blob_reader *reader, void *buf, size_t size, size_t *ret_size,
                       struct lpipe_error *err)
{
    struct layout_reader *self = (struct layout_reader *)reader;
    ptrdiff_t got = fd_read(self->fd, buf, size, NULL);
    if (got < 0) {
        return fail_errno(err, LPIPE_OUTPUT_IO, (int)-got, "cannot read a blob of %s", self->dir);
    }
    *ret_size = (size_t)got;
    return 0;
}

static void reader_free(struct blob_reader *reader)
{
    struct layout_reader *self = (struct layout_reader *)reader;
    fd_close(&self->fd);
    free(self);
}

/* Opens a blob's file: 0 or the failure. */
static int open_blob(const struct layout *layout, const char *digest, int *ret_fd,
                     struct stat *ret_info, struct lpipe_error *err)
{
    AUTO_FD int dir = -1;
    int found = layout_blobs_open(layout, digest, false, &dir, err);
    if (found == 1) {
        found = layout_file_open(layout, dir, digest_hex_of(digest), ret_fd, ret_info, err);
    }
    if (found == 0) {
        return fail(err, LPIPE_NOT_FOUND, "the layout %s has no blob %s", layout->dir, digest);
    }
    return found < 0 ? found : 0;
}

int layout_blob_open(const struct layout *layout, const struct descriptor *blob,
                     struct blob_reader **ret_reader, struct lpipe_error *err)
{
    static const struct blob_reader_ops ops = { .read = reader_read, .free = reader_free };
    AUTO_FD int fd = -1;
    struct stat info;
    int status = open_blob(layout, blob->digest, &fd, &info, err);
    if (status != 0) {
        return status;
    }
    if ((uint64_t)info.st_size != blob->size) {
        return fail(err, LPIPE_INTEGRITY, "the blob %s in %s has %llu bytes, not %llu",
                    blob->digest, layout->dir, (unsigned long long)info.st_size,
                    (unsigned long long)blob->size);
    }
    struct layout_reader *reader = NEW(struct layout_reader);
    if (reader == NULL) {
        return fail_memory(err);
    }
    reader->base.ops = &ops;
    reader->fd = TAKE_FD(fd);
    reader->dir = layout->dir;
    *ret_reader = &reader->base;
    return 0;
}

int layout_blob_read(const struct layout *layout, const char *digest, struct document *ret_document,
                     struct lpipe_error *err)
{
    AUTO_FD int dir = -1;
    AUTO_BUF struct buf bytes = BUF_INIT(MANIFEST_BYTES_MAX);
    struct stat info;
    int found = layout_blobs_open(layout, digest, false, &dir, err);
    if (found == 1) {
        found = layout_file_read(layout, dir, digest_hex_of(digest), &bytes, &info, err);
    }
    if (found == 0) {
        return fail(err, LPIPE_NOT_FOUND, "the layout %s has no blob %s", layout->dir, digest);
    }
    return found < 0 ? found : document_make(&bytes, "", digest, ret_document, err);
}
