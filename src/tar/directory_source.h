/* SPDX-License-Identifier: Apache-2.0 */
/* A directory as a source: writes a tar of it while it is read, in the thread that reads. The
 * same tree gives the same bytes, in whatever order the system lists it:
 *
 *   - paths relative to the directory ("bin/ls"), the directory itself as "./" first; a directory
 *     before its entries, entries sorted by the bytes of their names. With the prefix "opt/app"
 *     paths are "opt/app/bin/ls", the directory itself is "opt/app/", and "opt/" comes first;
 *   - owners as numbers, whole seconds of mtime, no other times; extended attributes as
 *     directory_xattr.h says;
 *   - the second name of a file is a hard link to the first; sparse files are written out;
 *   - sockets cannot be in a tar: they are left out, which the notice tells;
 *   - names are bytes and are not changed, also not those that begin with ".wh." (whiteouts), which
 *     the notice tells;
 *   - two zero blocks at the end.
 *
 * An entry that cannot be read, or that changes while it is read, is SOURCE_IO. No read blocks
 * for long, so there is no cancel function. */
#ifndef TAR_DIRECTORY_SOURCE_H
#define TAR_DIRECTORY_SOURCE_H

#include "base/source.h"
#include "layerpipe/layer.h"

/* options may be NULL. mtimes later than mtime_max are set to it; INT64_MAX keeps all. */
MUST_CHECK int directory_source_new(const char *path, const struct lpipe_directory_options *options,
                                    int64_t mtime_max, struct source **ret_source,
                                    struct lpipe_error *err);

#endif
