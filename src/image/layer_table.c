/* SPDX-License-Identifier: Apache-2.0 */
#include "image/layer_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "codec/decompress.h"
#include "oci/json_write.h"
#include "tar/tar_reader.h"
#include "tar/tar_scan.h"
#include "toc/toc_counter.h"
#include "toc/toc_keys.h"
#include "toc/ztoc_counts.h"

#define ESTARGZ_FOOTER_BYTES 51
#define ESTARGZ_OFFSET_AT 16 /* 16 hexadecimal digits in the footer */
#define ESTARGZ_OFFSET_DIGITS 16
#define ESTARGZ_TABLE_NAME "stargz.index.json"

/* A part of a blob that is read. */
struct table_reader {
    struct digest *digest; /* of the stored table, or of the text in it */
    struct decompressor *decompressor;
    struct tar_reader *tar;
    struct toc_counter counter;
    uint64_t text_bytes;
    bool is_table; /* the entry of the tar is the table */
    struct buf bytes;
};

const char *layer_table_name(const struct layer_table *table)
{
    static const char *const names[] = { [LAYER_TABLE_NONE] = NULL,
                                         [LAYER_TABLE_ZSTD_CHUNKED] = "zstd:chunked",
                                         [LAYER_TABLE_ESTARGZ] = "eStargz",
                                         [LAYER_TABLE_SOCI] = "SOCI" };
    return names[table->kind];
}

/* "offset:size:raw size:1" */
static bool parse_place(const char *text, struct layer_table *table)
{
    uint64_t numbers[4];
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        size_t size = strspn(text, "0123456789");
        bool is_last = i + 1 == ARRAY_LEN(numbers);
        if (!text_to_u64(text, size, INT64_MAX, &numbers[i]) ||
            text[size] != (is_last ? '\0' : ':')) {
            return false;
        }
        text += size + 1;
    }
    table->offset = numbers[0];
    table->size = numbers[1];
    table->raw_size = numbers[2];
    return numbers[3] == 1;
}

static void find_ztoc(const struct manifest_item *layer, const struct manifest *index,
                      struct layer_table *table)
{
    for (size_t i = 0; index != NULL && i < index->item_count; i++) {
        const struct manifest_item *item = &index->items[i];
        const char *digest =
            json_member_text(json_member(item->source, "annotations"), KEY_SOCI_LAYER_DIGEST);
        if (digest != NULL && strcmp(digest, layer->descriptor.digest) == 0) {
            table->kind = LAYER_TABLE_SOCI;
            table->ztoc = item->descriptor;
            table->index_bytes = item->descriptor.size;
        }
    }
}

void layer_table_find(const struct manifest_item *layer, const struct manifest *soci_index,
                      struct layer_table *ret_table)
{
    const struct json_t *annotations = json_member(layer->source, "annotations");
    const char *zstd = json_member_text(annotations, KEY_ZSTD_DIGEST);
    const char *place = json_member_text(annotations, KEY_ZSTD_PLACE);
    const char *estargz = json_member_text(annotations, KEY_ESTARGZ_DIGEST);
    struct layer_table table = { .kind = LAYER_TABLE_NONE };
    const char *digest = NULL;
    if (zstd != NULL && place != NULL && parse_place(place, &table)) {
        table.kind = LAYER_TABLE_ZSTD_CHUNKED;
        table.index_bytes = table.size;
        digest = zstd;
    } else if (estargz != NULL) {
        table.kind = LAYER_TABLE_ESTARGZ;
        digest = estargz;
    }
    if (digest != NULL && digest_valid(digest)) {
        (void)snprintf(table.digest, sizeof table.digest, "%s", digest);
    } else {
        table.kind = LAYER_TABLE_NONE;
        find_ztoc(layer, soci_index, &table);
    }
    *ret_table = table;
}

static void reader_dispose(struct table_reader *reader)
{
    digest_free(reader->digest);
    decompress_free(reader->decompressor);
    tar_reader_free(reader->tar);
    buf_dispose(&reader->bytes);
}
#define AUTO_TABLE_READER CLEANUP(reader_dispose)

/* Takes the next bytes of the part. */
typedef int take_part(struct table_reader *reader, const unsigned char *data, size_t size,
                      struct lpipe_error *err);

