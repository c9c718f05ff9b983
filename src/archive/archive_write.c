/* SPDX-License-Identifier: Apache-2.0 */
#include "archive/archive_write.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "archive/archive_lists.h"
#include "base/cancel.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/spool.h"
#include "base/sync.h"
#include "oci/document.h"
#include "tar/tar_write.h"

static const char ZEROS[2 * TAR_WRITE_BLOCK_BYTES];

/* A blob in a spool; after its end it waits in the list for its place in the archive. */
struct archive_spooled {
    struct archive_spooled *next;
    struct descriptor blob;
    struct spool spool;
};

struct archive_writer {
    struct blob_writer base;
    struct archive_write *write; /* borrowed */
    struct blob_hint hint;
    struct descriptor known; /* digest "" = not known */
    uint64_t bytes;
    uint64_t start;                  /* where the header begins */
    bool is_direct;                  /* the blob goes into the archive; false after its end */
    struct archive_spooled *spooled; /* else where it goes; NULL after its end */
};

struct archive_reader {
    struct blob_reader base;
    const struct archive_write *write; /* borrowed */
    uint64_t position;
    uint64_t end;
};

static struct archive_spooled *spooled_free(struct archive_spooled *spooled)
{
    if (spooled != NULL) {
        spool_dispose(&spooled->spool);
        free(spooled);
    }
    return NULL;
}

/* The header of a member. in_one_block: see struct tar_write_entry. */
static int make_header(const char *name, uint64_t size, bool in_one_block, struct buf *ret_header,
                       struct lpipe_error *err)
{
    const struct tar_write_entry entry = { .type = TAR_ENTRY_FILE,
                                           .path = name,
                                           .size = size,
                                           .mode = 0644,
                                           .in_one_block = in_one_block };
    return tar_write_header(&entry, ret_header) == 0 ? 0 : fail_memory(err);
}

static int write_header(struct archive_write *write, const char *name, uint64_t size,
                        struct lpipe_error *err)
{
    struct buf header AUTO_BUF = BUF_INIT(ARCHIVE_HEADER_BYTES_MAX);
    int status = make_header(name, size, true, &header, err);
    return status == 0 ? archive_output_write(&write->output, header.data, header.size, err)
                       : status;
}

static int write_padding(struct archive_write *write, uint64_t size, struct lpipe_error *err)
{
    return archive_output_write(&write->output, ZEROS, tar_padding(size), err);
}

/* The place of a blob, NULL when the archive does not have it. */
static const struct archive_blob_place *find_blob_locked(const struct archive_write *write,
                                                         const char *digest)
{
    for (size_t i = 0; i < write->locked.count; i++) {
        if (strcmp(write->locked.items[i].blob.digest, digest) == 0) {
            return &write->locked.items[i];
        }
    }
    return NULL;
}

static int add_blob_locked(struct archive_write *write, const char *digest, uint64_t size,
                           uint64_t offset, struct lpipe_error *err)
{
    struct archive_blob_place *items =
        mem_realloc(write->locked.items, (write->locked.count + 1) * sizeof *items);
    if (items == NULL) {
        return fail_memory(err);
    }
    write->locked.items = items;
    items += write->locked.count++;
    *items = (struct archive_blob_place){ .blob.size = size, .offset = offset };
    (void)snprintf(items->blob.digest, sizeof items->blob.digest, "%s", digest);
    return 0;
}

static int copy_spool(struct archive_write *write, const struct spool *spool,
                      struct lpipe_error *err)
{
    AUTO_FREE struct spool_cursor *cursor = mem_new(sizeof *cursor);
    AUTO_FREE unsigned char *block = mem_new(COPY_BLOCK_BYTES);
    uint64_t left = spool_size(spool);
    if (cursor == NULL || block == NULL) {
        return fail_memory(err);
    }
    spool_cursor_init(cursor, spool);
    while (left > 0) {
        size_t part = (size_t)MIN_OF(left, (uint64_t)COPY_BLOCK_BYTES);
        int status = spool_read(cursor, block, part, err);
        status = status == 0 ? archive_output_write(&write->output, block, part, err) : status;
        if (status != 0) {
            return status;
        }
        left -= part;
    }
    return 0;
}

