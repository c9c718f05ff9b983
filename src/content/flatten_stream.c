/* SPDX-License-Identifier: Apache-2.0 */
#include "content/flatten_stream.h"

#include <limits.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/entry_rename.h"
#include "content/kept_links.h"
#include "content/layer_paths.h"
#include "content/layer_tar.h"
#include "content/path_clean.h"
#include "tar/tar_header.h"
#include "tar/tar_scan.h"
#include "tar/tar_write.h"

/* What a call of next() gives at least, while hard links are written. */
#define LINKS_OUT_BYTES (64 * KIB)

enum flatten_phase {
    FLATTEN_LAYERS = 0,
    FLATTEN_AGAIN, /* layers are read again for the content of hard links */
    FLATTEN_LINKS, /* hard links that come last */
    FLATTEN_END
};

struct flatten_stream {
    struct content_stream base;
    struct store *store;
    const struct content_image *image;
    enum flatten_phase phase;
    struct path_tree *tree;
    struct kept_links links;
    struct buf out;
    /* Of the layer that is read: */
    unsigned layer; /* counted from 1 */
    struct content_stream *content;
    struct tar_reader *reader;
    bool is_estargz;
    struct tar_extent extent;
    /* Of its entry: */
    bool shown; /* its data are written */
    uint64_t size;
    struct buf path;
    struct buf target;
    /* In FLATTEN_LINKS: */
    size_t links_begin; /* of the layer whose links are written */
    size_t links_end;
    size_t links_at;
    struct tar_fields fields;
};

static int put(struct flatten_stream *stream, const void *data, size_t size,
               struct lpipe_error *err)
{
    int status = buf_append(&stream->out, data, size);
    return status == LPIPE_TOO_LARGE
               ? fail(err, LPIPE_NO_RESOURCES, "the headers of this image need too much memory")
           : status != 0 ? fail_memory(err)
                         : 0;
}

static int put_renamed(struct flatten_stream *stream, const struct tar_reader_entry *entry,
                       const char *path, const char *link, struct lpipe_error *err)
{
    int status = entry_rename(entry, path, link, &stream->out);
    if (status == LPIPE_TOO_LARGE) {
        return fail(err, LPIPE_NO_RESOURCES, "the headers of an entry need too much memory");
    }
    return status == 0 ? 0 : fail_memory(err);
}

static int clean(const char *path, struct buf *ret_path, enum path_kind *ret_kind,
                 struct lpipe_error *err)
{
    char shown[TAR_NAME_BYTES];
    if (path_clean(path, ret_path, ret_kind) != 0) {
        return fail_memory(err);
    }
    return *ret_kind == PATH_LEADS_OUT
               ? fail(err, LPIPE_NOT_TAR, "the path %s leads out of the image",
                      text_printable(shown, sizeof shown, path, strlen(path)))
               : 0;
}

/* A path of a directory in a header ends with a slash. */
static int put_entry(struct flatten_stream *stream, const struct tar_reader_entry *entry,
                     bool changed, const char *link, struct lpipe_error *err)
{
    int status = 0;
    stream->shown = true;
    if (!changed) {
        return put(stream, entry->headers, entry->headers_size, err);
    }
    if (entry->type == '5') {
        status = buf_append_text(&stream->path, stream->path.size == 0 ? "./" : "/");
    }
    return status == 0 ? put_renamed(stream, entry, stream->path.data, link, err)
                       : fail_memory(err);
}

