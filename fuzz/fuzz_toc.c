/* SPDX-License-Identifier: Apache-2.0 */
/* Layers with a table of contents, made of a tar that the bytes describe. What the table says is
 * compared with the tar: its entries are those of the tar, the chunks of a file cover it, offsets
 * ascend, and each chunk, decompressed alone, has its digest and the bytes of the file. Any number
 * of threads gives the same blob.
 *
 * The first byte chooses the format; then each entry takes five bytes: kind, name, size (two
 * bytes), contents. The name and the key of an extended attribute hold characters that JSON
 * escapes. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "codec/decompress.h"
#include "codec/digest.h"
#include "layerpipe/layer.h"
#include "oci/json_read.h"
#include "tar/tar_write.h"

#define ENTRY_BYTES 5
#define ENTRIES_MAX 64
#define FOOTER_BYTES 51

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

struct file {
    char path[8];
    char xattr[8]; /* "" = none */
    size_t start;  /* of its contents in the tar */
    size_t size;
};

struct made {
    struct buf tar;
    struct file files[ENTRIES_MAX];
    size_t count;
    bool has_duplicates;
};

struct input {
    const char *data;
    size_t size;
    size_t piece;
};

/* Runs of zeros, of one byte, of a short pattern, and of noise. */
static void add_contents(struct buf *tar, size_t size, uint8_t seed)
{
    uint64_t state = (uint64_t)seed * 0x9e3779b97f4a7c15 + 1;
    char run[700];
    while (size > 0) {
        size_t part = MIN_OF(size, (size_t)(state >> 20) % sizeof run + 1);
        unsigned kind = (unsigned)(state >> 60) % 4;
        for (size_t i = 0; i < part; i++) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            run[i] = kind == 0 ? 0 : kind == 1 ? 'x' : (char)(kind == 2 ? i % 7 : state);
        }
        require(buf_append(tar, run, part) == 0);
        size -= part;
    }
}

/* The key of the attribute ends with the character. */
static void add_xattr(struct file *file, char last, struct buf *records)
{
    char key[32];
    (void)snprintf(file->xattr, sizeof file->xattr, "user.%c", last);
    (void)snprintf(key, sizeof key, "SCHILY.xattr.%s", file->xattr);
    require(tar_write_pax_record(records, key, "v", 1) == 0);
}

static void add_entry(struct made *made, const uint8_t *data)
{
    static const char zeros[TAR_WRITE_BLOCK_BYTES];
    static const enum tar_entry_type types[] = { TAR_ENTRY_FILE,    TAR_ENTRY_FILE,
                                                 TAR_ENTRY_FILE,    TAR_ENTRY_DIRECTORY,
                                                 TAR_ENTRY_SYMLINK, TAR_ENTRY_FIFO };
    struct file *file = &made->files[made->count++];
    struct tar_write_entry entry = { .type = types[data[0] % ARRAY_LEN(types)], .mode = 0644 };
    bool is_file = entry.type == TAR_ENTRY_FILE;
    static const char odd[] = { '"', '\\', '\n', '\t', 1, 'a' };
    AUTO_BUF struct buf xattrs = BUF_INIT(KIB);
    char last = odd[data[1] % sizeof odd];
    (void)snprintf(file->path, sizeof file->path, "f%u%c", data[1], last);
    if ((data[0] & 0x20) != 0) {
        add_xattr(file, last, &xattrs);
        entry.xattrs = &xattrs;
    }
    for (size_t i = 0; i + 1 < made->count; i++) {
        made->has_duplicates = made->has_duplicates || strcmp(made->files[i].path, file->path) == 0;
    }
    file->size = is_file ? (size_t)(data[2] | data[3] << 8) << (data[0] >> 6) : 0;
    entry.path = file->path;
    entry.size = file->size;
    entry.link = entry.type == TAR_ENTRY_SYMLINK ? "target" : NULL;
    require(tar_write_header(&entry, &made->tar) == 0);
    file->start = made->tar.size;
    add_contents(&made->tar, file->size, data[4]);
    require(buf_append(&made->tar, zeros, tar_padding(file->size)) == 0);
}

static void make_tar(struct made *made, const uint8_t *data, size_t size)
{
    static const char end[2 * TAR_WRITE_BLOCK_BYTES];
    made->tar = (struct buf)BUF_INIT(64 * MIB);
    while (size >= ENTRY_BYTES && made->count < ENTRIES_MAX) {
        add_entry(made, data);
        data += ENTRY_BYTES;
        size -= ENTRY_BYTES;
    }
    require(buf_append(&made->tar, end, sizeof end) == 0);
}

static ptrdiff_t input_read(void *ctx, void *buf, size_t size)
{
    struct input *input = ctx;
    size_t part = MIN_OF(MIN_OF(size, input->piece), input->size);
    if (part > 0) {
        memcpy(buf, input->data, part);
    }
    input->data += part;
    input->size -= part;
    return (ptrdiff_t)part;
}

