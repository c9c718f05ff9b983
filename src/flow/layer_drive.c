/* SPDX-License-Identifier: Apache-2.0 */
/* Drives a layer: moves bytes from the source, or from the caller who writes, to a reader or a
 * sink. */
#include "flow/layer_object.h"

#include <string.h>

#include "base/cancel.h"
#include "flow/input_format.h"
#include "flow/layer_media.h"

/* Whether another thread or the cancel token ends this drive. */
static int check_cancel(const struct lpipe_layer *layer, struct lpipe_error *err)
{
    if (atomic_load(&layer->stop_requested)) {
        return layer_fail_aborted(err);
    }
    return cancel_requested(layer->setup.cancel) ? fail_cancelled(err) : 0;
}

/* The source failed with *err. */
static int fail_read(const struct lpipe_layer *layer, struct lpipe_error *err)
{
    struct lpipe_error why = *err;
    int status = check_cancel(layer, err);
    if (status != 0) {
        return status;
    }
    /* NO_RESOURCES is about this process; a source that ran out of something is a read error. */
    why.status = why.status == LPIPE_NO_RESOURCES ? LPIPE_SOURCE_IO : why.status;
    why.offset = flow_bytes_in(layer->flow);
    *err = why;
    return why.status;
}

static int fail_compressed(const char *name, const char *tool, struct lpipe_error *err)
{
    int status = fail_with_advice(err, LPIPE_NOT_TAR,
                                  "the input is compressed with %s; decompress it first (%s -dc)",
                                  name, tool);
    err->offset = 0;
    return status;
}

/* Compressed input becomes the blob unchanged, unless the caller named another codec. */
static int use_compressed_input(struct lpipe_layer *layer, enum codec_kind kind,
                                struct lpipe_error *err)
{
    const struct layer_setup *setup = &layer->setup;
    layer->is_input_compressed = true;
    if (setup->codec_given && (setup->codec.kind != kind || setup->toc != 0)) {
        return fail_compressed(codec_name(kind), codec_name(kind), err);
    }
    bool docker = (setup->flags & LPIPE_LAYER_DOCKER) != 0;
    int status = 0;
    if (setup->label != NULL) {
        status = layer_media_check(setup->label, kind, false, err);
    } else if (layer_media_of(kind, docker) == NULL) {
        status = fail_docker_zstd(LPIPE_UNSUPPORTED, err);
    } else {
        atomic_store(&layer->media, layer_media_of(kind, docker));
    }
    return status != 0 ? status : flow_use_compressed_input(layer->flow, kind, err);
}

static int recognise(struct lpipe_layer *layer, struct lpipe_error *err)
{
    const unsigned char *data = NULL;
    size_t size = flow_filled(layer->flow, &data);
    if ((layer->setup.flags & LPIPE_LAYER_RAW) != 0) {
        return 0;
    }
    const struct input_format format = input_recognise(data, size);
    switch (format.kind) {
    case INPUT_CODEC:
        if (format.skipped) {
            layer->notice = "the input is zstd that begins with a skippable frame (pzstd): podman "
                            "and crane cannot read it; zstd -dc | zstd makes a layer that they "
                            "read";
        }
        return use_compressed_input(layer, format.codec, err);
    case INPUT_COMPRESSED:
        return fail_compressed(format.name, format.tool, err);
    case INPUT_OTHER:
        return fail(err, LPIPE_NOT_TAR, "the input is %s, not a tar archive", format.name);
    case INPUT_PLAIN:
        break;
    }
    /* The input is not compressed, so the caller's media type must fit the codec. */
    return layer->setup.label == NULL
               ? 0
               : layer_media_check(layer->setup.label, layer->setup.codec.kind, false, err);
}

int layer_submit(struct lpipe_layer *layer, bool last, struct lpipe_error *err)
{
    int status = flow_at_start(layer->flow) ? recognise(layer, err) : 0;
    if (status == 0) {
        flow_submit(layer->flow, last);
    }
    return status;
}

int layer_fill(struct lpipe_layer *layer, struct lpipe_error *err)
{
    unsigned char *free_space = NULL;
    size_t size = flow_free_space(layer->flow, &free_space);
    while (size > 0) {
        int status = check_cancel(layer, err);
        if (status != 0) {
            return status;
        }
        ptrdiff_t got = layer->source->ops->read(layer->source, free_space, size, err);
        if (got == 0) {
            return layer_submit(layer, true, err);
        }
        if (got < 0) {
            return fail_read(layer, err);
        }
        flow_advance(layer->flow, (size_t)got);
        size = flow_free_space(layer->flow, &free_space);
    }
    return layer_submit(layer, false, err);
}

/* Runs the pipeline up to its next event. */
static int step(struct lpipe_layer *layer, enum flow_event *ret_event, struct flow_output *output,
                struct lpipe_error *err)
{
    int status = check_cancel(layer, err);
    if (status == 0) {
        status = flow_next(layer->flow, ret_event, output, err);
    }
    return status;
}

/* Gets the reader's next output block; sets *ret_end at the end of the stream. */
static int reader_advance(struct lpipe_reader *reader, bool *ret_end, struct lpipe_error *err)
{
    struct lpipe_layer *layer = reader->layer;
    for (;;) {
        enum flow_event event = FLOW_END;
        int status = step(layer, &event, &reader->output, err);
        if (status != 0) {
            return status;
        }
        switch (event) {
        case FLOW_OUTPUT:
            reader->holding = true;
            return 0;
        case FLOW_NEEDS_INPUT:
            status = layer_fill(layer, err);
            break;
        case FLOW_END:
            *ret_end = true;
            return layer_finish(layer, err);
        }
        if (status != 0) {
            return status;
        }
    }
}

