/* SPDX-License-Identifier: Apache-2.0 */
/* Writes gzip as one member: a constant header, independent deflate blocks that end at byte
 * boundaries, an empty final block, the trailer. Every decoder reads this, also one that stops
 * after the first member. */
#include "codec/codec_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/limits.h"
#include "base/mem.h"
#include "codec/deflate.h"

/* Increased when blocks, headers or the level table change, because then digests change. */
#define RECIPE_VERSION 1

/* No name, no time, no flags; system "unknown". */
static const unsigned char HEADER[10] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff };
/* An empty final block with the fixed code. */
static const unsigned char FINAL_BLOCK[2] = { 0x03, 0x00 };

struct gzip_state {
    const struct deflate_backend *backend; /* NULL: stored blocks */
    uint32_t (*crc_bytes)(uint32_t crc, const void *data, size_t size);
    unsigned workers;
    void **states; /* one per worker */
    /* Sums over the blocks that were added. */
    bool started;
    uint32_t crc;
    uint64_t size;
    z_crc_t block_operator; /* moves a CRC over one full block */
};

/* The library and its level for each of our levels: the fastest whose output is not larger than
 * that of Go's compress/gzip at our level. */
static const struct level_row {
    int level;
    int isal; /* 0 = not with this library */
    int libdeflate;
} LEVELS[] = {
    { 1, 1, 1 }, { 2, 2, 1 }, { 3, 0, 2 }, { 4, 0, 3 },   { 5, 0, 4 },   { 6, 0, 5 },
    { 7, 0, 6 }, { 8, 0, 8 }, { 9, 0, 9 }, { 10, 0, 10 }, { 11, 0, 11 }, { 12, 0, 12 },
};

static const struct deflate_backend *choose(const struct codec_spec *spec, int *ret_level)
{
    int level = spec->level == -1 ? 6 : spec->level;
    *ret_level = level;
    if (level == 0) {
        return NULL;
    }
    for (size_t i = 0; i < ARRAY_LEN(LEVELS); i++) {
        if (LEVELS[i].level == level && LEVELS[i].isal != 0 && deflate_isal != NULL) {
            *ret_level = LEVELS[i].isal;
            return deflate_isal;
        }
        if (LEVELS[i].level == level && deflate_libdeflate != NULL) {
            *ret_level = LEVELS[i].libdeflate;
            return deflate_libdeflate;
        }
    }
    return deflate_zlib;
}

static void gzip_recipe(const struct codec_spec *spec, char ret_name[CODEC_RECIPE_BYTES])
{
    int level = 0;
    const struct deflate_backend *backend = choose(spec, &level);
    char name[16];
    (void)snprintf(name, sizeof name, "%d", spec->level == -1 ? 6 : spec->level);
    (void)snprintf(ret_name, CODEC_RECIPE_BYTES, "gzip-%s:%d %s %s",
                   spec->level == -2 ? "huffman" : name, RECIPE_VERSION,
                   backend == NULL ? "stored" : backend->name,
                   backend == NULL ? "1" : backend->version());
}

static void gzip_plan(const struct codec_spec *spec, unsigned workers, struct codec_plan *ret_plan)
{
    int level = 0;
    const struct deflate_backend *backend = choose(spec, &level);
    uint64_t each = backend == NULL ? 0 : backend->state_bytes(level);
    *ret_plan = (struct codec_plan){
        .shape = CODEC_SHAPE_BLOCKS,
        .block_bytes = GZIP_BLOCK_BYTES,
        .output_bytes = MEM_BLOCK_SIZE(DEFLATE_BYTES(GZIP_BLOCK_BYTES) + sizeof HEADER),
        .state_bytes = sizeof(struct gzip_state) + workers * (each + sizeof(void *)),
    };
}

static void gzip_destroy(void *opaque)
{
    struct gzip_state *gzip = opaque;
    for (unsigned i = 0; gzip->states != NULL && i < gzip->workers; i++) {
        if (gzip->states[i] != NULL) {
            gzip->backend->state_free(gzip->states[i]);
        }
    }
    free(gzip->states);
    free(gzip);
}

static bool states_create(struct gzip_state *gzip, int level)
{
    for (unsigned i = 0; gzip->backend != NULL && i < gzip->workers; i++) {
        gzip->states[i] = gzip->backend->state_new(level);
        if (gzip->states[i] == NULL) {
            return false;
        }
    }
    return true;
}

/* The library with the fastest CRC-32; all give the same result. */
static const struct deflate_backend *crc_backend(void)
{
    return deflate_isal != NULL         ? deflate_isal
           : deflate_libdeflate != NULL ? deflate_libdeflate
                                        : deflate_zlib;
}

