/* SPDX-License-Identifier: Apache-2.0 */
/* The tasks of the pipeline. Each ordered task runs in one thread at a time, which its flag
 * marks; the lock makes what it wrote visible to the thread that runs it next. */
#include "flow/flow_task.h"

#include <assert.h>
#include <string.h>

#include "base/limits.h"
#include "codec/unit_codec.h"
#include "flow/flow_pair.h"

static struct in_block *in_at(const struct flow *flow, uint64_t number)
{
    return &flow->in[number % flow->plan.in_blocks];
}

static struct out_block *out_at(const struct flow *flow, uint64_t number)
{
    return &flow->out[number % flow->plan.out_blocks];
}

static bool hash_ready(const struct flow *flow)
{
    return !flow->hashing && flow->hashed < flow->out_total &&
           flow->hashed < flow->taken + flow->plan.out_blocks && out_at(flow, flow->hashed)->ready;
}

static bool trailer_task_ready(const struct flow *flow)
{ /* If digest and diff ID are the same, the check must end first. It also makes a table of
   * contents, which is part of the trailer. */
    return !flow->hashing && !flow->trailer_ready && !flow->trailer_ended &&
           flow->hashed == flow->out_total &&
           (flow->check_ended || (!flow->one_digest && flow->toc == NULL && flow->ztoc == NULL));
}

static bool check_ready(const struct flow *flow)
{
    return !flow->checking && flow->checked < flow->filled;
}

static bool finish_check_ready(const struct flow *flow)
{
    return !flow->checking && !flow->check_ended && flow->input_ended &&
           flow->checked == flow->filled &&
           (flow->toc == NULL || (flow->hashed == flow->out_total && !flow->hashing));
}

static bool compress_ready(const struct flow *flow)
{
    /* The check finds out where the units of a block are. */
    uint64_t known = flow->toc != NULL ? flow->checked : flow->filled;
    return flow->plan.codec.shape == CODEC_SHAPE_BLOCKS && flow->claimed < known &&
           flow->claimed < flow->taken + flow->plan.out_blocks;
}

static bool stream_ready(const struct flow *flow)
{
    return flow->plan.codec.shape == CODEC_SHAPE_STREAM && !flow->streaming &&
           !flow->stream_ended && flow->made < flow->taken + flow->plan.out_blocks &&
           (flow->claimed < flow->filled || flow->input_ended);
}

static enum task_kind next_kind(const struct flow *flow)
{
    bool hash = hash_ready(flow);
    bool check = check_ready(flow);
    bool stream = stream_ready(flow);
    return hash && check && pair_wanted(flow)         ? TASK_CHECK_AND_HASH
           : hash && !pair_hash_waits(flow, stream)   ? TASK_HASH
           : trailer_task_ready(flow)                 ? TASK_TRAILER
           : check && !pair_check_waits(flow, stream) ? TASK_CHECK
           : finish_check_ready(flow)                 ? TASK_FINISH_CHECK
           : stream                                   ? TASK_STREAM
           : compress_ready(flow)                     ? TASK_COMPRESS
                                                      : TASK_NONE;
}

bool task_ready(const struct flow *flow)
{
    return flow->failure.status == 0 && next_kind(flow) != TASK_NONE;
}

bool task_take(struct flow *flow, struct task *ret_task)
{
    enum task_kind kind = flow->failure.status == 0 ? next_kind(flow) : TASK_NONE;
    *ret_task = (struct task){ .kind = kind };
    switch (kind) {
    case TASK_NONE:
        return false;
    case TASK_CHECK_AND_HASH:
        ret_task->number = flow->checked;
        ret_task->output_number = flow->hashed;
        flow->checking = true;
        flow->hashing = true;
        break;
    case TASK_HASH:
        ret_task->output_number = flow->hashed;
        flow->hashing = true;
        break;
    case TASK_TRAILER:
        flow->hashing = true;
        break;
    case TASK_CHECK:
        ret_task->number = flow->checked;
        flow->checking = true;
        break;
    case TASK_FINISH_CHECK:
        flow->checking = true;
        break;
    case TASK_COMPRESS:
        ret_task->number = flow->claimed++;
        break;
    case TASK_STREAM:
        ret_task->number = flow->claimed;
        ret_task->end = flow->claimed == flow->filled;
        ret_task->is_only_block = flow->input_ended && flow->filled <= 1 &&
                                  flow->stream_position == 0 && flow->claimed == 0;
        flow->streaming = true;
        break;
    }
    return true;
}

/* Adds an output block to the sums of the blob. */
static int output_add(struct flow *flow, const struct out_block *out, struct lpipe_error *err)
{
    flow->summary.size += out->size;
    if (flow->toc != NULL) {
        return toc_output(flow->toc, out->unit_sizes, out->unit_count, err);
    }
    if (flow->codec != NULL && flow->plan.codec.shape == CODEC_SHAPE_BLOCKS) {
        codec_add_block(flow->codec, &out->codec_block);
    }
    return flow->ztoc == NULL
               ? 0
               : ztoc_output(flow->ztoc, out->bytes, out->size, out->codec_block.in_size, err);
}

