/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/prefetch_source.h"

#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/spool.h"
#include "base/text.h"
#include "codec/digest.h"
#include "flow/prefetch_list.h"
#include "tar/tar_reader.h"
#include "tar/tar_scan.h"
#include "tar/tar_write.h"

#define LANDMARK ".prefetch.landmark"
#define NO_LANDMARK ".no.prefetch.landmark"
#define LANDMARK_BYTE 0x0f
/* A hard link leads to its target, which may be one, too. */
#define PASSES_MAX 8

/* A part of the tar that does not come at its place: it was moved, or is an old landmark. */
struct range {
    uint64_t offset;
    uint64_t size;
};

struct prefetch_source {
    struct source base;
    struct source_ops ops; /* those that the other source has, too */
    struct source *from;
    char *spool_dir;
    struct prefetch_list list;
    struct spool spool; /* bytes of the entries that are moved */
    struct buf front;   /* what is given next */
    size_t front_done;
    bool is_planned;
    /* The pass that finds the entries. */
    struct prefetch_path *moved; /* the current entry is moved */
    bool more_wanted;
    bool is_whole;         /* the end-of-archive mark was there */
    struct digest *digest; /* of the tar in this pass */
    char first_digest[DIGEST_TEXT_SIZE];
    struct range *ranges; /* in the order of the tar */
    size_t range_count;
    /* The pass that gives the bytes. */
    size_t order; /* of the listed path that comes next */
    struct prefetch_path *giving;
    struct spool_cursor *cursor;
    uint64_t left; /* of the moved entry that is given */
    bool has_landmark;
    uint64_t position; /* in the tar */
    size_t range;
    bool has_ended;
};

static int add_range(struct prefetch_source *source, uint64_t offset, uint64_t size,
                     struct lpipe_error *err)
{
    struct range *ranges = mem_realloc(source->ranges, (source->range_count + 1) * sizeof *ranges);
    if (ranges == NULL) {
        return fail_memory(err);
    }
    source->ranges = ranges;
    ranges[source->range_count++] = (struct range){ offset, size };
    return 0;
}

static bool is_landmark(const char *path)
{
    path += text_starts(path, "./") ? 2 : 0;
    return strcmp(path, LANDMARK) == 0 || strcmp(path, NO_LANDMARK) == 0;
}

static int keep_target(struct prefetch_source *source, struct prefetch_path *path,
                       const char *target, struct lpipe_error *err)
{
    int added = prefetch_list_add(&source->list, target, err);
    free(path->target);
    path->target = mem_strdup(target);
    source->more_wanted = source->more_wanted || added == 1;
    return added < 0 ? added : path->target == NULL ? fail_memory(err) : 0;
}

static int on_entry(void *ctx, const struct tar_reader_entry *entry, struct lpipe_error *err)
{
    struct prefetch_source *source = ctx;
    struct prefetch_path *path = prefetch_list_find(&source->list, entry->path);
    uint64_t size = entry->headers_size + entry->size;
    size += tar_padding(size);
    source->moved = NULL;
    if (is_landmark(entry->path)) {
        return add_range(source, entry->offset, size, err);
    }
    if (path == NULL || path->is_found) {
        return 0;
    }
    path->is_found = true;
    path->offset = entry->offset;
    path->size = size;
    path->kept_at = spool_size(&source->spool);
    source->moved = path;
    int status = entry->type == '1' ? keep_target(source, path, entry->link, err) : 0;
    status = status == 0 ? add_range(source, entry->offset, size, err) : status;
    return status == 0 ? spool_append(&source->spool, entry->headers, entry->headers_size, err)
                       : status;
}

static int on_contents(void *ctx, const void *data, size_t size, struct lpipe_error *err)
{
    struct prefetch_source *source = ctx;
    return source->moved == NULL ? 0 : spool_append(&source->spool, data, size, err);
}

static int on_entry_end(void *ctx, struct lpipe_error *err)
{
    static const char zeros[TAR_WRITE_BLOCK_BYTES];
    struct prefetch_source *source = ctx;
    if (source->moved == NULL) {
        return 0;
    }
    uint64_t kept = spool_size(&source->spool) - source->moved->kept_at;
    source->moved = NULL;
    return spool_append(&source->spool, zeros, tar_padding(kept), err);
}