/* Reads `size` bytes of a blob from that offset on. */
static int read_part(struct store *store, const struct descriptor *blob, uint64_t offset,
                     uint64_t size, take_part *take, struct table_reader *reader,
                     struct lpipe_error *err)
{
    struct blob_reader *from AUTO_BLOB_READER = NULL;
    unsigned char part[4096];
    if (offset > blob->size || size > blob->size - offset) {
        return fail(err, LPIPE_INTEGRITY, "its place is outside of the blob");
    }
    int status = store->ops->blob_open(store, blob, &from, err);
    status = status == 0 ? blob_reader_skip(from, offset, err) : status;
    while (status == 0 && size > 0) {
        size_t got = 0;
        status = from->ops->read(from, part, sizeof part, &got, err);
        if (status == 0 && got == 0) {
            return fail(err, LPIPE_INTEGRITY, "the blob ends before it");
        }
        size_t used = (size_t)MIN_OF((uint64_t)got, size);
        status = status == 0 ? take(reader, part, used, err) : status;
        size -= used;
    }
    return status;
}

static int count_text(void *ctx, const void *data, size_t size, struct lpipe_error *err)
{
    struct table_reader *reader = ctx;
    reader->text_bytes += size;
    if (reader->text_bytes > TOC_READ_BYTES_MAX) {
        return fail(err, LPIPE_TOO_LARGE, "it has more than %zu bytes", TOC_READ_BYTES_MAX);
    }
    toc_counter_bytes(&reader->counter, data, size);
    return 0;
}

/* The digest of the table is right, and its text is whole. */
static int check_table(struct table_reader *reader, struct layer_table *table,
                       struct lpipe_error *err)
{
    char digest[DIGEST_TEXT_SIZE];
    int status = digest_finish(reader->digest, digest, err);
    if (status != 0) {
        return status;
    }
    if (strcmp(digest, table->digest) != 0) {
        return fail(err, LPIPE_INTEGRITY, "it has the digest %s, not %s", digest, table->digest);
    }
    if (!toc_counter_is_whole(&reader->counter)) {
        return fail(err, LPIPE_PROTOCOL, "it is not a JSON object");
    }
    table->is_read = true;
    table->entries = reader->counter.entries;
    table->chunks = reader->counter.chunks;
    return 0;
}

/* zstd:chunked: the digest is that of the compressed table. */
static int take_zstd(struct table_reader *reader, const unsigned char *data, size_t size,
                     struct lpipe_error *err)
{
    digest_update(reader->digest, data, size);
    return decompress_bytes(reader->decompressor, data, size, count_text, reader, err);
}

static int read_zstd(struct store *store, const struct descriptor *layer, struct layer_table *table,
                     struct table_reader *reader, struct lpipe_error *err)
{
    int status = decompress_new(CODEC_ZSTD, (uint64_t)1 << ZSTD_INPUT_WINDOW_LOG_MAX,
                                &reader->decompressor, err);
    if (status == 0) {
        status = read_part(store, layer, table->offset, table->size, take_zstd, reader, err);
    }
    status = status == 0 ? decompress_end(reader->decompressor, err) : status;
    return status == 0 ? check_table(reader, table, err) : status;
}

static int keep_bytes(struct table_reader *reader, const unsigned char *data, size_t size,
                      struct lpipe_error *err)
{
    return buf_append(&reader->bytes, data, size) == 0 ? 0 : fail_memory(err);
}

/* The offset of the table's gzip member, from the end of the blob. */
static bool parse_footer(const struct buf *footer, uint64_t *ret_offset)
{
    char text[ESTARGZ_OFFSET_DIGITS + 1] = "";
    if (footer->size != ESTARGZ_FOOTER_BYTES) {
        return false;
    }
    const char *digits = footer->data + ESTARGZ_OFFSET_AT;
    memcpy(text, digits, ESTARGZ_OFFSET_DIGITS);
    *ret_offset = strtoull(text, NULL, 16);
    return text_is_hex_lower(text, ESTARGZ_OFFSET_DIGITS) &&
           memcmp(digits + ESTARGZ_OFFSET_DIGITS, "STARGZ", 6) == 0;
}

static int read_footer(struct store *store, const struct descriptor *layer,
                       struct layer_table *table, struct table_reader *reader,
                       struct lpipe_error *err)
{
    uint64_t end = layer->size - MIN_OF(layer->size, (uint64_t)ESTARGZ_FOOTER_BYTES);
    uint64_t offset = 0;
    reader->bytes = (struct buf)BUF_INIT(ESTARGZ_FOOTER_BYTES);
    int status = read_part(store, layer, end, layer->size - end, keep_bytes, reader, err);
    if (status != 0) {
        return status;
    }
    if (!parse_footer(&reader->bytes, &offset) || offset > end) {
        return fail(err, LPIPE_INTEGRITY, "the blob has no eStargz footer");
    }
    table->offset = offset;
    table->size = table->index_bytes = layer->size - offset;
    return 0;
}

