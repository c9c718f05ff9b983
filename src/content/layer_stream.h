/* SPDX-License-Identifier: Apache-2.0 */
/* The tar of a layer: its blob decompressed, both verified. As for container runtimes, the first
 * bytes tell whether it is gzip, zstd or the tar itself, whatever the media type says. Damaged
 * bytes are reported as INTEGRITY, whether the decompression or the digest finds them first:
 * after a failure of the decompression the rest of the blob is read to know which of the two it
 * is. */
#ifndef CONTENT_LAYER_STREAM_H
#define CONTENT_LAYER_STREAM_H

#include "content/content_stream.h"
#include "oci/store.h"

struct layer_spec {
    struct descriptor blob;
    const char *diff_id; /* NULL: none to compare with; borrowed */
};

MUST_CHECK int layer_stream_open(struct store *store, const struct layer_spec *layer,
                                 struct content_stream **ret_stream, struct lpipe_error *err);
/* For a reader that finds the tar wrong, with that failure: reads the blob to its end. Returns
 * INTEGRITY when it is not what its digest says, else the failure. */
int layer_stream_blame(struct content_stream *base, int status, struct lpipe_error *err);

#endif
