/* SPDX-License-Identifier: Apache-2.0 */
/* Images under construction, and pushing them into a store in memory. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>

#include "support/layer_run.h"
#include "support/scratch.h"
#include "support/scripted_store.h"

#include "base/limits.h"
#include "base/sync.h"
#include "image/image_blobs.h"
#include "image/image_descriptor.h"
#include "image/image_push.h"
#include "image/image_referrers.h"
#include "image/image_tasks.h"
#include "oci/reference.h"
#include "registry/client.h"

static lpipe_client *client_with(uint32_t jobs)
{
    struct lpipe_client_options options = LPIPE_CLIENT_OPTIONS_INIT;
    lpipe_client *client = NULL;
    options.jobs = jobs;
    assert_int_equal(lpipe_client_new(&options, &client, NULL), 0);
    return client;
}

static lpipe_image *image_with(lpipe_client *client, enum lpipe_format format, const char *artifact)
{
    struct lpipe_image_options options = LPIPE_IMAGE_OPTIONS_INIT;
    lpipe_image *image = NULL;
    options.format = format;
    options.created = "2024-01-02T03:04:05Z";
    options.platform = artifact == NULL ? "linux/amd64" : NULL;
    options.artifact_type = artifact;
    assert_int_equal(lpipe_image_new(client, NULL, &options, &image, NULL), 0);
    return image;
}

static const struct lpipe_layer_options PLAIN = { .struct_size = sizeof PLAIN,
                                                  .compress = "none",
                                                  .threads = LPIPE_THREADS_INLINE,
                                                  .flags = LPIPE_LAYER_RAW };

/* Adds a layer whose blob has the same bytes as the source. */
static void add_memory(lpipe_image *image, struct memory_source *source, const char *history)
{
    const struct lpipe_source from = { memory_read, memory_close, memory_cancel, source };
    lpipe_layer *layer = NULL;
    assert_int_equal(lpipe_layer_new(&from, &PLAIN, &layer, NULL), 0);
    assert_int_equal(lpipe_image_add_layer(image, layer, history, NULL), 0);
}

static void add_fd(lpipe_image *image, int fd, uint32_t flags)
{
    struct lpipe_layer_options options = PLAIN;
    lpipe_layer *layer = NULL;
    assert_true(fd >= 0);
    options.flags |= flags;
    assert_int_equal(lpipe_layer_new_fd(fd, &options, &layer, NULL), 0);
    assert_int_equal(lpipe_image_add_layer(image, layer, NULL, NULL), 0);
}

static const char *digest_text(const void *data, size_t size)
{
    static char texts[8][DIGEST_TEXT_SIZE];
    static unsigned turn;
    char *text = texts[turn++ % 8];
    assert_int_equal(digest_of(DIGEST_SHA256, data, size, text, NULL), 0);
    return text;
}

/* Tasks. */

struct tally {
    pthread_mutex_t lock;
    pthread_t first; /* the thread that ran task 0 */
    int runs[100];
    size_t fail_at;
    int aborts;
};

static int tally_run(void *ctx, size_t index, struct lpipe_error *err)
{
    struct tally *tally = ctx;
    pthread_mutex_lock(&tally->lock);
    tally->runs[index]++;
    tally->first = index == 0 ? pthread_self() : tally->first;
    pthread_mutex_unlock(&tally->lock);
    return index >= tally->fail_at ? fail(err, LPIPE_SERVER, "task %zu", index) : 0;
}

static void tally_abort(void *ctx)
{
    ((struct tally *)ctx)->aborts++;
}

static void test_tasks_each_once(void **state)
{
    (void)state;
    for (size_t threads = 1; threads <= 16; threads *= 4) {
        struct tally tally = { .lock = PTHREAD_MUTEX_INITIALIZER, .fail_at = SIZE_MAX };
        const struct task_list tasks = { 100, threads, 1, tally_run, tally_abort, &tally };
        assert_int_equal(tasks_run(&tasks, NULL), 0);
        for (size_t i = 0; i < 100; i++) {
            assert_int_equal(tally.runs[i], 1);
        }
        assert_int_equal(tally.aborts, 0);
        assert_true(pthread_equal(tally.first, pthread_self()) != 0);
    }
}

static void test_tasks_first_failure(void **state)
{
    (void)state;
    struct lpipe_error err = { 0 };
    struct tally tally = { .lock = PTHREAD_MUTEX_INITIALIZER, .fail_at = 3 };
    const struct task_list tasks = { 100, 1, 1, tally_run, tally_abort, &tally };
    assert_int_equal(tasks_run(&tasks, &err), LPIPE_SERVER);
    assert_string_equal(err.message, "task 3");
    assert_int_equal(tally.runs[3], 1);
    assert_int_equal(tally.runs[4], 0);
    assert_int_equal(tally.aborts, 1);
}

static void test_tasks_all_fail_at_once(void **state)
{
    (void)state;
    struct lpipe_error err = { 0 };
    struct tally tally = { .lock = PTHREAD_MUTEX_INITIALIZER };
    const struct task_list tasks = { 100, 8, 1, tally_run, tally_abort, &tally };
    assert_int_equal(tasks_run(&tasks, &err), LPIPE_SERVER);
    assert_int_equal(tally.aborts, 1);
}

static void test_no_tasks(void **state)
{
    (void)state;
    const struct task_list tasks = { 0, 4, 1, tally_run, tally_abort, NULL };
    assert_int_equal(tasks_run(&tasks, NULL), 0);
}

