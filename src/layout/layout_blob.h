/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs of a layout. Only for files in src/layout. */
#ifndef LAYOUT_LAYOUT_BLOB_H
#define LAYOUT_LAYOUT_BLOB_H

#include "layout/layout_dir.h"

/* 1 when the layout has the blob and all its bytes are right, else 0. A file with the blob's
 * name that is no regular file is a failure. */
MUST_CHECK int layout_blob_exists(const struct layout *layout, const struct descriptor *blob,
                                  struct lpipe_error *err);
MUST_CHECK int layout_blob_begin(const struct layout *layout, const struct blob_hint *hint,
                                 struct blob_writer **ret_writer, struct lpipe_error *err);
MUST_CHECK int layout_blob_open(const struct layout *layout, const struct descriptor *blob,
                                struct blob_reader **ret_reader, struct lpipe_error *err);
/* Reads a blob of at most MANIFEST_BYTES_MAX bytes and verifies its digest. NOT_FOUND, INTEGRITY,
 * TOO_LARGE. */
MUST_CHECK int layout_blob_read(const struct layout *layout, const char *digest,
                                struct document *ret_document, struct lpipe_error *err);

#endif
