/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a zstd:chunked blob: three skippable frames (RFC 8878, section 3.1.2). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "codec/zstd_stream.h"
#include "toc/toc_keys.h"
#include "toc/toc_trailer.h"

#define FRAME_HEADER_BYTES 8
#define FOOTER_BYTES 64
#define MANIFEST_TYPE 1
static const char MAGIC[8] = { 'G', 'N', 'U', 'l', 'I', 'n', 'U', 'x' };

/* The compressed document. */
struct compressed {
    struct zstd_stream *zstd;
    struct spool spool;
    struct digest *digest;
    char digest_text[DIGEST_TEXT_SIZE];
    uint64_t raw_size;
};

static int take_compressed(void *ctx, const void *data, size_t size, struct lpipe_error *err)
{
    struct compressed *compressed = ctx;
    digest_update(compressed->digest, data, size);
    return spool_append(&compressed->spool, data, size, err);
}

static int take_document(void *ctx, const void *data, size_t size, struct lpipe_error *err)
{
    struct compressed *compressed = ctx;
    compressed->raw_size += size;
    return zstd_stream_write(compressed->zstd, data, size, false, take_compressed, compressed, err);
}

static int compress_document(struct compressed *compressed, const struct toc_log *log,
                             const struct tar_split *split, struct lpipe_error *err)
{
    int status = zstd_stream_new(&compressed->zstd, err);
    status = status == 0 ? digest_new(DIGEST_SHA256, &compressed->digest, err) : status;
    if (status == 0) {
        status = toc_document_write(log, TOC_ZSTD_CHUNKED, tar_split_digest(split), take_document,
                                    compressed, err);
    }
    if (status == 0) {
        status = zstd_stream_write(compressed->zstd, "", 0, true, take_compressed, compressed, err);
    }
    return status == 0 ? digest_finish(compressed->digest, compressed->digest_text, err) : status;
}

static void put_little_endian(unsigned char *to, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        to[i] = (unsigned char)(value >> (8 * i));
    }
}

static int append_frame_header(struct spool *bytes, uint64_t size, struct lpipe_error *err)
{
    unsigned char header[FRAME_HEADER_BYTES] = { 0x50, 0x2a, 0x4d, 0x18 };
    if (size > UINT32_MAX) {
        return fail(err, LPIPE_TOO_LARGE,
                    "the table of contents is longer than a zstd frame can be");
    }
    put_little_endian(header + 4, size, 4);
    return spool_append(bytes, header, sizeof header, err);
}

static int append_spool(struct spool *bytes, const struct spool *from, struct lpipe_error *err)
{
    AUTO_FREE struct spool_cursor *cursor = NEW(struct spool_cursor);
    if (cursor == NULL) {
        return fail_memory(err);
    }
    char part[8 * KIB];
    uint64_t left = spool_size(from);
    int status = append_frame_header(bytes, left, err);
    spool_cursor_init(cursor, from);
    while (left > 0 && status == 0) {
        size_t now = (size_t)MIN_OF(left, (uint64_t)sizeof part);
        status = spool_read(cursor, part, now, err);
        status = status == 0 ? spool_append(bytes, part, now, err) : status;
        left -= now;
    }
    return status;
}

/* Offset, size and uncompressed size of a frame's contents. */
struct extent {
    uint64_t offset;
    uint64_t size;
    uint64_t raw_size;
};

static int append_footer(struct spool *bytes, const struct extent *document,
                         const struct extent *split, struct lpipe_error *err)
{
    const uint64_t values[] = { document->offset, document->size, document->raw_size, MANIFEST_TYPE,
                                split->offset,    split->size,    split->raw_size };
    unsigned char footer[FOOTER_BYTES];
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        put_little_endian(footer + 8 * i, values[i], 8);
    }
    memcpy(footer + 8 * ARRAY_LEN(values), MAGIC, sizeof MAGIC);
    int status = append_frame_header(bytes, sizeof footer, err);
    return status != 0 ? status : spool_append(bytes, footer, sizeof footer, err);
}

static void annotate(struct toc_trailer *trailer, const char *digest, const struct extent *document,
                     const struct extent *split)
{
    struct toc_annotation *next = trailer->annotations;
    next->key = KEY_ZSTD_DIGEST;
    (void)snprintf(next->value, sizeof next->value, "%s", digest);
    next++;
    next->key = KEY_ZSTD_PLACE;
    (void)snprintf(next->value, sizeof next->value, "%" PRIu64 ":%" PRIu64 ":%" PRIu64 ":%d",
                   document->offset, document->size, document->raw_size, MANIFEST_TYPE);
    next++;
    next->key = KEY_ZSTD_TAR_SPLIT;
    (void)snprintf(next->value, sizeof next->value, "%" PRIu64 ":%" PRIu64 ":%" PRIu64,
                   split->offset, split->size, split->raw_size);
    trailer->annotation_count = 3;
}

static int append_all(struct toc_trailer *trailer, const struct compressed *compressed,
                      const struct tar_split *split, uint64_t blob_size, struct lpipe_error *err)
{
    struct extent document = { blob_size + FRAME_HEADER_BYTES, spool_size(&compressed->spool),
                               compressed->raw_size };
    struct extent tar_split = { document.offset + document.size + FRAME_HEADER_BYTES,
                                spool_size(tar_split_spool(split)), tar_split_raw_size(split) };
    int status = append_spool(&trailer->bytes, &compressed->spool, err);
    status = status == 0 ? append_spool(&trailer->bytes, tar_split_spool(split), err) : status;
    status = status == 0 ? append_footer(&trailer->bytes, &document, &tar_split, err) : status;
    annotate(trailer, compressed->digest_text, &document, &tar_split);
    return status;
}

int toc_trailer_zstd(struct toc_trailer *trailer, const struct toc_log *log,
                     const struct tar_split *split, uint64_t blob_size, struct lpipe_error *err)
{
    struct compressed compressed = { 0 };
    spool_init(&compressed.spool, trailer->bytes.dir, TOC_MEMORY_MAX);
    int status = compress_document(&compressed, log, split, err);
    if (status == 0) {
        status = append_all(trailer, &compressed, split, blob_size, err);
    }
    zstd_stream_free(compressed.zstd);
    digest_free(compressed.digest);
    spool_dispose(&compressed.spool);
    return status;
}
