/* SPDX-License-Identifier: Apache-2.0 */
#include "toc/toc_document.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "toc/json_text.h"

/* Text that is not given to the sink yet. */
#define BUFFER_BYTES (64 * KIB)

struct document {
    struct toc_log_reader reader;
    enum toc_format format;
    struct buf text;
    toc_document_sink *sink;
    void *ctx;
    bool has_entries;
};

static int flush(struct document *document, size_t above, struct lpipe_error *err)
{
    if (document->text.size <= above) {
        return 0;
    }
    int status = document->sink(document->ctx, document->text.data, document->text.size, err);
    buf_clear(&document->text);
    return status;
}

static int add_word(struct document *document, const char *key, const char *word)
{
    return json_text_word(&document->text, key, word);
}

static int add_number(struct document *document, const char *key, uint64_t value)
{
    return json_text_number(&document->text, key, (int64_t)value);
}

/* eStargz leaves out the size of a chunk that is shorter than the others. */
static bool needs_size(const struct document *document, const struct toc_chunk *chunk,
                       uint64_t count)
{
    return document->format == TOC_ESTARGZ ? chunk->size == TOC_ESTARGZ_CHUNK_BYTES : count > 1;
}

/* The members that say where a chunk is. */
static int add_chunk(struct document *document, const struct toc_chunk *chunk, uint64_t count)
{
    int status = 0;
    if (needs_size(document, chunk, count)) {
        status = add_number(document, "chunkSize", chunk->size);
    }
    if (status == 0 && chunk->offset > 0) {
        status = add_number(document, "chunkOffset", chunk->offset);
    }
    if (status == 0 && (count > 1 || document->format == TOC_ESTARGZ)) {
        status = add_word(document, "chunkDigest", chunk->digest);
    }
    if (status == 0 && count > 1 && chunk->is_zeros) {
        status = add_word(document, "chunkType", "zeros");
    }
    return status;
}

static int object_begin(struct document *document)
{
    int status = document->has_entries ? buf_append(&document->text, ",", 1) : 0;
    document->has_entries = true;
    return status != 0 ? status : buf_append(&document->text, "{", 1);
}

/* The entry of a file, or of its first chunk. */
static int add_entry(struct document *document, const struct toc_entry *entry,
                     const struct toc_chunk *first)
{
    int status = object_begin(document);
    status = status == 0 ? buf_append(&document->text, entry->text, entry->text_size) : status;
    if (status == 0 && entry->digest[0] != '\0') {
        status = add_word(document, "digest", entry->digest);
    }
    if (status == 0 && entry->chunk_count > 0) {
        status = add_number(document, "offset", first->blob_offset);
        if (status == 0 && document->format == TOC_ZSTD_CHUNKED) {
            status = add_number(document, "endOffset", entry->blob_end);
        }
        status = status == 0 ? add_chunk(document, first, entry->chunk_count) : status;
    }
    return status != 0 ? status : buf_append(&document->text, "}", 1);
}

/* The entry of a further chunk: its text begins with the file's name. */
static int add_further_chunk(struct document *document, const struct toc_entry *entry,
                             const struct toc_chunk *chunk)
{
    int status = object_begin(document);
    status = status == 0 ? buf_append(&document->text, entry->text, entry->name_size) : status;
    status = status == 0 ? add_word(document, "type", "chunk") : status;
    status = status == 0 ? add_number(document, "offset", chunk->blob_offset) : status;
    status = status == 0 ? add_chunk(document, chunk, entry->chunk_count) : status;
    return status != 0 ? status : buf_append(&document->text, "}", 1);
}

static int write_entry(struct document *document, const struct toc_entry *entry,
                       struct lpipe_error *err)
{
    struct toc_chunk chunk = { 0 };
    int status = entry->chunk_count > 0 ? toc_log_next_chunk(&document->reader, &chunk, err) : 0;
    if (status == 0 && add_entry(document, entry, &chunk) != 0) {
        status = fail_memory(err);
    }
    for (uint64_t i = 1; i < entry->chunk_count && status == 0; i++) {
        status = toc_log_next_chunk(&document->reader, &chunk, err);
        if (status == 0 && add_further_chunk(document, entry, &chunk) != 0) {
            status = fail_memory(err);
        }
        status = status == 0 ? flush(document, BUFFER_BYTES, err) : status;
    }
    return status != 0 ? status : flush(document, BUFFER_BYTES, err);
}

static int write_all(struct document *document, const char *tar_split_digest,
                     struct lpipe_error *err)
{
    struct toc_entry entry;
    int status = buf_append_text(&document->text, "{\"version\":1,\"entries\":[");
    int more = status != 0 ? fail_memory(err) : toc_log_next(&document->reader, &entry, err);
    while (more == 1) {
        status = write_entry(document, &entry, err);
        more = status != 0 ? status : toc_log_next(&document->reader, &entry, err);
    }
    if (more < 0) {
        return more;
    }
    status = buf_append(&document->text, "]", 1);
    if (status == 0 && tar_split_digest != NULL) {
        status = add_word(document, "tarSplitDigest", tar_split_digest);
    }
    status = status == 0 ? buf_append(&document->text, "}", 1) : status;
    return status != 0 ? fail_memory(err) : flush(document, 0, err);
}

int toc_document_write(const struct toc_log *log, enum toc_format format,
                       const char *tar_split_digest, toc_document_sink *sink, void *ctx,
                       struct lpipe_error *err)
{
    struct document *document = NEW(struct document);
    if (document == NULL) {
        return fail_memory(err);
    }
    toc_log_reader_init(&document->reader, log);
    document->format = format;
    document->text = (struct buf)BUF_INIT(BUFFER_BYTES + 2 * TOC_ENTRY_BYTES_MAX);
    document->sink = sink;
    document->ctx = ctx;
    int status = write_all(document, tar_split_digest, err);
    buf_dispose(&document->text);
    toc_log_reader_dispose(&document->reader);
    free(document);
    return status;
}