/* A hard link that is shown: is written, or kept for later. */
static int take_link(struct flatten_stream *stream, const struct tar_reader_entry *entry,
                     bool changed, struct lpipe_error *err)
{
    struct buf meant AUTO_BUF = BUF_INIT(TAR_EXTENSION_BYTES_MAX);
    enum path_kind kind = PATH_AS_IT_IS;
    enum link_state state = LINK_GOOD;
    int status = layer_paths_give(stream->tree, stream->layer, stream->path.data, false, err);
    kept_links_replaced(&stream->links, stream->layer, stream->path.data);
    status = status == 0 ? clean(entry->link, &stream->target, &kind, err) : status;
    if (status == 0) {
        status = kept_links_add(&stream->links, stream->layer, entry, stream->path.data,
                                stream->target.data, &state, &meant, err);
    }
    if (status != 0 || state != LINK_GOOD) {
        return status;
    }
    bool other = strcmp(meant.data, stream->target.data) != 0;
    return put_entry(stream, entry, changed || kind == PATH_CHANGED || other, meant.data, err);
}

static int take_shown(struct flatten_stream *stream, const struct tar_reader_entry *entry,
                      bool changed, struct lpipe_error *err)
{
    if (entry->type == '1') {
        return take_link(stream, entry, changed, err);
    }
    int status =
        layer_paths_give(stream->tree, stream->layer, stream->path.data, entry->type == '5', err);
    kept_links_replaced(&stream->links, stream->layer, stream->path.data);
    return status == 0 ? put_entry(stream, entry, changed, entry->link, err) : status;
}

/* Hard links of higher layers may wait for the entry. */
static int take_hidden(struct flatten_stream *stream, const struct tar_reader_entry *entry,
                       struct lpipe_error *err)
{
    struct buf path AUTO_BUF = BUF_INIT(TAR_EXTENSION_BYTES_MAX);
    struct buf target AUTO_BUF = BUF_INIT(TAR_EXTENSION_BYTES_MAX);
    enum path_kind kind = PATH_AS_IT_IS;
    bool is_link = entry->type == '1';
    uint32_t index = PATH_NONE;
    int status = layer_paths_hide(stream->tree, stream->layer, stream->path.data,
                                  entry->type == '5', &index, err);
    if (status != 0 || entry->type == '5') {
        return status;
    }
    status = is_link ? clean(entry->link, &stream->target, &kind, err) : 0;
    status = status == 0
                 ? kept_links_hidden(&stream->links, stream->layer, stream->path.data,
                                     is_link ? stream->target.data : NULL, &path, &target, err)
                 : status;
    if (status != 0 || path.size == 0) {
        return status;
    }
    stream->shown = true;
    return put_renamed(stream, entry, path.data, is_link ? target.data : entry->link, err);
}

static bool is_for_lazy_pulls(const struct flatten_stream *stream)
{
    const char *path = stream->path.data;
    return stream->is_estargz &&
           (strcmp(path, "stargz.index.json") == 0 || strcmp(path, ".prefetch.landmark") == 0 ||
            strcmp(path, ".no.prefetch.landmark") == 0);
}

static int take_again(struct flatten_stream *stream, const struct tar_reader_entry *entry,
                      struct lpipe_error *err)
{
    const struct kept_link *link = NULL;
    int status = entry->type == '5' ? 0
                                    : kept_links_take(&stream->links, stream->layer,
                                                      stream->path.data, &link, err);
    if (status == 0 && link != NULL) {
        stream->shown = true;
        status = put_renamed(stream, entry, link->path, entry->link, err);
    }
    return status;
}

static int on_entry(void *ctx, const struct tar_reader_entry *entry, struct lpipe_error *err)
{
    struct flatten_stream *stream = ctx;
    enum path_kind kind = PATH_AS_IT_IS;
    tar_extent_entry(&stream->extent, entry);
    stream->shown = false;
    stream->size = entry->size;
    if (entry->type == 'g') {
        return 0;
    }
    int status = clean(entry->path, &stream->path, &kind, err);
    enum whiteout_kind whiteout = status == 0 ? layer_paths_whiteout_kind(stream->path.data) : 0;
    if (status != 0 || whiteout == WHITEOUT_OTHER || is_for_lazy_pulls(stream)) {
        return status;
    }
    if (stream->phase == FLATTEN_AGAIN) {
        return take_again(stream, entry, err);
    }
    if (whiteout != WHITEOUT_NONE) {
        return layer_paths_whiteout(stream->tree, stream->layer, stream->path.data, err);
    }
    return layer_paths_shown(stream->tree, stream->layer, stream->path.data, entry->type == '5')
               ? take_shown(stream, entry, kind == PATH_CHANGED, err)
               : take_hidden(stream, entry, err);
}

