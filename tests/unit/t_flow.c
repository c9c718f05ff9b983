/* SPDX-License-Identifier: Apache-2.0 */
/* The pipeline by itself, under a driver that does everything that a driver may do, at random:
 * fills in pieces of any size, takes output late, stops from another thread, leaves at any step.
 * What it says is held against a model of the stream. And the table of what must not change a
 * digest. */
#include "support/tar_make.h"

#include "base/limits.h"
#include "base/sync.h"
#include "flow/layer_flow.h"
#include "tar/tar_scan.h"

static uint64_t below(uint64_t *random, uint64_t count)
{
    return next_random(random) % count;
}

/* One stream, and what became of it when it ran to its end inline. */
struct reference {
    const char *compress;
    bool raw;
    struct bytes plain;
    struct bytes compressed;
    struct flow_summary summary;
};

static void setup_of(const struct reference *reference, struct flow_setup *ret_setup)
{
    *ret_setup = (struct flow_setup){ .raw = reference->raw, .scan_flags = TAR_SCAN_ALLOW_EMPTY };
    assert_int_equal(codec_parse(reference->compress, &ret_setup->codec, NULL), 0);
}

/* Fills the block in hand with no more than `piece` bytes at a time; hands it over when it is
 * full or the stream has ended. */
static void fill_block(struct flow *flow, const struct bytes *plain, size_t *position, size_t piece)
{
    unsigned char *free_space = NULL;
    size_t size = flow_free_space(flow, &free_space);
    assert_true(size > 0);
    while (size > 0 && *position < plain->size) {
        size_t part = MIN_OF(MIN_OF(size, plain->size - *position), piece);
        memcpy(free_space, plain->data + *position, part);
        flow_advance(flow, part);
        *position += part;
        size = flow_free_space(flow, &free_space);
    }
    flow_submit(flow, size > 0);
}

/* Runs to the end, or to the failure that is returned. */
static int run(struct flow *flow, const struct bytes *plain, size_t piece, struct bytes *out,
               struct lpipe_error *err)
{
    size_t position = 0;
    for (;;) {
        enum flow_event event = FLOW_END;
        struct flow_output output = { NULL, 0 };
        int status = flow_next(flow, &event, &output, err);
        if (status != 0 || event == FLOW_END) {
            return status;
        }
        if (event == FLOW_NEEDS_INPUT) {
            fill_block(flow, plain, &position, piece);
            continue;
        }
        bytes_put(out, output.data, output.size);
        flow_release_output(flow);
    }
}

static void reference_make(struct reference *reference, const char *compress, bool raw)
{
    struct flow_setup setup;
    struct flow *flow = NULL;
    reference->compress = compress;
    reference->raw = raw;
    setup_of(reference, &setup);
    assert_int_equal(flow_new(&setup, &flow, NULL), 0);
    assert_int_equal(run(flow, &reference->plain, SIZE_MAX, &reference->compressed, NULL), 0);
    flow_summary(flow, &reference->summary);
    flow_free(flow);
    assert_int_equal(reference->summary.size, reference->compressed.size);
    assert_int_equal(reference->summary.uncompressed_size, reference->plain.size);
}

static void reference_dispose(struct reference *reference)
{
    bytes_dispose(&reference->plain);
    bytes_dispose(&reference->compressed);
}

static void expect_same(const struct flow_summary *a, const struct flow_summary *b)
{
    assert_string_equal(a->digest, b->digest);
    assert_string_equal(a->diff_id, b->diff_id);
    assert_int_equal(a->size, b->size);
    assert_int_equal(a->uncompressed_size, b->uncompressed_size);
}

/* Neither threads, nor the size of reads, nor chance, nor a memory limit, nor whether two digests
 * are computed at once change a byte. */
static void check_table(const char *compress, size_t size)
{
    static const unsigned threads[] = { 0, 1, 2, 3, 8 };
    static const size_t pieces[] = { 1, 511, 4096, 1 << 20 };
    struct reference reference = { 0 };
    bytes_mixed(&reference.plain, size);
    reference_make(&reference, compress, true);
    for (size_t i = 0; i < ARRAY_LEN(threads) * ARRAY_LEN(pieces) * 2; i++) {
        struct bytes out AUTO_BYTES = { NULL, 0, 0 };
        struct flow_summary summary;
        struct flow_setup setup;
        struct flow *flow = NULL;
        setup_of(&reference, &setup);
        setup.workers = threads[i / 2 % ARRAY_LEN(threads)];
        setup.hash_separately = i % 2 == 1;
        assert_int_equal(flow_new(&setup, &flow, NULL), 0);
        assert_int_equal(
            run(flow, &reference.plain, pieces[i / 2 / ARRAY_LEN(threads)], &out, NULL), 0);
        flow_summary(flow, &summary);
        flow_free(flow);
        expect_same(&summary, &reference.summary);
        assert_int_equal(out.size, reference.compressed.size);
        assert_memory_equal(out.data, reference.compressed.data, out.size);
    }
    reference_dispose(&reference);
}