static void make_layer(const struct buf *tar, const char *compress, int32_t threads, size_t piece,
                       struct lpipe_layer_result *ret_result, struct buf *blob)
{
    struct input input = { tar->data, tar->size, piece };
    struct lpipe_source source = { .read = input_read, .ctx = &input };
    struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
    lpipe_layer *layer = NULL;
    lpipe_reader *reader = NULL;
    char part[5000];
    size_t got = 1;
    options.compress = compress;
    options.threads = threads;
    require(lpipe_layer_new(&source, &options, &layer, NULL) == 0);
    require(lpipe_layer_open(layer, &reader, NULL) == 0);
    while (got > 0) {
        require(lpipe_reader_read(reader, part, sizeof part, &got, NULL) == 0);
        require(buf_append(blob, part, got) == 0);
    }
    require(lpipe_reader_close(reader, NULL) == 0);
    require(lpipe_layer_result(layer, ret_result, NULL) == 0);
    lpipe_layer_free(layer);
}

static int take_plain(void *ctx, const void *data, size_t size, struct lpipe_error *err)
{
    (void)err;
    require(buf_append(ctx, data, size) == 0);
    return 0;
}

/* A part of the blob, decompressed alone. */
static void decompress_part(const struct buf *blob, uint64_t from, uint64_t to,
                            enum codec_kind kind, struct buf *plain)
{
    struct decompressor *decompressor = NULL;
    require(from < to && to <= blob->size);
    require(decompress_new(kind, 128 * MIB, &decompressor, NULL) == 0);
    require(decompress_bytes(decompressor, blob->data + from, (size_t)(to - from), take_plain,
                             plain, NULL) == 0);
    require(decompress_end(decompressor, NULL) == 0);
    decompress_free(decompressor);
}

static const char *annotation(const struct lpipe_layer_result *result, const char *key)
{
    for (size_t i = 0; i < result->annotation_count; i++) {
        if (strcmp(result->annotations[i].key, key) == 0) {
            return result->annotations[i].value;
        }
    }
    abort();
}

struct table {
    enum codec_kind kind;
    const struct buf *blob;
    const struct made *made;
    uint64_t end; /* of the compressed tar in the blob */
    struct buf text;
};

/* The JSON text of the table, and where the table begins. */
static void read_table(struct table *table, const struct lpipe_layer_result *result)
{
    uint64_t offset = 0;
    uint64_t size = 0;
    uint64_t raw = 0;
    char digest[DIGEST_TEXT_SIZE];
    if (table->kind == CODEC_ZSTD) {
        const char *place =
            annotation(result, "io.github.containers.zstd-chunked.manifest-position");
        require(sscanf(place, "%" SCNu64 ":%" SCNu64 ":%" SCNu64 ":1", &offset, &size, &raw) == 3);
        decompress_part(table->blob, offset, offset + size, CODEC_ZSTD, &table->text);
        require(table->text.size == raw);
        require(digest_of(DIGEST_SHA256, table->blob->data + offset, (size_t)size, digest, NULL) ==
                0);
        require(strcmp(digest, annotation(result, "io.github.containers.zstd-chunked.manifest-"
                                                  "checksum")) == 0);
        table->end = offset - 8; /* the header of the frame */
        return;
    }
    require(sscanf(table->blob->data + table->blob->size - FOOTER_BYTES + 16, "%16" SCNx64,
                   &offset) == 1);
    decompress_part(table->blob, offset, table->blob->size, CODEC_GZIP, &table->text);
    require(sscanf(table->text.data + 124, "%" SCNo64, &size) == 1);
    memmove(table->text.data, table->text.data + TAR_WRITE_BLOCK_BYTES, (size_t)size);
    table->text.size = (size_t)size;
    require(digest_of(DIGEST_SHA256, table->text.data, (size_t)size, digest, NULL) == 0);
    require(strcmp(digest, annotation(result, "containerd.io/snapshot/stargz/toc.digest")) == 0);
    table->end = offset;
}

static uint64_t number_of(const struct json_node *object, const char *key, uint64_t absent)
{
    uint64_t value = absent;
    require(json_get_size(object, key, &value, NULL) >= 0);
    return value;
}

static bool text_is(const struct json_node *object, const char *key, const char *wanted)
{
    struct json_node node = json_node_member(object, key);
    const char *text = json_node_text(&node);
    return text != NULL && strcmp(text, wanted) == 0;
}

static void check_digest(const struct json_node *object, const char *key, const char *data,
                         size_t size)
{
    char digest[DIGEST_TEXT_SIZE];
    struct json_node node = json_node_member(object, key);
    require(digest_of(DIGEST_SHA256, data, size, digest, NULL) == 0);
    require(node.value == NULL || text_is(object, key, digest));
}