static int reader_take(struct lpipe_reader *reader, void *buf, size_t size, size_t *ret_size,
                       struct lpipe_error *err)
{
    bool end = reader->layer->flow == NULL; /* reached by an earlier call */
    if (!end && !reader->holding) {
        int status = reader_advance(reader, &end, err);
        if (status != 0) {
            return status;
        }
    }
    if (end) {
        *ret_size = 0;
        return 0;
    }
    size_t part = MIN_OF(size, reader->output.size);
    memcpy(buf, reader->output.data, part);
    reader->output.data += part;
    reader->output.size -= part;
    if (reader->output.size == 0) {
        reader->holding = false;
        flow_release_output(reader->layer->flow);
    }
    *ret_size = part;
    return 0;
}

int lpipe_reader_read(lpipe_reader *reader, void *buf, size_t size, size_t *ret_size,
                      struct lpipe_error *err)
{
    struct lpipe_error local = { 0 };
    err = err != NULL ? err : &local;
    if (reader == NULL || buf == NULL || size == 0 || ret_size == NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "lpipe_reader_read: reader, buffer or result pointer is NULL, or size is 0");
    }
    int status = drive_begin(reader->layer, err);
    if (status != 0) {
        return status;
    }
    return drive_end(reader->layer, reader_take(reader, buf, size, ret_size, err), err);
}

static int sink_output(struct lpipe_layer *layer, const struct layer_sink *sink,
                       const struct flow_output *output, struct lpipe_error *err)
{
    err->status = 0;
    int status = sink->write(sink->ctx, output->data, output->size, err);
    if (status != 0) {
        return err->status != 0 ? err->status : fail(err, status, "writing the output failed");
    }
    flow_release_output(layer->flow);
    if (sink->progress != NULL) {
        sink->progress(sink->ctx, flow_bytes_in(layer->flow), flow_bytes_out(layer->flow));
    }
    return 0;
}

/* Gives output to the sink until an input block is free, or the end. */
static int drain(struct lpipe_layer *layer, const struct layer_sink *sink,
                 enum flow_event *ret_event, struct lpipe_error *err)
{
    int status = 0;
    do {
        struct flow_output output = { NULL, 0 };
        status = step(layer, ret_event, &output, err);
        if (status == 0 && *ret_event == FLOW_OUTPUT) {
            status = sink_output(layer, sink, &output, err);
        }
    } while (status == 0 && *ret_event == FLOW_OUTPUT);
    return status;
}

static int pump(struct lpipe_layer *layer, const struct layer_sink *sink, struct lpipe_error *err)
{
    for (;;) {
        enum flow_event event = FLOW_END;
        int status = drain(layer, sink, &event, err);
        if (status == 0) {
            status = event == FLOW_END ? layer_finish(layer, err) : layer_fill(layer, err);
        }
        if (status != 0 || event == FLOW_END) {
            return status;
        }
    }
}

int layer_pump(lpipe_layer *layer, const struct layer_sink *sink, struct lpipe_error *err)
{
    struct lpipe_error local = { 0 };
    err = err != NULL ? err : &local;
    if (layer->source == NULL) {
        return fail(err, LPIPE_INVALID_STATE, "the layer has no source: its bytes must be written");
    }
    int status = layer_begin(layer, err);
    if (status == 0) {
        status = drive_begin(layer, err);
    }
    if (status != 0) {
        return status;
    }
    status = pump(layer, sink, err);
    if (status == 0) {
        /* A close error may mean that the producer failed, so the layer must not be published. */
        status = layer_close_error(layer, err);
    }
    return drive_end(layer, status, err);
}

static int feed(struct lpipe_layer *layer, const unsigned char *data, size_t size,
                const struct layer_sink *sink, struct lpipe_error *err)
{
    int status = 0;
    while (size > 0 && status == 0) {
        unsigned char *free_space = NULL;
        size_t free_bytes = flow_free_space(layer->flow, &free_space);
        if (free_bytes == 0) {
            enum flow_event event = FLOW_NEEDS_INPUT;
            status = drain(layer, sink, &event, err);
            continue;
        }
        size_t part = MIN_OF(size, free_bytes);
        memcpy(free_space, data, part);
        flow_advance(layer->flow, part);
        data += part;
        size -= part;
        if (part == free_bytes) {
            status = layer_submit(layer, false, err);
        }
    }
    return status;
}

static int feed_end(struct lpipe_layer *layer, const struct layer_sink *sink,
                    struct lpipe_error *err)
{
    enum flow_event event = FLOW_END;
    int status = layer_submit(layer, true, err);
    if (status == 0) {
        status = drain(layer, sink, &event, err);
    }
    return status != 0 ? status : layer_finish(layer, err);
}

/* The first write opens the layer. */
static int fed_enter(struct lpipe_layer *layer, struct lpipe_error *err)
{
    if (layer->source != NULL) {
        return fail(err, LPIPE_INVALID_STATE, "the layer has a source: it cannot be written to");
    }
    int status = layer->flow == NULL ? layer_begin(layer, err) : 0;
    return status != 0 ? status : drive_begin(layer, err);
}

int layer_feed(lpipe_layer *layer, const void *data, size_t size, const struct layer_sink *sink,
               struct lpipe_error *err)
{
    struct lpipe_error local = { 0 };
    err = err != NULL ? err : &local;
    int status = fed_enter(layer, err);
    return status != 0 ? status : drive_end(layer, feed(layer, data, size, sink, err), err);
}

int layer_feed_end(lpipe_layer *layer, const struct layer_sink *sink, struct lpipe_error *err)
{
    struct lpipe_error local = { 0 };
    err = err != NULL ? err : &local;
    int status = fed_enter(layer, err);
    return status != 0 ? status : drive_end(layer, feed_end(layer, sink, err), err);
}
