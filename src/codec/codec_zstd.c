/* SPDX-License-Identifier: Apache-2.0 */
/* zstd as one frame, packed by the library's own workers. With at least one worker, and no end
 * directive on the first call, its output does not depend on their number or on how the input is
 * cut. All parameters that shape the bytes are pinned, since the library's defaults change. */
#include "codec/codec_room.h"

#include <stdio.h>
#include <zstd.h>

#include "base/limits.h"
#include "base/mem.h"

#define RECIPE_VERSION 1

struct zstd_row {
    int level_max;    /* row serves levels up to this */
    unsigned job_log; /* input of one job */
    unsigned window_log;
    unsigned overlap_log; /* 9 = the whole window is given to the next job, 1 = nothing */
    unsigned state_kib;   /* upper bound for one context's tables */
};

static const struct zstd_row ROWS[] = {
    { 2, 21, 20, 3, 1536 },     /* fast */
    { 4, 21, 21, 3, 3 * 1024 }, /* dfast */
    { 12, 22, 22, 6, 24 * 1024 }, { 15, 22, 22, 7, 48 * 1024 }, { 19, 24, 23, 8, 96 * 1024 },
};

struct zstd_state {
    ZSTD_CCtx *context;
};

static const struct zstd_row *row_of(int level)
{
    const struct zstd_row *row = ROWS;
    while (row->level_max < level) {
        row++;
    }
    return row;
}

static void zstd_recipe(const struct codec_spec *spec, char ret_name[CODEC_RECIPE_BYTES])
{
    (void)snprintf(ret_name, CODEC_RECIPE_BYTES, "zstd-%d:%d zstd %s", spec->level, RECIPE_VERSION,
                   ZSTD_versionString());
}

/* The library's scheme: an input ring of the window or all workers' jobs, whichever is larger, and
 * three more jobs; a buffer for a packed job and a context for each worker and two more. */
static uint64_t library_bytes(const struct zstd_row *row, unsigned workers)
{
    uint64_t job = UINT64_C(1) << row->job_log;
    uint64_t ring = MAX_OF(UINT64_C(1) << row->window_log, workers * job) + 3 * job;
    return ring + (workers + 2) * ZSTD_COMPRESSBOUND(job) + (uint64_t)workers * row->state_kib * KIB;
}

static void zstd_plan(const struct codec_spec *spec, unsigned workers, struct codec_plan *ret_plan)
{
    *ret_plan = (struct codec_plan){
        .shape = CODEC_SHAPE_STREAM,
        .block_bytes = ZSTD_BLOCK_BYTES,
        .output_bytes = ZSTD_BLOCK_BYTES,
        .state_bytes = sizeof(struct zstd_state) + library_bytes(row_of(spec->level), workers),
    };
}

static void zstd_destroy(void *opaque)
{
    struct zstd_state *zstd = opaque;
    (void)ZSTD_freeCCtx(zstd->context);
    free(zstd);
}

static bool set(ZSTD_CCtx *context, ZSTD_cParameter parameter, int value)
{
    return ZSTD_isError(ZSTD_CCtx_setParameter(context, parameter, value)) == 0;
}

static bool parameters_set(ZSTD_CCtx *context, int level, unsigned workers)
{
    const struct zstd_row *row = row_of(level);
    return set(context, ZSTD_c_compressionLevel, level) &&
           set(context, ZSTD_c_windowLog, (int)row->window_log) &&
           set(context, ZSTD_c_contentSizeFlag, 0) && set(context, ZSTD_c_checksumFlag, 0) &&
           set(context, ZSTD_c_nbWorkers, (int)workers) &&
           set(context, ZSTD_c_jobSize, 1 << row->job_log) &&
           set(context, ZSTD_c_overlapLog, (int)row->overlap_log);
}

static int zstd_create(const struct codec_spec *spec, unsigned workers, void **ret_state,
                       struct lpipe_error *err)
{
    AUTO_FREE struct zstd_state *zstd = NEW(struct zstd_state);
    if (zstd == NULL) {
        return fail_memory(err);
    }
    zstd->context = ZSTD_createCCtx();
    if (zstd->context == NULL) {
        return fail_memory(err);
    }
    if (!parameters_set(zstd->context, spec->level, workers)) {
        (void)ZSTD_freeCCtx(zstd->context);
        return fail(err, LPIPE_UNSUPPORTED, "the zstd library was built without threads");
    }
    *ret_state = TAKE(zstd);
    return 0;
}

static int zstd_stream(void *opaque, struct codec_span *in, struct codec_span *out, bool end,
                       bool *ret_done, struct lpipe_error *err)
{
    struct zstd_state *zstd = opaque;
    ZSTD_inBuffer from = { in->data, in->size, in->position };
    ZSTD_outBuffer to = { out->data, out->size, out->position };
    size_t left = 0;
    do {
        left = ZSTD_compressStream2(zstd->context, &to, &from, end ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left)) {
            return fail(err, LPIPE_NO_MEMORY, "zstd: %s", ZSTD_getErrorName(left));
        }
    } while (to.pos < to.size && (end ? left > 0 : from.pos < from.size));
    in->position = from.pos;
    out->position = to.pos;
    *ret_done = end && left == 0;
    return 0;
}

const struct codec_ops codec_zstd_ops = {
    .create = zstd_create,
    .destroy = zstd_destroy,
    .plan = zstd_plan,
    .recipe = zstd_recipe,
    .stream = zstd_stream,
};
