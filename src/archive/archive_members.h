/* SPDX-License-Identifier: Apache-2.0 */
/* The members of an image archive that have been read: where their contents are now. One thread at
 * a time while members are added, any number afterwards. */
#ifndef ARCHIVE_ARCHIVE_MEMBERS_H
#define ARCHIVE_ARCHIVE_MEMBERS_H

#include "base/buf.h"
#include "codec/codec.h"
#include "oci/document.h"
#include "oci/string_map.h"

enum archive_state {
    ARCHIVE_LEFT_OUT = 0, /* the contents were passed over */
    ARCHIVE_KEPT,         /* the contents are in bytes */
    ARCHIVE_STORED,       /* a blob of the destination; with its digest in diff_id where known */
    ARCHIVE_LINK          /* target is the name of the member that is meant */
};

struct archive_member {
    char *name; /* as archive_name_clean() gives it */
    char *target;
    enum archive_state state;
    uint64_t offset;                /* of the contents in the archive, decompressed */
    uint64_t size;                  /* of the contents */
    enum codec_kind codec;          /* of contents that are not kept */
    char named[DIGEST_TEXT_SIZE];   /* the digest that its name says; "" = none */
    struct descriptor stored;       /* of the kept or stored bytes; its media type may be "" */
    char diff_id[DIGEST_TEXT_SIZE]; /* digest of the uncompressed contents; "" = not known */
    /* The diff ID of the stored layer, where it is not diff_id: an eStargz has more bytes. */
    char stored_diff_id[DIGEST_TEXT_SIZE];
    struct string_map annotations; /* of the stored layer's descriptor */
    struct buf bytes;
    bool used;                   /* an image that is copied names it */
    struct archive_member *next; /* in the table */
};

struct archive_members;

MUST_CHECK int archive_members_new(struct archive_members **ret_members, struct lpipe_error *err);
struct archive_members *archive_members_free(struct archive_members *members);
static inline void cleanup_archive_members(struct archive_members **members)
{
    archive_members_free(*members);
}
#define AUTO_ARCHIVE_MEMBERS CLEANUP(cleanup_archive_members)

/* Adds a member and takes its name, also on failure. NOT_TAR when another one has the name;
 * TOO_LARGE above ARCHIVE_MEMBERS_MAX. */
MUST_CHECK int archive_members_add(struct archive_members *members, char *name,
                                   struct archive_member **ret_member, struct lpipe_error *err);
/* Adds a document that the archive does not have as a kept member. The members are settled
 * again. */
MUST_CHECK int archive_members_add_document(struct archive_members *members,
                                            const struct document *document,
                                            struct lpipe_error *err);
size_t archive_members_count(const struct archive_members *members);
struct archive_member *archive_members_at(const struct archive_members *members, size_t index);
/* The member with this name; links are followed. NULL when there is none, and in a cycle. */
const struct archive_member *archive_members_find(const struct archive_members *members,
                                                  const char *name);
/* Call it when all members are added, before the functions below. */
void archive_members_settle(struct archive_members *members);
/* The member whose kept or stored bytes have this digest, or NULL. */
const struct archive_member *archive_members_by_digest(const struct archive_members *members,
                                                       const char *digest);
/* Marks the members whose kept or stored bytes have this digest as used. */
void archive_members_use(struct archive_members *members, const char *digest);
/* A stored member whose uncompressed contents have this digest, or NULL. */
const struct archive_member *archive_members_by_diff_id(const struct archive_members *members,
                                                        const char *digest);

#endif