static int run_hash(struct flow *flow, uint64_t number, struct lpipe_error *err)
{
    struct out_block *out = out_at(flow, number);
    if (!flow->one_digest) {
        digest_update(flow->digest, out->bytes, out->size);
    }
    return output_add(flow, out, err);
}

/* The next bytes after the last unit. A blob without units gets an empty one first. */
static int toc_trailer(struct flow *flow, struct lpipe_error *err)
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

static int run_check_and_hash(struct flow *flow, const struct task *task, struct lpipe_error *err)
{
    const struct in_block *in = in_at(flow, task->number);
    const struct out_block *out = out_at(flow, task->output_number);
    int status = output_add(flow, out, err);
    if (status == 0) {
        status = input_check_bytes_and_digest(flow->check, in->data, in->size, flow->digest,
                                              out->bytes, out->size, err);
    }
    return status != 0 || flow->ztoc == NULL ? status
                                             : ztoc_input(flow->ztoc, in->data, in->size, err);
}

static int run_trailer(struct flow *flow, struct lpipe_error *err)
{
    if (flow->toc != NULL) {
        return toc_trailer(flow, err);
    }
    if (flow->codec != NULL && flow->plan.codec.shape == CODEC_SHAPE_BLOCKS) {
        flow->trailer_size = codec_trailer(flow->codec, flow->trailer);
    }
    flow->summary.size += flow->trailer_size;
    if (flow->one_digest) {
        memcpy(flow->summary.digest, flow->summary.diff_id, sizeof flow->summary.digest);
        return 0;
    }
    digest_update(flow->digest, flow->trailer, flow->trailer_size);
    int status = digest_finish(flow->digest, flow->summary.digest, err);
    if (status == 0 && flow->ztoc != NULL) {
        status = ztoc_output(flow->ztoc, flow->trailer, flow->trailer_size, 0, err);
        status = status == 0 ? ztoc_finish(flow->ztoc, err) : status;
    }
    return status;
}

static int append_tar(void *ctx, const void *data, size_t size, struct lpipe_error *err)
{
    (void)err;
    struct flow *flow = ctx;
    input_check_append(flow->check, data, size);
    return 0;
}

static int finish_toc(struct flow *flow, struct lpipe_error *err)
{
    int status = input_check_tar_digest(flow->check, flow->summary.tar_digest, err);
    return status == 0 ? toc_finish(flow->toc, append_tar, flow, err) : status;
}

static int run_finish_check(struct flow *flow, struct lpipe_error *err)
{
    int status = input_check_end(flow->check, err);
    if (status == 0 && flow->toc != NULL) {
        status = finish_toc(flow, err);
    }
    flow->summary.uncompressed_size = input_check_size(flow->check);
    if (status == 0) {
        input_check_odd(flow->check, &flow->summary.odd);
        flow->summary.is_image_archive = input_check_is_image_archive(flow->check);
        status = input_check_diff_id(flow->check, flow->summary.diff_id, err);
    }
    if (status == 0 && flow->toc == NULL) {
        memcpy(flow->summary.tar_digest, flow->summary.diff_id, sizeof flow->summary.tar_digest);
    }
    return status;
}

static int run_check_toc(struct flow *flow, const struct in_block *in, struct lpipe_error *err)
{
    int status = input_check_scan(flow->check, in->data, in->size, err);
    return status != 0 ? status
                       : toc_input(flow->toc, input_check_digest(flow->check), in->data, in->size,
                                   in->units, err);
}

static int run_check(struct flow *flow, const struct in_block *in, struct lpipe_error *err)
{
    if (flow->toc != NULL) {
        return run_check_toc(flow, in, err);
    }
    int status = input_check_bytes(flow->check, in->data, in->size, err);
    if (status == 0 && flow->ztoc != NULL) {
        status = ztoc_input(flow->ztoc, in->data, in->size, err);
    }
    return status;
}

