/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of bytes that are hashed in a thread of their own while the caller goes on to use them.
 * Without a free thread they are hashed by the caller. All memory is allocated at the start. One
 * thread at a time. */
#ifndef CONTENT_BLOCK_DIGEST_H
#define CONTENT_BLOCK_DIGEST_H

#include "codec/digest.h"

struct block_digest;

MUST_CHECK int block_digest_new(enum digest_alg alg, size_t block_bytes,
                                struct block_digest **ret_blocks, struct lpipe_error *err);
/* Waits until the block is hashed that the thread works on, if it works. NULL is fine. */
struct block_digest *block_digest_free(struct block_digest *blocks);
/* The next block, to be filled. Waits until it has been hashed, if it was used before. */
unsigned char *block_digest_buffer(struct block_digest *blocks);
/* size bytes of that block belong to the stream. They stay as they are until the second next block
 * is asked for. */
void block_digest_add(struct block_digest *blocks, size_t size);
/* The digest of all blocks; called once. */
MUST_CHECK int block_digest_finish(struct block_digest *blocks, char ret_text[DIGEST_TEXT_SIZE],
                                   struct lpipe_error *err);

#endif