static void test_nothing_else_changes_a_digest(void **state)
{
    (void)state;
    static const char *const levels[] = { "gzip:-2", "gzip:0", "gzip:1", "gzip:2", "gzip:6" };
    check_table("none", 5 * PLAIN_BLOCK_BYTES + 77);
    for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
        check_table(levels[i], 2 * GZIP_BLOCK_BYTES + 77);
    }
    check_table("zstd:1", 2 * MIB + 300077); /* two jobs of the library's */
    check_table("zstd:3", 2 * MIB + 300077);
}

/* A stream of no bytes once never came out of a codec that makes a block of it. */
static void test_empty_stream_ends(void **state)
{
    (void)state;
    static const char *const codecs[] = { "none", "gzip:0", "gzip:1", "gzip:6", "zstd:3" };
    for (size_t i = 0; i < ARRAY_LEN(codecs); i++) {
        check_table(codecs[i], 0);
    }
}

/* The driver of the model. It knows what the pipeline may say next and whether it is over. */
struct model {
    const struct reference *reference;
    struct flow *flow;
    uint64_t random;
    size_t position; /* of the input */
    size_t taken;    /* of the output */
    size_t in_hand;  /* bytes in the block being filled */
    bool is_copy;
    bool ended; /* the input */
    bool stopped;
    int status; /* what the pipeline failed with */
};

static void *stop_run(void *ctx)
{
    flow_stop(ctx);
    return NULL;
}

static void model_fill(struct model *model)
{
    const struct bytes *plain = &model->reference->plain;
    unsigned char *free_space = NULL;
    size_t size = flow_free_space(model->flow, &free_space);
    size_t part = MIN_OF(size, plain->size - model->position);
    const unsigned char *filled = NULL;
    assert_true(size > 0 && !model->ended);
    if (part > 0 && below(&model->random, 3) != 0) {
        part = 1 + below(&model->random, part);
    }
    if (part > 0) {
        memcpy(free_space, plain->data + model->position, part);
    }
    flow_advance(model->flow, part);
    model->position += part;
    model->in_hand += part;
    assert_int_equal(flow_filled(model->flow, &filled), model->in_hand);
    assert_memory_equal(filled, plain->data + model->position - model->in_hand, model->in_hand);
    assert_int_equal(flow_bytes_in(model->flow), model->position);
    model->ended = model->position == plain->size && below(&model->random, 2) == 0;
    if (model->ended || part == size) {
        flow_submit(model->flow, model->ended);
        model->in_hand = 0;
        assert_int_equal(flow_free_space(model->flow, &free_space), 0);
    }
}

static void model_take(struct model *model, const struct flow_output *output)
{
    const struct bytes *compressed = &model->reference->compressed;
    assert_true(output->size > 0);
    assert_true(output->size <= compressed->size - model->taken);
    assert_memory_equal(output->data, compressed->data + model->taken, output->size);
    model->taken += output->size;
    /* A copy has no end of its own; in all else the last byte waits for the whole input. */
    assert_true(model->taken < compressed->size || model->ended || model->is_copy);
    flow_release_output(model->flow);
    assert_int_equal(flow_bytes_out(model->flow), model->taken);
}

/* One step. False when the pipeline has said its last word. */
static bool model_step(struct model *model)
{
    enum flow_event event = FLOW_END;
    struct flow_output output = { NULL, 0 };
    struct lpipe_error err = { 0 };
    model->status = flow_next(model->flow, &event, &output, &err);
    if (model->status != 0) {
        assert_int_equal(err.status, model->status);
        return false;
    }
    switch (event) {
    case FLOW_NEEDS_INPUT:
        do {
            model_fill(model);
        } while (model->in_hand > 0 && below(&model->random, 4) != 0);
        return true;
    case FLOW_OUTPUT:
        model_take(model, &output);
        return true;
    case FLOW_END:
        break;
    }
    return false;
}

static void expect_end(const struct model *model)
{
    struct flow_summary summary;
    assert_true(model->ended && model->taken == model->reference->compressed.size);
    flow_summary(model->flow, &summary);
    expect_same(&summary, &model->reference->summary);
}

