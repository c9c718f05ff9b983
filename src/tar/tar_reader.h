/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the entries of a tar archive as its bytes pass: names, numbers and PAX records as Go's
 * archive/tar and the runtimes read them, the bytes of the headers as they are, and the contents.
 * The framing is that of tar_scan.h.
 *
 * Guarantees: pieces of any size give the same entries; memory is bounded by the headers of one
 * entry, TAR_HEADERS_BYTES_MAX. One thread at a time. */
#ifndef TAR_TAR_READER_H
#define TAR_TAR_READER_H

#include "tar/tar_fields.h"

/* What the reader gives, in order. Each returns 0, or a failure that ends the reading. Members may
 * be NULL. */
struct tar_reader_sink {
    int (*entry)(void *ctx, const struct tar_reader_entry *entry, struct lpipe_error *err);
    /* The next bytes of the entry's contents, without the padding. */
    int (*contents)(void *ctx, const void *data, size_t size, struct lpipe_error *err);
    int (*entry_end)(void *ctx, struct lpipe_error *err);
    /* The end-of-archive mark has been read; bytes may follow it. */
    int (*archive_end)(void *ctx, struct lpipe_error *err);
    void *ctx;
};

struct tar_reader;

/* scan_flags: enum tar_scan_flag. sink is copied. */
MUST_CHECK int tar_reader_new(unsigned scan_flags, const struct tar_reader_sink *sink,
                              struct tar_reader **ret_reader, struct lpipe_error *err);
struct tar_reader *tar_reader_free(struct tar_reader *reader);
/* 0, NOT_TAR with err->offset set, NO_MEMORY, or the failure of the sink. */
MUST_CHECK int tar_reader_bytes(struct tar_reader *reader, const void *data, size_t size,
                                struct lpipe_error *err);
/* No more bytes: 0, TRUNCATED or NOT_TAR. */
MUST_CHECK int tar_reader_end(const struct tar_reader *reader, struct lpipe_error *err);

#endif
