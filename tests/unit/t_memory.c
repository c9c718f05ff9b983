/* SPDX-License-Identifier: Apache-2.0 */
/* Makes each allocation of the library fail: first only this one, then this one and all later ones.
 * The work must end with NO_MEMORY and untouched outputs, or succeed if it can work without the
 * memory. The sanitizer finds leaks and uses after free. Only in builds with fault points. */
#include "support/scratch.h"
#include "support/tar_make.h"

#include <fcntl.h>
#include <zlib.h>

#include "base/macros.h"
#include "base/mem.h"
#include "layerpipe.h"
#include "layout/layout_store.h"
#include "oci/image_edit.h"
#include "oci/manifest.h"

#define ALLOCATIONS_MAX 20000
#define D1 "sha256:1111111111111111111111111111111111111111111111111111111111111111"

static struct scratch scratch;

typedef int (*work)(const void *with, struct lpipe_error *err);

static void check_end(int status, const struct lpipe_error *err, unsigned long nth)
{
    if (status != 0 && (status != LPIPE_NO_MEMORY || err->status != status)) {
        fail_msg("allocation %lu: %s, %s", nth, lpipe_status_name(status), err->message);
    }
}

/* Runs the work with the first allocation failing, then with the second, and so on to the last. */
static void fail_each(work run, const void *with)
{
    for (int persistent = 0; persistent <= 1; persistent++) {
        unsigned long nth = 0, made = 0;
        int status = 0;
        do {
            struct lpipe_error err = { 0 };
            assert_true(++nth < ALLOCATIONS_MAX);
            (void)mem_fail_nth(nth, persistent);
            status = run(with, &err);
            made = mem_fail_nth(0, 0);
            check_end(status, &err, nth);
        } while (made >= nth);
        assert_int_equal(status, 0);
        assert_true(nth > 1);
    }
}

static int parse_reference(const void *with, struct lpipe_error *err)
{
    lpipe_ref *ref = NULL;
    int status = lpipe_ref_parse(with, 0, &ref, err);
    assert_int_equal(ref != NULL, status == 0);
    (void)lpipe_ref_free(ref);
    return status;
}

static void test_references(void **state)
{
    (void)state;
    fail_each(parse_reference, "localhost:5000/a/b:tag");
    fail_each(parse_reference, "debian@" D1);
    fail_each(parse_reference, "oci:/tmp/layout:tag");
    fail_each(parse_reference, "null:");
}

static int parse_manifest(const void *with, struct lpipe_error *err)
{
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT, written = DOCUMENT_INIT;
    AUTO_BUF struct buf bytes = BUF_INIT(100000);
    AUTO_MANIFEST struct manifest *manifest = NULL;
    int status = buf_append_text(&bytes, with);
    status = status == 0 ? document_make(&bytes, "", NULL, &document, err) : fail_memory(err);
    status = status == 0 ? manifest_parse(&document, &manifest, err) : status;
    if (status == 0) {
        struct manifest_spec spec = {
            .config = &manifest->config.descriptor,
            .layers = manifest->items,
            .layer_count = manifest->item_count,
            .annotations = &manifest->annotations,
        };
        status = manifest_write(&spec, &written, err);
    }
    return status;
}

static void test_manifests(void **state)
{
    (void)state;
    fail_each(parse_manifest,
              "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
              "\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":"
              "\"" D1 "\",\"size\":7},\"layers\":[{\"mediaType\":"
              "\"application/vnd.oci.image.layer.v1.tar+gzip\",\"digest\":\"" D1 "\",\"size\":9,"
              "\"annotations\":{\"a\":\"b\"}}],\"annotations\":{\"c\":\"d\"}}");
}

