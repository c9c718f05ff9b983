/* SPDX-License-Identifier: Apache-2.0 */
#include "toc/toc.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "codec/crc64.h"
#include "tar/tar_reader.h"
#include "tar/tar_scan.h"
#include "tar/tar_write.h"
#include "toc/chunker.h"
#include "toc/path_set.h"
#include "toc/toc_entry.h"

/* Ends of chunks that may turn out to be in zeros at the end of a block. */
#define POSSIBLE_ENDS_MAX 8

/* The file whose contents pass. */
struct file {
    struct buf text; /* of its entry */
    size_t name_size;
    char *path;
    uint64_t start; /* of the contents in the tar */
    uint64_t size;
    uint64_t position; /* bytes that belong to a chunk */
    uint64_t chunk_count;
    uint64_t zeros; /* the last bytes were so many zeros that had been held back */
    uint64_t crc64;
    bool has_digest;
    struct toc_chunk chunk; /* the current one; its digest is in progress */
    struct digest *digest;
    struct digest *chunk_digest; /* of every chunk but the first, whose digest is the file's */
};

/* The block that passes. */
struct block {
    const unsigned char *data;
    size_t size;
    struct digest *tar_digest;
    size_t hashed;       /* bytes that tar_digest has */
    uint64_t start;      /* in the tar */
    uint64_t first_unit; /* its number */
    size_t chunk_cuts;
    struct toc_units *units;
};

/* A place in an earlier block where a unit begins, and a chunk may begin. */
struct possible_end {
    uint64_t at; /* in the tar */
    uint64_t unit;
};

struct toc {
    enum toc_format format;
    struct codec_spec spec;
    char *spool_dir;
    struct tar_reader *reader;
    struct toc_log log;
    struct tar_split *split; /* NULL: the format has none */
    struct path_set paths;
    struct chunker chunker;
    struct file file;
    bool in_contents;
    bool archive_ended;
    uint64_t end_from; /* where the end-of-archive mark begins */
    struct block block;
    uint64_t raw_from; /* bytes of the tar from here on are not in tar-split yet */
    struct possible_end possible[POSSIBLE_ENDS_MAX + 1];
    size_t possible_count;
    uint64_t tar_size;
    uint64_t blob_size;
    char notice[256]; /* "" = there is a table */
    struct toc_trailer trailer;
    struct spool_cursor cursor;
};

static const char *const FORMAT_NAMES[] = {
    [TOC_ZSTD_CHUNKED] = "zstd:chunked",
    [TOC_ESTARGZ] = "eStargz",
};

/* The layer gets no table. path may be NULL. */
static void give_up(struct toc *toc, const char *what, const char *path)
{
    char name[100];
    if (toc->notice[0] != '\0') {
        return;
    }
    (void)snprintf(toc->notice, sizeof toc->notice,
                   "the layer gets no table of contents, which %s cannot have for %s%s%s",
                   FORMAT_NAMES[toc->format], what, path == NULL ? "" : ": ",
                   path == NULL ? "" : text_printable(name, sizeof name, path, strlen(path)));
}

static bool gave_up(const struct toc *toc)
{
    return toc->notice[0] != '\0';
}

/* The number of the unit that begins at that place in the current block, which is not before the
 * last cut. */
static uint64_t cut(struct toc *toc, uint64_t at)
{
    struct toc_units *units = toc->block.units;
    uint32_t offset = (uint32_t)(at - toc->block.start);
    uint32_t last = units->count == 0 ? 0 : units->ends[units->count - 1];
    assert(offset >= last && offset <= toc->block.size && units->count < TOC_UNITS_MAX);
    if (offset > last) {
        units->ends[units->count++] = offset;
    }
    return toc->block.first_unit + units->count;
}

/* The same for the end of a chunk within a file; false where no unit can begin. */
static bool cut_chunk(struct toc *toc, uint64_t at, uint64_t *ret_unit)
{
    if (at >= toc->block.start) {
        if (toc->block.chunk_cuts == TOC_CHUNK_CUTS_MAX) {
            return false;
        }
        toc->block.chunk_cuts++;
        *ret_unit = cut(toc, at);
        return true;
    }
    for (size_t i = 0; i < toc->possible_count; i++) {
        if (toc->possible[i].at == at) {
            *ret_unit = toc->possible[i].unit;
            return true;
        }
    }
    return false;
}

