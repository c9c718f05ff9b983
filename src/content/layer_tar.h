/* SPDX-License-Identifier: Apache-2.0 */
/* The tar of one layer, byte for byte, of which the end-of-archive mark and what follows it come
 * only after the layer is verified: a reader of the tar stops at the mark, whatever follows.
 *
 * The bytes after the mark are kept in memory until then, CONTENT_AFTER_END_BYTES_MAX at most;
 * zeros right after it are only counted. A layer that is no valid tar is NOT_TAR or TRUNCATED; a
 * missing mark is accepted, as container runtimes do. One thread at a time. */
#ifndef CONTENT_LAYER_TAR_H
#define CONTENT_LAYER_TAR_H

#include "content/layer_stream.h"
#include "tar/tar_reader.h"

/* Follows a layer's tar, for a caller that reads its entries: where it ends, and whether it is
 * whole. */
struct tar_extent {
    uint64_t bytes;     /* so far, up to the end-of-archive mark and what was fed with it */
    uint64_t entry_end; /* where the last entry ends, with its padding */
    bool ended;         /* the mark has been seen */
};
void tar_extent_entry(struct tar_extent *extent, const struct tar_reader_entry *entry);
/* Feeds the reader up to the end of the tar. A tar that is wrong: after the rest of the layer was
 * read, see layer_stream_blame(). */
MUST_CHECK int tar_extent_feed(struct tar_extent *extent, struct tar_reader *reader,
                               struct content_stream *layer, const unsigned char *data, size_t size,
                               struct lpipe_error *err);
/* The layer has ended: 0, TRUNCATED or NOT_TAR. */
MUST_CHECK int tar_extent_end(const struct tar_extent *extent, const struct tar_reader *reader,
                              struct lpipe_error *err);

/* Store and layer->diff_id are borrowed until the stream is freed. drop_rest: what follows the mark
 * is not kept and not given, except for the zeros right after it. */
MUST_CHECK int layer_tar_open(struct store *store, const struct layer_spec *layer, bool drop_rest,
                              struct content_stream **ret_stream, struct lpipe_error *err);

#endif
