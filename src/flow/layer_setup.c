/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/layer_setup.h"

#include <string.h>

#include "base/cancel.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/opts.h"
#include "base/spool.h"
#include "base/sync.h"
#include "base/text.h"
#include "flow/flow_plan.h"
#include "flow/layer_format.h"
#include "flow/layer_media.h"

#define FLAGS_KNOWN                                                                                \
    ((uint32_t)(LPIPE_LAYER_RAW | LPIPE_LAYER_ALLOW_TRUNCATED | LPIPE_LAYER_ALLOW_EMPTY |          \
                LPIPE_LAYER_DOCKER | LPIPE_LAYER_FD_BORROWED | LPIPE_LAYER_LOOK_FIRST |            \
                LPIPE_LAYER_ALLOW_ODD_ENTRIES))

static int read_options(struct lpipe_layer_options *to, const struct lpipe_layer_options *from,
                        struct lpipe_error *err)
{
    int status = opts_take(from, to, sizeof *to, "lpipe_layer_options", err);
    if (status != 0) {
        return status;
    }
    if (to->threads < LPIPE_THREADS_INLINE || to->threads > THREADS_MAX) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "threads must be %d to %d", LPIPE_THREADS_INLINE,
                    THREADS_MAX);
    }
    return opts_check_flags(to->flags, FLAGS_KNOWN, "lpipe_layer_options", err);
}

static unsigned workers_of(int32_t threads)
{
    if (threads == LPIPE_THREADS_INLINE) {
        return 0;
    }
    unsigned wanted =
        threads == LPIPE_THREADS_DEFAULT ? (unsigned)thread_processors() : (unsigned)threads;
    return MIN_OF(wanted, (unsigned)THREADS_MAX);
}

static int check_label(const struct layer_setup *setup, struct lpipe_error *err)
{
    bool raw = (setup->flags & LPIPE_LAYER_RAW) != 0;
    /* Compressed input becomes the blob unchanged, unless the caller named another codec. */
    if (setup->label == NULL ||
        (!raw && !setup->codec_given && layer_media_is_compressed(setup->label))) {
        return 0;
    }
    return layer_media_check(setup->label, setup->codec.kind, raw, err);
}

/* Refuses impossible combinations before a byte is read. */
static int check_combination(const struct layer_setup *setup, struct lpipe_error *err)
{
    struct flow_plan plan;
    bool docker = (setup->flags & LPIPE_LAYER_DOCKER) != 0;
    if (docker && layer_media_of(setup->codec.kind, true) == NULL) {
        return fail_docker_zstd(LPIPE_INVALID_ARGUMENT, err);
    }
    if (docker && setup->toc != 0) {
        return layer_format_fail_docker(err);
    }
    if (setup->toc != 0 && (setup->flags & LPIPE_LAYER_RAW) != 0) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "a layer with a table of contents must be a tar: raw input has no entries");
    }
    if (setup->prefetch != NULL && setup->toc != TOC_ESTARGZ) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "a list of files to prefetch is for eStargz layers only");
    }
    int status = check_label(setup, err);
    if (status == 0 && docker && setup->label != NULL) {
        status = layer_media_check_format(setup->label, true, err);
    }
    if (status != 0) {
        return status;
    }
    return flow_plan_make(&setup->codec, setup->toc != 0, setup->workers, setup->memory_bytes_max,
                          &plan, err);
}

static int choose_spool_dir(struct layer_setup *setup, const char *given, struct lpipe_error *err)
{
    setup->spool_dir = mem_strdup(spool_dir_choose(given));
    return setup->spool_dir == NULL ? fail_memory(err) : 0;
}

static int take_title(struct layer_setup *setup, const char *title, struct lpipe_error *err)
{
    size_t size = strlen(title);
    if (size == 0 || size >= sizeof((struct lpipe_annotation *)NULL)->value ||
        !text_is_utf8(title, size) || !text_is_clean(title, size)) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "layer title: must be UTF-8 without control characters, of 1 to 159 bytes");
    }
    setup->title = mem_strdup(title);
    return setup->title == NULL ? fail_memory(err) : 0;
}

int layer_setup_init(struct layer_setup *setup, const struct lpipe_layer_options *options,
                     struct lpipe_error *err)
{
    struct lpipe_layer_options given;
    *setup = (struct layer_setup){ 0 };
    int status = read_options(&given, options, err);
    if (status != 0) {
        return status;
    }
    setup->codec_given = given.compress != NULL;
    setup->workers = workers_of(given.threads);
    setup->flags = given.flags;
    setup->memory_bytes_max = given.memory_bytes_max;
    struct layer_format format;
    status = layer_format_parse(given.compress, &format, err);
    if (status == 0) {
        setup->codec = format.codec;
        setup->toc = format.toc;
        status = choose_spool_dir(setup, given.spool_dir, err);
    }
    if (status == 0 && given.media_type != NULL) {
        setup->label = mem_strdup(given.media_type);
        status = setup->label == NULL ? fail_memory(err) : 0;
    }
    if (status == 0 && given.input_name != NULL) {
        setup->input_name = mem_strdup(given.input_name);
        status = setup->input_name == NULL ? fail_memory(err) : 0;
    }
    if (status == 0 && given.prefetch != NULL) {
        setup->prefetch = mem_strdup(given.prefetch);
        status = setup->prefetch == NULL ? fail_memory(err) : 0;
    }
    if (status == 0 && given.title != NULL) {
        status = take_title(setup, given.title, err);
    }
    if (status == 0) {
        status = check_combination(setup, err);
    }
    if (status != 0) {
        layer_setup_dispose(setup);
        return status;
    }
    setup->cancel = cancel_ref(given.cancel);
    return 0;
}

void layer_setup_dispose(struct layer_setup *setup)
{
    free(TAKE(setup->label));
    free(TAKE(setup->spool_dir));
    free(TAKE(setup->input_name));
    free(TAKE(setup->prefetch));
    free(TAKE(setup->title));
    setup->cancel = lpipe_cancel_unref(setup->cancel);
}