static int edit_config(const void *with, struct lpipe_error *err)
{
    static const struct {
        enum lpipe_edit edit;
        const char *value;
    } edits[] = {
        { LPIPE_EDIT_ENV, "A=1" },
        { LPIPE_EDIT_ENV, "A=2" },
        { LPIPE_EDIT_ENTRYPOINT, "[\"x\"]" },
        { LPIPE_EDIT_CMD, "a b c" },
        { LPIPE_EDIT_LABEL, "k=v" },
        { LPIPE_EDIT_PORT, "80" },
        { LPIPE_EDIT_VOLUME, "/data" },
        { LPIPE_EDIT_USER, "nobody" },
    };
    AUTO_IMAGE_CONFIG struct image_config *config = NULL;
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
    const struct image_history history = { NULL, "test", NULL };
    int status = image_config_new(with, &config, err);
    for (size_t i = 0; status == 0 && i < ARRAY_LEN(edits); i++) {
        status = image_edit_apply(config, edits[i].edit, edits[i].value, err);
    }
    status = status == 0 ? image_config_add_layer(config, D1, &history, err) : status;
    return status == 0 ? image_config_write(config, MEDIA_FAMILY_OCI, &document, err) : status;
}

static void test_configurations(void **state)
{
    (void)state;
    static const struct platform platform = { "linux", "amd64", "", "" };
    fail_each(edit_config, &platform);
}

/* A tar of one file of many blocks, and the same in gzip. */
#define FILE_BYTES ((size_t)700000)
#define TAR_BYTES (512 + (FILE_BYTES + 511) / 512 * 512 + 1024)
static unsigned char tar_bytes[TAR_BYTES];

static void make_tar(void)
{
    unsigned sum = 0;
    memcpy(tar_bytes, "file", 4);
    memcpy(tar_bytes + 100, "0000644", 7);
    memcpy(tar_bytes + 108, "0000000", 7);
    memcpy(tar_bytes + 116, "0000000", 7);
    snprintf((char *)tar_bytes + 124, 12, "%011zo", FILE_BYTES);
    memcpy(tar_bytes + 136, "00000000000", 11);
    memcpy(tar_bytes + 148, "        ", 8);
    tar_bytes[156] = '0';
    memcpy(tar_bytes + 257, "ustar\00000", 8);
    for (size_t i = 0; i < 512; i++) {
        sum += tar_bytes[i];
    }
    snprintf((char *)tar_bytes + 148, 8, "%06o", sum);
    for (size_t i = 0; i < FILE_BYTES; i++) {
        tar_bytes[512 + i] = (unsigned char)(i * i >> 7);
    }
}

struct layer_case {
    struct lpipe_layer_options options;
    const char *path;
};

