/* SPDX-License-Identifier: Apache-2.0 */
/* An image archive that has been read, as a store to copy from: manifests and small blobs are those
 * that were kept. A layer that was compressed on its way is read back from the destination and
 * decompressed where a manifest names its uncompressed bytes. Any thread. */
#ifndef ARCHIVE_ARCHIVE_READ_STORE_H
#define ARCHIVE_ARCHIVE_READ_STORE_H

#include "archive/archive_members.h"
#include "oci/store.h"

/* members and destination are borrowed until the store is freed. */
MUST_CHECK int archive_read_store_open(const struct archive_members *members,
                                       struct store *destination, struct store **ret_store,
                                       struct lpipe_error *err);
/* A copy of a kept member's bytes. */
MUST_CHECK int archive_member_document(const struct archive_member *member, const char *media_type,
                                       struct document *ret_document, struct lpipe_error *err);

#endif