static int append_spooled_locked(struct archive_write *write, const struct archive_spooled *spooled,
                                 struct lpipe_error *err)
{
    const struct descriptor *blob = &spooled->blob;
    char path[ARCHIVE_BLOB_PATH_SIZE];
    if (find_blob_locked(write, blob->digest) != NULL) {
        return 0;
    }
    (void)archive_blob_path(blob->digest, path);
    int status = write_header(write, path, blob->size, err);
    uint64_t offset = write->output.position;
    status = status == 0 ? copy_spool(write, &spooled->spool, err) : status;
    status = status == 0 ? write_padding(write, blob->size, err) : status;
    return status == 0 ? add_blob_locked(write, blob->digest, blob->size, offset, err) : status;
}

/* Appends the blobs that have ended while another one was being written. */
static int append_all_locked(struct archive_write *write, struct lpipe_error *err)
{
    int status = 0;
    while (status == 0 && write->locked.spooled != NULL) {
        struct archive_spooled *first = write->locked.spooled;
        status = append_spooled_locked(write, first, err);
        write->locked.is_cut = write->locked.is_cut || (status != 0 && write->output.is_stream);
        write->locked.spooled = first->next;
        spooled_free(first);
    }
    return status;
}

static int writer_write(struct blob_writer *base, const void *data, size_t size,
                        struct lpipe_error *err)
{
    struct archive_writer *writer = (struct archive_writer *)base;
    int status = writer->spooled != NULL
                     ? spool_append(&writer->spooled->spool, data, size, err)
                     : archive_output_write(&writer->write->output, data, size, err);
    if (status != 0) {
        return status;
    }
    writer->bytes += size;
    blob_hint_written(&writer->hint, writer->bytes, size);
    return 0;
}

/* Puts the blob at the end of the list. */
static int finish_spooled_locked(struct archive_writer *writer, const char *digest, uint64_t size,
                                 struct lpipe_error *err)
{
    struct archive_write *write = writer->write;
    struct archive_spooled **last = &write->locked.spooled;
    struct archive_spooled *spooled = TAKE(writer->spooled);
    (void)snprintf(spooled->blob.digest, sizeof spooled->blob.digest, "%s", digest);
    spooled->blob.size = size;
    while (*last != NULL) {
        last = &(*last)->next;
    }
    *last = spooled;
    return write->locked.is_busy ? 0 : append_all_locked(write, err);
}

/* Writes the header over the reserved block. */
static int write_reserved(const struct archive_writer *writer, const char *digest, uint64_t size,
                          struct lpipe_error *err)
{
    struct buf header AUTO_BUF = BUF_INIT(ARCHIVE_HEADER_BYTES_MAX);
    char path[ARCHIVE_BLOB_PATH_SIZE];
    if (writer->known.digest[0] != '\0') {
        return 0;
    }
    (void)archive_blob_path(digest, path);
    int status = make_header(path, size, true, &header, err);
    if (status == 0 && header.size != TAR_WRITE_BLOCK_BYTES) {
        return fail(err, LPIPE_UNSUPPORTED,
                    "a blob with the digest %s needs its size before its bytes", digest);
    }
    return status == 0 ? archive_output_change(&writer->write->output, writer->start, header.data,
                                               header.size, err)
                       : status;
}

