/* SPDX-License-Identifier: Apache-2.0 */
/* Turns the entries of a tar into the members of an image archive. For archive_read.c. */
#ifndef ARCHIVE_ARCHIVE_ENTRY_H
#define ARCHIVE_ARCHIVE_ENTRY_H

#include "archive/archive_read.h"
#include "tar/tar_header.h"
#include "tar/tar_reader.h"

struct archive_entries {
    struct archive_members *members;
    const struct archive_sink *sink;
    struct archive_member *member; /* whose contents are being read; NULL = none */
    bool decided;                  /* whether they are kept or pass to the sink */
    bool kept;
    unsigned char head[TAR_BLOCK_BYTES]; /* the first bytes, until it is decided */
    size_t head_size;
    uint64_t kept_bytes; /* of all members */
};

/* What a tar reader calls, with entries as its ctx. */
void archive_entries_sink(struct archive_entries *entries, struct tar_reader_sink *ret_sink);

#endif
