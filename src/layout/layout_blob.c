/* SPDX-License-Identifier: Apache-2.0 */
#include "layout/layout_blob.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cancel.h"
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
    const struct layout *layout; /* borrowed */
};

/* Computes the digest of a file with the algorithm of the digest that it should have. */
static int hash_file(const struct layout *layout, int fd, const char *wanted,
                     char ret_digest[DIGEST_TEXT_SIZE], struct lpipe_error *err)
{
    struct digest *digest AUTO_DIGEST = NULL;
    AUTO_FREE unsigned char *block = mem_new(COPY_BLOCK_BYTES);
    ptrdiff_t got = 1;
    if (block == NULL) {
        return fail_memory(err);
    }
    int status = digest_new(digest_alg_of(wanted), &digest, err);
    while (status == 0 && got > 0) {
        if (cancel_requested(layout->cancel)) {
            return fail_cancelled(err);
        }
        got = fd_read(fd, block, COPY_BLOCK_BYTES, NULL);
        if (got > 0) {
            digest_update(digest, block, (size_t)got);
        }
    }
    if (got < 0) {
        return fail_errno(err, layout_status(layout), (int)-got, "cannot read the blob %s of %s",
                          wanted, layout->dir);
    }
    return status == 0 ? digest_finish(digest, ret_digest, err) : status;
}

/* 1 with a descriptor when the blob's file has the right bytes. 0 when there is no file, or a
 * damaged one: a program that was killed, a full disk or a power failure can leave one of the
 * right size. */
static int open_intact(const struct layout *layout, int dir_fd, const struct descriptor *blob,
                       int *ret_fd, struct lpipe_error *err)
{
    AUTO_FD int fd = -1;
    struct stat info;
    char digest[DIGEST_TEXT_SIZE] = "";
    char path[LAYOUT_BLOB_PATH_SIZE];
    int found =
        layout_file_open(layout, dir_fd, layout_blob_path(blob->digest, path), &fd, &info, err);
    if (found != 1 || (uint64_t)info.st_size != blob->size) {
        return found < 0 ? found : 0;
    }
    int status = hash_file(layout, fd, blob->digest, digest, err);
    if (status != 0 || strcmp(digest, blob->digest) != 0) {
        return status;
    }
    *ret_fd = TAKE_FD(fd);
    return 1;
}

int layout_blob_exists(const struct layout *layout, const struct descriptor *blob,
                       struct lpipe_error *err)
{
    AUTO_FD int dir = -1;
    AUTO_FD int fd = -1;
    int found = layout_blobs_open(layout, blob->digest, false, &dir, err);
    return found == 1 ? open_intact(layout, dir, blob, &fd, err) : found;
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
    blob_hint_written(&self->hint, self->bytes, size);
    return 0;
}

/* Syncs a blob that exists already: another process may have written it but not synced it yet. */
static int sync_existing(const struct layout *layout, int dir_fd, int fd, const char *digest,
                         struct lpipe_error *err)
{
    if (fsync(fd) != 0) {
        return fail_errno(err, LPIPE_OUTPUT_IO, errno, "cannot write the blob %s of %s to the disk",
                          digest, layout->dir);
    }
    return layout_sync_dir(layout, dir_fd, err);
}

/* Gives the file its name, unless the same blob is there. A damaged file is replaced. */
static int publish(struct layout_temp *temp, int dir_fd, const struct descriptor *blob,
                   struct lpipe_error *err)
{
    AUTO_FD int fd = -1;
    int found = open_intact(temp->layout, dir_fd, blob, &fd, err);
    if (found != 0) {
        return found < 0 ? found : sync_existing(temp->layout, dir_fd, fd, blob->digest, err);
    }
    int status = layout_temp_sync(temp, err);
    return status == 0 ? layout_temp_publish(temp, dir_fd, digest_hex_of(blob->digest), err)
                       : status;
}

static int writer_finish(struct blob_writer *writer, const char *digest, uint64_t size,
                         struct lpipe_error *err)
{
    struct layout_writer *self = (struct layout_writer *)writer;
    const struct layout *layout = self->temp.layout;
    struct descriptor blob = { .size = size };
    AUTO_FD int dir = -1;
    if (self->bytes != size) {
        return fail(err, LPIPE_INTEGRITY, "%s: %llu bytes were written, %llu were expected", digest,
                    (unsigned long long)self->bytes, (unsigned long long)size);
    }
    (void)snprintf(blob.digest, sizeof blob.digest, "%s", digest);
    int opened = layout_blobs_open(layout, digest, true, &dir, err);
    if (opened == 0) {
        return fail(err, LPIPE_OUTPUT_IO, "the directory blobs of the layout %s was removed",
                    layout->dir);
    }
    return opened < 0 ? opened : publish(&self->temp, dir, &blob, err);
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
        return fail_errno(err, layout_status(self->layout), (int)-got, "cannot read a blob of %s",
                          self->layout->dir);
    }
    *ret_size = (size_t)got;
    return 0;
}

static int reader_skip(struct blob_reader *reader, uint64_t offset, struct lpipe_error *err)
{
    struct layout_reader *self = (struct layout_reader *)reader;
    return lseek(self->fd, (off_t)offset, SEEK_SET) < 0
               ? fail_errno(err, layout_status(self->layout), errno, "cannot read a blob of %s",
                            self->layout->dir)
               : 0;
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
    char path[LAYOUT_BLOB_PATH_SIZE];
    int found = layout_blobs_open(layout, digest, false, &dir, err);
    if (found == 1) {
        found =
            layout_file_open(layout, dir, layout_blob_path(digest, path), ret_fd, ret_info, err);
    }
    if (found == 0) {
        return fail_with_advice(err, LPIPE_NOT_FOUND,
                                "the layout %s has no blob %s; it is incomplete: make it again",
                                layout->dir, digest);
    }
    return found < 0 ? found : 0;
}

int layout_blob_open(const struct layout *layout, const struct descriptor *blob,
                     struct blob_reader **ret_reader, struct lpipe_error *err)
{
    static const struct blob_reader_ops ops = { .read = reader_read,
                                                .free = reader_free,
                                                .skip = reader_skip };
    AUTO_FD int fd = -1;
    struct stat info;
    int status = open_blob(layout, blob->digest, &fd, &info, err);
    if (status != 0) {
        return status;
    }
    if (blob->size != DESCRIPTOR_SIZE_UNKNOWN && (uint64_t)info.st_size != blob->size) {
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
    reader->layout = layout;
    *ret_reader = &reader->base;
    return 0;
}

int layout_blob_read(const struct layout *layout, const char *digest, struct document *ret_document,
                     struct lpipe_error *err)
{
    AUTO_FD int dir = -1;
    AUTO_BUF struct buf bytes = BUF_INIT(MANIFEST_BYTES_MAX);
    char path[LAYOUT_BLOB_PATH_SIZE];
    struct stat info;
    int found = layout_blobs_open(layout, digest, false, &dir, err);
    if (found == 1) {
        found = layout_file_read(layout, dir, layout_blob_path(digest, path), &bytes, &info, err);
    }
    if (found == 0) {
        return fail(err, LPIPE_NOT_FOUND, "the layout %s has no blob %s", layout->dir, digest);
    }
    return found < 0 ? found : document_make(&bytes, "", digest, ret_document, err);
}