static int finish_direct_locked(struct archive_writer *writer, const char *digest, uint64_t size,
                                struct lpipe_error *err)
{
    struct archive_write *write = writer->write;
    int status = 0;
    if (find_blob_locked(write, digest) != NULL && !write->output.is_stream) {
        write->output.position = writer->start;
    } else {
        uint64_t offset = write->output.position - size;
        status = write_padding(write, size, err);
        status = status == 0 ? write_reserved(writer, digest, size, err) : status;
        status = status == 0 ? add_blob_locked(write, digest, size, offset, err) : status;
    }
    if (status != 0) {
        return status;
    }
    writer->is_direct = write->locked.is_busy = false;
    return append_all_locked(write, err);
}

static int writer_finish(struct blob_writer *base, const char *digest, uint64_t size,
                         struct lpipe_error *err)
{
    struct archive_writer *writer = (struct archive_writer *)base;
    const struct descriptor *known = &writer->known;
    if (writer->bytes != size ||
        (known->digest[0] != '\0' && (known->size != size || strcmp(known->digest, digest) != 0))) {
        return fail(err, LPIPE_INTEGRITY,
                    "%s: %" PRIu64 " bytes were written, %" PRIu64 " were "
                    "expected",
                    digest, writer->bytes, size);
    }
    GUARD(&writer->write->mutex);
    return writer->is_direct ? finish_direct_locked(writer, digest, size, err)
                             : finish_spooled_locked(writer, digest, size, err);
}

static void writer_free(struct blob_writer *base)
{
    struct archive_writer *writer = (struct archive_writer *)base;
    struct archive_write *write = writer->write;
    if (writer->is_direct) {
        GUARD(&write->mutex);
        write->locked.is_busy = false;
        write->locked.is_cut = write->output.is_stream;
        write->output.position = writer->start;
    }
    writer->spooled = spooled_free(writer->spooled);
    free(writer);
}

static void writer_abort(struct blob_writer *base)
{
    lpipe_cancel_trigger(((struct archive_writer *)base)->write->stop);
}

/* Begins the member: with its header, or with a block that is reserved for it. */
static int begin_direct_locked(struct archive_writer *writer, struct lpipe_error *err)
{
    struct archive_write *write = writer->write;
    char path[ARCHIVE_BLOB_PATH_SIZE];
    writer->start = write->output.position;
    writer->is_direct = write->locked.is_busy = true;
    if (writer->known.digest[0] == '\0') {
        return archive_output_write(&write->output, ZEROS, TAR_WRITE_BLOCK_BYTES, err);
    }
    (void)archive_blob_path(writer->known.digest, path);
    return write_header(write, path, writer->known.size, err);
}

static int begin_spooled(struct archive_writer *writer, struct lpipe_error *err)
{
    writer->spooled = NEW(struct archive_spooled);
    if (writer->spooled == NULL) {
        return fail_memory(err);
    }
    spool_init(&writer->spooled->spool, writer->write->spool_dir, ARCHIVE_SPOOL_MEMORY_MAX);
    return 0;
}

static int begin(struct archive_writer *writer, struct lpipe_error *err)
{
    struct archive_write *write = writer->write;
    GUARD(&write->mutex);
    if (write->locked.is_cut) {
        return fail(err, LPIPE_OUTPUT_IO,
                    "a blob in the image archive on stdout is cut, so nothing can follow it");
    }
    bool must_wait = write->output.is_stream && writer->known.digest[0] == '\0';
    return write->locked.is_busy || must_wait ? begin_spooled(writer, err)
                                              : begin_direct_locked(writer, err);
}

int archive_write_blob_begin(struct archive_write *write, const struct blob_hint *hint,
                             struct blob_writer **ret_writer, struct lpipe_error *err)
{
    static const struct blob_writer_ops ops = {
        .write = writer_write, .finish = writer_finish, .free = writer_free, .abort = writer_abort
    };
    struct archive_writer *writer = NEW(struct archive_writer);
    if (writer == NULL) {
        return fail_memory(err);
    }
    writer->base.ops = &ops;
    writer->write = write;
    if (hint != NULL) {
        writer->hint = *hint;
        writer->known = hint->known != NULL ? *hint->known : writer->known;
    }
    int status = begin(writer, err);
    if (status != 0) {
        writer_free(&writer->base);
        return status;
    }
    *ret_writer = &writer->base;
    return 0;
}

