/* SPDX-License-Identifier: Apache-2.0 */
/* The extended attributes of an entry as PAX records, sorted by name. Labels that say something about
 * this machine and not about the file are not kept: those of security modules and integrity checks,
 * and what overlay file systems note for themselves. */
#ifndef IMAGE_PACK_XATTR_H
#define IMAGE_PACK_XATTR_H

#include "base/buf.h"
#include "image/pack_walk.h"

struct pack_xattr;

MUST_CHECK int pack_xattr_new(struct pack_xattr **ret_xattr, struct lpipe_error *err);
struct pack_xattr *pack_xattr_free(struct pack_xattr *xattr);

/* Appends the entry's records. *ret_unnamed counts attributes whose names a record cannot hold. */
MUST_CHECK int pack_xattr_append(struct pack_xattr *xattr, const struct pack_found *found,
                                 struct buf *records, unsigned *ret_unnamed,
                                 struct lpipe_error *err);
bool pack_xattr_is_kept(const char *name);

#endif
