/* SPDX-License-Identifier: Apache-2.0 */
/* Reads an image archive from its first byte to its last: docker-archive (docker save) and
 * oci-archive, also compressed with gzip or zstd, with its members in any order. Small JSON members
 * are kept, the contents of the others pass to a sink.
 *
 * Guarantees: one pass; memory is bounded by ARCHIVE_KEPT_BYTES_MAX and ARCHIVE_MEMBERS_MAX. Kept
 * bytes have the digest that their name says. One thread. */
#ifndef ARCHIVE_ARCHIVE_READ_H
#define ARCHIVE_ARCHIVE_READ_H

#include "archive/archive_members.h"
#include "base/source.h"

/* What a member looks like by its first bytes. */
enum archive_content {
    ARCHIVE_CONTENT_OTHER = 0,
    ARCHIVE_CONTENT_TAR,
    ARCHIVE_CONTENT_COMPRESSED, /* see the member's codec */
    ARCHIVE_CONTENT_JSON
};

/* Takes the contents of the members that are not kept. begin and end come in pairs, one member
 * after the other. end sets the member's state, stored and diff_id. */
struct archive_sink {
    int (*begin)(void *ctx, struct archive_member *member, enum archive_content content,
                 struct lpipe_error *err);
    int (*write)(void *ctx, const void *data, size_t size, struct lpipe_error *err);
    int (*end)(void *ctx, struct lpipe_error *err);
    void *ctx;
};

/* source is read to its end, and not closed. NOT_TAR (also for a tar that is not an image archive:
 * the message says what to use), TRUNCATED, INTEGRITY, TOO_LARGE, CANCELLED, the failures of source
 * and sink. */
MUST_CHECK int archive_read(struct source *source, lpipe_cancel *cancel,
                            const struct archive_sink *sink, struct archive_members **ret_members,
                            struct lpipe_error *err);

#endif
