/* SPDX-License-Identifier: Apache-2.0 */
/* The driver's functions of the pipeline, and the workers. */
#include "flow/layer_flow.h"

#include <assert.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/sync.h"
#include "codec/unit_codec.h"
#include "flow/flow_encoder.h"
#include "flow/flow_task.h"

static bool blocks_allocate(struct flow *flow)
{
    const struct flow_plan *plan = &flow->plan;
    flow->in = mem_new_array(plan->in_blocks, sizeof *flow->in);
    flow->out = mem_new_array(plan->out_blocks, sizeof *flow->out);
    flow->in_memory = mem_new_blocks(plan->in_blocks, plan->codec.block_bytes);
    flow->out_memory = mem_new_blocks(plan->out_blocks, plan->codec.output_bytes);
    flow->threads = mem_new_array(plan->threads, sizeof *flow->threads);
    flow->trailer = mem_new(FLOW_TRAILER_BYTES);
    if (flow->trailer == NULL || flow->in == NULL || flow->out == NULL || flow->in_memory == NULL ||
        flow->out_memory == NULL || flow->threads == NULL) {
        return false;
    }
    for (unsigned i = 0; i < plan->in_blocks; i++) {
        flow->in[i].data = flow->in_memory + i * plan->codec.block_bytes;
    }
    for (unsigned i = 0; i < plan->out_blocks; i++) {
        flow->out[i].memory = flow->out_memory + i * plan->codec.output_bytes;
    }
    return true;
}

/* What a table of contents needs: the codec for units, and lists of units for the blocks. */
static int toc_build(struct flow *flow, const struct flow_setup *setup, struct lpipe_error *err)
{
    const struct flow_plan *plan = &flow->plan;
    flow->unit_memory = mem_new_array(plan->in_blocks, sizeof *flow->unit_memory);
    flow->size_memory =
        mem_new_array((size_t)plan->out_blocks * TOC_UNITS_MAX, sizeof *flow->size_memory);
    if (flow->unit_memory == NULL || flow->size_memory == NULL) {
        return fail_memory(err);
    }
    for (unsigned i = 0; i < plan->in_blocks; i++) {
        flow->in[i].units = flow->unit_memory + i;
    }
    for (unsigned i = 0; i < plan->out_blocks; i++) {
        flow->out[i].unit_sizes = flow->size_memory + (size_t)i * TOC_UNITS_MAX;
    }
    int status = unit_codec_new(&setup->codec, MAX_OF(plan->workers, 1u), &flow->unit_codec, err);
    return status != 0 ? status
                       : toc_new(setup->toc, &setup->codec, setup->spool_dir, &flow->toc, err);
}

static int flow_build(struct flow *flow, const struct flow_setup *setup, struct lpipe_error *err)
{
    int status = flow_plan_make(&setup->codec, setup->toc != 0, setup->workers,
                                setup->memory_bytes_max, &flow->plan, err);
    if (status == 0 && !blocks_allocate(flow)) {
        status = fail_memory(err);
    }
    if (status == 0) {
        status = input_check_new(setup->raw, setup->scan_flags, &flow->check, err);
    }
    flow->one_digest = flow->plan.codec.shape == CODEC_SHAPE_COPY;
    flow->encoder = setup->toc != 0 ? &flow_encoder_units
                    : setup->ztoc   ? &flow_encoder_ztoc
                                    : &flow_encoder_plain;
    if (status == 0 && setup->toc != 0) {
        status = toc_build(flow, setup, err);
    } else if (status == 0 && !flow->one_digest) {
        status = codec_new(&setup->codec, MAX_OF(flow->plan.workers, 1u), &flow->codec, err);
    }
    if (status == 0 && setup->ztoc) {
        status = ztoc_new(setup->spool_dir, &flow->ztoc, err);
    }
    if (status == 0) {
        status = digest_new(DIGEST_SHA256, &flow->digest, err);
    }
    flow->pairs = status == 0 && flow->codec != NULL && !setup->hash_separately &&
                  input_check_pair_is_faster(flow->check, flow->digest);
    return status;
}

int flow_new(const struct flow_setup *setup, struct flow **ret_flow, struct lpipe_error *err)
{
    struct flow *flow = NEW(struct flow);
    if (flow == NULL) {
        return fail_memory(err);
    }
    pthread_mutex_init(&flow->lock, NULL);
    pthread_cond_init(&flow->work, NULL);
    pthread_cond_init(&flow->driver, NULL);
    flow->out_total = UINT64_MAX;
    flow->memory_bytes_max = setup->memory_bytes_max;
    int status = flow_build(flow, setup, err);
    if (status != 0) {
        flow_free(flow);
        return status;
    }
    *ret_flow = flow;
    return 0;
}

