/* SPDX-License-Identifier: Apache-2.0 */
#include "content/content_compress.h"

#include "base/mem.h"

struct content_source {
    struct source base;
    content_compress_read *read;
    void *ctx;
};

struct content_compress {
    lpipe_layer *layer;
    lpipe_reader *reader;
};

static ptrdiff_t source_read(struct source *base, void *buf, size_t size, struct lpipe_error *err)
{
    struct content_source *source = (struct content_source *)base;
    size_t got = 0;
    int status = source->read(source->ctx, buf, size, &got, err);
    return status == 0 ? (ptrdiff_t)got : status;
}

static void content_source_free(struct source *base)
{
    free(base);
}

static int new_layer(content_compress_read *read, void *ctx, const char *compress, int32_t threads,
                     lpipe_layer **ret_layer, struct lpipe_error *err)
{
    static const struct source_ops ops = { .read = source_read, .free = content_source_free };
    struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
    struct content_source *source = NEW(struct content_source);
    if (source == NULL) {
        return fail_memory(err);
    }
    *source = (struct content_source){ { &ops }, read, ctx };
    options.compress = compress;
    options.threads = threads;
    options.flags = LPIPE_LAYER_RAW; /* the content was checked */
    return layer_new_source(&source->base, &options, ret_layer, err);
}

int content_compress_new(content_compress_read *read, void *ctx, const char *compress,
                         int32_t threads, struct content_compress **ret_compress,
                         struct lpipe_error *err)
{
    struct content_compress *self = NEW(struct content_compress);
    if (self == NULL) {
        return fail_memory(err);
    }
    int status = new_layer(read, ctx, compress, threads, &self->layer, err);
    status = status == 0 ? lpipe_layer_open(self->layer, &self->reader, err) : status;
    if (status != 0) {
        content_compress_free(self);
        return status;
    }
    *ret_compress = self;
    return 0;
}

struct content_compress *content_compress_free(struct content_compress *compress)
{
    if (compress != NULL) {
        if (compress->reader != NULL) {
            (void)lpipe_reader_close(compress->reader, NULL);
        }
        (void)lpipe_layer_free(compress->layer);
        free(compress);
    }
    return NULL;
}

int content_compress_bytes(struct content_compress *compress, void *buf, size_t size,
                           size_t *ret_size, struct lpipe_error *err)
{
    return lpipe_reader_read(compress->reader, buf, size, ret_size, err);
}