/* The zeros at the end of a block are not given to a chunk yet: cuts where a chunk may end. */
static void cut_possible(struct toc *toc)
{
    uint64_t distances[POSSIBLE_ENDS_MAX];
    uint64_t first = toc->file.start + toc->file.position;
    uint64_t end = toc->block.start + toc->block.size;
    if (toc->chunker.zeros == 0 || first < toc->block.start) {
        return; /* an earlier block has the cuts */
    }
    toc->possible_count = 0;
    unsigned count = chunker_possible_ends(&toc->chunker, distances, POSSIBLE_ENDS_MAX);
    for (unsigned i = 0; i <= count; i++) {
        uint64_t at = first + (i == 0 ? 0 : distances[i - 1]);
        uint64_t unit = 0;
        if (at <= end && cut_chunk(toc, at, &unit)) {
            toc->possible[toc->possible_count++] = (struct possible_end){ at, unit };
        }
    }
}

/* further: the chunk has a digest of its own. Only files with content chunks have zeros here. */
static void add_zeros(struct file *file, uint64_t size, bool further)
{
    static const unsigned char zeros[4096];
    while (size > 0) {
        size_t part = (size_t)MIN_OF(size, (uint64_t)sizeof zeros);
        if (further) {
            digest_update_pair(file->digest, zeros, part, file->chunk_digest, zeros, part);
        } else {
            digest_update(file->digest, zeros, part);
        }
        file->crc64 = crc64_iso(file->crc64, zeros, part);
        size -= part;
    }
}

/* Updates the digest of the tar up to that place in the block. */
static void hash_tar(struct block *block, size_t end)
{
    digest_update(block->tar_digest, block->data + block->hashed, end - block->hashed);
    block->hashed = end;
}

/* The digest of the tar gets the same bytes as that of the file. */
static void hash_bytes(struct toc *toc, const unsigned char *data, size_t size)
{
    struct block *block = &toc->block;
    hash_tar(block, (size_t)(data - block->data));
    digest_update_pair(block->tar_digest, data, size, toc->file.digest, data, size);
    block->hashed += size;
}

static void add_bytes(struct toc *toc, const unsigned char *data, uint64_t size)
{
    struct file *file = &toc->file;
    bool further = file->chunk_count > 0;
    if (data == NULL) {
        add_zeros(file, size, further);
    } else {
        hash_bytes(toc, data, (size_t)size);
    }
    if (data != NULL && further) {
        digest_update(file->chunk_digest, data, (size_t)size);
    }
    if (data != NULL && toc->split != NULL) {
        file->crc64 = crc64_iso(file->crc64, data, (size_t)size);
    }
    file->position += size;
    file->chunk.size += size;
    file->chunk.is_zeros = false;
}

/* Records the current chunk; the next one begins with that unit. */
static int end_chunk(struct toc *toc, uint64_t next_unit, struct lpipe_error *err)
{
    struct file *file = &toc->file;
    int status = file->chunk_count == 0
                     ? digest_snapshot(file->digest, file->chunk.digest, err)
                     : digest_finish(file->chunk_digest, file->chunk.digest, err);
    status = status == 0 ? toc_log_chunk(&toc->log, &file->chunk, err) : status;
    digest_reset(file->chunk_digest);
    file->chunk_count++;
    file->chunk = (struct toc_chunk){ .offset = file->position, .unit = next_unit };
    return status;
}

static int take_bytes(void *ctx, const unsigned char *data, uint64_t size, struct lpipe_error *err)
{
    (void)err;
    struct toc *toc = ctx;
    add_bytes(toc, data, size);
    toc->file.zeros = data == NULL ? size : 0;
    return 0;
}

/* The chunker found the end of a chunk. Where no unit can begin, the chunk goes on. The last chunk
 * of a file ends with the file. */
static int take_end(void *ctx, bool is_zeros, struct lpipe_error *err)
{
    struct toc *toc = ctx;
    struct file *file = &toc->file;
    uint64_t unit = 0;
    if (file->chunk.size == 0) {
        return 0;
    }
    file->chunk.is_zeros = is_zeros && file->zeros == file->chunk.size;
    return file->position < file->size && cut_chunk(toc, file->start + file->position, &unit)
               ? end_chunk(toc, unit, err)
               : 0;
}

