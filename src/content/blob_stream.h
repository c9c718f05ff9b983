/* SPDX-License-Identifier: Apache-2.0 */
/* The stored bytes of a blob, verified against its descriptor. A store that has a connection
 * goes on with a broken one where it was; whatever it gives then, only the digest's own bytes
 * are verified. */
#ifndef CONTENT_BLOB_STREAM_H
#define CONTENT_BLOB_STREAM_H

#include "content/content_stream.h"
#include "oci/store.h"

/* The store is borrowed until the stream is freed, the descriptor is copied. */
MUST_CHECK int blob_stream_open(struct store *store, const struct descriptor *blob,
                                struct content_stream **ret_stream, struct lpipe_error *err);

#endif