static int on_archive_end(void *ctx, struct lpipe_error *err)
{
    (void)err;
    ((struct prefetch_source *)ctx)->is_whole = true;
    return 0;
}

/* Reads the whole tar. */
static int read_all(struct prefetch_source *source, struct tar_reader *reader,
                    struct lpipe_error *err)
{
    AUTO_FREE unsigned char *block = mem_new(COPY_BLOCK_BYTES);
    ptrdiff_t got = 1;
    int status = block == NULL ? fail_memory(err) : 0;
    digest_reset(source->digest);
    while (status == 0 && got > 0) {
        got = source->from->ops->read(source->from, block, COPY_BLOCK_BYTES, err);
        if (got < 0) {
            return (int)got;
        }
        digest_update(source->digest, block, (size_t)got);
        status = got > 0 ? tar_reader_bytes(reader, block, (size_t)got, err) : 0;
    }
    return status == 0 ? digest_finish(source->digest, source->first_digest, err) : status;
}

/* One pass that finds the entries and keeps their bytes. */
static int find_entries(struct prefetch_source *source, struct lpipe_error *err)
{
    const struct tar_reader_sink sink = { on_entry, on_contents, on_entry_end, on_archive_end,
                                          source };
    struct tar_reader *reader = NULL;
    spool_dispose(&source->spool);
    spool_init(&source->spool, source->spool_dir, TOC_MEMORY_MAX);
    source->range_count = 0;
    source->more_wanted = false;
    source->is_whole = false;
    source->moved = NULL;
    for (size_t i = 0; i < source->list.path_count; i++) {
        source->list.by_path[i]->is_found = false;
    }
    int status =
        tar_reader_new(TAR_SCAN_ALLOW_TRUNCATED | TAR_SCAN_ALLOW_EMPTY, &sink, &reader, err);
    status = status == 0 ? read_all(source, reader, err) : status;
    tar_reader_free(reader);
    if (status == 0 && source->moved != NULL) {
        status = fail(err, LPIPE_TRUNCATED, "the input ends within an entry");
    }
    return status == 0 ? source->from->ops->rewind(source->from, err) : status;
}

static int check_found(const struct prefetch_source *source, struct lpipe_error *err)
{
    for (size_t i = 0; i < source->list.count; i++) {
        const char *path = source->list.by_order[i]->path;
        char shown[200];
        if (!source->list.by_order[i]->is_found) {
            return fail(err, source->is_whole ? LPIPE_INVALID_ARGUMENT : LPIPE_TRUNCATED,
                        "the list of files to prefetch has a path that the input%s does not have: "
                        "%s",
                        source->is_whole ? "" : ", which has no end-of-archive mark,",
                        text_printable(shown, sizeof shown, path, strlen(path)));
        }
    }
    return 0;
}

static int plan(struct prefetch_source *source, struct lpipe_error *err)
{
    int status = 0;
    if (source->is_planned || source->list.count == 0) {
        return 0;
    }
    source->more_wanted = true;
    for (unsigned i = 0; source->more_wanted && status == 0; i++) {
        status = i < PASSES_MAX ? find_entries(source, err)
                                : fail(err, LPIPE_NOT_TAR, "hard links lead to too many others");
    }
    status = status == 0 ? check_found(source, err) : status;
    source->is_planned = status == 0;
    return status;
}

/* The first part of the path that was not given yet: a directory above it, the target of a hard
 * link, or the path itself; NULL when all were given. */