/* Chunks of a fixed size. */
static int take_fixed(struct toc *toc, const unsigned char *data, size_t size,
                      struct lpipe_error *err)
{
    struct file *file = &toc->file;
    int status = 0;
    while (size > 0 && status == 0) {
        size_t part = (size_t)MIN_OF((uint64_t)size, TOC_ESTARGZ_CHUNK_BYTES - file->chunk.size);
        add_bytes(toc, data, part);
        data += part;
        size -= part;
        if (file->chunk.size == TOC_ESTARGZ_CHUNK_BYTES && file->position < file->size) {
            status = end_chunk(toc, cut(toc, file->start + file->position), err);
        }
    }
    return status;
}

/* Gives the bytes up to that place, which are not contents, to tar-split. */
static int raw_until(struct toc *toc, uint64_t end, struct lpipe_error *err)
{
    uint64_t from = MAX_OF(toc->raw_from, toc->block.start);
    toc->raw_from = MAX_OF(end, toc->raw_from);
    return toc->split == NULL || end <= from
               ? 0
               : tar_split_bytes(toc->split, toc->block.data + (from - toc->block.start),
                                 (size_t)(end - from), err);
}

static int begin_file(struct toc *toc, const struct tar_reader_entry *entry,
                      struct lpipe_error *err)
{
    struct file *file = &toc->file;
    file->start = entry->offset + entry->headers_size;
    file->size = entry->size;
    file->position = 0;
    file->chunk_count = 0;
    file->crc64 = 0;
    file->has_digest = entry->size > 0 || (toc->format == TOC_ESTARGZ && entry->type == '0');
    file->chunk = (struct toc_chunk){ 0 };
    free(file->path);
    file->path = mem_strdup(entry->path);
    buf_clear(&file->text);
    int status = file->path == NULL
                     ? LPIPE_NO_MEMORY
                     : toc_entry_text(toc->format, entry, &file->text, &file->name_size);
    if (status == LPIPE_TOO_LARGE) {
        give_up(toc, "an entry with a time or attributes out of range", entry->path);
        return 0;
    }
    digest_reset(file->digest);
    digest_reset(file->chunk_digest);
    chunker_begin(&toc->chunker);
    return status != 0 ? fail_memory(err) : 0;
}

/* Notes where the entry is. *ret_refusal: why a table cannot have it there, or NULL. */
static int take_path(struct toc *toc, const struct tar_reader_entry *entry,
                     const char **ret_refusal, struct lpipe_error *err)
{
    *ret_refusal = NULL;
    if (entry->type == '1' && !path_set_has_file(&toc->paths, entry->link)) {
        *ret_refusal = "a hard link to what is not in front of it";
        return 0;
    }
    /* podman's storage makes a whiteout at the path that it deletes. */
    AUTO_FREE char *deleted = NULL;
    int status = toc->format == TOC_ZSTD_CHUNKED ? toc_entry_deleted(entry, &deleted, err) : 0;
    int place = status != 0 ? status
                            : path_set_add(&toc->paths, deleted != NULL ? deleted : entry->path,
                                           entry->type == '5', err);
    if (place == PATH_AGAIN) {
        *ret_refusal = deleted != NULL ? "a whiteout of what is in the same layer"
                                       : "two entries with the same path";
    } else if (place == PATH_BELOW_FILE) {
        *ret_refusal = "an entry below a file or a link";
    }
    return MIN_OF(place, 0);
}

static int on_entry(void *ctx, const struct tar_reader_entry *entry, struct lpipe_error *err)
{
    struct toc *toc = ctx;
    if (gave_up(toc)) {
        return 0;
    }
    const char *refusal = toc_entry_refusal(toc->format, entry);
    int status = refusal == NULL ? take_path(toc, entry, &refusal, err) : 0;
    if (status != 0 || refusal != NULL) {
        if (status == 0) {
            give_up(toc, refusal, entry->path);
        }
        return status;
    }
    status = raw_until(toc, entry->offset + entry->headers_size, err);
    if (status == 0 && toc->split != NULL) {
        status = tar_split_headers_end(toc->split, err);
    }
    status = status == 0 ? begin_file(toc, entry, err) : status;
    if (status == 0 && entry->size > 0) {
        toc->in_contents = true;
        toc->file.chunk.unit = cut(toc, toc->file.start);
    }
    return status;
}

static const struct chunker_sink *chunk_sink(struct toc *toc, struct chunker_sink *sink)
{
    *sink = (struct chunker_sink){ take_bytes, take_end, toc };
    return sink;
}