static int run_compress_units(struct flow *flow, uint64_t number, unsigned worker,
                              struct lpipe_error *err)
{
    const struct in_block *in = in_at(flow, number);
    struct out_block *out = out_at(flow, number);
    size_t at = 0;
    int status = 0;
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

static int run_compress(struct flow *flow, uint64_t number, unsigned worker)
{
    const struct in_block *in = in_at(flow, number);
    struct out_block *out = out_at(flow, number);
    codec_compress(flow->codec, worker, number == 0, in->data, in->size, out->memory,
                   &out->codec_block);
    out->bytes = out->memory;
    out->size = out->codec_block.out_size;
    return 0;
}

static int run_stream(struct flow *flow, struct task *task, struct lpipe_error *err)
{
    struct out_block *out = out_at(flow, flow->made);
    struct codec_span from = { 0 };
    struct codec_span to = { out->memory, flow->plan.codec.output_bytes, flow->stream_size };
    bool done = false;
    if (task->is_only_block) {
        codec_expect_one_block(flow->codec);
    }
    if (!task->end) {
        const struct in_block *in = in_at(flow, task->number);
        from = (struct codec_span){ in->data, in->size, flow->stream_position };
    }
    int status = codec_stream(flow->codec, &from, &to, task->end, &done, err);
    flow->stream_position = from.position;
    flow->stream_size = to.position;
    flow->stream_ended = done;
    return status;
}

int task_run(struct flow *flow, struct task *task, unsigned worker, struct lpipe_error *err)
{
    const struct in_block *in = in_at(flow, task->number);
    switch (task->kind) {
    case TASK_CHECK_AND_HASH:
        return run_check_and_hash(flow, task, err);
    case TASK_HASH:
        return run_hash(flow, task->output_number, err);
    case TASK_TRAILER:
        return run_trailer(flow, err);
    case TASK_CHECK:
        return run_check(flow, in, err);
    case TASK_FINISH_CHECK:
        return run_finish_check(flow, err);
    case TASK_COMPRESS:
        return flow->toc != NULL ? run_compress_units(flow, task->number, worker, err)
                                 : run_compress(flow, task->number, worker);
    case TASK_STREAM:
        return run_stream(flow, task, err);
    case TASK_NONE:
        break;
    }
    assert(false);
    return 0;
}

void blocks_free(struct flow *flow)
{
    while (flow->freed < flow->checked && in_at(flow, flow->freed)->consumed) {
        flow->freed++;
    }
}

static void stream_done(struct flow *flow)
{
    flow->streaming = false;
    if (flow->claimed < flow->filled && flow->stream_position == in_at(flow, flow->claimed)->size) {
        in_at(flow, flow->claimed)->consumed = true;
        flow->claimed++;
        flow->stream_position = 0;
    }
    if (flow->stream_size == flow->plan.codec.output_bytes ||
        (flow->stream_ended && flow->stream_size > 0)) {
        struct out_block *out = out_at(flow, flow->made++);
        out->bytes = out->memory;
        out->size = flow->stream_size;
        out->ready = true;
        flow->stream_size = 0;
    }
    if (flow->stream_ended) {
        flow->out_total = flow->made;
    }
}

static void hash_done(struct flow *flow)
{
    flow->hashing = false;
    flow->hashed++;
}

static void check_done(struct flow *flow)
{
    flow->checking = false;
    flow->checked++;
    blocks_free(flow);
}

static void count_done(struct flow *flow, const struct task *task)
{
    switch (task->kind) {
    case TASK_CHECK_AND_HASH:
        hash_done(flow);
        check_done(flow);
        break;
    case TASK_HASH:
        hash_done(flow);
        break;
    case TASK_TRAILER:
        flow->hashing = false;
        flow->trailer_ready = flow->trailer_size > 0;
        flow->trailer_ended = flow->toc == NULL || flow->trailer_size == 0;
        break;
    case TASK_CHECK:
        check_done(flow);
        break;
    case TASK_FINISH_CHECK:
        flow->checking = false;
        flow->check_ended = true;
        break;
    case TASK_COMPRESS:
        out_at(flow, task->number)->ready = true;
        in_at(flow, task->number)->consumed = true;
        blocks_free(flow);
        break;
    case TASK_STREAM:
        stream_done(flow);
        blocks_free(flow);
        break;
    case TASK_NONE:
        break;
    }
}

void task_done(struct flow *flow, const struct task *task, int status,
               const struct lpipe_error *err)
{
    if (status != 0) {
        /* The first failure is the one that is reported. */
        if (flow->failure.status == 0) {
            flow->failure = *err;
        }
        pthread_cond_broadcast(&flow->work);
    } else {
        count_done(flow, task);
    }
    if (flow->driver_waits && flow_driver_ready(flow)) {
        flow->driver_waits = false;
        pthread_cond_signal(&flow->driver);
    }
}

bool flow_output_ready(const struct flow *flow)
{
    /* No output is given out before the first input block was checked, and the end of the output
     * is not given out before all input was checked. */
    if (flow->taken < flow->hashed) {
        return flow->check_ended || (flow->checked > 0 && flow->taken + 1 < flow->out_total);
    }
    return flow->trailer_ready && flow->check_ended && flow->taken == flow->out_total;
}

bool flow_driver_ready(const struct flow *flow)
{
    bool space = !flow->input_ended && flow->filled < flow->freed + flow->plan.in_blocks;
    bool over = flow->trailer_ended && flow->check_ended;
    return flow->failure.status != 0 || flow->stop || flow_output_ready(flow) || space || over;
}
