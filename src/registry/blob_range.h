/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a range of a blob with GET. It follows redirects, and continues at the same byte after a
 * broken connection. The digest is not checked here. One thread uses a range. */
#ifndef REGISTRY_BLOB_RANGE_H
#define REGISTRY_BLOB_RANGE_H

#include "oci/descriptor.h"
#include "request/repository.h"

struct blob_range;

/* From the byte `start` on, `size` bytes; UINT64_MAX = up to the end of the blob. Nothing is sent
 * yet. repository must stay valid as long as the range. */
MUST_CHECK int blob_range_new(const struct repository *repository, const struct descriptor *blob,
                              uint64_t start, uint64_t size, struct blob_range **ret_range,
                              struct lpipe_error *err);
/* Sends the request and does not wait: up to a range of BLOB_RANGE_BYTES is received before it is
 * read. A failure is met again by the first read. leader: a range of the same blob that was
 * answered; where it was redirected, this one asks there at once. */
void blob_range_start(struct blob_range *range, const struct blob_range *leader);
/* The next bytes; 0 at the end of the range. Sends the request if none is running. */
MUST_CHECK int blob_range_read(struct blob_range *range, void *buf, size_t size, size_t *ret_size,
                               struct lpipe_error *err);
/* Where the range ends. It is later than was asked for when the server's answer has more bytes:
 * a server may ignore ranges. UINT64_MAX when the blob's size is not known. */
uint64_t blob_range_end(const struct blob_range *range);
/* Of the byte that the next read gives first. */
uint64_t blob_range_position(const struct blob_range *range);
struct blob_range *blob_range_free(struct blob_range *range);

#endif