static void model_run(struct model *model)
{
    struct flow_setup setup;
    pthread_t thread;
    setup_of(model->reference, &setup);
    setup.workers = (unsigned)below(&model->random, 5);
    model->is_copy = setup.codec.kind == CODEC_NONE;
    assert_int_equal(flow_new(&setup, &model->flow, NULL), 0);
    /* A third of the runs end well, a third are stopped, a third just left. */
    uint64_t fate = below(&model->random, 3);
    uint64_t steps = fate == 0 ? UINT64_MAX : below(&model->random, 60);
    bool goes_on = true;
    while (goes_on && steps-- > 0) {
        goes_on = model_step(model);
    }
    if (fate == 1) {
        assert_int_equal(thread_start(&thread, "stop", stop_run, model->flow, NULL), 0);
        while (goes_on) {
            goes_on = model_step(model);
        }
        pthread_join(thread, NULL);
    }
    if (!goes_on && model->status == 0) {
        expect_end(model);
    } else if (!goes_on) {
        assert_int_equal(model->status, LPIPE_ABORTED);
        assert_int_equal(fate, 1);
    }
    assert_null(flow_free(model->flow));
}

static void check_model(const char *compress, size_t block)
{
    const size_t sizes[] = { 0, 1, block - 1, block, block + 1, 3 * block, 9 * block + 12345 };
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct reference reference = { 0 };
        bytes_mixed(&reference.plain, sizes[i]);
        reference_make(&reference, compress, true);
        for (uint64_t seed = 1; seed <= 10; seed++) {
            struct model model = { .reference = &reference, .random = seed * 0x9e3779b97f4a7c15u };
            model_run(&model);
        }
        reference_dispose(&reference);
    }
}

static void test_model_of_copies(void **state)
{
    (void)state;
    check_model("none", PLAIN_BLOCK_BYTES);
}

static void test_model_of_blocks(void **state)
{
    (void)state;
    check_model("gzip:0", GZIP_BLOCK_BYTES);
    check_model("gzip:1", GZIP_BLOCK_BYTES);
}

static void test_model_of_streams(void **state)
{
    (void)state;
    check_model("zstd:1", ZSTD_BLOCK_BYTES);
}

/* A tar that breaks at some header: every driver gets that failure, at once and again, and never
 * the end of the output. */
static void check_broken(const char *compress, unsigned workers, size_t files, size_t bad)
{
    struct reference reference = { .compress = compress };
    struct bytes out AUTO_BYTES = { NULL, 0, 0 };
    struct bytes good AUTO_BYTES = { NULL, 0, 0 };
    struct flow_setup setup;
    struct flow *flow = NULL;
    struct lpipe_error err = { 0 };
    bytes_mixed(&good, 100000);
    for (size_t i = 0; i < files; i++) {
        tar_put(&reference.plain, "file", '0', good.data, good.size);
    }
    tar_end(&reference.plain);
    reference.plain.data[bad * (512 + (good.size + 511) / 512 * 512) + 150] ^= 1; /* its checksum */
    setup_of(&reference, &setup);
    setup.workers = workers;
    assert_int_equal(flow_new(&setup, &flow, NULL), 0);
    int status = run(flow, &reference.plain, 10000, &out, &err);
    assert_int_equal(status, LPIPE_NOT_TAR);
    assert_int_equal(err.status, status);
    for (int i = 0; i < 3; i++) {
        enum flow_event event = FLOW_END;
        struct flow_output output;
        assert_int_equal(flow_next(flow, &event, &output, &err), status);
    }
    flow_free(flow);
    if (bad == 0) {
        assert_int_equal(out.size, 0); /* nothing left the house */
    }
    reference_dispose(&reference);
}

static void test_broken_input(void **state)
{
    (void)state;
    static const char *const codecs[] = { "none", "gzip:1", "gzip:6", "zstd:1" };
    for (size_t i = 0; i < ARRAY_LEN(codecs) * 4; i++) {
        for (size_t bad = 0; bad < 20; bad += 3) {
            check_broken(codecs[i / 4], (unsigned)(i % 4), 20, bad);
        }
    }
}

