/* SPDX-License-Identifier: Apache-2.0 */
#include "content/block_digest.h"

#include "base/mem.h"
#include "base/sync.h"

enum { BLOCKS = 4 };

struct block_digest {
    struct digest *digest;
    unsigned char *memory;
    size_t block_bytes;
    size_t sizes[BLOCKS];
    uint64_t added; /* blocks; used by the caller only */
    bool threaded;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct {
        uint64_t added;
        uint64_t hashed;
        bool ended;
    } locked; /* by mutex */
};

static unsigned char *block_at(const struct block_digest *blocks, uint64_t index)
{
    return blocks->memory + (size_t)(index % BLOCKS) * blocks->block_bytes;
}

/* Waits for a block that is not hashed yet. False when there will be none. */
static bool next_block(struct block_digest *blocks, uint64_t *ret_index)
{
    GUARD(&blocks->mutex);
    while (blocks->locked.hashed == blocks->locked.added && !blocks->locked.ended) {
        pthread_cond_wait(&blocks->changed, &blocks->mutex);
    }
    *ret_index = blocks->locked.hashed;
    return blocks->locked.hashed < blocks->locked.added;
}

static void block_hashed(struct block_digest *blocks)
{
    GUARD(&blocks->mutex);
    blocks->locked.hashed++;
    pthread_cond_broadcast(&blocks->changed);
}

static void *run(void *ctx)
{
    struct block_digest *blocks = ctx;
    uint64_t index = 0;
    while (next_block(blocks, &index)) {
        digest_update(blocks->digest, block_at(blocks, index), blocks->sizes[index % BLOCKS]);
        block_hashed(blocks);
    }
    return NULL;
}

int block_digest_new(enum digest_alg alg, size_t block_bytes, struct block_digest **ret_blocks,
                     struct lpipe_error *err)
{
    struct block_digest *blocks = NEW(struct block_digest);
    if (blocks == NULL) {
        return fail_memory(err);
    }
    pthread_mutex_init(&blocks->mutex, NULL);
    pthread_cond_init(&blocks->changed, NULL);
    blocks->block_bytes = block_bytes;
    blocks->memory = mem_new_blocks(BLOCKS, block_bytes);
    int status = blocks->memory == NULL ? fail_memory(err) : 0;
    status = status == 0 ? digest_new(alg, &blocks->digest, err) : status;
    if (status != 0) {
        block_digest_free(blocks);
        return status;
    }
    blocks->threaded = thread_start(&blocks->thread, "lpipe-digest", run, blocks, NULL) == 0;
    *ret_blocks = blocks;
    return 0;
}

static void thread_end(struct block_digest *blocks)
{
    if (!blocks->threaded) {
        return;
    }
    pthread_mutex_lock(&blocks->mutex);
    blocks->locked.ended = true;
    pthread_cond_broadcast(&blocks->changed);
    pthread_mutex_unlock(&blocks->mutex);
    (void)pthread_join(blocks->thread, NULL);
    blocks->threaded = false;
}

struct block_digest *block_digest_free(struct block_digest *blocks)
{
    if (blocks != NULL) {
        thread_end(blocks);
        pthread_cond_destroy(&blocks->changed);
        pthread_mutex_destroy(&blocks->mutex);
        digest_free(blocks->digest);
        free(blocks->memory);
        free(blocks);
    }
    return NULL;
}

unsigned char *block_digest_buffer(struct block_digest *blocks)
{
    if (blocks->threaded) {
        GUARD(&blocks->mutex);
        while (blocks->added - blocks->locked.hashed >= BLOCKS) {
            pthread_cond_wait(&blocks->changed, &blocks->mutex);
        }
    }
    return block_at(blocks, blocks->added);
}

void block_digest_add(struct block_digest *blocks, size_t size)
{
    blocks->sizes[blocks->added % BLOCKS] = size;
    if (blocks->threaded) {
        GUARD(&blocks->mutex);
        blocks->locked.added++;
        pthread_cond_broadcast(&blocks->changed);
    } else {
        digest_update(blocks->digest, block_at(blocks, blocks->added), size);
    }
    blocks->added++;
}

int block_digest_finish(struct block_digest *blocks, char ret_text[DIGEST_TEXT_SIZE],
                        struct lpipe_error *err)
{
    thread_end(blocks);
    return digest_finish(blocks->digest, ret_text, err);
}