static int on_contents(void *ctx, const void *data, size_t size, struct lpipe_error *err)
{
    struct flatten_stream *stream = ctx;
    return stream->shown ? put(stream, data, size, err) : 0;
}

static int on_entry_end(void *ctx, struct lpipe_error *err)
{
    static const char zeros[TAR_BLOCK_BYTES];
    struct flatten_stream *stream = ctx;
    return stream->shown ? put(stream, zeros, tar_padding(stream->size), err) : 0;
}

static int on_archive_end(void *ctx, struct lpipe_error *err)
{
    (void)err;
    ((struct flatten_stream *)ctx)->extent.ended = true;
    return 0;
}

static void close_layer(struct flatten_stream *stream)
{
    stream->content = content_stream_free(stream->content);
    stream->reader = tar_reader_free(stream->reader);
}

static int open_layer(struct flatten_stream *stream, struct lpipe_error *err)
{
    const struct tar_reader_sink sink = { on_entry, on_contents, on_entry_end, on_archive_end,
                                          stream };
    struct layer_spec layer;
    stream->extent = (struct tar_extent){ 0 };
    stream->is_estargz = content_image_is_estargz(stream->image, stream->layer - 1);
    int status = content_image_layer(stream->image, stream->layer - 1, &layer, err);
    status = status == 0 ? layer_stream_open(stream->store, &layer, &stream->content, err) : status;
    return status == 0 ? tar_reader_new(TAR_SCAN_ALLOW_TRUNCATED | TAR_SCAN_ALLOW_EMPTY, &sink,
                                        &stream->reader, err)
                       : status;
}

static int layer_end(struct flatten_stream *stream, struct lpipe_error *err)
{
    int status = tar_extent_end(&stream->extent, stream->reader, err);
    close_layer(stream);
    return status;
}

/* Reads on in the layer. *ret_end: it has ended. */
static int read_layer(struct flatten_stream *stream, bool *ret_end, struct lpipe_error *err)
{
    const unsigned char *data = NULL;
    size_t size = 0;
    int status = stream->content == NULL ? open_layer(stream, err) : 0;
    status = status == 0 ? stream->content->ops->next(stream->content, &data, &size, err) : status;
    *ret_end = status == 0 && size == 0;
    if (status == 0) {
        status = size > 0 ? tar_extent_feed(&stream->extent, stream->reader, stream->content, data,
                                            size, err)
                          : layer_end(stream, err);
    }
    return status == 0 ? 0 : fail_context(err, status, "layer %u", stream->layer);
}

/* Begins with what comes after the layers: another layer that is read again, or the last links. */
static void after_layers(struct flatten_stream *stream, unsigned below)
{
    stream->layer = kept_links_again(&stream->links, below);
    stream->phase = stream->layer > 0 ? FLATTEN_AGAIN : FLATTEN_LINKS;
    stream->links_begin = stream->links_end = stream->links_at = stream->links.count;
}

static int step_layers(struct flatten_stream *stream, struct lpipe_error *err)
{
    bool end = false;
    int status = read_layer(stream, &end, err);
    if (status == 0 && end && stream->phase == FLATTEN_AGAIN) {
        after_layers(stream, stream->layer - 1);
    } else if (status == 0 && end && --stream->layer == 0) {
        after_layers(stream, UINT_MAX);
    }
    return status;
}

