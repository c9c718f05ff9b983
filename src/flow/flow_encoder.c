/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/flow_encoder.h"

#include <string.h>

#include "base/limits.h"
#include "codec/unit_codec.h"

int flow_encoder_input(struct flow *flow, const struct in_block *in, struct lpipe_error *err)
{
    return flow->encoder->take_input == NULL ? 0 : flow->encoder->take_input(flow, in, err);
}

static int plain_check(struct flow *flow, const struct in_block *in, struct lpipe_error *err)
{
    int status = input_check_bytes(flow->check, in->data, in->size, err);
    return status == 0 ? flow_encoder_input(flow, in, err) : status;
}

static int plain_compress(struct flow *flow, uint64_t number, const struct in_block *in,
                          struct out_block *out, unsigned worker, struct lpipe_error *err)
{
    (void)err;
    codec_compress(flow->codec, worker, number == 0, in->data, in->size, out->memory,
                   &out->codec_block);
    out->bytes = out->memory;
    out->size = out->codec_block.out_size;
    return 0;
}

static int plain_take_output(struct flow *flow, const struct out_block *out,
                             struct lpipe_error *err)
{
    (void)err;
    if (flow->codec != NULL && flow->plan.codec.shape == CODEC_SHAPE_BLOCKS) {
        codec_add_block(flow->codec, &out->codec_block);
    }
    return 0;
}

static int plain_trailer(struct flow *flow, struct lpipe_error *err)
{
    if (flow->codec != NULL && flow->plan.codec.shape == CODEC_SHAPE_BLOCKS) {
        flow->trailer_size = codec_trailer(flow->codec, flow->trailer);
    }
    flow->summary.size += flow->trailer_size;
    if (flow->one_digest) {
        memcpy(flow->summary.digest, flow->summary.diff_id, sizeof flow->summary.digest);
        return 0;
    }
    digest_update(flow->digest, flow->trailer, flow->trailer_size);
    return digest_finish(flow->digest, flow->summary.digest, err);
}

const struct flow_encoder flow_encoder_plain = {
    .check = plain_check,
    .compress = plain_compress,
    .take_output = plain_take_output,
    .trailer = plain_trailer,
};

static int ztoc_take_input(struct flow *flow, const struct in_block *in, struct lpipe_error *err)
{
    return ztoc_input(flow->ztoc, in->data, in->size, err);
}

static int ztoc_take_output(struct flow *flow, const struct out_block *out, struct lpipe_error *err)
{
    int status = plain_take_output(flow, out, err);
    return status == 0
               ? ztoc_output(flow->ztoc, out->bytes, out->size, out->codec_block.in_size, err)
               : status;
}

static int ztoc_trailer(struct flow *flow, struct lpipe_error *err)
{
    int status = plain_trailer(flow, err);
    status =
        status == 0 ? ztoc_output(flow->ztoc, flow->trailer, flow->trailer_size, 0, err) : status;
    return status == 0 ? ztoc_finish(flow->ztoc, err) : status;
}

const struct flow_encoder flow_encoder_ztoc = {
    .trailer_waits = true,
    .check = plain_check,
    .take_input = ztoc_take_input,
    .compress = plain_compress,
    .take_output = ztoc_take_output,
    .trailer = ztoc_trailer,
};

/* The digest of the tar is computed together with those of its files. */
static int units_check(struct flow *flow, const struct in_block *in, struct lpipe_error *err)
{
    int status = input_check_scan(flow->check, in->data, in->size, err);
    return status == 0 ? toc_input(flow->toc, input_check_digest(flow->check), in->data, in->size,
                                   in->units, err)
                       : status;
}

static int append_tar(void *ctx, const void *data, size_t size, struct lpipe_error *err)
{
    (void)err;
    struct flow *flow = ctx;
    input_check_append(flow->check, data, size);
    return 0;
}

/* A table that is a file of the tar is part of the diff ID, but not of the tar that was read. */
static int units_end_input(struct flow *flow, struct lpipe_error *err)
{
    int status = input_check_tar_digest(flow->check, flow->summary.tar_digest, err);
    return status == 0 ? toc_finish(flow->toc, append_tar, flow, err) : status;
}

static int units_compress(struct flow *flow, uint64_t number, const struct in_block *in,
                          struct out_block *out, unsigned worker, struct lpipe_error *err)
{
    size_t at = 0;
    int status = 0;
    (void)number;
    out->bytes = out->memory;
    out->size = 0;
    out->unit_count = in->units->count;
    for (size_t i = 0; i < out->unit_count && status == 0; i++) {
        size_t size = 0;
        status = unit_compress(flow->unit_codec, worker, in->data + at, in->units->ends[i] - at,
                               out->memory + out->size, &size, err);
        at = in->units->ends[i];
        out->unit_sizes[i] = (uint32_t)size;
        out->size += size;
    }
    return status;
}

static int units_take_output(struct flow *flow, const struct out_block *out,
                             struct lpipe_error *err)
{
    return toc_output(flow->toc, out->unit_sizes, out->unit_count, err);
}

/* A blob without units gets an empty one first. */
static int units_trailer(struct flow *flow, struct lpipe_error *err)
{
    size_t size = 0;
    int status = 0;
    if (flow->out_total == 0 && flow->summary.size == 0) {
        status = unit_compress(flow->unit_codec, 0, "", 0, flow->trailer, &size, err);
    } else {
        status = toc_trailer_read(flow->toc, flow->trailer, FLOW_TRAILER_BYTES, &size, err);
    }
    if (status != 0) {
        return status;
    }
    flow->trailer_size = size;
    flow->summary.size += size;
    digest_update(flow->digest, flow->trailer, size);
    return size > 0 ? 0 : digest_finish(flow->digest, flow->summary.digest, err);
}

const struct flow_encoder flow_encoder_units = {
    .in_units = true,
    .trailer_waits = true,
    .check = units_check,
    .end_input = units_end_input,
    .compress = units_compress,
    .take_output = units_take_output,
    .trailer = units_trailer,
};
