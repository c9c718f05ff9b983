/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the headers of a tar entry again with another path or another target of its link. All else
 * stays: the fields of its header, its PAX records, their order. GNU's long names become PAX
 * records. Pure. */
#ifndef CONTENT_ENTRY_RENAME_H
#define CONTENT_ENTRY_RENAME_H

#include "base/buf.h"
#include "tar/tar_fields.h"

/* Appends the headers. path and link end with a NUL; link is not used for entries that are no
 * links. NO_MEMORY, or TOO_LARGE when they do not fit into ret_headers. */
MUST_CHECK int entry_rename(const struct tar_reader_entry *entry, const char *path,
                            const char *link, struct buf *ret_headers);

#endif
