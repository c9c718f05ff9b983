/* SPDX-License-Identifier: Apache-2.0 */
#include "content/layer_source.h"

#include <string.h>

#include "base/mem.h"
#include "content/layer_tar.h"

struct layer_source {
    struct source base;
    struct store *store;
    struct descriptor blob;
    char diff_id[DIGEST_TEXT_SIZE]; /* "" = none */
    struct content_stream *stream;  /* NULL before the first read */
    const unsigned char *data;      /* borrowed from the stream */
    size_t size;
    bool without_table;
};

static int open_stream(struct layer_source *source, struct lpipe_error *err)
{
    const struct layer_spec layer = { .blob = source->blob,
                                      .diff_id =
                                          source->diff_id[0] != '\0' ? source->diff_id : NULL };
    return layer_tar_open(source->store, &layer, source->without_table, &source->stream, err);
}

static ptrdiff_t source_read(struct source *base, void *buf, size_t size, struct lpipe_error *err)
{
    struct layer_source *source = (struct layer_source *)base;
    int status = source->stream == NULL ? open_stream(source, err) : 0;
    if (status == 0 && source->size == 0) {
        status = source->stream->ops->next(source->stream, &source->data, &source->size, err);
    }
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
    return 0;
}

static void source_dispose(struct source *base)
{
    struct layer_source *source = (struct layer_source *)base;
    (void)content_stream_free(source->stream);
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
