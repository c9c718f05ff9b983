/* SPDX-License-Identifier: Apache-2.0 */
#include "toc/tar_split.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "codec/zstd_stream.h"
#include "toc/json_text.h"

/* Records of the bytes after the last entry are not longer than this. */
#define RECORD_BYTES_MAX MIB

/* Values of "type". */
#define TYPE_FILE 1
#define TYPE_SEGMENT 2

struct tar_split {
    struct zstd_stream *zstd;
    struct spool spool;
    struct digest *digest;
    char digest_text[DIGEST_TEXT_SIZE];
    struct buf segment; /* bytes of the next record */
    struct buf line;
    int64_t position; /* number of the next record */
    uint64_t raw_size;
};

int tar_split_new(const char *spool_dir, struct tar_split **ret_split, struct lpipe_error *err)
{
    struct tar_split *split = NEW(struct tar_split);
    if (split == NULL) {
        return fail_memory(err);
    }
    spool_init(&split->spool, spool_dir, TOC_MEMORY_MAX);
    split->segment = (struct buf)BUF_INIT(TOC_ENTRY_BYTES_MAX);
    split->line = (struct buf)BUF_INIT(2 * TOC_ENTRY_BYTES_MAX);
    int status = zstd_stream_new(&split->zstd, err);
    if (status == 0) {
        status = digest_new(DIGEST_SHA256, &split->digest, err);
    }
    if (status != 0) {
        tar_split_free(split);
        return status;
    }
    *ret_split = split;
    return 0;
}

struct tar_split *tar_split_free(struct tar_split *split)
{
    if (split != NULL) {
        zstd_stream_free(split->zstd);
        digest_free(split->digest);
        spool_dispose(&split->spool);
        buf_dispose(&split->segment);
        buf_dispose(&split->line);
        free(split);
    }
    return NULL;
}

static int take_compressed(void *ctx, const void *data, size_t size, struct lpipe_error *err)
{
    struct tar_split *split = ctx;
    digest_update(split->digest, data, size);
    return spool_append(&split->spool, data, size, err);
}

static int write_line(struct tar_split *split, struct lpipe_error *err)
{
    split->raw_size += split->line.size;
    split->position++;
    return zstd_stream_write(split->zstd, split->line.data, split->line.size, false,
                             take_compressed, split, err);
}

/* The members that every record ends with. */
static int line_end(struct tar_split *split)
{
    int status = json_text_number(&split->line, "position", split->position);
    return status != 0 ? status : buf_append(&split->line, "}\n", 2);
}

static int line_begin(struct tar_split *split, int type)
{
    buf_clear(&split->line);
    int status = buf_append(&split->line, "{", 1);
    return status != 0 ? status : json_text_number(&split->line, "type", type);
}

static int write_segment(struct tar_split *split, struct lpipe_error *err)
{
    if (split->segment.size == 0) {
        return 0;
    }
    int status = line_begin(split, TYPE_SEGMENT);
    if (status == 0) {
        status =
            json_text_base64(&split->line, "payload", split->segment.data, split->segment.size);
    }
    status = status == 0 ? line_end(split) : status;
    buf_clear(&split->segment);
    return status != 0 ? fail_memory(err) : write_line(split, err);
}

int tar_split_bytes(struct tar_split *split, const void *data, size_t size, struct lpipe_error *err)
{
    int status = buf_append(&split->segment, data, size);
    return status == LPIPE_TOO_LARGE
               ? fail(err, status, "the headers of an entry are longer than %zu bytes",
                      split->segment.size_max)
           : status != 0 ? fail_memory(err)
                         : 0;
}

int tar_split_headers_end(struct tar_split *split, struct lpipe_error *err)
{
    return write_segment(split, err);
}

int tar_split_entry(struct tar_split *split, const char *name, uint64_t size, uint64_t crc64,
                    struct lpipe_error *err)
{
    unsigned char sum[8];
    for (unsigned i = 0; i < sizeof sum; i++) {
        sum[i] = (unsigned char)(crc64 >> (56 - 8 * i));
    }
    int status = line_begin(split, TYPE_FILE);
    status = status == 0 ? json_text_member(&split->line, "name", name, strlen(name)) : status;
    if (status == 0 && size > 0) {
        status = json_text_number(&split->line, "size", (int64_t)size);
        status = status == 0 ? json_text_base64(&split->line, "payload", sum, sizeof sum) : status;
    } else if (status == 0) {
        status = buf_append_text(&split->line, ",\"payload\":null");
    }
    status = status == 0 ? line_end(split) : status;
    return status != 0 ? fail_memory(err) : write_line(split, err);
}

int tar_split_end(struct tar_split *split, struct lpipe_error *err)
{
    int status = write_segment(split, err);
    if (status == 0) {
        status = zstd_stream_write(split->zstd, "", 0, true, take_compressed, split, err);
    }
    return status != 0 ? status : digest_finish(split->digest, split->digest_text, err);
}

const struct spool *tar_split_spool(const struct tar_split *split)
{
    return &split->spool;
}

uint64_t tar_split_raw_size(const struct tar_split *split)
{
    return split->raw_size;
}

const char *tar_split_digest(const struct tar_split *split)
{
    return split->digest_text;
}

uint64_t tar_split_memory_bytes(const struct tar_split *split)
{
    return spool_memory_bytes(&split->spool) + split->segment.capacity + split->line.capacity;
}