#ifdef LPIPE_FAULTS
/* Fewer threads than asked for are enough, unless there are fewer than threads_min: then no task is
 * run. */
static void test_tasks_threads_refused(void **state)
{
    (void)state;
    static const struct {
        unsigned long nth;
        size_t threads_min;
        int status;
    } rows[] = { { 1, 0, 0 },
                 { 1, 1, 0 },
                 { 1, 2, LPIPE_NO_RESOURCES },
                 { 3, 3, 0 },
                 { 3, 4, LPIPE_NO_RESOURCES } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct tally tally = { .lock = PTHREAD_MUTEX_INITIALIZER, .fail_at = SIZE_MAX };
        const struct task_list tasks = {
            100, 4, rows[i].threads_min, tally_run, tally_abort, &tally
        };
        thread_fail_nth(rows[i].nth);
        assert_int_equal(tasks_run(&tasks, NULL), rows[i].status);
        thread_fail_nth(0);
        assert_int_equal(tally.aborts, rows[i].status != 0);
        assert_int_equal(tally.runs[0], rows[i].status == 0);
        assert_true(rows[i].status != 0 || tally.runs[99] == 1);
    }
}
#endif

/* Pushing. */

struct stage {
    lpipe_client *client;
    lpipe_image *image;
    struct scripted_store *store;
    struct push_target target;
    struct lpipe_push_result result;
    struct lpipe_error err;
    const char *tags[4];
};

static void stage_begin(struct stage *stage, enum lpipe_format format, const char *artifact)
{
    *stage = (struct stage){ .client = client_with(0) };
    stage->image = image_with(stage->client, format, artifact);
    stage->store = scripted_new("scripted:");
    stage->tags[0] = "one";
    stage->target =
        (struct push_target){ .store = &stage->store->base, .tags = stage->tags, .tag_count = 1 };
    stage->result = (struct lpipe_push_result)LPIPE_PUSH_RESULT_INIT;
}

/* Sets the number of jobs: makes a new client and a new image. */
static void stage_jobs(struct stage *stage, uint32_t jobs)
{
    lpipe_image_free(stage->image);
    lpipe_client_free(stage->client);
    stage->client = client_with(jobs);
    stage->image = image_with(stage->client, LPIPE_FORMAT_DEFAULT, NULL);
}

static int stage_push(struct stage *stage)
{
    return image_push_into(stage->image, &stage->target, &stage->result, &stage->err);
}

static void stage_end(struct stage *stage)
{
    assert_int_equal(stage->store->writers_open, 0);
    image_push_result_dispose(&stage->result);
    lpipe_image_free(stage->image);
    store_free(&stage->store->base);
    lpipe_client_free(stage->client);
}

static const char FIRST[] = "first layer", SECOND[] = "second layer", THIRD[] = "third layer";

static void test_order_of_a_push(void **state)
{
    (void)state;
    struct stage stage;
    struct memory_source source = { .data = (const unsigned char *)FIRST, .size = sizeof FIRST };
    stage_begin(&stage, LPIPE_FORMAT_DEFAULT, NULL);
    stage.tags[1] = "two";
    stage.target.tag_count = 2;
    add_memory(stage.image, &source, NULL);
    assert_int_equal(stage_push(&stage), 0);
    assert_string_equal(
        stage.store->journal,
        "begin finish exists begin:known finish get put:one get put:two finish_store ");
    assert_string_equal(stage.result.layers[0].digest, digest_text(FIRST, sizeof FIRST));
    assert_int_equal(stage.result.layers[0].origin, LPIPE_ORIGIN_STREAMED);
    assert_int_equal(stage.result.tag_count, 2);
    assert_string_equal(stage.result.tags[1], "two");
    assert_int_equal(strncmp(stage.result.reference, "scripted:store@sha256:", 22), 0);
    const char *manifest = scripted_text(scripted_manifest(stage.store, "two"));
    assert_string_equal(stage.result.digest, digest_text(manifest, strlen(manifest)));
    assert_int_equal(stage.result.size, strlen(manifest));
    assert_int_equal(source.closes, 1);
    assert_int_equal(stage_push(&stage) != 0, 1); /* the layer is consumed */
    stage_end(&stage);
}

/* The same bytes as Go programs write: order of keys, no white space, escapes. */
static void test_bytes_of_config_and_manifest(void **state)
{
    (void)state;
    struct stage stage;
    struct memory_source source = { .data = (const unsigned char *)FIRST, .size = sizeof FIRST };
    char wanted[1024];
    stage_begin(&stage, LPIPE_FORMAT_DEFAULT, NULL);
    add_memory(stage.image, &source, "cmd <a&b>");
    assert_int_equal(lpipe_image_edit(stage.image, LPIPE_EDIT_LABEL, "z=1", NULL), 0);
    assert_int_equal(lpipe_image_edit(stage.image, LPIPE_EDIT_LABEL, "a=2", NULL), 0);
    assert_int_equal(lpipe_image_edit(stage.image, LPIPE_EDIT_CMD, "[\"sh\"]", NULL), 0);
    assert_int_equal(lpipe_image_edit(stage.image, LPIPE_EDIT_ANNOTATION, "k=v", NULL), 0);
    assert_int_equal(stage_push(&stage), 0);
    snprintf(wanted, sizeof wanted,
             "{\"architecture\":\"amd64\",\"created\":\"2024-01-02T03:04:05Z\",\"history\":"
             "[{\"created\":\"2024-01-02T03:04:05Z\",\"created_by\":"
             "\"cmd \\u003ca\\u0026b\\u003e\"}],\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\","
             "\"diff_ids\":[\"%s\"]},\"config\":{\"Cmd\":[\"sh\"],\"Labels\":{\"a\":\"2\","
             "\"z\":\"1\"}}}",
             digest_text(FIRST, sizeof FIRST));
    assert_string_equal(scripted_text(scripted_blob(stage.store, stage.result.config_digest)),
                        wanted);
    snprintf(wanted, sizeof wanted,
             "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
             "\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"size\":%zu,"
             "\"digest\":\"%s\"},\"layers\":[{\"mediaType\":"
             "\"application/vnd.oci.image.layer.v1.tar\",\"size\":%zu,\"digest\":\"%s\"}],"
             "\"annotations\":{\"k\":\"v\"}}",
             (size_t)stage.result.config_size, stage.result.config_digest, sizeof FIRST,
             digest_text(FIRST, sizeof FIRST));
    assert_string_equal(scripted_text(scripted_manifest(stage.store, "one")), wanted);
    stage_end(&stage);
}