static int put_link(struct flatten_stream *stream, const struct kept_link *link,
                    struct lpipe_error *err)
{
    char path[TAR_NAME_BYTES];
    char target[TAR_NAME_BYTES];
    struct tar_reader_entry entry = { .headers = link->headers,
                                      .headers_size = link->headers_size };
    if (link->state != LINK_LAST || !kept_links_has_target(&stream->links, link)) {
        return fail(err, LPIPE_NOT_TAR,
                    "layer %u: the hard link %s points to %s, which no layer has", link->layer,
                    text_printable(path, sizeof path, link->path, strlen(link->path)),
                    text_printable(target, sizeof target, link->target, strlen(link->target)));
    }
    if (tar_fields_read(&stream->fields, &entry) != 0) {
        return fail_memory(err);
    }
    return put_renamed(stream, &entry, link->path, link->target, err);
}

/* The links of lower layers come first: those of higher ones may point to them. */
static bool next_link(struct flatten_stream *stream, const struct kept_link **ret_link)
{
    const struct kept_link *links = stream->links.links;
    while (stream->links_at == stream->links_end) {
        stream->links_end = stream->links_at = stream->links_begin;
        if (stream->links_end == 0) {
            return false;
        }
        while (stream->links_begin > 0 &&
               links[stream->links_begin - 1].layer == links[stream->links_end - 1].layer) {
            stream->links_begin--;
        }
        stream->links_at = stream->links_begin;
    }
    *ret_link = &links[stream->links_at++];
    return true;
}

static int step_links(struct flatten_stream *stream, struct lpipe_error *err)
{
    static const char end[2 * TAR_BLOCK_BYTES];
    const struct kept_link *link = NULL;
    int status = 0;
    while (status == 0 && stream->out.size < LINKS_OUT_BYTES && next_link(stream, &link)) {
        status = link->state == LINK_DONE ? 0 : put_link(stream, link, err);
    }
    if (status == 0 && stream->links_end == 0) {
        stream->phase = FLATTEN_END;
        status = put(stream, end, sizeof end, err);
    }
    return status;
}

static int stream_next(struct content_stream *base, const unsigned char **ret_data,
                       size_t *ret_size, struct lpipe_error *err)
{
    struct flatten_stream *stream = (struct flatten_stream *)base;
    int status = 0;
    buf_clear(&stream->out);
    while (status == 0 && stream->out.size == 0 && stream->phase != FLATTEN_END) {
        status =
            stream->phase == FLATTEN_LINKS ? step_links(stream, err) : step_layers(stream, err);
    }
    *ret_data = (const unsigned char *)stream->out.data;
    *ret_size = stream->out.size;
    return status;
}

static void stream_free(struct content_stream *base)
{
    struct flatten_stream *stream = (struct flatten_stream *)base;
    close_layer(stream);
    kept_links_dispose(&stream->links);
    path_tree_free(stream->tree);
    buf_dispose(&stream->out);
    buf_dispose(&stream->path);
    buf_dispose(&stream->target);
    tar_fields_dispose(&stream->fields);
    free(stream);
}

int flatten_stream_open(struct store *store, const struct content_image *image,
                        struct content_stream **ret_stream, struct lpipe_error *err)
{
    static const struct content_stream_ops ops = { .next = stream_next, .free = stream_free };
    struct flatten_stream *stream = NEW(struct flatten_stream);
    if (stream == NULL) {
        return fail_memory(err);
    }
    stream->base.ops = &ops;
    stream->store = store;
    stream->image = image;
    stream->out = (struct buf)BUF_INIT(FLATTEN_OUT_BYTES_MAX);
    stream->path = stream->target = (struct buf)BUF_INIT(TAR_HEADERS_BYTES_MAX);
    stream->layer = (unsigned)content_image_layers(image);
    int status = path_tree_new(CONTENT_TREE_BYTES_MAX, &stream->tree, err);
    if (status != 0) {
        stream_free(&stream->base);
        return status;
    }
    stream->links.tree = stream->tree;
    if (stream->layer == 0) {
        after_layers(stream, 0);
    }
    *ret_stream = &stream->base;
    return 0;
}