bool archive_write_has_blob(struct archive_write *write, const struct descriptor *blob)
{
    GUARD(&write->mutex);
    return find_blob_locked(write, blob->digest) != NULL;
}

static int reader_read(struct blob_reader *base, void *buf, size_t size, size_t *ret_size,
                       struct lpipe_error *err)
{
    struct archive_reader *reader = (struct archive_reader *)base;
    size_t part = (size_t)MIN_OF((uint64_t)size, reader->end - reader->position);
    int status = archive_output_read(&reader->write->output, reader->position, buf, part, err);
    if (status == 0) {
        reader->position += part;
        *ret_size = part;
    }
    return status;
}

static void reader_free(struct blob_reader *base)
{
    free(base);
}

int archive_write_blob_open(struct archive_write *write, const struct descriptor *blob,
                            struct blob_reader **ret_reader, struct lpipe_error *err)
{
    static const struct blob_reader_ops ops = { .read = reader_read, .free = reader_free };
    GUARD(&write->mutex);
    const struct archive_blob_place *place = find_blob_locked(write, blob->digest);
    if (place == NULL) {
        return fail(err, LPIPE_NOT_FOUND, "the new image archive has no blob %s", blob->digest);
    }
    if (write->output.is_stream) {
        return fail_with_advice(
            err, LPIPE_UNSUPPORTED,
            "the blob %s must be read again, but it has gone to stdout already; write the image "
            "archive to a file, or set `compress` to none",
            blob->digest);
    }
    struct archive_reader *reader = NEW(struct archive_reader);
    if (reader == NULL) {
        return fail_memory(err);
    }
    reader->base.ops = &ops;
    reader->write = write;
    reader->position = place->offset;
    reader->end = place->offset + place->blob.size;
    *ret_reader = &reader->base;
    return 0;
}

int archive_write_member(struct archive_write *write, const char *name, const void *data,
                         size_t size, struct lpipe_error *err)
{
    int status = write_header(write, name, size, err);
    status = status == 0 ? archive_output_write(&write->output, data, size, err) : status;
    return status == 0 ? write_padding(write, size, err) : status;
}

int archive_write_publish(struct archive_write *write, struct lpipe_error *err)
{
    int status = archive_output_write(&write->output, ZEROS, sizeof ZEROS, err);
    return status == 0 ? archive_output_publish(&write->output, err) : status;
}

int archive_write_new(const char *path, const char *spool_dir, lpipe_cancel *cancel,
                      struct archive_write **ret_write, struct lpipe_error *err)
{
    struct archive_write *write = NEW(struct archive_write);
    if (write == NULL) {
        return fail_memory(err);
    }
    write->output = (struct archive_output)ARCHIVE_OUTPUT_INIT;
    pthread_mutex_init(&write->mutex, NULL);
    write->cancel = cancel_ref(cancel);
    write->spool_dir = mem_strdup(spool_dir);
    int status = write->spool_dir == NULL ? fail_memory(err) : lpipe_cancel_new(&write->stop, err);
    write->output.cancel = write->cancel;
    write->output.stop = write->stop;
    status = status == 0 ? archive_output_open(&write->output, path, err) : status;
    if (status != 0) {
        archive_write_free(write);
        return status;
    }
    *ret_write = write;
    return 0;
}

void archive_write_free(struct archive_write *write)
{
    while (write->locked.spooled != NULL) {
        struct archive_spooled *first = write->locked.spooled;
        write->locked.spooled = first->next;
        spooled_free(first);
    }
    archive_output_dispose(&write->output);
    free(write->locked.items);
    free(write->spool_dir);
    pthread_mutex_destroy(&write->mutex);
    (void)lpipe_cancel_unref(write->stop);
    (void)lpipe_cancel_unref(write->cancel);
    free(write);
}
