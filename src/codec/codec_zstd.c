/* SPDX-License-Identifier: Apache-2.0 */
/* Writes one zstd frame; the library's own workers compress it. With at least one worker, and
 * without the end directive on the first call, its output depends neither on their number nor on
 * how the input is divided. All parameters that change the bytes are fixed here, because the
 * library's defaults change. */
#include "codec/codec_internal.h"

#include <stdio.h>
#include <zstd.h>

#include "base/limits.h"
#include "base/mem.h"

#define RECIPE_VERSION 2

/* The library's parameters for each of our levels. A job of 2 MiB is small enough for the memory
 * of a pipeline; the overlap with the previous job makes up for the small size. Levels 1 to 3
 * use one hash table: with such large windows the output is as small as with two, and it is
 * faster. They have no chains; but since version 1.5.5 the library uses no more of the overlap than
 * its tables are for, and it looks at the larger of both logarithms. */
struct zstd_row {
    int level_max;      /* the row is for levels up to this one */
    int library_level;  /* 0 = the same */
    unsigned hash_log;  /* 0 = the library's */
    unsigned chain_log; /* 0 = the library's */
    unsigned job_log;   /* input of one job */
    unsigned window_log;
    unsigned overlap_log; /* 9 = the next job gets the whole window; each step less halves it */
    unsigned state_kib;   /* upper bound for one context's tables */
};

static const struct zstd_row ROWS[] = {
    { 1, 1, 16, 0, 21, 21, 7, 1024 },      /* fast */
    { 2, 2, 17, 0, 21, 21, 8, 1536 },      /* fast */
    { 3, 2, 17, 20, 21, 22, 8, 1536 },     /* fast */
    { 4, 3, 18, 0, 21, 22, 8, 3 * 1024 },  /* dfast */
    { 5, 3, 19, 19, 21, 22, 8, 6 * 1024 }, /* dfast */
    { 6, 7, 0, 0, 22, 22, 6, 24 * 1024 },  /* lazy */
    { 12, 0, 0, 0, 22, 22, 8, 24 * 1024 }, /* lazy, lazy2 */
    { 15, 0, 0, 0, 22, 22, 8, 48 * 1024 }, /* lazy2, btlazy2 */
    { 19, 0, 0, 0, 24, 23, 8, 96 * 1024 }, /* btopt and better */
};

struct zstd_state {
    ZSTD_CCtx *context;
    size_t job_bytes;
    uint64_t size; /* of the input so far */
    bool flushed;  /* the last full job has been started */
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

/* The library has at least one worker, because its output is different without any. */
static unsigned library_workers(unsigned workers)
{
    return MAX_OF(workers, 1u);
}

/* The library allocates an input ring for the jobs of all workers and three more, a context for
 * each worker, and an output buffer for each worker and two more. */
static uint64_t library_bytes(const struct zstd_row *row, unsigned workers)
{
    uint64_t job = UINT64_C(1) << row->job_log;
    uint64_t count = library_workers(workers);
    return (count + 3) * job + (count + 2) * ZSTD_COMPRESSBOUND(job) + count * row->state_kib * KIB;
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
    return set(context, ZSTD_c_compressionLevel,
               row->library_level != 0 ? row->library_level : level) &&
           set(context, ZSTD_c_windowLog, (int)row->window_log) &&
           (row->hash_log == 0 || set(context, ZSTD_c_hashLog, (int)row->hash_log)) &&
           (row->chain_log == 0 || set(context, ZSTD_c_chainLog, (int)row->chain_log)) &&
           set(context, ZSTD_c_contentSizeFlag, 0) && set(context, ZSTD_c_checksumFlag, 0) &&
           set(context, ZSTD_c_nbWorkers, (int)library_workers(workers)) &&
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
    zstd->job_bytes = (size_t)1 << row_of(spec->level)->job_log;
    *ret_state = TAKE(zstd);
    return 0;
}

static void zstd_expect_one_block(void *opaque)
{
    struct zstd_state *zstd = opaque;
    /* A failure does not matter: this only saves threads. */
    (void)set(zstd->context, ZSTD_c_nbWorkers, 1);
}

/* The input may end where a job is full. If the library has not started this job, the end
 * directive makes it the last one; if it has, an empty block follows. Which of the two is a
 * matter of time, so a flush starts the job first. */
static ZSTD_EndDirective directive_of(const struct zstd_state *zstd, bool end)
{
    bool job_is_full = zstd->size > 0 && zstd->size % zstd->job_bytes == 0;
    return !end ? ZSTD_e_continue : job_is_full && !zstd->flushed ? ZSTD_e_flush : ZSTD_e_end;
}

static int zstd_stream(void *opaque, struct codec_span *in, struct codec_span *out, bool end,
                       bool *ret_done, struct lpipe_error *err)
{
    struct zstd_state *zstd = opaque;
    ZSTD_inBuffer from = { in->data, in->size, in->position };
    ZSTD_outBuffer to = { out->data, out->size, out->position };
    bool done = false;
    do {
        ZSTD_EndDirective directive = directive_of(zstd, end);
        size_t before = from.pos;
        size_t left = ZSTD_compressStream2(zstd->context, &to, &from, directive);
        if (ZSTD_isError(left)) {
            return fail(err, LPIPE_NO_MEMORY, "zstd: %s", ZSTD_getErrorName(left));
        }
        zstd->size += from.pos - before;
        zstd->flushed |= directive == ZSTD_e_flush && left == 0;
        done = directive == ZSTD_e_end ? left == 0
                                       : directive == ZSTD_e_continue && from.pos == from.size;
    } while (to.pos < to.size && !done);
    in->position = from.pos;
    out->position = to.pos;
    *ret_done = end && done;
    return 0;
}

const struct codec_ops codec_zstd_ops = {
    .create = zstd_create,
    .destroy = zstd_destroy,
    .plan = zstd_plan,
    .recipe = zstd_recipe,
    .expect_one_block = zstd_expect_one_block,
    .stream = zstd_stream,
};