static int gzip_create(const struct codec_spec *spec, unsigned workers, void **ret_state,
                       struct lpipe_error *err)
{
    int level = 0;
    struct gzip_state *gzip = NEW(struct gzip_state);
    if (gzip == NULL) {
        return fail_memory(err);
    }
    gzip->backend = choose(spec, &level);
    gzip->crc_bytes = crc_backend()->crc;
    gzip->workers = workers;
    gzip->states = mem_new_array(workers, sizeof *gzip->states);
    if (gzip->states == NULL || !states_create(gzip, level)) {
        gzip_destroy(gzip);
        return fail_memory(err);
    }
    gzip->block_operator = (z_crc_t)crc32_combine_gen(GZIP_BLOCK_BYTES);
    *ret_state = gzip;
    return 0;
}

/* A block that the library cannot make smaller than stored blocks is stored. */
static size_t deflate_block(struct gzip_state *gzip, unsigned worker, deflate_compress *compress,
                            const void *in, size_t size, void *out)
{
    size_t made =
        compress == NULL ? 0 : compress(gzip->states[worker], in, size, out, DEFLATE_BYTES(size));
    return made == 0 ? deflate_store(in, size, out) : made;
}

static void gzip_compress(void *opaque, unsigned worker, bool first, const void *in, size_t size,
                          void *out, struct codec_block *ret_block)
{
    struct gzip_state *gzip = opaque;
    unsigned char *to = out;
    size_t head = first ? sizeof HEADER : 0;
    memcpy(to, HEADER, head);
    deflate_compress *compress = gzip->backend == NULL ? NULL : gzip->backend->compress;
    ret_block->in_size = size;
    ret_block->out_size = head + deflate_block(gzip, worker, compress, in, size, to + head);
    ret_block->crc = gzip->crc_bytes(0, in, size);
}

static void gzip_add_block(void *opaque, const struct codec_block *block)
{
    struct gzip_state *gzip = opaque;
    if (block->in_size == GZIP_BLOCK_BYTES) {
        gzip->crc = (uint32_t)crc32_combine_op(gzip->crc, block->crc, gzip->block_operator);
    } else {
        gzip->crc = (uint32_t)crc32_combine(gzip->crc, block->crc, (z_off_t)block->in_size);
    }
    gzip->size += block->in_size;
    gzip->started = true;
}

static unsigned char *put_u32(unsigned char *to, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        *to++ = (unsigned char)(value >> 8 * i);
    }
    return to;
}

/* The end of a stream: RFC 1952, section 2.3.1. */
static unsigned char *put_sums(unsigned char *to, uint32_t crc, uint64_t size)
{
    return put_u32(put_u32(to, crc), (uint32_t)size); /* modulo 2^32 */
}

static size_t gzip_trailer(void *opaque, unsigned char out[CODEC_TRAILER_BYTES_MAX])
{
    struct gzip_state *gzip = opaque;
    unsigned char *to = out;
    if (!gzip->started) {
        memcpy(to, HEADER, sizeof HEADER);
        to += sizeof HEADER;
    }
    memcpy(to, FINAL_BLOCK, sizeof FINAL_BLOCK);
    return (size_t)(put_sums(to + sizeof FINAL_BLOCK, gzip->crc, gzip->size) - out);
}

/* For a text of 2 KiB, making codes takes longer than the rest of its compression. */
#define SHORT_UNIT_BYTES 4096

static size_t deflate_unit(struct gzip_state *gzip, unsigned worker, const void *in, size_t size,
                           unsigned char *out)
{
    const struct deflate_backend *backend = gzip->backend;
    deflate_compress *compress = NULL;
    if (backend != NULL && backend->compress_final != NULL) {
        size_t made =
            backend->compress_final(gzip->states[worker], in, size, out, DEFLATE_BYTES(size));
        if (made > 0) {
            return made;
        }
    } else if (backend != NULL) {
        bool is_short = size <= SHORT_UNIT_BYTES && backend->compress_short != NULL;
        compress = is_short ? backend->compress_short : backend->compress;
    }
    size_t made = deflate_block(gzip, worker, compress, in, size, out);
    memcpy(out + made, FINAL_BLOCK, sizeof FINAL_BLOCK);
    return made + sizeof FINAL_BLOCK;
}

static size_t gzip_compress_unit(void *opaque, unsigned worker, const void *in, size_t size,
                                 void *out)
{
    struct gzip_state *gzip = opaque;
    unsigned char *to = out;
    memcpy(to, HEADER, sizeof HEADER);
    to += sizeof HEADER;
    to += deflate_unit(gzip, worker, in, size, to);
    to = put_sums(to, gzip->crc_bytes(0, in, size), size);
    return (size_t)(to - (unsigned char *)out);
}

const struct codec_ops codec_gzip_ops = {
    .create = gzip_create,
    .destroy = gzip_destroy,
    .plan = gzip_plan,
    .recipe = gzip_recipe,
    .compress = gzip_compress,
    .add_block = gzip_add_block,
    .trailer = gzip_trailer,
    .compress_unit = gzip_compress_unit,
};