static struct prefetch_path *next_of(const struct prefetch_source *source,
                                     struct prefetch_path *path)
{
    if (path == NULL || path->is_written || !path->is_found) {
        return NULL;
    }
    for (char *slash = strchr(path->path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        struct prefetch_path *parent = prefetch_list_find(&source->list, path->path);
        *slash = '/';
        if (parent != NULL && parent->is_found && !parent->is_written) {
            return parent;
        }
    }
    struct prefetch_path *target =
        path->target == NULL ? NULL : prefetch_list_find(&source->list, path->target);
    struct prefetch_path *first = target == path ? NULL : next_of(source, target);
    return first != NULL ? first : path;
}

static int write_landmark(struct prefetch_source *source, struct lpipe_error *err)
{
    static const char contents[TAR_WRITE_BLOCK_BYTES] = { LANDMARK_BYTE };
    const struct tar_write_entry entry = {
        .type = TAR_ENTRY_FILE,
        .path = source->list.count > 0 ? LANDMARK : NO_LANDMARK,
        .size = 1,
        .mode = 0644,
    };
    int status = tar_write_header(&entry, &source->front);
    status = status == 0 ? buf_append(&source->front, contents, sizeof contents) : status;
    source->has_landmark = true;
    return status == 0 ? 0 : fail_memory(err);
}

/* Chooses the moved entry that is given next. False when all were given. */
static bool choose_moved(struct prefetch_source *source)
{
    while (source->order < source->list.count) {
        struct prefetch_path *next = next_of(source, source->list.by_order[source->order]);
        if (next != NULL) {
            next->is_written = true;
            source->left = next->size;
            spool_cursor_init(source->cursor, &source->spool);
            source->cursor->position = next->kept_at;
            return true;
        }
        source->order++;
    }
    return false;
}

/* The tar is the one that was read to find the entries. */
static int check_end(struct prefetch_source *source, struct lpipe_error *err)
{
    char digest[DIGEST_TEXT_SIZE];
    source->has_ended = true;
    if (source->list.count == 0) {
        return 0;
    }
    int status = digest_finish(source->digest, digest, err);
    return status == 0 && strcmp(digest, source->first_digest) != 0
               ? fail(err, LPIPE_SOURCE_IO, "the input changed while it was read")
               : status;
}

/* Takes the bytes out that came before. Returns how many are left. */
static size_t drop_ranges(struct prefetch_source *source, unsigned char *data, size_t size)
{
    size_t kept = 0;
    size_t done = 0;
    while (done < size) {
        uint64_t at = source->position + done;
        const struct range *range =
            source->range < source->range_count ? &source->ranges[source->range] : NULL;
        bool inside = range != NULL && at >= range->offset;
        uint64_t end = range == NULL ? UINT64_MAX
                       : inside      ? range->offset + range->size
                                     : range->offset;
        size_t part = (size_t)MIN_OF((uint64_t)(size - done), end - at);
        if (!inside) {
            memmove(data + kept, data + done, part);
            kept += part;
        }
        source->range += inside && at + part == end;
        done += part;
    }
    source->position += size;
    return kept;
}

/* The other entries, at their places. */
static ptrdiff_t read_rest(struct prefetch_source *source, unsigned char *buf, size_t size,
                           struct lpipe_error *err)
{
    size_t kept = 0;
    while (kept == 0 && !source->has_ended) {
        ptrdiff_t got = source->from->ops->read(source->from, buf, size, err);
        if (got < 0) {
            return got;
        }
        int status = got == 0 ? check_end(source, err) : 0;
        if (status != 0) {
            return status;
        }
        digest_update(source->digest, buf, (size_t)got);
        kept = drop_ranges(source, buf, (size_t)got);
    }
    return (ptrdiff_t)kept;
}

/* Bytes of the landmark or of a moved entry. */
static ptrdiff_t read_front(struct prefetch_source *source, unsigned char *buf, size_t size,
                            struct lpipe_error *err)
{
    size_t part = MIN_OF(size, source->front.size - source->front_done);
    if (part > 0) {
        memcpy(buf, source->front.data + source->front_done, part);
        source->front_done += part;
        return (ptrdiff_t)part;
    }
    part = (size_t)MIN_OF((uint64_t)size, source->left);
    source->left -= part;
    int status = spool_read(source->cursor, buf, part, err);
    return status != 0 ? status : (ptrdiff_t)part;
}

static ptrdiff_t source_read(struct source *base, void *buf, size_t size, struct lpipe_error *err)
{
    struct prefetch_source *source = (struct prefetch_source *)base;
    int status = plan(source, err);
    if (status == 0 && source->left == 0 && !source->has_landmark && !choose_moved(source)) {
        digest_reset(source->digest);
        status = write_landmark(source, err);
    }
    if (status != 0) {
        return status;
    }
    return source->left > 0 || source->front_done < source->front.size
               ? read_front(source, buf, size, err)
               : read_rest(source, buf, size, err);
}

static int source_close_both(struct source *base)
{
    return source_close(((struct prefetch_source *)base)->from);
}

static void source_cancel(struct source *base)
{
    struct source *from = ((struct prefetch_source *)base)->from;
    from->ops->cancel(from);
}

static void source_use_cancel(struct source *base, lpipe_cancel *cancel)
{
    struct source *from = ((struct prefetch_source *)base)->from;
    from->ops->use_cancel(from, cancel);
}

static bool source_can_restart(const struct source *base)
{
    return source_can_rewind(((const struct prefetch_source *)base)->from);
}

static int source_restart(struct source *base, struct lpipe_error *err)
{
    struct prefetch_source *source = (struct prefetch_source *)base;
    for (size_t i = 0; i < source->list.path_count; i++) {
        source->list.by_path[i]->is_written = false;
    }
    buf_clear(&source->front);
    source->front_done = 0;
    source->order = 0;
    source->left = 0;
    source->has_landmark = false;
    source->position = 0;
    source->range = 0;
    source->has_ended = false;
    return source->from->ops->rewind(source->from, err);
}

static bool source_is_unchanged(const struct source *base)
{
    const struct source *from = ((const struct prefetch_source *)base)->from;
    return from->ops->is_unchanged(from);
}

static uint64_t source_size(const struct source *base)
{
    const struct source *from = ((const struct prefetch_source *)base)->from;
    return from->ops->size(from);
}

static const char *source_words(struct source *base)
{
    return source_notice(((struct prefetch_source *)base)->from);
}

static void source_dispose(struct source *base)
{
    struct prefetch_source *source = (struct prefetch_source *)base;
    source_free(source->from);
    prefetch_list_dispose(&source->list);
    spool_dispose(&source->spool);
    buf_dispose(&source->front);
    digest_free(source->digest);
    free(source->cursor);
    free(source->ranges);
    free(source->spool_dir);
    free(source);
}

static void set_operations(struct prefetch_source *source)
{
    const struct source_ops *from = source->from->ops;
    source->ops = (struct source_ops){
        .read = source_read,
        .close = source_close_both,
        .cancel = from->cancel != NULL ? source_cancel : NULL,
        .use_cancel = from->use_cancel != NULL ? source_use_cancel : NULL,
        .can_rewind = source_can_restart,
        .rewind = source_restart,
        .is_unchanged = from->is_unchanged != NULL ? source_is_unchanged : NULL,
        .size = from->size != NULL ? source_size : NULL,
        .notice = source_words,
        .free = source_dispose,
    };
    source->base.ops = &source->ops;
}

static int source_init(struct prefetch_source *source, const char *paths, const char *spool_dir,
                       struct lpipe_error *err)
{
    source->spool_dir = mem_strdup(spool_dir);
    source->cursor = NEW(struct spool_cursor);
    source->front = (struct buf)BUF_INIT((size_t)4 * TAR_WRITE_BLOCK_BYTES);
    spool_init(&source->spool, source->spool_dir, TOC_MEMORY_MAX);
    if (source->spool_dir == NULL || source->cursor == NULL) {
        return fail_memory(err);
    }
    int status = digest_new(DIGEST_SHA256, &source->digest, err);
    status = status == 0 ? prefetch_list_parse(paths, &source->list, err) : status;
    if (status == 0 && source->list.count > 0 && !source_can_rewind(source->from)) {
        status =
            fail(err, LPIPE_INVALID_ARGUMENT,
                 "a list of files to prefetch needs an input that can be read again: a regular "
                 "file or a directory");
    }
    return status;
}

int prefetch_source_new(struct source *from, const char *paths, const char *spool_dir,
                        struct source **ret_source, struct lpipe_error *err)
{
    struct prefetch_source *source = NEW(struct prefetch_source);
    if (source == NULL) {
        (void)source_close(from);
        source_free(from);
        return fail_memory(err);
    }
    source->from = from;
    set_operations(source);
    int status = source_init(source, paths, spool_dir, err);
    if (status != 0) {
        (void)source_close(&source->base);
        source_dispose(&source->base);
        return status;
    }
    *ret_source = &source->base;
    return 0;
}
