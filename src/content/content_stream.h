/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that are verified when they end: a stored blob, the tar of a layer, a flattened image. The
 * reader must not treat them as complete before next() has returned 0 bytes. One thread at a
 * time. */
#ifndef CONTENT_CONTENT_STREAM_H
#define CONTENT_CONTENT_STREAM_H

#include "base/fail.h"

struct content_stream;
struct content_stream_ops {
    /* The next bytes, borrowed until the next call; *ret_size == 0: they have ended, and they are
     * verified. After a failure it is not called again. */
    int (*next)(struct content_stream *stream, const unsigned char **ret_data, size_t *ret_size,
                struct lpipe_error *err);
    void (*free)(struct content_stream *stream);
};
struct content_stream { /* embedded first in each implementation */
    const struct content_stream_ops *ops;
};

static inline struct content_stream *content_stream_free(struct content_stream *stream)
{
    if (stream != NULL) {
        stream->ops->free(stream);
    }
    return NULL;
}

#endif
