/* SPDX-License-Identifier: Apache-2.0 */
#include "content/layer_source.h"

#include <string.h>

#include "base/mem.h"
#include "content/layer_tar.h"
#include "tar/tar_header.h"
#include "tar/tar_scan.h"

/* Finds where a tar ends. */
struct tar_cut {
    struct tar_reader *reader; /* NULL: nothing is cut */
    uint64_t offset;           /* in the tar */
    bool ended;                /* the end-of-archive mark has passed */
    bool is_cut;               /* what follows is left out */
};

struct layer_source {
    struct source base;
    struct store *store;
    struct descriptor blob;
    char diff_id[DIGEST_TEXT_SIZE]; /* "" = none */
    struct content_stream *stream;  /* NULL before the first read */
    const unsigned char *data;      /* borrowed from the stream */
    size_t size;
    bool without_table;
    struct tar_cut cut;
};

static int on_archive_end(void *ctx, struct lpipe_error *err)
{
    (void)err;
    ((struct tar_cut *)ctx)->ended = true;
    return 0;
}

static int cut_begin(struct tar_cut *cut, struct lpipe_error *err)
{
    const struct tar_reader_sink sink = { .archive_end = on_archive_end, .ctx = cut };
    tar_reader_free(cut->reader);
    *cut = (struct tar_cut){ 0 };
    return tar_reader_new(TAR_SCAN_ALLOW_TRUNCATED | TAR_SCAN_ALLOW_EMPTY, &sink, &cut->reader,
                          err);
}

static bool is_zeros(const uint8_t *data, size_t size)
{
    return size == 0 || (data[0] == 0 && memcmp(data, data + 1, size - 1) == 0);
}

/* How many of the next bytes of the tar are not left out. They are looked at block by block, so
 * that the reader gets nothing that follows the mark. */
static int cut_next(struct tar_cut *cut, const uint8_t *data, size_t size, size_t *ret_kept,
                    struct lpipe_error *err)
{
    size_t kept = 0;
    int status = 0;
    while (kept < size && !cut->is_cut && status == 0) {
        size_t part =
            MIN_OF(size - kept, TAR_BLOCK_BYTES - (size_t)(cut->offset % TAR_BLOCK_BYTES));
        if (cut->ended) {
            cut->is_cut = !is_zeros(data + kept, part);
        } else {
            status = tar_reader_bytes(cut->reader, data + kept, part, err);
        }
        kept += cut->is_cut ? 0 : part;
        cut->offset += part;
    }
    *ret_kept = kept;
    return status;
}

static int open_stream(struct layer_source *source, struct lpipe_error *err)
{
    const struct layer_spec layer = { .blob = source->blob,
                                      .diff_id =
                                          source->diff_id[0] != '\0' ? source->diff_id : NULL };
    int status = source->without_table ? cut_begin(&source->cut, err) : 0;
    return status == 0 ? layer_tar_open(source->store, &layer, &source->stream, err) : status;
}

/* The next bytes of the stream; *size 0 at the end. It is verified before the end-of-archive mark
 * comes, so the rest is not needed when it is cut there. */
static int next_bytes(struct layer_source *source, struct lpipe_error *err)
{
    int status = source->stream == NULL ? open_stream(source, err) : 0;
    if (status != 0 || source->size > 0 || source->cut.is_cut) {
        return status;
    }
    status = source->stream->ops->next(source->stream, &source->data, &source->size, err);
    return status == 0 && source->without_table
               ? cut_next(&source->cut, source->data, source->size, &source->size, err)
               : status;
}

static ptrdiff_t source_read(struct source *base, void *buf, size_t size, struct lpipe_error *err)
{
    struct layer_source *source = (struct layer_source *)base;
    int status = next_bytes(source, err);
    if (status != 0) {
        return status;
    }
    size_t part = MIN_OF(size, source->size);
    if (part > 0) {
        memcpy(buf, source->data, part);
    }
    source->data += part;
    source->size -= part;
    return (ptrdiff_t)part;
}

static bool source_can_restart(const struct source *base)
{
    (void)base;
    return true;
}

static int source_restart(struct source *base, struct lpipe_error *err)
{
    (void)err;
    struct layer_source *source = (struct layer_source *)base;
    source->stream = content_stream_free(source->stream);
    source->size = 0;
    source->cut.is_cut = false;
    return 0;
}

static void source_dispose(struct source *base)
{
    struct layer_source *source = (struct layer_source *)base;
    (void)content_stream_free(source->stream);
    tar_reader_free(source->cut.reader);
    free(source);
}

int layer_source_new(struct store *store, const struct layer_spec *layer, bool without_table,
                     struct source **ret_source, struct lpipe_error *err)
{
    static const struct source_ops ops = { .read = source_read,
                                           .can_rewind = source_can_restart,
                                           .rewind = source_restart,
                                           .free = source_dispose };
    struct layer_source *source = NEW(struct layer_source);
    if (source == NULL) {
        return fail_memory(err);
    }
    source->base.ops = &ops;
    source->store = store;
    source->blob = layer->blob;
    source->without_table = without_table;
    if (layer->diff_id != NULL) {
        memcpy(source->diff_id, layer->diff_id, strlen(layer->diff_id) + 1);
    }
    *ret_source = &source->base;
    return 0;
}