static void test_docker_family(void **state)
{
    (void)state;
    struct stage stage;
    struct lpipe_error err = { 0 };
    struct lpipe_layer_result known = LPIPE_LAYER_RESULT_INIT;
    stage_begin(&stage, LPIPE_FORMAT_DOCKER, NULL);
    assert_int_equal(lpipe_image_edit(stage.image, LPIPE_EDIT_ANNOTATION, "k=v", &err),
                     LPIPE_INVALID_ARGUMENT);
    snprintf(known.digest, sizeof known.digest, "%s", digest_text(FIRST, sizeof FIRST));
    snprintf(known.diff_id, sizeof known.diff_id, "%s", digest_text(FIRST, sizeof FIRST));
    snprintf(known.media_type, sizeof known.media_type, "%s",
             "application/vnd.oci.image.layer.v1.tar+zstd");
    known.size = sizeof FIRST;
    assert_int_equal(lpipe_image_add_descriptor(stage.image, &known, NULL, &err),
                     LPIPE_INVALID_ARGUMENT);
    assert_non_null(strstr(err.message, "OCI format"));
    snprintf(known.media_type, sizeof known.media_type, "%s",
             "application/vnd.oci.image.layer.v1.tar+gzip");
    assert_int_equal(lpipe_image_add_descriptor(stage.image, &known, NULL, NULL), 0);
    scripted_put_blob(stage.store, known.digest, FIRST, sizeof FIRST);
    assert_int_equal(stage_push(&stage), 0);
    assert_string_equal(stage.result.media_type,
                        "application/vnd.docker.distribution.manifest.v2+json");
    assert_string_equal(stage.result.layers[0].media_type,
                        "application/vnd.docker.image.rootfs.diff.tar.gzip");
    assert_int_equal(stage.result.layers[0].origin, LPIPE_ORIGIN_EXISTING);
    stage_end(&stage);
}