/* What a plan says is what is allocated, and no limit is passed. */
static void test_limits_are_kept(void **state)
{
    (void)state;
    static const char *const codecs[] = {
        "none", "gzip:0", "gzip:1", "gzip:6", "gzip:12", "zstd:3"
    };
    for (size_t i = 0; i < ARRAY_LEN(codecs); i++) {
        struct codec_spec spec;
        struct flow_plan plan;
        struct flow_plan smallest;
        struct lpipe_error err = { 0 };
        assert_int_equal(codec_parse(codecs[i], &spec, NULL), 0);
        assert_int_equal(flow_plan_make(&spec, false, 0, 0, &smallest, NULL), 0);
        for (uint64_t limit = smallest.memory_bytes; limit < 80 * MIB; limit += 300 * KIB) {
            assert_int_equal(flow_plan_make(&spec, false, 16, limit, &plan, NULL), 0);
            assert_in_range(plan.memory_bytes, 1, limit);
            assert_int_equal(plan.memory_bytes, plan.in_blocks * plan.codec.block_bytes +
                                                    plan.out_blocks * plan.codec.output_bytes +
                                                    plan.codec.state_bytes);
        }
        assert_int_equal(flow_plan_make(&spec, false, 16, smallest.memory_bytes - 1, &plan, &err),
                         LPIPE_INVALID_ARGUMENT);
        assert_non_null(strstr(err.message, "memory"));
    }
}

/* A limit takes blocks and workers away, no byte of the output. */
static void test_limits_change_no_byte(void **state)
{
    (void)state;
    struct reference reference = { 0 };
    struct codec_spec spec;
    struct flow_plan smallest;
    bytes_mixed(&reference.plain, 9 * GZIP_BLOCK_BYTES + 5);
    reference_make(&reference, "gzip:1", true);
    assert_int_equal(codec_parse("gzip:1", &spec, NULL), 0);
    assert_int_equal(flow_plan_make(&spec, false, 0, 0, &smallest, NULL), 0);
    for (uint64_t limit = smallest.memory_bytes; limit < 6 * MIB; limit += 400 * KIB) {
        struct bytes out AUTO_BYTES = { NULL, 0, 0 };
        struct flow_setup setup;
        struct flow *flow = NULL;
        setup_of(&reference, &setup);
        setup.workers = 8;
        setup.memory_bytes_max = limit;
        assert_int_equal(flow_new(&setup, &flow, NULL), 0);
        assert_in_range(flow_memory_bytes(flow), 1, limit);
        assert_int_equal(run(flow, &reference.plain, SIZE_MAX, &out, NULL), 0);
        flow_free(flow);
        assert_int_equal(out.size, reference.compressed.size);
        assert_memory_equal(out.data, reference.compressed.data, out.size);
    }
    reference_dispose(&reference);
}

#ifdef LPIPE_FAULTS
/* Threads that cannot be had: the work is done by those that can, at last by the driver. */
/* Input and output are the same bytes: one thread hashes them, however many there may be. */
static void test_one_thread_without_codec(void **state)
{
    (void)state;
    const struct codec_spec spec = { .kind = CODEC_NONE };
    struct flow_plan plan;
    assert_int_equal(flow_plan_make(&spec, false, 8, 0, &plan, NULL), 0);
    assert_int_equal(plan.threads, 1);
    assert_int_equal(plan.in_blocks, 3);
    assert_int_equal(plan.codec.block_bytes, PLAIN_BLOCK_BYTES);
}

static void test_threads_refused(void **state)
{
    (void)state;
    static const char *const codecs[] = { "none", "gzip:1", "zstd:1" };
    for (size_t i = 0; i < ARRAY_LEN(codecs); i++) {
        struct reference reference = { 0 };
        bytes_mixed(&reference.plain, 9 * GZIP_BLOCK_BYTES + 5);
        reference_make(&reference, codecs[i], true);
        for (unsigned long nth = 1; nth <= 5; nth++) {
            struct bytes out AUTO_BYTES = { NULL, 0, 0 };
            struct flow_setup setup;
            struct flow *flow = NULL;
            setup_of(&reference, &setup);
            setup.workers = 4;
            assert_int_equal(flow_new(&setup, &flow, NULL), 0);
            thread_fail_nth(nth);
            assert_int_equal(run(flow, &reference.plain, 4096, &out, NULL), 0);
            thread_fail_nth(0);
            flow_free(flow);
            assert_int_equal(out.size, reference.compressed.size);
            assert_memory_equal(out.data, reference.compressed.data, out.size);
        }
        reference_dispose(&reference);
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_else_changes_a_digest),
        cmocka_unit_test(test_empty_stream_ends),
        cmocka_unit_test(test_model_of_copies),
        cmocka_unit_test(test_model_of_blocks),
        cmocka_unit_test(test_model_of_streams),
        cmocka_unit_test(test_broken_input),
        cmocka_unit_test(test_limits_are_kept),
        cmocka_unit_test(test_limits_change_no_byte),
#ifdef LPIPE_FAULTS
        cmocka_unit_test(test_one_thread_without_codec),
        cmocka_unit_test(test_threads_refused),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
