/* SPDX-License-Identifier: Apache-2.0 */
/* The tasks of the pipeline. Each ordered task runs in one thread at a time, which its flag
 * marks; the lock makes what it wrote visible to the thread that runs it next. */
#include "flow/flow_task.h"

#include <assert.h>
#include <string.h>

#include "flow/flow_encoder.h"
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
{ /* If digest and diff ID are the same, the check must end first. */
    return !flow->hashing && !flow->trailer_ready && !flow->trailer_ended &&
           flow->hashed == flow->out_total &&
           (flow->check_ended || (!flow->one_digest && !flow->encoder->trailer_waits));
}

static bool check_ready(const struct flow *flow)
{
    return !flow->checking && flow->checked < flow->filled;
}

static bool finish_check_ready(const struct flow *flow)
{
    return !flow->checking && !flow->check_ended && flow->input_ended &&
           flow->checked == flow->filled &&
           (!flow->encoder->in_units || (flow->hashed == flow->out_total && !flow->hashing));
}

static bool compress_ready(const struct flow *flow)
{
    /* The check finds out where the units of a block are. */
    uint64_t known = flow->encoder->in_units ? flow->checked : flow->filled;
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
    return flow->encoder->take_output(flow, out, err);
}

static int run_hash(struct flow *flow, uint64_t number, struct lpipe_error *err)
{
    struct out_block *out = out_at(flow, number);
    if (!flow->one_digest) {
        digest_update(flow->digest, out->bytes, out->size);
    }
    return output_add(flow, out, err);
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
    return status == 0 ? flow_encoder_input(flow, in, err) : status;
}

static int run_finish_check(struct flow *flow, struct lpipe_error *err)
{
    int status = input_check_end(flow->check, err);
    if (status == 0 && flow->encoder->end_input != NULL) {
        status = flow->encoder->end_input(flow, err);
    }
    flow->summary.uncompressed_size = input_check_size(flow->check);
    if (status == 0) {
        input_check_odd(flow->check, &flow->summary.odd);
        input_check_tops(flow->check, &flow->summary.tops);
        flow->summary.is_image_archive = input_check_is_image_archive(flow->check);
        flow->summary.has_no_entries = input_check_is_tar_without_entries(flow->check);
        status = input_check_diff_id(flow->check, flow->summary.diff_id, err);
    }
    if (status == 0 && flow->summary.tar_digest[0] == '\0') {
        memcpy(flow->summary.tar_digest, flow->summary.diff_id, sizeof flow->summary.tar_digest);
    }
    return status;
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
        return flow->encoder->trailer(flow, err);
    case TASK_CHECK:
        return flow->encoder->check(flow, in, err);
    case TASK_FINISH_CHECK:
        return run_finish_check(flow, err);
    case TASK_COMPRESS:
        return flow->encoder->compress(flow, task->number, in, out_at(flow, task->number), worker,
                                       err);
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
        flow->trailer_ended = !flow->encoder->in_units || flow->trailer_size == 0;
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