/* The media type of an unread layer must fit the image's format. */
static void test_layers_of_the_other_format(void **state)
{
    (void)state;
    static const struct {
        enum lpipe_format format;
        const char *compress, *media_type;
        int status;
        const char *words;
    } rows[] = {
        { LPIPE_FORMAT_DOCKER, NULL, NULL, 0, "" },
        { LPIPE_FORMAT_DOCKER, "zstd", NULL, LPIPE_INVALID_ARGUMENT, "does not allow zstd layers" },
        { LPIPE_FORMAT_DOCKER, NULL, "application/vnd.oci.image.layer.v1.tar+gzip",
          LPIPE_INVALID_ARGUMENT, "use application/vnd.docker.image.rootfs.diff.tar.gzip" },
        { LPIPE_FORMAT_DOCKER, "zstd", "application/vnd.oci.image.layer.v1.tar+zstd",
          LPIPE_INVALID_ARGUMENT, "does not allow zstd layers" },
        { LPIPE_FORMAT_DOCKER, NULL, "application/vnd.docker.image.rootfs.diff.tar.gzip", 0, "" },
        { LPIPE_FORMAT_OCI, NULL, "application/vnd.docker.image.rootfs.diff.tar.gzip",
          LPIPE_INVALID_ARGUMENT, "use application/vnd.oci.image.layer.v1.tar+gzip" },
        { LPIPE_FORMAT_OCI, "zstd", NULL, 0, "" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct stage stage;
        struct memory_source source = { .data = (const unsigned char *)FIRST,
                                        .size = sizeof FIRST };
        const struct lpipe_source from = { memory_read, memory_close, memory_cancel, &source };
        struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
        lpipe_layer *layer = NULL;
        options.compress = rows[i].compress;
        options.media_type = rows[i].media_type;
        stage_begin(&stage, rows[i].format, NULL);
        assert_int_equal(lpipe_layer_new(&from, &options, &layer, NULL), 0);
        int status = lpipe_image_add_layer(stage.image, layer, NULL, &stage.err);
        assert_int_equal(status, rows[i].status);
        if (status != 0) {
            assert_non_null(strstr(stage.err.message, rows[i].words));
            lpipe_layer_free(layer);
        }
        stage_end(&stage);
    }
}

/* A descriptor with only the required members. */
static void test_descriptor_of_what_is_required(void **state)
{
    (void)state;
    struct stage stage;
    struct lpipe_layer_result known = LPIPE_LAYER_RESULT_INIT;
    stage_begin(&stage, LPIPE_FORMAT_DEFAULT, NULL);
    snprintf(known.digest, sizeof known.digest, "%s", digest_text(FIRST, sizeof FIRST));
    snprintf(known.diff_id, sizeof known.diff_id, "%s", digest_text(FIRST, sizeof FIRST));
    snprintf(known.media_type, sizeof known.media_type, "application/vnd.oci.image.layer.v1.tar");
    known.size = sizeof FIRST;
    scripted_put_blob(stage.store, known.digest, FIRST, sizeof FIRST);
    assert_int_equal(lpipe_image_add_descriptor(stage.image, &known, NULL, NULL), 0);
    assert_int_equal(stage_push(&stage), 0);
    assert_true(stage.result.layers[0].uncompressed_size == LPIPE_SIZE_UNKNOWN);
    stage_end(&stage);
}

/* The store is asked for a layer given by its descriptor before any stream is read. */
static void test_known_layer_that_is_missing(void **state)
{
    (void)state;
    struct stage stage;
    struct memory_source source = { .data = (const unsigned char *)FIRST, .size = sizeof FIRST };
    stage_begin(&stage, LPIPE_FORMAT_DEFAULT, NULL);
    lpipe_image_free(stage.image);
    lpipe_client_free(stage.client);
    stage.client = client_with(1);
    stage.image = image_with(stage.client, LPIPE_FORMAT_DEFAULT, NULL);
    add_memory(stage.image, &source, NULL);
    char json[512];
    snprintf(json, sizeof json,
             "{\"reference\":\"x\",\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\","
             "\"digest\":\"%s\",\"size\":12,\"diffId\":\"%s\",\"uncompressedSize\":12}",
             digest_text(SECOND, sizeof SECOND), digest_text(SECOND, sizeof SECOND));
    assert_int_equal(
        lpipe_image_add_descriptor_json(stage.image, json, strlen(json), NULL, &stage.err), 0);
    assert_int_equal(stage_push(&stage), LPIPE_NOT_FOUND);
    assert_non_null(strstr(stage.err.message, "layer 2"));
    assert_non_null(strstr(stage.err.message, digest_text(SECOND, sizeof SECOND)));
    assert_string_equal(stage.store->journal, "exists ");
    assert_int_equal(source.reads, 0);
    stage_end(&stage);
}

static void test_descriptor_json(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        const char *message;
    } bad[] = {
        { "", "layer descriptor" },
        { "[]", "layer descriptor" },
        { "{\"digest\":\"sha256:x\",\"size\":1}", "mediaType: missing" },
        { "{\"mediaType\":\"a/b\",\"size\":1}", "digest: missing" },
        { "{\"mediaType\":\"a/b\",\"digest\":\"sha256:x\"}", "size: missing" },
        { "{\"mediaType\":\"a/b\",\"digest\":\"sha256:x\",\"size\":-1}", "size" },
        { "{\"mediaType\":\"a/b\",\"digest\":\"sha256:x\",\"size\":1,\"size\":2}", "size" },
        { "{\"mediaType\":\"a/b\",\"digest\":\"sha256:x\",\"size\":1}", "no valid digest" },
    };
    lpipe_client *client = client_with(0);
    lpipe_image *image = image_with(client, LPIPE_FORMAT_DEFAULT, NULL);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct lpipe_error err = { 0 };
        assert_int_equal(
            lpipe_image_add_descriptor_json(image, bad[i].json, strlen(bad[i].json), NULL, &err),
            LPIPE_INVALID_ARGUMENT);
        if (strstr(err.message, bad[i].message) == NULL) {
            fail_msg("%s: %s", bad[i].json, err.message);
        }
    }
    assert_int_equal(image->layer_count, 0);
    lpipe_image_free(image);
    lpipe_client_free(client);
}

static void test_one_layer_too_many(void **state)
{
    (void)state;
    static const char JSON[] = "{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\","
                               "\"digest\":\"" EMPTY_JSON_DIGEST "\",\"size\":2,"
                               "\"diffId\":\"" EMPTY_JSON_DIGEST "\"}";
    lpipe_client *client = client_with(0);
    lpipe_image *image = image_with(client, LPIPE_FORMAT_DEFAULT, NULL);
    for (int i = 0; i <= LAYERS_MAX; i++) {
        assert_int_equal(lpipe_image_add_descriptor_json(image, JSON, sizeof JSON - 1, NULL, NULL),
                         i < LAYERS_MAX ? 0 : LPIPE_INVALID_ARGUMENT);
    }
    lpipe_image_free(image);
    lpipe_client_free(client);
}

/* When any step fails, no tag is put, the store is not completed, and every source is closed. */
static void test_failing_steps(void **state)
{
    (void)state;
    static const char *const steps[] = { "begin", "write", "finish", "exists", "put" };
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        struct stage stage;
        struct memory_source sources[3] = {
            { .data = (const unsigned char *)FIRST, .size = sizeof FIRST },
            { .data = (const unsigned char *)SECOND, .size = sizeof SECOND },
            { .data = (const unsigned char *)THIRD, .size = sizeof THIRD },
        };
        stage_begin(&stage, LPIPE_FORMAT_DEFAULT, NULL);
        stage.store->fail_step = steps[i];
        stage.store->fail_status = LPIPE_DENIED;
        stage.store->fail_times = -1;
        for (size_t n = 0; n < 3; n++) {
            add_memory(stage.image, &sources[n], NULL);
        }
        assert_int_equal(stage_push(&stage), LPIPE_DENIED);
        assert_non_null(strstr(stage.err.message, "scripted failure"));
        assert_int_equal(stage.store->manifest_count, 0);
        assert_int_equal(scripted_count(stage.store, "finish_store"), 0);
        stage_end(&stage);
        for (size_t n = 0; n < 3; n++) {
            assert_int_equal(sources[n].closes, 1);
        }
    }
}