static int on_contents(void *ctx, const void *data, size_t size, struct lpipe_error *err)
{
    struct toc *toc = ctx;
    struct chunker_sink sink;
    if (gave_up(toc)) {
        return 0;
    }
    return toc->format == TOC_ESTARGZ
               ? take_fixed(toc, data, size, err)
               : chunker_bytes(&toc->chunker, data, size, chunk_sink(toc, &sink), err);
}

/* The last chunk of a file. eStargz leaves the padding and the next headers in its unit. */
static int end_contents(struct toc *toc, uint64_t *ret_end_unit, struct lpipe_error *err)
{
    struct file *file = &toc->file;
    struct chunker_sink sink;
    int status =
        toc->format == TOC_ESTARGZ ? 0 : chunker_finish(&toc->chunker, chunk_sink(toc, &sink), err);
    *ret_end_unit = file->chunk.unit;
    if (status == 0 && toc->format != TOC_ESTARGZ) {
        *ret_end_unit = cut(toc, file->start + file->size);
    }
    toc->in_contents = false;
    toc->possible_count = 0;
    return status == 0 && file->chunk.size > 0 ? end_chunk(toc, *ret_end_unit, err) : status;
}

static int on_entry_end(void *ctx, struct lpipe_error *err)
{
    struct toc *toc = ctx;
    struct file *file = &toc->file;
    uint64_t end_unit = 0;
    if (gave_up(toc)) {
        return 0;
    }
    toc->raw_from = file->start + file->size;
    int status = file->size > 0 ? end_contents(toc, &end_unit, err) : 0;
    struct toc_entry entry = { .text = file->text.data,
                               .text_size = file->text.size,
                               .name_size = file->name_size,
                               .chunk_count = file->chunk_count,
                               .end_unit = end_unit };
    if (status == 0 && file->has_digest) {
        status = digest_finish(file->digest, entry.digest, err);
    }
    status = status == 0 ? toc_log_entry(&toc->log, &entry, err) : status;
    if (status == 0 && toc->split != NULL) {
        status = tar_split_entry(toc->split, file->path, file->size, file->crc64, err);
    }
    return status;
}

static int on_archive_end(void *ctx, struct lpipe_error *err)
{
    (void)err;
    struct toc *toc = ctx;
    toc->archive_ended = true;
    toc->end_from = toc->raw_from + tar_padding(toc->raw_from);
    return 0;
}

static int toc_init(struct toc *toc, const char *spool_dir, struct lpipe_error *err)
{
    const struct tar_reader_sink sink = { on_entry, on_contents, on_entry_end, on_archive_end,
                                          toc };
    toc->spool_dir = mem_strdup(spool_dir);
    if (toc->spool_dir == NULL) {
        return fail_memory(err);
    }
    toc_log_init(&toc->log, toc->spool_dir);
    toc_trailer_init(&toc->trailer, toc->spool_dir);
    toc->file.text = (struct buf)BUF_INIT(TOC_ENTRY_BYTES_MAX);
    int status =
        tar_reader_new(TAR_SCAN_ALLOW_TRUNCATED | TAR_SCAN_ALLOW_EMPTY, &sink, &toc->reader, err);
    status = status == 0 ? digest_new(DIGEST_SHA256, &toc->file.digest, err) : status;
    status = status == 0 ? digest_new(DIGEST_SHA256, &toc->file.chunk_digest, err) : status;
    if (status == 0 && toc->format == TOC_ZSTD_CHUNKED) {
        status = tar_split_new(toc->spool_dir, &toc->split, err);
    }
    return status;
}

int toc_new(enum toc_format format, const struct codec_spec *spec, const char *spool_dir,
            struct toc **ret_toc, struct lpipe_error *err)
{
    struct toc *toc = NEW(struct toc);
    if (toc == NULL) {
        return fail_memory(err);
    }
    toc->format = format;
    toc->spec = *spec;
    int status = toc_init(toc, spool_dir, err);
    if (status != 0) {
        toc_free(toc);
        return status;
    }
    *ret_toc = toc;
    return 0;
}

struct toc *toc_free(struct toc *toc)
{
    if (toc == NULL) {
        return NULL;
    }
    tar_reader_free(toc->reader);
    toc_log_dispose(&toc->log);
    tar_split_free(toc->split);
    path_set_dispose(&toc->paths);
    buf_dispose(&toc->file.text);
    free(toc->file.path);
    digest_free(toc->file.digest);
    digest_free(toc->file.chunk_digest);
    toc_trailer_dispose(&toc->trailer);
    free(toc->spool_dir);
    free(toc);
    return NULL;
}

