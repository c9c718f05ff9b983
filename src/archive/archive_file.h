/* SPDX-License-Identifier: Apache-2.0 */
/* An image archive in a file as a store that is read. The file is read once to find its members;
 * then their contents are read where they are. For an image without a manifest one is made, which
 * names the layers as the archive has them. Any thread.
 *
 * Memory is bounded as in archive_read.h. */
#ifndef ARCHIVE_ARCHIVE_FILE_H
#define ARCHIVE_ARCHIVE_FILE_H

#include "layerpipe/ref.h"
#include "oci/store.h"

/* ref names the archive. UNSUPPORTED for what is not a file or is compressed as a whole, the
 * failures of archive_read(). */
MUST_CHECK int archive_file_open(const lpipe_ref *ref, lpipe_cancel *cancel,
                                 struct store **ret_store, struct lpipe_error *err);

#endif