static int on_entry(void *ctx, const struct tar_reader_entry *entry, struct lpipe_error *err)
{
    (void)err;
    ((struct table_reader *)ctx)->is_table = strcmp(entry->path, ESTARGZ_TABLE_NAME) == 0;
    return 0;
}

static int on_contents(void *ctx, const void *data, size_t size, struct lpipe_error *err)
{
    struct table_reader *reader = ctx;
    if (!reader->is_table) {
        return 0;
    }
    digest_update(reader->digest, data, size);
    return count_text(reader, data, size, err);
}

static int take_tar(void *ctx, const void *data, size_t size, struct lpipe_error *err)
{
    return tar_reader_bytes(((struct table_reader *)ctx)->tar, data, size, err);
}

/* eStargz: the digest is that of the uncompressed JSON in a tar entry. */
static int take_estargz(struct table_reader *reader, const unsigned char *data, size_t size,
                        struct lpipe_error *err)
{
    return decompress_bytes(reader->decompressor, data, size, take_tar, reader, err);
}

static int read_estargz(struct store *store, const struct descriptor *layer,
                        struct layer_table *table, struct table_reader *reader,
                        struct lpipe_error *err)
{
    const struct tar_reader_sink sink = { .entry = on_entry,
                                          .contents = on_contents,
                                          .ctx = reader };
    int status = read_footer(store, layer, table, reader, err);
    if (status != 0 || table->size > TOC_READ_BYTES_MAX) {
        return status;
    }
    status = decompress_new(CODEC_GZIP, 0, &reader->decompressor, err);
    status = status == 0 ? tar_reader_new(TAR_SCAN_ALLOW_TRUNCATED | TAR_SCAN_ALLOW_EMPTY, &sink,
                                          &reader->tar, err)
                         : status;
    if (status == 0) {
        status = read_part(store, layer, table->offset, table->size, take_estargz, reader, err);
    }
    return status == 0 ? check_table(reader, table, err) : status;
}

static int take_ztoc(struct table_reader *reader, const unsigned char *data, size_t size,
                     struct lpipe_error *err)
{
    digest_update(reader->digest, data, size);
    return keep_bytes(reader, data, size, err);
}

static int read_ztoc(struct store *store, struct layer_table *table, struct table_reader *reader,
                     struct lpipe_error *err)
{
    char digest[DIGEST_TEXT_SIZE];
    reader->bytes = (struct buf)BUF_INIT(ZTOC_READ_BYTES_MAX);
    int status = read_part(store, &table->ztoc, 0, table->ztoc.size, take_ztoc, reader, err);
    status = status == 0 ? digest_finish(reader->digest, digest, err) : status;
    if (status != 0) {
        return status;
    }
    if (strcmp(digest, table->ztoc.digest) != 0) {
        return fail(err, LPIPE_INTEGRITY, "it has the digest %s, not %s", digest,
                    table->ztoc.digest);
    }
    if (!ztoc_counts((const unsigned char *)reader->bytes.data, reader->bytes.size, &table->entries,
                     &table->chunks)) {
        return fail(err, LPIPE_PROTOCOL, "it is not a zTOC");
    }
    table->is_read = true;
    return 0;
}

int layer_table_read(struct store *store, const struct descriptor *layer, struct layer_table *table,
                     struct lpipe_error *err)
{
    struct table_reader reader AUTO_TABLE_READER = { .bytes = BUF_INIT(0) };
    const char *digest = table->kind == LAYER_TABLE_SOCI ? table->ztoc.digest : table->digest;
    if (table->kind == LAYER_TABLE_NONE) {
        return 0;
    }
    int status = digest_new(digest_alg_of(digest), &reader.digest, err);
    if (status != 0) {
        return status;
    }
    switch (table->kind) {
    case LAYER_TABLE_NONE:
        break;
    case LAYER_TABLE_ZSTD_CHUNKED:
        status =
            table->size <= TOC_READ_BYTES_MAX ? read_zstd(store, layer, table, &reader, err) : 0;
        break;
    case LAYER_TABLE_ESTARGZ:
        status = read_estargz(store, layer, table, &reader, err);
        break;
    case LAYER_TABLE_SOCI:
        status =
            table->ztoc.size <= ZTOC_READ_BYTES_MAX ? read_ztoc(store, table, &reader, err) : 0;
        break;
    }
    if (status == LPIPE_NOT_TAR || status == LPIPE_TRUNCATED) {
        status = fail(err, LPIPE_INTEGRITY, "its bytes are damaged");
    }
    return status == 0 ? 0
                       : fail_context(err, status, "the table of contents of %s", layer->digest);
}
