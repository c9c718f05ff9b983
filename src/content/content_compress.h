/* SPDX-License-Identifier: Apache-2.0 */
/* Compresses content while it is read. Only bytes that need not be held back any more reach the
 * compression; when the content fails, the compressed bytes have no end. One thread at a time. */
#ifndef CONTENT_CONTENT_COMPRESS_H
#define CONTENT_CONTENT_COMPRESS_H

#include "flow/layer.h"

struct content_compress;

/* Where the bytes come from. 0 with *ret_size == 0 at the end. */
typedef int content_compress_read(void *ctx, void *buf, size_t size, size_t *ret_size,
                                  struct lpipe_error *err);

/* compress, threads: as in lpipe_layer_options. */
MUST_CHECK int content_compress_new(content_compress_read *read, void *ctx, const char *compress,
                                    int32_t threads, struct content_compress **ret_compress,
                                    struct lpipe_error *err);
struct content_compress *content_compress_free(struct content_compress *compress);
MUST_CHECK int content_compress_bytes(struct content_compress *compress, void *buf, size_t size,
                                      size_t *ret_size, struct lpipe_error *err);

#endif
