/* SPDX-License-Identifier: Apache-2.0 */
/* Writes an image archive: blobs and other members, one after the other.
 *
 * A blob whose size is not known yet goes into a file in one pass, and its header is written at its
 * end. On stdout that is not possible, so the blob is collected in a spool. While one blob is being
 * written, further ones are collected in spools, too. No writer waits for another one: all streams
 * flow. A blob with the digest of an earlier one is not written again.
 *
 * All headers have owner 0, group 0, mode 0644 and time 0. Any thread. */
#ifndef ARCHIVE_ARCHIVE_WRITE_H
#define ARCHIVE_ARCHIVE_WRITE_H

#include <pthread.h>

#include "archive/archive_output.h"
#include "oci/store.h"

struct archive_spooled;
struct archive_blob_place {
    struct descriptor blob;
    uint64_t offset; /* of its bytes in the archive */
};

struct archive_write {
    struct archive_output output; /* belongs to the writer that is_busy stands for */
    char *spool_dir;
    lpipe_cancel *cancel; /* NULL = none */
    lpipe_cancel *stop;   /* triggered when a writer is aborted */
    pthread_mutex_t mutex;
    struct {
        bool is_busy;                     /* a blob is being written into the output */
        bool is_cut;                      /* a blob on stdout ended too early */
        struct archive_blob_place *items; /* blobs in the archive */
        size_t count;
        struct archive_spooled *spooled; /* finished, to be appended to the archive */
    } locked;                            /* by mutex */
};

/* spool_dir is copied. INVALID_ARGUMENT, OUTPUT_IO, NO_MEMORY. */
MUST_CHECK int archive_write_new(const char *path, const char *spool_dir, lpipe_cancel *cancel,
                                 struct archive_write **ret_write, struct lpipe_error *err);
/* Without archive_write_publish() nothing is left of a file. */
void archive_write_free(struct archive_write *write);

MUST_CHECK int archive_write_blob_begin(struct archive_write *write, const struct blob_hint *hint,
                                        struct blob_writer **ret_writer, struct lpipe_error *err);
/* True when the archive has the blob. */
bool archive_write_has_blob(struct archive_write *write, const struct descriptor *blob);
/* UNSUPPORTED on stdout. */
MUST_CHECK int archive_write_blob_open(struct archive_write *write, const struct descriptor *blob,
                                       struct blob_reader **ret_reader, struct lpipe_error *err);
/* Appends a member with this name. No blob is being written. */
MUST_CHECK int archive_write_member(struct archive_write *write, const char *name, const void *data,
                                    size_t size, struct lpipe_error *err);
/* Writes the end-of-archive mark and gives the file its name. */
MUST_CHECK int archive_write_publish(struct archive_write *write, struct lpipe_error *err);

#endif