struct flow *flow_free(struct flow *flow)
{
    if (flow == NULL) {
        return NULL;
    }
    flow_stop(flow);
    for (unsigned i = 0; i < flow->thread_count; i++) {
        (void)pthread_join(flow->threads[i], NULL);
    }
    codec_free(flow->codec);
    input_check_free(flow->check);
    digest_free(flow->digest);
    free(flow->in);
    free(flow->out);
    free(flow->in_memory);
    free(flow->out_memory);
    free(flow->threads);
    free(flow->trailer);
    free(flow->unit_memory);
    free(flow->size_memory);
    unit_codec_free(flow->unit_codec);
    toc_free(flow->toc);
    ztoc_free(flow->ztoc);
    pthread_cond_destroy(&flow->driver);
    pthread_cond_destroy(&flow->work);
    pthread_mutex_destroy(&flow->lock);
    free(flow);
    return NULL;
}

void flow_stop(struct flow *flow)
{
    GUARD(&flow->lock);
    flow->stop = true;
    pthread_cond_broadcast(&flow->work);
    pthread_cond_signal(&flow->driver);
}

/* Takes and runs one task; the lock is held on entry and on return. */
static bool work_once(struct flow *flow, unsigned worker)
{
    struct task task;
    struct lpipe_error err = { 0 };
    if (!task_take(flow, &task)) {
        return false;
    } /* Each woken worker wakes the next one while there are tasks. */
    if (flow->idle > 0 && task_ready(flow)) {
        pthread_cond_signal(&flow->work);
    }
    pthread_mutex_unlock(&flow->lock);
    int status = task_run(flow, &task, worker, &err);
    pthread_mutex_lock(&flow->lock);
    task_done(flow, &task, status, &err);
    return true;
}

static void *worker_run(void *ctx)
{
    struct flow *flow = ctx;
    GUARD(&flow->lock);
    unsigned number = flow->worker_count++;
    while (!flow->stop) {
        if (!work_once(flow, number)) {
            flow->idle++;
            pthread_cond_wait(&flow->work, &flow->lock);
            flow->idle--;
        }
    }
    return NULL;
}

/* Fewer threads than planned are enough. With none, the driver runs all tasks. */
static void workers_start(struct flow *flow)
{
    while (flow->thread_count < flow->plan.threads &&
           thread_start(&flow->threads[flow->thread_count], "lpipe-work", worker_run, flow, NULL) ==
               0) {
        flow->thread_count++;
    }
}

/* The memory that the limit leaves for the window of a decompressor. */
static uint64_t window_bytes_max(const struct flow *flow)
{
    uint64_t taken = flow->plan.memory_bytes + DECOMPRESS_STATE_BYTES;
    return flow->memory_bytes_max == 0
               ? UINT64_MAX
               : flow->memory_bytes_max - MIN_OF(flow->memory_bytes_max, taken);
}

int flow_use_compressed_input(struct flow *flow, enum codec_kind claimed, struct lpipe_error *err)
{
    assert(!flow->started);
    flow->codec = codec_free(flow->codec);
    flow->ztoc = ztoc_free(flow->ztoc);
    flow->encoder = &flow_encoder_plain;
    flow_plan_copy(&flow->plan);
    flow->one_digest = false;
    flow->pairs = false; /* the input's digest is that of the decompressed bytes */
    return input_check_compressed(flow->check, claimed, window_bytes_max(flow), err);
}

size_t flow_free_space(struct flow *flow, unsigned char **ret_data)
{
    if (!flow->holding) {
        return 0;
    }
    *ret_data = flow->in[flow->filled % flow->plan.in_blocks].data + flow->fill;
    return flow->plan.codec.block_bytes - flow->fill;
}

void flow_advance(struct flow *flow, size_t size)
{
    assert(flow->holding && size <= flow->plan.codec.block_bytes - flow->fill);
    flow->fill += size;
    flow->bytes_in += size;
}

size_t flow_filled(const struct flow *flow, const unsigned char **ret_data)
{
    *ret_data = flow->in[flow->filled % flow->plan.in_blocks].data;
    return flow->fill;
}

bool flow_at_start(const struct flow *flow)
{
    return !flow->started;
}