static int read_layer(const void *with, struct lpipe_error *err)
{
    const struct layer_case *layer_case = with;
    struct lpipe_layer_result result = LPIPE_LAYER_RESULT_INIT;
    static unsigned char out[65536];
    lpipe_layer *layer = NULL;
    lpipe_reader *reader = NULL;
    size_t size = 1;
    int fd = open(layer_case->path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    int status = lpipe_layer_new_fd(fd, &layer_case->options, &layer, err);
    status = status == 0 ? lpipe_layer_open(layer, &reader, err) : status;
    while (status == 0 && size > 0) {
        status = lpipe_reader_read(reader, out, sizeof out, &size, err);
    }
    status = status == 0 ? lpipe_layer_result(layer, &result, err) : status;
    if (reader != NULL) {
        (void)lpipe_reader_close(reader, NULL);
    }
    (void)lpipe_layer_free(layer);
    return status;
}

static void test_layers(void **state)
{
    (void)state;
    static const char *const codecs[] = { "none", "gzip:0", "gzip:1", "gzip:6", "zstd:3", NULL };
    static const char *const files[] = { "layer.tar", "layer.tar.gz" };
    for (size_t i = 0; i < ARRAY_LEN(codecs) * ARRAY_LEN(files) * 2; i++) {
        struct layer_case layer_case = { .options = LPIPE_LAYER_OPTIONS_INIT };
        layer_case.path = scratch_path(&scratch, files[i % 2]);
        layer_case.options.compress = i % 2 == 0 ? codecs[i / 4] : NULL;
        layer_case.options.threads = i / 2 % 2 == 0 ? LPIPE_THREADS_INLINE : 2;
        fail_each(read_layer, &layer_case);
    }
}

static int write_layout(const void *with, struct lpipe_error *err)
{
    static const char config[] = "{}";
    AUTO_STORE struct store *store = NULL;
    AUTO_BLOB_WRITER struct blob_writer *writer = NULL;
    AUTO_DOCUMENT struct document blob = DOCUMENT_INIT, manifest = DOCUMENT_INIT;
    AUTO_BUF struct buf bytes = BUF_INIT(100);
    int status = buf_append_text(&bytes, config) == 0 ? 0 : fail_memory(err);
    status = status == 0 ? document_make(&bytes, "application/vnd.oci.image.config.v1+json", NULL,
                                         &blob, err)
                         : status;
    struct manifest_spec spec = { .config = &blob.descriptor };
    status = status == 0 ? manifest_write(&spec, &manifest, err) : status;
    status = status == 0 ? layout_store_open(with, true, NULL, &store, err) : status;
    status = status == 0 ? store->ops->blob_begin(store, NULL, &writer, err) : status;
    status = status == 0 ? writer->ops->write(writer, config, strlen(config), err) : status;
    status = status == 0 ? writer->ops->finish(writer, blob.descriptor.digest, strlen(config), err)
                         : status;
    status = status == 0 ? store->ops->manifest_put(store, &manifest, "tag", err) : status;
    return status == 0 ? store_finish(store, err) : status;
}

static void test_layouts(void **state)
{
    (void)state;
    fail_each(write_layout, scratch_path(&scratch, "layout"));
}

static int add_file(lpipe_image *image, struct lpipe_error *err)
{
    struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
    lpipe_layer *layer = NULL;
    options.threads = LPIPE_THREADS_INLINE;
    options.flags = LPIPE_LAYER_RAW;
    int fd = open(scratch_path(&scratch, "small"), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    int status = lpipe_layer_new_fd(fd, &options, &layer, err);
    status = status == 0 ? lpipe_image_add_layer(image, layer, "history", err) : status;
    if (status != 0) {
        (void)lpipe_layer_free(layer);
    }
    return status;
}

static int look_at(lpipe_client *client, const lpipe_ref *ref, struct lpipe_error *err)
{
    int status = 0;
    for (int json = 0; json <= 1 && status == 0; json++) {
        char *text = NULL;
        status = lpipe_inspect(client, ref, NULL, json != 0, &text, err);
        assert_int_equal(text != NULL, status == 0);
        free(text);
    }
    return status;
}

struct image_case {
    const lpipe_ref *base; /* NULL = none */
    const lpipe_ref *dest;
    const char *subject; /* NULL = none, and the image gets tags */
};

/* One job, so that the allocations come in the same order every time. */
static int push_image(const void *with, struct lpipe_error *err)
{
    const struct image_case *image_case = with;
    static const char *const tags[] = { "more" };
    struct lpipe_client_options options = LPIPE_CLIENT_OPTIONS_INIT;
    struct lpipe_push_options push = LPIPE_PUSH_OPTIONS_INIT;
    struct lpipe_push_result result = LPIPE_PUSH_RESULT_INIT;
    lpipe_client *client = NULL;
    lpipe_image *image = NULL;
    options.jobs = 1;
    push.tags = tags;
    push.tag_count = image_case->subject == NULL ? ARRAY_LEN(tags) : 0;
    push.subject = image_case->subject;
    int status = lpipe_client_new(&options, &client, err);
    status = status == 0 ? lpipe_image_new(client, image_case->base, NULL, &image, err) : status;
    static const char config[] = "{\"config\":{\"User\":\"me\"}}";
    status = status == 0 ? lpipe_image_set_config(image, config, strlen(config), err) : status;
    status = status == 0 ? lpipe_image_edit(image, LPIPE_EDIT_ENV, "A=b", err) : status;
    status = status == 0 ? lpipe_image_edit(image, LPIPE_EDIT_ANNOTATION, "a=b", err) : status;
    status = status == 0 ? add_file(image, err) : status;
    status = status == 0 ? add_file(image, err) : status;
    status = status == 0 ? lpipe_image_push(image, image_case->dest, &push, &result, err) : status;
    assert_int_equal(result.reference != NULL, status == 0);
    if (status == 0 && image_case->subject == NULL) {
        status = look_at(client, image_case->dest, err);
    }
    lpipe_push_result_done(&result);
    (void)lpipe_image_free(image);
    (void)lpipe_client_free(client);
    return status;
}

static lpipe_ref *layout_ref(const char *name)
{
    char text[300];
    lpipe_ref *ref = NULL;
    snprintf(text, sizeof text, "oci:%s:tag", scratch_path(&scratch, name));
    assert_int_equal(lpipe_ref_parse(text, 0, &ref, NULL), 0);
    return ref;
}

static void test_images(void **state)
{
    (void)state;
    lpipe_ref *first = layout_ref("first"), *second = layout_ref("second");
    scratch_text(&scratch, "small", "a layer");
    fail_each(push_image, &(struct image_case){ NULL, first });
    fail_each(push_image, &(struct image_case){ first, second });
    (void)lpipe_ref_free(first);
    (void)lpipe_ref_free(second);
}

/* An archive of docker save with one image; the layer is there twice. */
static const char *write_archive(const char *name)
{
    AUTO_BYTES struct bytes layer = { 0 }, tar = { 0 };
    char digest[DIGEST_TEXT_SIZE];
    char config[500];
    tar_file(&layer, "x", "content");
    tar_end(&layer);
    assert_int_equal(digest_of(DIGEST_SHA256, layer.data, layer.size, digest, NULL), 0);
    snprintf(config, sizeof config,
             "{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{},\"rootfs\":{\"type\":"
             "\"layers\",\"diff_ids\":[\"%s\",\"%s\"]}}",
             digest, digest);
    tar_put(&tar, "a/layer.tar", '0', layer.data, layer.size);
    tar_put(&tar, "b/layer.tar", '0', layer.data, layer.size);
    tar_file(&tar, "c.json", config);
    tar_file(&tar, "manifest.json",
             "[{\"Config\":\"c.json\",\"RepoTags\":[\"x:1\"],"
             "\"Layers\":[\"a/layer.tar\",\"b/layer.tar\"]}]");
    tar_end(&tar);
    return scratch_write(&scratch, name, tar.data, tar.size, 0600);
}

struct archive_case {
    const lpipe_ref *archive;
    const lpipe_ref *dest;
};

static int copy_archive(const void *with, struct lpipe_error *err)
{
    const struct archive_case *archive_case = with;
    struct lpipe_copy_options copy = LPIPE_COPY_OPTIONS_INIT;
    struct lpipe_copy_result result = LPIPE_COPY_RESULT_INIT;
    struct lpipe_client_options options = LPIPE_CLIENT_OPTIONS_INIT;
    lpipe_client *client = NULL;
    options.jobs = 1;
    copy.threads = LPIPE_THREADS_INLINE;
    int status = lpipe_client_new(&options, &client, err);
    if (status == 0) {
        status = lpipe_copy(client, archive_case->archive, archive_case->dest, &copy, &result, err);
    }
    assert_int_equal(result.reference != NULL, status == 0);
    lpipe_copy_result_done(&result);
    (void)lpipe_client_free(client);
    return status;
}

static void test_archives(void **state)
{
    (void)state;
    char text[300];
    lpipe_ref *archive = NULL, *dest = layout_ref("copied");
    snprintf(text, sizeof text, "docker-archive:%s:x:1", write_archive("archive.tar"));
    assert_int_equal(lpipe_ref_parse(text, 0, &archive, NULL), 0);
    fail_each(copy_archive, &(struct archive_case){ archive, dest });
    (void)lpipe_ref_free(archive);
    (void)lpipe_ref_free(dest);
}

/* Two layers, so that all that the lower one has is hidden. */
static void push_tars(const lpipe_ref *dest)
{
    static const char *const names[] = { "layer.tar", "layer.tar.gz" };
    lpipe_client *client = NULL;
    lpipe_image *image = NULL;
    assert_int_equal(lpipe_client_new(NULL, &client, NULL), 0);
    assert_int_equal(lpipe_image_new(client, NULL, NULL, &image, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        lpipe_layer *layer = NULL;
        int fd = open(scratch_path(&scratch, names[i]), O_RDONLY | O_CLOEXEC);
        assert_int_equal(lpipe_layer_new_fd(fd, NULL, &layer, NULL), 0);
        assert_int_equal(lpipe_image_add_layer(image, layer, NULL, NULL), 0);
    }
    assert_int_equal(lpipe_image_push(image, dest, NULL, NULL, NULL), 0);
    (void)lpipe_image_free(image);
    (void)lpipe_client_free(client);
}

static int read_content(lpipe_client *client, const lpipe_ref *ref, const char *layer,
                        const char *compress, struct lpipe_error *err)
{
    static char buffer[64 * 1024];
    struct lpipe_content_options options = LPIPE_CONTENT_OPTIONS_INIT;
    lpipe_content *content = NULL;
    size_t size = 1;
    options.layer = layer;
    options.compress = compress;
    options.threads = LPIPE_THREADS_INLINE;
    int status = lpipe_content_open(client, ref, &options, &content, err);
    assert_int_equal(content != NULL, status == 0);
    while (status == 0 && size > 0) {
        status = lpipe_content_read(content, buffer, sizeof buffer, &size, err);
    }
    (void)lpipe_content_close(content);
    return status;
}

static int read_contents(const void *with, struct lpipe_error *err)
{
    lpipe_client *client = NULL;
    int status = lpipe_client_new(NULL, &client, err);
    status = status == 0 ? read_content(client, with, NULL, NULL, err) : status;
    status = status == 0 ? read_content(client, with, "2", "gzip:1", err) : status;
    (void)lpipe_client_free(client);
    return status;
}

static int look_at_archive(const void *with, struct lpipe_error *err)
{
    lpipe_client *client = NULL;
    int status = lpipe_client_new(NULL, &client, err);
    status = status == 0 ? look_at(client, with, err) : status;
    (void)lpipe_client_free(client);
    return status;
}

/* An archive that is read like a store: shown, flattened, and as a base. */
static void test_archives_as_stores(void **state)
{
    (void)state;
    static const char *const kinds[] = { "docker-archive", "oci-archive" };
    char text[300];
    lpipe_ref *from = NULL, *dest = layout_ref("on an archive");
    scratch_text(&scratch, "small", "a layer");
    snprintf(text, sizeof text, "docker-archive:%s:x:1", write_archive("store.tar"));
    assert_int_equal(lpipe_ref_parse(text, 0, &from, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        lpipe_ref *archive = NULL;
        snprintf(text, sizeof text, "%s:%s:x:1", kinds[i], scratch_path(&scratch, kinds[i]));
        assert_int_equal(lpipe_ref_parse(text, 0, &archive, NULL), 0);
        assert_int_equal(copy_archive(&(struct archive_case){ from, archive }, NULL), 0);
        fail_each(look_at_archive, archive);
        fail_each(read_contents, archive);
        fail_each(push_image, &(struct image_case){ archive, dest });
        (void)lpipe_ref_free(archive);
    }
    (void)lpipe_ref_free(from);
    (void)lpipe_ref_free(dest);
}

static void test_contents(void **state)
{
    (void)state;
    lpipe_ref *ref = layout_ref("contents");
    push_tars(ref);
    fail_each(read_contents, ref);
    (void)lpipe_ref_free(ref);
}

struct copy_case {
    const lpipe_ref *source;
    const lpipe_ref *dest;
};

/* Makes an index of the source for two platforms, then copies the index to another layout. */
static int copy_index(const void *with, struct lpipe_error *err)
{
    const struct copy_case *copy_case = with;
    static const char *const texts[] = { "a=b" };
    const struct lpipe_index_entry entries[] = { { copy_case->source, "linux/amd64" },
                                                 { copy_case->source, "linux/arm64" } };
    struct lpipe_client_options options = LPIPE_CLIENT_OPTIONS_INIT;
    struct lpipe_index_options index = LPIPE_INDEX_OPTIONS_INIT;
    struct lpipe_copy_options copy = LPIPE_COPY_OPTIONS_INIT;
    struct lpipe_copy_result made = LPIPE_COPY_RESULT_INIT, copied = LPIPE_COPY_RESULT_INIT;
    lpipe_client *client = NULL;
    options.jobs = 1;
    index.flags = LPIPE_INDEX_APPEND | LPIPE_INDEX_SKIP_MISSING;
    index.annotations = texts;
    index.annotation_count = ARRAY_LEN(texts);
    copy.flags = LPIPE_COPY_ALL;
    int status = lpipe_client_new(&options, &client, err);
    status = status == 0 ? lpipe_index_push(client, copy_case->dest, entries, ARRAY_LEN(entries),
                                            &index, &made, err)
                         : status;
    assert_int_equal(made.reference != NULL, status == 0);
    lpipe_ref *third = NULL;
    char text[300];
    snprintf(text, sizeof text, "oci:%s:tag", scratch_path(&scratch, "third"));
    status = status == 0 ? lpipe_ref_parse(text, 0, &third, err) : status;
    status = status == 0 ? lpipe_copy(client, copy_case->dest, third, &copy, &copied, err) : status;
    lpipe_copy_result_done(&copied);
    copy.flags = LPIPE_COPY_REFERRERS;
    status =
        status == 0 ? lpipe_copy(client, copy_case->source, third, &copy, &copied, err) : status;
    assert_true(status != 0 || copied.referrer_count == 1);
    lpipe_copy_result_done(&copied);
    lpipe_copy_result_done(&made);
    (void)lpipe_ref_free(third);
    (void)lpipe_client_free(client);
    return status;
}

/* Pushes an image whose subject is the image of the layout "source". */
static void push_referrer(const lpipe_ref *source)
{
    char text[300];
    lpipe_ref *untagged = NULL;
    snprintf(text, sizeof text, "oci:%s", scratch_path(&scratch, "source"));
    assert_int_equal(lpipe_ref_parse(text, 0, &untagged, NULL), 0);
    assert_int_equal(
        push_image(&(struct image_case){ source, untagged, lpipe_ref_name(source) }, NULL), 0);
    (void)lpipe_ref_free(untagged);
}

static void test_copies(void **state)
{
    (void)state;
    lpipe_ref *source = layout_ref("source"), *dest = layout_ref("index");
    scratch_text(&scratch, "small", "a layer");
    assert_int_equal(push_image(&(struct image_case){ NULL, source }, NULL), 0);
    push_referrer(source);
    fail_each(copy_index, &(struct copy_case){ source, dest });
    (void)lpipe_ref_free(source);
    (void)lpipe_ref_free(dest);
}

static int group_begin(void **state)
{
    (void)state;
    static unsigned char compressed[TAR_BYTES];
    scratch_begin(&scratch);
    make_tar();
    z_stream stream = { .next_in = tar_bytes,
                        .avail_in = sizeof tar_bytes,
                        .next_out = compressed,
                        .avail_out = sizeof compressed };
    assert_int_equal(deflateInit2(&stream, 1, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    scratch_write(&scratch, "layer.tar", tar_bytes, sizeof tar_bytes, 0600);
    scratch_write(&scratch, "layer.tar.gz", compressed, stream.total_out, 0600);
    return deflateEnd(&stream) == Z_OK ? 0 : 1;
}

static int group_end(void **state)
{
    (void)state;
    scratch_end(&scratch);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_references),     cmocka_unit_test(test_manifests),
        cmocka_unit_test(test_configurations), cmocka_unit_test(test_layers),
        cmocka_unit_test(test_layouts),        cmocka_unit_test(test_images),
        cmocka_unit_test(test_copies),         cmocka_unit_test(test_contents),
        cmocka_unit_test(test_archives),       cmocka_unit_test(test_archives_as_stores),
    };
    return cmocka_run_group_tests(tests, group_begin, group_end);
}