/* The store is completed once, after the last tag, and not when a tag cannot be put. */
static void test_store_is_finished_after_the_last_tag(void **state)
{
    (void)state;
    static const struct {
        const char *fail_step;
        int status;
        int puts;
        int finishes;
    } rows[] = {
        { NULL, 0, 2, 1 },
        { "put", LPIPE_DENIED, 1, 0 },
        { "finish_store", LPIPE_DENIED, 2, 1 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct stage stage;
        struct memory_source source = { .data = (const unsigned char *)FIRST, .size = 4 };
        stage_begin(&stage, LPIPE_FORMAT_DEFAULT, NULL);
        stage.tags[1] = "two";
        stage.target.tag_count = 2;
        stage.store->fail_step = rows[i].fail_step;
        stage.store->fail_status = LPIPE_DENIED;
        stage.store->fail_times = 1;
        add_memory(stage.image, &source, NULL);
        assert_int_equal(stage_push(&stage), rows[i].status);
        assert_int_equal(scripted_count(stage.store, "put"), rows[i].puts);
        assert_int_equal(scripted_count(stage.store, "finish_store"), rows[i].finishes);
        assert_int_equal(stage.result.tag_count, rows[i].status == 0 ? 2 : 0);
        stage_end(&stage);
    }
}

static void test_source_that_fails(void **state)
{
    (void)state;
    struct stage stage;
    struct memory_source good = { .data = (const unsigned char *)FIRST, .size = sizeof FIRST };
    struct memory_source bad = { .data = (const unsigned char *)SECOND,
                                 .size = sizeof SECOND,
                                 .fail_at = 3,
                                 .fail_code = -EIO };
    stage_begin(&stage, LPIPE_FORMAT_DEFAULT, NULL);
    add_memory(stage.image, &good, NULL);
    add_memory(stage.image, &bad, NULL);
    assert_int_equal(stage_push(&stage), LPIPE_SOURCE_IO);
    assert_non_null(strstr(stage.err.message, "layer 2: "));
    assert_int_equal(stage.err.offset, 3);
    assert_int_equal(stage.store->manifest_count, 0);
    stage_end(&stage);
}

/* A source fails while another source waits for bytes that never arrive: the other one is
 * stopped. */
static void test_failure_wakes_the_others(void **state)
{
    (void)state;
    struct stage stage;
    int ends[2];
    struct memory_source bad = { .fail_code = -EIO };
    stage_begin(&stage, LPIPE_FORMAT_DEFAULT, NULL);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    add_fd(stage.image, ends[0], LPIPE_LAYER_LOOK_FIRST);
    add_memory(stage.image, &bad, NULL);
    assert_int_equal(stage_push(&stage), LPIPE_SOURCE_IO);
    close(ends[1]);
    stage_end(&stage);
}

static void test_cancelled(void **state)
{
    (void)state;
    struct stage stage;
    struct lpipe_client_options options = LPIPE_CLIENT_OPTIONS_INIT;
    struct memory_source source = { .data = (const unsigned char *)FIRST, .size = sizeof FIRST };
    stage_begin(&stage, LPIPE_FORMAT_DEFAULT, NULL);
    lpipe_image_free(stage.image);
    lpipe_client_free(stage.client);
    assert_int_equal(lpipe_cancel_new(&options.cancel, NULL), 0);
    assert_int_equal(lpipe_client_new(&options, &stage.client, NULL), 0);
    stage.image = image_with(stage.client, LPIPE_FORMAT_DEFAULT, NULL);
    add_memory(stage.image, &source, NULL);
    lpipe_cancel_trigger(options.cancel);
    lpipe_cancel_unref(options.cancel);
    assert_int_equal(stage_push(&stage), LPIPE_CANCELLED);
    assert_string_equal(stage.store->journal, "");
    stage_end(&stage);
}

/* Streams. */

#define PIPES 6
#define PIPE_LOAD ((size_t)3 << 20) /* more than a pipe holds */

struct feeder {
    int ends[PIPES];
    bool backwards;
};

static void *feed_pipes(void *ctx)
{
    struct feeder *feeder = ctx;
    char *data = malloc(PIPE_LOAD);
    for (int n = 0; n < PIPES; n++) {
        int at = feeder->backwards ? PIPES - 1 - n : n;
        memset(data, 'a' + at, PIPE_LOAD);
        for (size_t done = 0; done < PIPE_LOAD;) {
            ssize_t part = write(feeder->ends[at], data + done, PIPE_LOAD - done);
            assert_true(part > 0);
            done += (size_t)part;
        }
        close(feeder->ends[at]);
    }
    free(data);
    return NULL;
}

static void run_pipes(bool backwards, uint32_t jobs)
{
    struct stage stage;
    pthread_t thread;
    struct feeder feeder = { .backwards = backwards };
    char *data = malloc(PIPE_LOAD);
    stage_begin(&stage, LPIPE_FORMAT_DEFAULT, NULL);
    stage_jobs(&stage, jobs);
    for (int n = 0; n < PIPES; n++) {
        int ends[2];
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        feeder.ends[n] = ends[1];
        add_fd(stage.image, ends[0], LPIPE_LAYER_LOOK_FIRST);
    }
    assert_int_equal(pthread_create(&thread, NULL, feed_pipes, &feeder), 0);
    assert_int_equal(stage_push(&stage), 0);
    pthread_join(thread, NULL);
    for (int n = 0; n < PIPES; n++) {
        memset(data, 'a' + n, PIPE_LOAD);
        assert_string_equal(stage.result.layers[n].digest, digest_text(data, PIPE_LOAD));
    }
    free(data);
    stage_end(&stage);
}

/* One producer fills the pipes one after the other, the last pipe first. There are more pipes than
 * default jobs. */
static void test_pipes_in_any_order(void **state)
{
    (void)state;
    run_pipes(true, 0);
}

static void test_pipes_in_their_order_with_one_job(void **state)
{
    (void)state;
    run_pipes(false, 1);
}

/* Files. */

/* With one job all steps have a fixed order. */
static void push_file(struct stage *stage, const struct scratch *scratch, uint32_t flags)
{
    stage_begin(stage, LPIPE_FORMAT_DEFAULT, NULL);
    stage_jobs(stage, 1);
    stage->target.remote = true;
    add_fd(stage->image, open(scratch_path(scratch, "layer"), O_RDONLY | O_CLOEXEC), flags);
}

static void test_file_that_is_there(void **state)
{
    (void)state;
    struct scratch scratch;
    struct stage stage;
    scratch_begin(&scratch);
    scratch_write(&scratch, "layer", FIRST, sizeof FIRST, 0600);
    push_file(&stage, &scratch, LPIPE_LAYER_LOOK_FIRST);
    scripted_put_blob(stage.store, digest_text(FIRST, sizeof FIRST), FIRST, sizeof FIRST);
    assert_int_equal(stage_push(&stage), 0);
    assert_string_equal(stage.store->journal,
                        "exists exists begin:known finish get put:one finish_store ");
    assert_int_equal(stage.result.layers[0].origin, LPIPE_ORIGIN_EXISTING);
    assert_int_equal(stage.result.layers[0].uncompressed_size, sizeof FIRST);
    stage_end(&stage);
    scratch_end(&scratch);
}

static void test_file_that_is_not_there(void **state)
{
    (void)state;
    struct scratch scratch;
    struct stage stage;
    scratch_begin(&scratch);
    scratch_write(&scratch, "layer", FIRST, sizeof FIRST, 0600);
    push_file(&stage, &scratch, LPIPE_LAYER_LOOK_FIRST);
    assert_int_equal(stage_push(&stage), 0);
    assert_string_equal(
        stage.store->journal,
        "exists begin:known finish exists begin:known finish get put:one finish_store ");
    assert_int_equal(stage.result.layers[0].origin, LPIPE_ORIGIN_STREAMED);
    stage_end(&stage);
    scratch_end(&scratch);
}

/* Without LPIPE_LAYER_LOOK_FIRST the file is sent at once, and again after a lost upload. */
static void test_file_that_is_read_once(void **state)
{
    (void)state;
    for (unsigned times = 0; times < 2; times++) {
        struct scratch scratch;
        struct stage stage;
        scratch_begin(&scratch);
        scratch_write(&scratch, "layer", FIRST, sizeof FIRST, 0600);
        push_file(&stage, &scratch, 0);
        scripted_put_blob(stage.store, digest_text(FIRST, sizeof FIRST), FIRST, sizeof FIRST);
        stage.store->fail_step = "finish";
        stage.store->fail_status = LPIPE_NETWORK;
        stage.store->fail_flags = LPIPE_ERROR_REPLAY;
        stage.store->fail_times = times;
        assert_int_equal(stage_push(&stage), 0);
        const char *wanted =
            times == 0 ? "begin finish exists " : "begin finish begin finish exists ";
        assert_int_equal(strncmp(stage.store->journal, wanted, strlen(wanted)), 0);
        assert_int_equal(stage.result.layers[0].origin, LPIPE_ORIGIN_STREAMED);
        stage_end(&stage);
        scratch_end(&scratch);
    }
}

static void test_file_that_can_be_mounted(void **state)
{
    (void)state;
    struct scratch scratch;
    struct stage stage;
    char from[] = "other";
    scratch_begin(&scratch);
    scratch_write(&scratch, "layer", FIRST, sizeof FIRST, 0600);
    push_file(&stage, &scratch, LPIPE_LAYER_LOOK_FIRST);
    stage.target.mount_from = from;
    stage.store->mounts_from = from;
    assert_int_equal(stage_push(&stage), 0);
    assert_int_equal(stage.result.layers[0].origin, LPIPE_ORIGIN_MOUNTED);
    stage_end(&stage);
    scratch_end(&scratch);
}

static void test_file_is_sent_again(void **state)
{
    (void)state;
    struct scratch scratch;
    struct stage stage;
    scratch_begin(&scratch);
    scratch_write(&scratch, "layer", FIRST, sizeof FIRST, 0600);
    push_file(&stage, &scratch, LPIPE_LAYER_LOOK_FIRST);
    stage.store->fail_step = "finish";
    stage.store->fail_status = LPIPE_NETWORK;
    stage.store->fail_flags = LPIPE_ERROR_REPLAY;
    stage.store->fail_times = 1;
    assert_int_equal(stage_push(&stage), 0);
    assert_non_null(scripted_manifest(stage.store, "one"));
    stage_end(&stage);
    scratch_end(&scratch);
}

static void test_stream_is_not_sent_again(void **state)
{
    (void)state;
    struct stage stage;
    struct memory_source source = { .data = (const unsigned char *)FIRST, .size = sizeof FIRST };
    stage_begin(&stage, LPIPE_FORMAT_DEFAULT, NULL);
    add_memory(stage.image, &source, NULL);
    stage.store->fail_step = "finish";
    stage.store->fail_status = LPIPE_NETWORK;
    stage.store->fail_flags = LPIPE_ERROR_REPLAY;
    stage.store->fail_times = 1;
    assert_int_equal(stage_push(&stage), LPIPE_NETWORK);
    assert_int_equal(stage.store->manifest_count, 0);
    stage_end(&stage);
}

static void test_same_tag_is_left_alone(void **state)
{
    (void)state;
    struct stage stage;
    struct memory_source source = { .data = (const unsigned char *)FIRST, .size = sizeof FIRST };
    stage_begin(&stage, LPIPE_FORMAT_DEFAULT, NULL);
    add_memory(stage.image, &source, NULL);
    assert_int_equal(stage_push(&stage), 0);
    lpipe_image_free(stage.image);
    image_push_result_dispose(&stage.result);
    stage.image = image_with(stage.client, LPIPE_FORMAT_DEFAULT, NULL);
    source.position = 0;
    source.closes = 0;
    add_memory(stage.image, &source, NULL);
    stage.store->journal[0] = '\0';
    assert_int_equal(stage_push(&stage), 0);
    assert_int_equal(scripted_count(stage.store, "put"), 0);
    stage_end(&stage);
}

static void test_digest_named(void **state)
{
    (void)state;
    struct stage stage;
    struct memory_source source = { .data = (const unsigned char *)FIRST, .size = sizeof FIRST };
    stage_begin(&stage, LPIPE_FORMAT_DEFAULT, NULL);
    add_memory(stage.image, &source, NULL);
    stage.target.tag_count = 0;
    stage.target.digest = digest_text("x", 1);
    assert_int_equal(stage_push(&stage), LPIPE_INTEGRITY);
    assert_int_equal(stage.store->manifest_count, 0);
    stage_end(&stage);
}

static void test_by_digest_only(void **state)
{
    (void)state;
    struct stage stage;
    struct memory_source source = { .data = (const unsigned char *)FIRST, .size = sizeof FIRST };
    stage_begin(&stage, LPIPE_FORMAT_DEFAULT, NULL);
    add_memory(stage.image, &source, NULL);
    stage.target.tag_count = 0;
    assert_int_equal(stage_push(&stage), 0);
    assert_int_equal(stage.store->manifest_count, 1);
    assert_string_equal(stage.store->manifests[0].key, stage.result.digest);
    assert_int_equal(stage.result.tag_count, 0);
    stage_end(&stage);
}

/* Artifacts and referrers. */

static void test_artifact_without_layers(void **state)
{
    (void)state;
    struct stage stage;
    stage_begin(&stage, LPIPE_FORMAT_DEFAULT, "text/x-note");
    assert_int_equal(lpipe_image_edit(stage.image, LPIPE_EDIT_ENV, "A=b", NULL),
                     LPIPE_INVALID_ARGUMENT);
    assert_int_equal(stage_push(&stage), 0);
    assert_string_equal(scripted_text(scripted_blob(stage.store, EMPTY_JSON_DIGEST)), "{}");
    static const char wanted[] =
        "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
        "\"config\":{\"mediaType\":\"application/vnd.oci.empty.v1+json\",\"size\":2,"
        "\"digest\":\"" EMPTY_JSON_DIGEST "\"},\"layers\":[{\"mediaType\":"
        "\"application/vnd.oci.empty.v1+json\",\"size\":2,\"digest\":\"" EMPTY_JSON_DIGEST
        "\"}],\"artifactType\":\"text/x-note\"}";
    assert_string_equal(scripted_text(scripted_manifest(stage.store, "one")), wanted);
    stage_end(&stage);
}

#define SUBJECT "sha256:5b943e2b943f6c81dbbd4e2eca5121f4fcc39139e3d1219d6d89bd925b77d9fe"
#define SUBJECT_TAG "sha256-5b943e2b943f6c81dbbd4e2eca5121f4fcc39139e3d1219d6d89bd925b77d9fe"

static void stage_refer(struct stage *stage, struct memory_source *source)
{
    stage_begin(stage, LPIPE_FORMAT_DEFAULT, "text/x-note");
    assert_int_equal(lpipe_image_edit(stage->image, LPIPE_EDIT_ANNOTATION, "k=v", NULL), 0);
    add_memory(stage->image, source, NULL);
    stage->target.tag_count = 0;
    stage->target.has_subject = true;
    stage->target.subject.size = 115;
    snprintf(stage->target.subject.digest, DIGEST_TEXT_SIZE, "%s", SUBJECT);
    snprintf(stage->target.subject.media_type, MEDIA_TYPE_SIZE, "%s",
             media_type_name(MEDIA_FAMILY_OCI, MEDIA_ROLE_MANIFEST));
}

static void test_subject_in_a_store_that_lists_referrers(void **state)
{
    (void)state;
    struct stage stage;
    struct memory_source source = { .data = (const unsigned char *)FIRST, .size = sizeof FIRST };
    stage_refer(&stage, &source);
    stage.store->native = true;
    assert_int_equal(stage_push(&stage), 0);
    assert_null(scripted_manifest(stage.store, SUBJECT_TAG));
    assert_int_equal(stage.store->manifest_count, 1);
    stage_end(&stage);
}

static void test_fallback_tag(void **state)
{
    (void)state;
    struct stage stage;
    char wanted[1024];
    struct memory_source source = { .data = (const unsigned char *)FIRST, .size = sizeof FIRST };
    stage_refer(&stage, &source);
    stage.store->lose_puts = 2; /* another client overwrites the entry twice */
    assert_int_equal(stage_push(&stage), 0);
    snprintf(wanted, sizeof wanted,
             "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\","
             "\"manifests\":[{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
             "\"size\":%zu,\"digest\":\"%s\",\"annotations\":{\"k\":\"v\"},\"artifactType\":"
             "\"text/x-note\"}]}",
             (size_t)stage.result.size, stage.result.digest);
    assert_string_equal(scripted_text(scripted_manifest(stage.store, SUBJECT_TAG)), wanted);
    stage_end(&stage);
}

static struct manifest_item referrer(const char *text)
{
    struct manifest_item item = { .descriptor = { .size = strlen(text) } };
    snprintf(item.descriptor.digest, DIGEST_TEXT_SIZE, "%s", digest_text(text, strlen(text)));
    snprintf(item.descriptor.media_type, MEDIA_TYPE_SIZE, "%s",
             media_type_name(MEDIA_FAMILY_OCI, MEDIA_ROLE_MANIFEST));
    return item;
}

static void test_referrers_are_kept_and_entered_once(void **state)
{
    (void)state;
    struct scripted_store *store = scripted_new("scripted:");
    const struct manifest_item first = referrer("a"), second = referrer("b");
    assert_int_equal(image_referrers_add(&store->base, SUBJECT, &first, NULL), 0);
    assert_int_equal(image_referrers_add(&store->base, SUBJECT, &second, NULL), 0);
    int puts = scripted_count(store, "put");
    assert_int_equal(image_referrers_add(&store->base, SUBJECT, &first, NULL), 0);
    assert_int_equal(scripted_count(store, "put"), puts);
    const char *list = scripted_text(scripted_manifest(store, SUBJECT_TAG));
    assert_non_null(strstr(list, first.descriptor.digest));
    assert_non_null(strstr(list, second.descriptor.digest));
    store_free(&store->base);
}

static void test_referrers_that_cannot_be_kept(void **state)
{
    (void)state;
    struct lpipe_error err = { 0 };
    struct scripted_store *store = scripted_new("scripted:");
    const struct manifest_item item = referrer("a");
    store->lose_puts = 1000;
    assert_int_equal(image_referrers_add(&store->base, SUBJECT, &item, &err), LPIPE_SERVER);
    store->lose_puts = 0;
    static const char image[] =
        "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"a/b\",\"size\":2,\"digest\":"
        "\"" EMPTY_JSON_DIGEST "\"},\"layers\":[]}";
    scripted_set(store->manifests, &store->manifest_count, SUBJECT_TAG,
                 media_type_name(MEDIA_FAMILY_OCI, MEDIA_ROLE_MANIFEST), image, strlen(image));
    assert_int_equal(image_referrers_add(&store->base, SUBJECT, &item, &err), LPIPE_PROTOCOL);
    assert_non_null(strstr(err.message, "does not name an index"));
    store_free(&store->base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tasks_each_once),
        cmocka_unit_test(test_tasks_first_failure),
        cmocka_unit_test(test_tasks_all_fail_at_once),
        cmocka_unit_test(test_no_tasks),
#ifdef LPIPE_FAULTS
        cmocka_unit_test(test_tasks_threads_refused),
#endif

        cmocka_unit_test(test_order_of_a_push),
        cmocka_unit_test(test_bytes_of_config_and_manifest),
        cmocka_unit_test(test_docker_family),
        cmocka_unit_test(test_layers_of_the_other_format),
        cmocka_unit_test(test_descriptor_of_what_is_required),
        cmocka_unit_test(test_known_layer_that_is_missing),
        cmocka_unit_test(test_descriptor_json),
        cmocka_unit_test(test_one_layer_too_many),
        cmocka_unit_test(test_failing_steps),
        cmocka_unit_test(test_store_is_finished_after_the_last_tag),
        cmocka_unit_test(test_source_that_fails),
        cmocka_unit_test(test_failure_wakes_the_others),
        cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_pipes_in_any_order),
        cmocka_unit_test(test_pipes_in_their_order_with_one_job),
        cmocka_unit_test(test_file_that_is_there),
        cmocka_unit_test(test_file_that_is_not_there),
        cmocka_unit_test(test_file_that_is_read_once),
        cmocka_unit_test(test_file_that_can_be_mounted),
        cmocka_unit_test(test_file_is_sent_again),
        cmocka_unit_test(test_stream_is_not_sent_again),
        cmocka_unit_test(test_same_tag_is_left_alone),
        cmocka_unit_test(test_digest_named),
        cmocka_unit_test(test_by_digest_only),
        cmocka_unit_test(test_artifact_without_layers),
        cmocka_unit_test(test_subject_in_a_store_that_lists_referrers),
        cmocka_unit_test(test_fallback_tag),
        cmocka_unit_test(test_referrers_are_kept_and_entered_once),
        cmocka_unit_test(test_referrers_that_cannot_be_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
