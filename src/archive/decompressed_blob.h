/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a compressed blob of a store as its uncompressed bytes. The caller verifies them. One
 * thread. */
#ifndef ARCHIVE_DECOMPRESSED_BLOB_H
#define ARCHIVE_DECOMPRESSED_BLOB_H

#include "oci/store.h"

/* The media type of blob says how it is compressed. No more than size_max bytes are given: an
 * eStargz has a table after its tar. store is borrowed until the reader is freed. */
MUST_CHECK int decompressed_blob_open(struct store *store, const struct descriptor *blob,
                                      uint64_t size_max, struct blob_reader **ret_reader,
                                      struct lpipe_error *err);

#endif
