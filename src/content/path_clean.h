/* SPDX-License-Identifier: Apache-2.0 */
/* Cleans paths of tar entries as container runtimes do. Pure. */
#ifndef CONTENT_PATH_CLEAN_H
#define CONTENT_PATH_CLEAN_H

#include "base/buf.h"

enum path_kind {
    PATH_AS_IT_IS = 0, /* except for "./" at its start, slashes at its end and doubled ones */
    PATH_CHANGED,      /* it was absolute, or had ".." */
    PATH_LEADS_OUT     /* of the root, by ".."; the cleaned path has no meaning */
};

/* Replaces the contents of the buffer by the path without ".", "..", empty parts, and slashes at
 * its ends: "a/b"; "" for the root. At the top of an absolute path ".." is the top itself.
 * NO_MEMORY. */
MUST_CHECK int path_clean(const char *path, struct buf *ret_path, enum path_kind *ret_kind);

#endif