/* tar-split's readers take every record after the end of the archive for a header, unless it is
 * zeros. */
static void check_after_end(struct toc *toc)
{
    uint64_t from = MAX_OF(toc->end_from, toc->block.start);
    uint64_t end = toc->block.start + toc->block.size;
    for (uint64_t at = from; at < end; at++) {
        if (toc->block.data[at - toc->block.start] != 0) {
            give_up(toc, "bytes after the end of the archive", NULL);
            return;
        }
    }
}

/* The end of a block outside of contents. */
static int end_raw(struct toc *toc, struct lpipe_error *err)
{
    int status = raw_until(toc, toc->block.start + toc->block.size, err);
    if (status == 0 && toc->archive_ended && toc->split != NULL) {
        check_after_end(toc);
        status = tar_split_headers_end(toc->split, err);
    }
    return status;
}

int toc_input(struct toc *toc, struct digest *tar_digest, const void *data, size_t size,
              struct toc_units *ret_units, struct lpipe_error *err)
{
    assert(size > 0 && size <= TOC_BLOCK_BYTES);
    ret_units->count = 0;
    toc->block.data = data;
    toc->block.size = size;
    toc->block.start = toc->tar_size;
    toc->block.chunk_cuts = 0;
    toc->block.tar_digest = tar_digest;
    toc->block.hashed = 0;
    toc->block.units = ret_units;
    toc->tar_size += size;
    int status = gave_up(toc) ? 0 : tar_reader_bytes(toc->reader, data, size, err);
    if (status == 0 && !gave_up(toc)) {
        if (toc->in_contents) {
            cut_possible(toc);
        } else {
            status = end_raw(toc, err);
        }
    }
    hash_tar(&toc->block, size);
    (void)cut(toc, toc->block.start + size);
    toc->block.first_unit += ret_units->count;
    return status;
}

int toc_output(struct toc *toc, const uint32_t *sizes, size_t count, struct lpipe_error *err)
{
    for (size_t i = 0; i < count; i++) {
        toc->blob_size += sizes[i];
    }
    return toc_log_units(&toc->log, sizes, count, err);
}

int toc_finish(struct toc *toc, toc_tar_sink *sink, void *ctx, struct lpipe_error *err)
{
    int status = 0;
    if (!toc->archive_ended) {
        give_up(toc, "a tar without an end", NULL);
    }
    if (!gave_up(toc) && toc->split != NULL) {
        status = tar_split_end(toc->split, err);
        if (status == 0) {
            status = toc_trailer_zstd(&toc->trailer, &toc->log, toc->split, toc->blob_size, err);
        }
    } else if (!gave_up(toc)) {
        status = toc_trailer_estargz(&toc->trailer, &toc->log, &toc->spec, toc->blob_size,
                                     toc->tar_size, sink, ctx, err);
    }
    spool_cursor_init(&toc->cursor, &toc->trailer.bytes);
    return status;
}

int toc_trailer_read(struct toc *toc, void *buf, size_t size, size_t *ret_size,
                     struct lpipe_error *err)
{
    uint64_t left = spool_size(&toc->trailer.bytes) - toc->cursor.position;
    size_t part = (size_t)MIN_OF((uint64_t)size, left);
    int status = spool_read(&toc->cursor, buf, part, err);
    *ret_size = status == 0 ? part : 0;
    return status;
}

size_t toc_annotations(const struct toc *toc, const struct toc_annotation **ret_annotations)
{
    *ret_annotations = toc->trailer.annotations;
    return toc->trailer.annotation_count;
}

const char *toc_notice(const struct toc *toc)
{
    return gave_up(toc) ? toc->notice : NULL;
}

void toc_counts(const struct toc *toc, struct toc_counts *ret_counts)
{
    *ret_counts = (struct toc_counts){ .entries = toc->log.entry_count,
                                       .chunks = toc->log.chunk_count,
                                       .bytes = toc_log_bytes(&toc->log) };
}

uint64_t toc_memory_bytes(const struct toc *toc)
{
    return toc_log_memory_bytes(&toc->log) + toc->paths.capacity * sizeof *toc->paths.hashes +
           (toc->split == NULL ? 0 : tar_split_memory_bytes(toc->split)) +
           spool_memory_bytes(&toc->trailer.bytes);
}
