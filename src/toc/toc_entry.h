/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a tar entry in a table of contents, and whether the format can carry the entry.
 * Pure. */
#ifndef TOC_TOC_ENTRY_H
#define TOC_TOC_ENTRY_H

#include "base/buf.h"
#include "tar/tar_reader.h"
#include "toc/toc_document.h"

/* NULL, or why the table cannot have the entry: a constant. */
const char *toc_entry_refusal(enum toc_format format, const struct tar_reader_entry *entry);
/* *ret_path: the path that a whiteout deletes, to be freed; untouched for any other entry. 0, or
 * NO_MEMORY. */
MUST_CHECK int toc_entry_deleted(const struct tar_reader_entry *entry, char **ret_path,
                                 struct lpipe_error *err);
/* Appends the members of the entry's JSON object that do not depend on its contents; "name" is the
 * first, *ret_name_size is its length. 0, NO_MEMORY, or TOO_LARGE: the text is too long, or a time
 * has no four-digit year. */
MUST_CHECK int toc_entry_text(enum toc_format format, const struct tar_reader_entry *entry,
                              struct buf *text, size_t *ret_name_size);

#endif
