/* SPDX-License-Identifier: Apache-2.0 */
#include "content/layer_tar.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "tar/tar_header.h"
#include "tar/tar_scan.h"
#include "tar/tar_write.h"

static const unsigned char zeros[64 * KIB];

void tar_extent_entry(struct tar_extent *extent, const struct tar_reader_entry *entry)
{
    uint64_t end = entry->offset + entry->headers_size + entry->size;
    extent->entry_end = end + tar_padding(end);
}

int tar_extent_feed(struct tar_extent *extent, struct tar_reader *reader,
                    struct content_stream *layer, const unsigned char *data, size_t size,
                    struct lpipe_error *err)
{
    if (extent->ended) {
        return 0;
    }
    extent->bytes += size;
    int status = tar_reader_bytes(reader, data, size, err);
    if (status == LPIPE_NOT_TAR && extent->ended) {
        return 0; /* an eStargz layer can have its table after the mark */
    }
    return status == LPIPE_NOT_TAR ? layer_stream_blame(layer, status, err) : status;
}

int tar_extent_end(const struct tar_extent *extent, const struct tar_reader *reader,
                   struct lpipe_error *err)
{
    bool whole = extent->ended || extent->bytes == extent->entry_end ||
                 extent->bytes == extent->entry_end + TAR_BLOCK_BYTES;
    if (extent->ended) {
        return 0;
    }
    return whole ? tar_reader_end(reader, err)
                 : fail(err, LPIPE_TRUNCATED, "the tar is cut off within an entry");
}

struct layer_tar {
    struct content_stream base;
    struct content_stream *layer;
    struct tar_reader *reader;
    struct tar_extent extent;
    uint64_t given;
    bool verified;
    /* What stands from the end-of-archive mark on: */
    uint64_t zeros;
    struct buf rest;
    bool drop_rest;
    bool rest_begun; /* bytes after the mark that are not zeros */
};

static int on_entry(void *ctx, const struct tar_reader_entry *entry, struct lpipe_error *err)
{
    (void)err;
    tar_extent_entry(&((struct layer_tar *)ctx)->extent, entry);
    return 0;
}

static int on_archive_end(void *ctx, struct lpipe_error *err)
{
    (void)err;
    ((struct layer_tar *)ctx)->extent.ended = true;
    return 0;
}

static size_t leading_zeros(const unsigned char *data, size_t size)
{
    size_t count = 0;
    while (count < size && data[count] == 0) {
        count++;
    }
    return count;
}

/* Keeps bytes from the mark on. */
static int keep(struct layer_tar *tar, const unsigned char *data, size_t size,
                struct lpipe_error *err)
{
    size_t blank = tar->rest_begun ? 0 : leading_zeros(data, size);
    tar->zeros += blank;
    tar->rest_begun = tar->rest_begun || blank < size;
    if (blank == size || tar->drop_rest) {
        return 0;
    }
    int status = buf_append(&tar->rest, data + blank, size - blank);
    return status == LPIPE_TOO_LARGE
               ? fail_with_advice(err, LPIPE_NO_RESOURCES,
                                  "more than %zu MiB follow the end-of-archive mark of the layer's "
                                  "tar; `LPIPE_CONTENT_BLOB` reads its stored bytes",
                                  CONTENT_AFTER_END_BYTES_MAX / MIB)
           : status != 0 ? fail_memory(err)
                         : 0;
}

/* The next bytes in front of the mark; 0: the layer has ended and is verified. */
static int read_layer(struct layer_tar *tar, const unsigned char **ret_data, size_t *ret_size,
                      struct lpipe_error *err)
{
    size_t size = 0;
    do {
        int status = tar->layer->ops->next(tar->layer, ret_data, &size, err);
        if (status != 0) {
            return status;
        }
        if (size == 0) {
            tar->verified = true;
            *ret_size = 0;
            return tar_extent_end(&tar->extent, tar->reader, err);
        }
        status = tar_extent_feed(&tar->extent, tar->reader, tar->layer, *ret_data, size, err);
        if (status != 0) {
            return status;
        }
        *ret_size = size;
        if (tar->extent.ended) {
            *ret_size = (size_t)MIN_OF((uint64_t)size, tar->extent.entry_end - tar->given);
            status = keep(tar, *ret_data + *ret_size, size - *ret_size, err);
        }
        tar->given += *ret_size;
        if (status != 0) {
            return status;
        }
    } while (*ret_size == 0);
    return 0;
}

static int stream_next(struct content_stream *base, const unsigned char **ret_data,
                       size_t *ret_size, struct lpipe_error *err)
{
    struct layer_tar *tar = (struct layer_tar *)base;
    *ret_size = 0;
    int status = tar->verified ? 0 : read_layer(tar, ret_data, ret_size, err);
    if (status != 0 || *ret_size > 0) {
        return status;
    }
    if (tar->zeros > 0) {
        *ret_data = zeros;
        *ret_size = (size_t)MIN_OF((uint64_t)sizeof zeros, tar->zeros);
        tar->zeros -= *ret_size;
    } else {
        *ret_data = (const unsigned char *)tar->rest.data;
        *ret_size = tar->rest.size;
        tar->rest.size = 0;
    }
    return 0;
}

static void stream_free(struct content_stream *base)
{
    struct layer_tar *tar = (struct layer_tar *)base;
    content_stream_free(tar->layer);
    tar_reader_free(tar->reader);
    buf_dispose(&tar->rest);
    free(tar);
}

int layer_tar_open(struct store *store, const struct layer_spec *layer, bool drop_rest,
                   struct content_stream **ret_stream, struct lpipe_error *err)
{
    static const struct content_stream_ops ops = { .next = stream_next, .free = stream_free };
    struct layer_tar *tar = NEW(struct layer_tar);
    if (tar == NULL) {
        return fail_memory(err);
    }
    const struct tar_reader_sink sink = { .entry = on_entry,
                                          .archive_end = on_archive_end,
                                          .ctx = tar };
    tar->base.ops = &ops;
    tar->drop_rest = drop_rest;
    tar->rest = (struct buf)BUF_INIT(CONTENT_AFTER_END_BYTES_MAX);
    int status = layer_stream_open(store, layer, &tar->layer, err);
    if (status == 0) {
        status = tar_reader_new(TAR_SCAN_ALLOW_TRUNCATED | TAR_SCAN_ALLOW_EMPTY, &sink,
                                &tar->reader, err);
    }
    if (status != 0) {
        stream_free(&tar->base);
        return status;
    }
    *ret_stream = &tar->base;
    return 0;
}
