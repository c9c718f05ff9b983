/* SPDX-License-Identifier: Apache-2.0 */
/* The end of an eStargz blob: a gzip member with the tar entry stargz.index.json and two zero
 * blocks, then the footer. The entry comes after the end of the archive, so that readers of the tar
 * do not see it and the tar itself is unchanged. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "tar/tar_write.h"
#include "toc/toc_keys.h"
#include "toc/toc_trailer.h"

#define ENTRY_NAME "stargz.index.json"
#define END_BYTES ((size_t)2 * TAR_WRITE_BLOCK_BYTES)
#define FOOTER_BYTES 51

struct measure {
    struct digest *digest;
    uint64_t size;
};

static int measure_document(void *ctx, const void *data, size_t size, struct lpipe_error *err)
{
    (void)err;
    struct measure *measure = ctx;
    digest_update(measure->digest, data, size);
    measure->size += size;
    return 0;
}

/* One gzip member that is made block by block. */
struct member {
    struct codec *codec;
    struct spool *bytes;
    unsigned char *block; /* GZIP_BLOCK_BYTES, not compressed yet */
    size_t block_size;
    unsigned char *out;
    bool started;
    uint64_t tar_size; /* uncompressed */
    toc_tar_sink *sink;
    void *ctx;
};

static int member_new(struct member *member, const struct codec_spec *spec, struct lpipe_error *err)
{
    struct codec_plan plan;
    codec_plan(spec, 1, &plan);
    member->block = mem_new(plan.block_bytes);
    member->out = mem_new(plan.output_bytes);
    return member->block == NULL || member->out == NULL ? fail_memory(err)
                                                        : codec_new(spec, 1, &member->codec, err);
}

static void member_dispose(struct member *member)
{
    codec_free(member->codec);
    free(member->block);
    free(member->out);
}

static int block_compress(struct member *member, struct lpipe_error *err)
{
    struct codec_block part;
    codec_compress(member->codec, 0, !member->started, member->block, member->block_size,
                   member->out, &part);
    codec_add_block(member->codec, &part);
    member->started = true;
    member->block_size = 0;
    return spool_append(member->bytes, member->out, part.out_size, err);
}

static int member_write(void *ctx, const void *data, size_t size, struct lpipe_error *err)
{
    struct member *member = ctx;
    const unsigned char *from = data;
    int status = member->sink(member->ctx, data, size, err);
    while (size > 0 && status == 0) {
        size_t part = MIN_OF(size, GZIP_BLOCK_BYTES - member->block_size);
        memcpy(member->block + member->block_size, from, part);
        member->block_size += part;
        from += part;
        size -= part;
        if (member->block_size == GZIP_BLOCK_BYTES) {
            status = block_compress(member, err);
        }
    }
    return status;
}

static int member_end(struct member *member, struct lpipe_error *err)
{
    unsigned char trailer[CODEC_TRAILER_BYTES_MAX];
    int status = member->block_size > 0 ? block_compress(member, err) : 0;
    size_t size = codec_trailer(member->codec, trailer);
    return status != 0 ? status : spool_append(member->bytes, trailer, size, err);
}

static int write_header(struct member *member, uint64_t size, struct lpipe_error *err)
{
    AUTO_BUF struct buf header = BUF_INIT(8 * KIB);
    struct tar_write_entry entry = { .type = TAR_ENTRY_FILE, .path = ENTRY_NAME, .size = size };
    if (tar_write_header(&entry, &header) != 0) {
        return fail_memory(err);
    }
    member->tar_size += header.size;
    return member_write(member, header.data, header.size, err);
}

/* The entry with the document of that size, and the end of the archive. */
static int write_entry(struct member *member, const struct toc_log *log, uint64_t size,
                       struct lpipe_error *err)
{
    static const unsigned char zeros[TAR_WRITE_BLOCK_BYTES + END_BYTES];
    size_t rest = tar_padding(size) + END_BYTES;
    int status = write_header(member, size, err);
    if (status == 0) {
        status = toc_document_write(log, TOC_ESTARGZ, NULL, member_write, member, err);
    }
    status = status == 0 ? member_write(member, zeros, rest, err) : status;
    member->tar_size += size + rest;
    return status == 0 ? member_end(member, err) : status;
}

/* An empty gzip member whose extra field (RFC 1952, section 2.3.1.1) has the offset of the entry's
 * member. */
static int append_footer(struct spool *bytes, uint64_t offset, struct lpipe_error *err)
{
    unsigned char footer[FOOTER_BYTES] = { 0x1f, 0x8b, 8,  4, 0,   0,   0,  0,
                                           0,    0xff, 26, 0, 'S', 'G', 22, 0 };
    static const unsigned char end[] = { 1, 0, 0, 0xff, 0xff };
    char text[23];
    (void)snprintf(text, sizeof text, "%016" PRIx64 "STARGZ", offset);
    memcpy(footer + 16, text, 22);
    memcpy(footer + 38, end, sizeof end);
    return spool_append(bytes, footer, sizeof footer, err);
}

static void annotate(struct toc_trailer *trailer, const char *digest, uint64_t uncompressed_size)
{
    struct toc_annotation *next = trailer->annotations;
    next->key = KEY_ESTARGZ_DIGEST;
    (void)snprintf(next->value, sizeof next->value, "%s", digest);
    next++;
    next->key = KEY_ESTARGZ_SIZE;
    (void)snprintf(next->value, sizeof next->value, "%" PRIu64, uncompressed_size);
    trailer->annotation_count = 2;
}

int toc_trailer_estargz(struct toc_trailer *trailer, const struct toc_log *log,
                        const struct codec_spec *spec, uint64_t blob_size, uint64_t tar_size,
                        toc_tar_sink *sink, void *ctx, struct lpipe_error *err)
{
    struct measure measure = { 0 };
    struct member member = { .bytes = &trailer->bytes, .sink = sink, .ctx = ctx };
    char digest[DIGEST_TEXT_SIZE];
    int status = digest_new(DIGEST_SHA256, &measure.digest, err);
    if (status == 0) {
        status = toc_document_write(log, TOC_ESTARGZ, NULL, measure_document, &measure, err);
    }
    status = status == 0 ? digest_finish(measure.digest, digest, err) : status;
    status = status == 0 ? member_new(&member, spec, err) : status;
    status = status == 0 ? write_entry(&member, log, measure.size, err) : status;
    status = status == 0 ? append_footer(&trailer->bytes, blob_size, err) : status;
    if (status == 0) {
        annotate(trailer, digest, tar_size + member.tar_size);
    }
    digest_free(measure.digest);
    member_dispose(&member);
    return status;
}