/* With the lock held. */
static void block_submit(struct flow *flow)
{
    struct in_block *in = &flow->in[flow->filled % flow->plan.in_blocks];
    in->size = flow->fill;
    in->consumed = false;
    if (flow->plan.codec.shape == CODEC_SHAPE_COPY) {
        struct out_block *out = &flow->out[flow->filled % flow->plan.out_blocks];
        out->bytes = in->data;
        out->size = in->size;
        out->ready = true;
    }
    flow->filled++;
    flow->fill = 0;
    flow->holding = false;
}

void flow_submit(struct flow *flow, bool last)
{
    if (!flow->started && !last) {
        workers_start(flow);
    }
    flow->started = true;
    GUARD(&flow->lock);
    if (flow->holding && flow->fill > 0) {
        block_submit(flow);
    }
    if (last) {
        flow->holding = false;
        flow->input_ended = true;
        if (flow->plan.codec.shape != CODEC_SHAPE_STREAM) {
            flow->out_total = flow->filled;
        }
    }
    if (flow->idle > 0) {
        pthread_cond_signal(&flow->work);
    }
}

/* With the lock held. */
static void output_now(const struct flow *flow, struct flow_output *ret_output)
{
    if (flow->taken < flow->hashed) {
        const struct out_block *out = &flow->out[flow->taken % flow->plan.out_blocks];
        *ret_output = (struct flow_output){ out->bytes, out->size };
    } else {
        *ret_output = (struct flow_output){ flow->trailer, flow->trailer_size };
    }
}

/* With the lock held: what the driver can do now, if anything. */
static bool event_now(struct flow *flow, enum flow_event *ret_event, struct flow_output *ret_output)
{
    if (flow_output_ready(flow)) {
        *ret_event = FLOW_OUTPUT;
        output_now(flow, ret_output);
        return true;
    }
    if (!flow->holding && !flow->input_ended && flow->filled < flow->freed + flow->plan.in_blocks) {
        flow->holding = true;
    }
    if (flow->holding) {
        *ret_event = FLOW_NEEDS_INPUT;
        return true;
    }
    *ret_event = FLOW_END;
    return flow->trailer_ended && flow->check_ended && flow->taken == flow->out_total;
}

int flow_next(struct flow *flow, enum flow_event *ret_event, struct flow_output *ret_output,
              struct lpipe_error *err)
{
    GUARD(&flow->lock);
    for (;;) {
        if (flow->stop) {
            return fail(err, LPIPE_ABORTED, "the layer was closed before its stream ended");
        }
        if (flow->failure.status != 0) {
            if (err != NULL) {
                *err = flow->failure;
            }
            return flow->failure.status;
        }
        if (event_now(flow, ret_event, ret_output)) {
            return 0;
        }
        if (flow->thread_count == 0) {
            bool worked = work_once(flow, 0);
            assert(worked);
            (void)worked;
        } else {
            flow->driver_waits = true;
            pthread_cond_wait(&flow->driver, &flow->lock);
            flow->driver_waits = false;
        }
    }
}

/* With the lock held: lets a worker that waits run a task that is ready now. */
static void wake_worker(struct flow *flow)
{
    if (flow->idle > 0 && task_ready(flow)) {
        pthread_cond_signal(&flow->work);
    }
}

void flow_release_output(struct flow *flow)
{
    GUARD(&flow->lock);
    if (flow->taken == flow->hashed) {
        flow->bytes_out += flow->trailer_size;
        flow->trailer_ready = false;
        wake_worker(flow);
        return;
    }
    struct out_block *out = &flow->out[flow->taken % flow->plan.out_blocks];
    flow->bytes_out += out->size;
    out->ready = false;
    if (flow->plan.codec.shape == CODEC_SHAPE_COPY) {
        flow->in[flow->taken % flow->plan.in_blocks].consumed = true;
    }
    flow->taken++;
    blocks_free(flow);
    wake_worker(flow);
}

void flow_summary(const struct flow *flow, struct flow_summary *ret_summary)
{
    *ret_summary = flow->summary;
}

struct ztoc *flow_take_ztoc(struct flow *flow)
{
    return TAKE(flow->ztoc);
}

const struct toc *flow_toc(const struct flow *flow)
{
    return flow->toc;
}

uint64_t flow_memory_bytes(const struct flow *flow)
{
    return flow->plan.memory_bytes + input_check_memory_bytes(flow->check) +
           (flow->toc == NULL ? 0 : toc_memory_bytes(flow->toc)) +
           (flow->ztoc == NULL ? 0 : ztoc_memory_bytes(flow->ztoc));
}

uint64_t flow_bytes_in(const struct flow *flow)
{
    return flow->bytes_in;
}

uint64_t flow_bytes_out(const struct flow *flow)
{
    return flow->bytes_out;
}