/* A chunk: where it is decompressed to bytes of the file. next: offset of the next one. */
static void check_chunk(const struct table *table, const struct json_node *entry,
                        const struct file *file, uint64_t at, uint64_t size, uint64_t next)
{
    struct buf plain = BUF_INIT(64 * MIB);
    const char *contents = table->made->tar.data + file->start + at;
    decompress_part(table->blob, number_of(entry, "offset", 0), next, table->kind, &plain);
    require(table->kind == CODEC_ZSTD ? plain.size == size : plain.size >= size);
    require(size == 0 || memcmp(plain.data, contents, (size_t)size) == 0);
    check_digest(entry, "chunkDigest", contents, (size_t)size);
    buf_dispose(&plain);
}

/* The offset of the first chunk of the entries from that one on. */
static uint64_t next_offset(const struct table *table, const struct json_node *entries, size_t from)
{
    for (size_t i = from; i < json_node_count(entries); i++) {
        struct json_node entry = json_node_entry(entries, i);
        uint64_t offset = number_of(&entry, "offset", 0);
        if (offset > 0) {
            return offset;
        }
    }
    return table->end;
}

/* The chunks of a file, from entry *io_index on, which is moved behind them. */
static void check_file(const struct table *table, const struct json_node *entries, size_t *io_index,
                       const struct file *file)
{
    struct json_node first = json_node_entry(entries, *io_index);
    uint64_t end_of_file = number_of(&first, "endOffset", 0);
    uint64_t at = 0;
    check_digest(&first, "digest", table->made->tar.data + file->start, file->size);
    while (at < file->size) {
        struct json_node entry = json_node_entry(entries, *io_index);
        require(text_is(&entry, "name", file->path));
        require(text_is(&entry, "type", at == 0 ? "reg" : "chunk"));
        require(number_of(&entry, "chunkOffset", 0) == at);
        uint64_t size = number_of(&entry, "chunkSize", file->size - at);
        require(size > 0 && size <= file->size - at);
        uint64_t next = next_offset(table, entries, *io_index + 1);
        bool is_last = at + size == file->size;
        require(next > number_of(&entry, "offset", 0));
        check_chunk(table, &entry, file, at, size, is_last && end_of_file > 0 ? end_of_file : next);
        at += size;
        (*io_index)++;
    }
    *io_index += file->size == 0;
}

static void check_xattr(const struct json_node *entry, const struct file *file)
{
    struct json_node xattrs = json_node_member(entry, "xattrs");
    require(file->xattr[0] == '\0' ? xattrs.value == NULL : text_is(&xattrs, file->xattr, "dg=="));
}

static void check_table(const struct made *made, const struct lpipe_layer_result *result,
                        const struct buf *blob, enum codec_kind kind)
{
    struct table table = { .kind = kind, .blob = blob, .made = made, .text = BUF_INIT(64 * MIB) };
    struct json_doc doc AUTO_JSON_DOC = JSON_DOC_INIT;
    size_t index = 0;
    read_table(&table, result);
    require(json_doc_parse(table.text.data, table.text.size, 64 * MIB, "table", LPIPE_PROTOCOL,
                           &doc, NULL) == 0);
    struct json_node root = json_node_root(&doc);
    struct json_node entries = json_node_member(&root, "entries");
    for (size_t i = 0; i < made->count; i++) {
        struct json_node entry = json_node_entry(&entries, index);
        require(text_is(&entry, "name", made->files[i].path));
        require(number_of(&entry, "size", 0) == made->files[i].size);
        check_xattr(&entry, &made->files[i]);
        check_file(&table, &entries, &index, &made->files[i]);
    }
    require(index == json_node_count(&entries));
    buf_dispose(&table.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const formats[] = { "zstd-chunked:1", "estargz:1", "zstd-chunked:3",
                                           "estargz:0" };
    struct made made = { .count = 0 };
    struct buf blob = BUF_INIT(128 * MIB);
    struct buf again = BUF_INIT(128 * MIB);
    struct lpipe_layer_result result = LPIPE_LAYER_RESULT_INIT;
    struct lpipe_layer_result second = LPIPE_LAYER_RESULT_INIT;
    if (size < 1) {
        return 0;
    }
    const char *format = formats[data[0] % ARRAY_LEN(formats)];
    make_tar(&made, data + 1, size - 1);
    make_layer(&made.tar, format, LPIPE_THREADS_INLINE, SIZE_MAX, &result, &blob);
    make_layer(&made.tar, format, 1, (size_t)data[0] * 100 + 1, &second, &again);
    require(strcmp(result.digest, second.digest) == 0 && blob.size == again.size);
    require((result.annotation_count == 0) == made.has_duplicates);
    if (result.annotation_count > 0) {
        check_table(&made, &result, &blob, format[0] == 'z' ? CODEC_ZSTD : CODEC_GZIP);
    }
    buf_dispose(&made.tar);
    buf_dispose(&blob);
    buf_dispose(&again);
    return 0;
}
