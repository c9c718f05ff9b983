/* SPDX-License-Identifier: Apache-2.0 */
/* A directory as the source of a layer: the tar is made while it is read, in the thread that reads it.
 * The same tree gives the same bytes, in whatever order the system lists it and whoever asks:
 *
 *   - paths as below the directory ("bin/ls"), the directory itself as "./" first; a directory before
 *     what is in it, the names in one sorted by their bytes;
 *   - owners as numbers, whole seconds of mtime, no other times; extended attributes as
 *     image/pack_xattr.h has them;
 *   - the second name of a file is a hard link to the first; sparse files are written out;
 *   - sockets cannot be in a tar: they are left out, which pack_source_remark() tells;
 *   - names are bytes and stay what they are, whiteouts (".wh.") too;
 *   - two zero blocks end it.
 *
 * What cannot be read, and what changes while it is read, is a failure (SOURCE_IO), never a tar that
 * is not the tree. No read waits for anybody else, so there is nothing to cancel. */
#ifndef IMAGE_PACK_SOURCE_H
#define IMAGE_PACK_SOURCE_H

#include "base/fail.h"

struct pack_source;

/* mtimes later than mtime_max are set to it; INT64_MAX keeps all. */
MUST_CHECK int pack_source_new(const char *path, int64_t mtime_max, struct pack_source **ret_source,
                               struct lpipe_error *err);
struct pack_source *pack_source_free(struct pack_source *source);

/* As struct lpipe_source and struct layer_words want them; ctx is the object. */
ptrdiff_t pack_source_read(void *ctx, void *buf, size_t size);
int pack_source_explain(void *ctx, struct lpipe_error *err);
const char *pack_source_remark(void *ctx);
/* From the start again. */
int pack_source_rewind(void *ctx, struct lpipe_error *err);
void pack_source_done(void *ctx);

#endif
