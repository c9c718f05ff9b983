/* SPDX-License-Identifier: Apache-2.0 */
/* A directory as the source of a layer: the tar is made while it is read, in the thread that reads it.
 * The same tree gives the same bytes, in whatever order the system lists it and whoever asks:
 *
 *   - paths as below the directory ("bin/ls"), the directory itself as "./" first; a directory before
 *     what is in it, the names in one sorted by their bytes;
 *   - owners as numbers, whole seconds of mtime, no other times; extended attributes as
 *     image/xattr_reader.h has them;
 *   - the second name of a file is a hard link to the first; sparse files are written out;
 *   - sockets cannot be in a tar: they are left out, which the notice tells;
 *   - names are bytes and stay what they are, whiteouts (".wh.") too;
 *   - two zero blocks end it.
 *
 * What cannot be read, and what changes while it is read, is a failure (SOURCE_IO), never a tar that
 * is not the tree. No read waits for anybody else, so there is nothing to cancel. */
#ifndef TAR_DIRECTORY_SOURCE_H
#define TAR_DIRECTORY_SOURCE_H

#include "base/source.h"

/* mtimes later than mtime_max are set to it; INT64_MAX keeps all. */
MUST_CHECK int directory_source_new(const char *path, int64_t mtime_max, struct source **ret_source,
                                    struct lpipe_error *err);

#endif
