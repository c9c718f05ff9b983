/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the extended attributes of an entry as PAX records, sorted by name. Attributes that
 * belong to this machine and not to the file are left out: labels of security modules and
 * integrity checks, and those that overlay file systems use internally. */
#ifndef TAR_DIRECTORY_XATTR_H
#define TAR_DIRECTORY_XATTR_H

#include "base/buf.h"
#include "tar/directory_walk.h"

struct xattr_reader;

MUST_CHECK int xattr_reader_new(struct xattr_reader **ret_xattr, struct lpipe_error *err);
struct xattr_reader *xattr_reader_free(struct xattr_reader *xattr);

/* Appends the entry's records. *ret_unnamed: attributes that were left out because a record
 * cannot contain their name. */
MUST_CHECK int xattr_reader_append(struct xattr_reader *xattr, const struct directory_entry *found,
                                   struct buf *records, unsigned *ret_unnamed,
                                   struct lpipe_error *err);
bool xattr_is_kept(const char *name);

#endif
