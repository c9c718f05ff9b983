/* SPDX-License-Identifier: Apache-2.0 */
/* Image archives that are read: names of members, links, pieces of any size, the callbacks of the
 * source. What becomes of the images is tested in tests/wire/test_copy_archive.py. */
#include "support/tar_make.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "archive/archive_name.h"
#include "archive/archive_read.h"
#include "archive/docker_manifest.h"
#include "base/limits.h"
#include "base/macros.h"
#include "flow/source_callback.h"
#include "layerpipe.h"

#define HEX "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"

static void check_name(const char *path, const char *wanted)
{
    AUTO_FREE char *name = NULL;
    int status = archive_name_clean(path, &name, NULL);
    if (wanted == NULL ? status != LPIPE_NOT_TAR : status != 0 || strcmp(name, wanted) != 0) {
        fail_msg("%s: %d, %s", path, status, name != NULL ? name : "none");
    }
}

static void check_target(const char *member, const char *link, bool symbolic, const char *wanted)
{
    AUTO_FREE char *name = NULL;
    int status = archive_name_target(member, link, symbolic, &name, NULL);
    if (wanted == NULL ? status != LPIPE_NOT_TAR : status != 0 || strcmp(name, wanted) != 0) {
        fail_msg("%s -> %s: %d, %s", member, link, status, name != NULL ? name : "none");
    }
}

static void test_names(void **state)
{
    (void)state;
    check_name("manifest.json", "manifest.json");
    check_name("./a//b/./c/", "a/b/c");
    check_name("./", "");
    check_name("a/..b", "a/..b");
    check_name("/a", NULL);
    check_name("..", NULL);
    check_name("a/../b", NULL);
    check_target("b/layer.tar", "../a/layer.tar", true, "a/layer.tar");
    check_target("b/layer.tar", "./x", true, "b/x");
    check_target("layer.tar", "a/x", true, "a/x");
    check_target("b/layer.tar", "a/layer.tar", false, "a/layer.tar");
    check_target("b/layer.tar", "../../x", true, NULL);
    check_target("b/layer.tar", "..", true, NULL);
    check_target("b/layer.tar", "/a/x", true, NULL);
    check_target("b/layer.tar", "../a/x", false, NULL);
    check_target("b/layer.tar", "", true, "b");
    check_target("b", "", true, NULL);
}

static void test_digests_in_names(void **state)
{
    (void)state;
    char digest[DIGEST_TEXT_SIZE];
    assert_true(archive_name_digest("blobs/sha256/" HEX, digest));
    assert_string_equal(digest, "sha256:" HEX);
    assert_true(archive_name_digest("blobs/sha512/" HEX HEX, digest));
    assert_false(archive_name_digest("blobs/sha256/" HEX ".tar", digest));
    assert_false(archive_name_digest("blobs/md5/" HEX, digest));
    assert_false(archive_name_digest("blob/sha256/" HEX, digest));
    assert_false(archive_name_digest("blobs/sha256", digest));
    assert_true(archive_name_guess(HEX ".tar.gz", digest));
    assert_string_equal(digest, "sha256:" HEX);
    assert_true(archive_name_guess("sha256:" HEX, digest));
    assert_false(archive_name_guess(HEX "/layer.tar", digest));
    assert_false(archive_name_guess("layer.tar", digest));
    assert_true(archive_name_fits("blobs/sha256/x", false));
    assert_true(archive_name_fits("a/layer.tar", false));
    assert_false(archive_name_fits("usr/bin/x", false));
    assert_false(archive_name_fits("usr/bin", true));
}

/* What a sink got. */
struct taken {
    struct bytes text; /* "name=content kind:bytes;" of each member */
    size_t open;
};

static int taken_begin(void *ctx, struct archive_member *member, enum archive_content content,
                       struct lpipe_error *err)
{
    struct taken *taken = ctx;
    char text[200];
    (void)err;
    int size = snprintf(text, sizeof text, "%s=%d:", member->name, (int)content);
    bytes_put(&taken->text, text, (size_t)size);
    assert_int_equal(taken->open++, 0);
    return 0;
}

static int taken_write(void *ctx, const void *data, size_t size, struct lpipe_error *err)
{
    struct taken *taken = ctx;
    (void)err;
    bytes_put(&taken->text, data, size);
    return 0;
}

static int taken_end(void *ctx, struct lpipe_error *err)
{
    struct taken *taken = ctx;
    (void)err;
    bytes_put(&taken->text, ";", 1);
    assert_int_equal(taken->open--, 1);
    return 0;
}

struct input {
    const struct bytes *bytes;
    size_t done;
    size_t piece;
    int closed;
};

static ptrdiff_t input_read(void *ctx, void *buf, size_t size)
{
    struct input *input = ctx;
    size_t part = MIN_OF(MIN_OF(size, input->piece), input->bytes->size - input->done);
    memcpy(buf, input->bytes->data + input->done, part);
    input->done += part;
    return (ptrdiff_t)part;
}

static int input_close(void *ctx)
{
    ((struct input *)ctx)->closed++;
    return 0;
}

static int read_pieces(const struct bytes *tar, size_t piece, struct taken *taken,
                       struct archive_members **ret_members)
{
    struct input input = { .bytes = tar, .piece = piece };
    const struct lpipe_source callbacks = { .read = input_read, .ctx = &input };
    const struct archive_sink sink = { taken_begin, taken_write, taken_end, taken };
    struct source *source = source_callback_new(&callbacks);
    struct lpipe_error err = { 0 };
    assert_non_null(source);
    int status = archive_read(source, NULL, &sink, ret_members, &err);
    source_free(source);
    return status;
}

static void make_archive(struct bytes *tar)
{
    AUTO_BYTES struct bytes layer = { 0 };
    tar_file(&layer, "x", "content");
    tar_end(&layer);
    tar_put(tar, "a/layer.tar", '0', layer.data, layer.size);
    tar_put(tar, "VERSION", '0', "1.0", 3);
    tar_file(tar, "./blobs/sha256/" HEX, "{}");
    tar_file(tar, "empty", "");
    tar_put(tar, "c.gz", '0', "\x1f\x8b\b more", 8);
    tar_file(tar, "manifest.json", " [1]");
    tar_end(tar);
}

/* The same members, whatever pieces the bytes come in. */
static void test_pieces(void **state)
{
    (void)state;
    AUTO_BYTES struct bytes tar = { 0 };
    struct taken whole = { 0 };
    make_archive(&tar);
    for (size_t piece = 4096; piece > 0; piece = piece > 600  ? piece / 2
                                                 : piece > 20 ? 7
                                                              : piece - 1) {
        AUTO_ARCHIVE_MEMBERS struct archive_members *members = NULL;
        struct taken taken = { 0 };
        assert_int_equal(read_pieces(&tar, piece, &taken, &members), 0);
        assert_int_equal(archive_members_count(members), 6);
        const struct archive_member *blob = archive_members_by_digest(members, "sha256:" HEX);
        assert_non_null(blob);
        assert_int_equal(blob->state, ARCHIVE_KEPT);
        assert_string_equal(blob->bytes.data, "{}");
        assert_string_equal(archive_members_find(members, "manifest.json")->bytes.data, " [1]");
        if (whole.text.size == 0) {
            whole = taken;
            assert_memory_equal(taken.text.data, "a/layer.tar=1:x", 15);
        } else {
            assert_int_equal(taken.text.size, whole.text.size);
            assert_memory_equal(taken.text.data, whole.text.data, whole.text.size);
            bytes_dispose(&taken.text);
        }
    }
    bytes_dispose(&whole.text);
}

/* Links lead to members before and after them; a chain ends after some links, as does a cycle. */
static void test_links(void **state)
{
    (void)state;
    AUTO_BYTES struct bytes tar = { 0 };
    unsigned char header[512];
    for (int i = 0; i < 12; i++) {
        char name[16], link[16];
        snprintf(name, sizeof name, "l%d", i);
        snprintf(link, sizeof link, "l%d", i + 1);
        tar_header(header, name, '2', 0);
        memcpy(header + 157, i == 11 ? "manifest.json" : link,
               strlen(i == 11 ? "manifest.json" : link));
        tar_sum(header);
        bytes_put(&tar, header, sizeof header);
    }
    tar_file(&tar, "manifest.json", "[]");
    tar_end(&tar);
    AUTO_ARCHIVE_MEMBERS struct archive_members *members = NULL;
    struct taken taken = { 0 };
    assert_int_equal(read_pieces(&tar, 4096, &taken, &members), 0);
    assert_string_equal(archive_members_find(members, "l11")->name, "manifest.json");
    assert_string_equal(archive_members_find(members, "l5")->name, "manifest.json");
    assert_null(archive_members_find(members, "l0"));
    assert_null(archive_members_find(members, "none"));
}

static void test_docker_manifest(void **state)
{
    (void)state;
    static const char good[] = "[{\"Config\":\"c\",\"RepoTags\":null,\"Layers\":[\"a\",\"b\"]},"
                               "{\"Config\":\"d\",\"RepoTags\":[\"x:1\"]}]";
    static const char *const wrong[] = {
        "[]",
        "{}",
        "[1]",
        "[{}]",
        "[{\"Config\":1}]",
        "[{\"Config\":\"c\",\"Layers\":[1]}]",
        "[{\"Config\":\"c\",\"RepoTags\":{}}]",
        "[{\"Config\":\"c\",\"config\":\"d\"}]",
        "",
    };
    struct docker_manifest manifest AUTO_DOCKER_MANIFEST = DOCKER_MANIFEST_INIT;
    assert_int_equal(docker_manifest_parse(good, strlen(good), &manifest, NULL), 0);
    assert_int_equal(docker_manifest_count(&manifest), 2);
    assert_string_equal(docker_manifest_config(&manifest, 1), "d");
    assert_int_equal(docker_manifest_layer_count(&manifest, 0), 2);
    assert_string_equal(docker_manifest_layer(&manifest, 0, 1), "b");
    assert_int_equal(docker_manifest_layer_count(&manifest, 1), 0);
    assert_int_equal(docker_manifest_tag_count(&manifest, 0), 0);
    assert_string_equal(docker_manifest_tag(&manifest, 1, 0), "x:1");
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct docker_manifest other = DOCKER_MANIFEST_INIT;
        if (docker_manifest_parse(wrong[i], strlen(wrong[i]), &other, NULL) != LPIPE_NOT_TAR) {
            fail_msg("%s was accepted", wrong[i]);
        }
    }
}

struct blocked {
    int pipe[2];
    int closed;
};

static ptrdiff_t blocked_read(void *ctx, void *buf, size_t size)
{
    struct blocked *blocked = ctx;
    return read(blocked->pipe[0], buf, size) < 0 ? -EIO : -ECANCELED;
}

static void blocked_cancel(void *ctx)
{
    assert_int_equal(write(((struct blocked *)ctx)->pipe[1], "x", 1), 1);
}

static int blocked_close(void *ctx)
{
    ((struct blocked *)ctx)->closed++;
    return 0;
}

static void *trigger(void *cancel)
{
    lpipe_cancel_trigger(cancel);
    return NULL;
}

/* A triggered token ends a copy whose read callback waits. */
static void test_cancel(void **state)
{
    (void)state;
    struct lpipe_client_options options = LPIPE_CLIENT_OPTIONS_INIT;
    struct blocked blocked = { 0 };
    lpipe_client *client = NULL;
    lpipe_ref *dest = NULL;
    pthread_t thread;
    const struct lpipe_source source = { blocked_read, blocked_close, blocked_cancel, &blocked };
    assert_int_equal(pipe(blocked.pipe), 0);
    assert_int_equal(lpipe_cancel_new(&options.cancel, NULL), 0);
    assert_int_equal(lpipe_client_new(&options, &client, NULL), 0);
    assert_int_equal(lpipe_ref_parse("null:", 0, &dest, NULL), 0);
    assert_int_equal(pthread_create(&thread, NULL, trigger, options.cancel), 0);
    assert_int_equal(lpipe_copy_archive(client, &source, dest, NULL, NULL, NULL), LPIPE_CANCELLED);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(blocked.closed, 1);
    lpipe_client_free(client);
    lpipe_ref_free(dest);
    lpipe_cancel_unref(options.cancel);
    close(blocked.pipe[0]);
    close(blocked.pipe[1]);
}

/* close runs exactly once, whatever fails. */
static void test_close_runs_once(void **state)
{
    (void)state;
    AUTO_BYTES struct bytes tar = { 0 };
    lpipe_client *client = NULL;
    lpipe_ref *dest = NULL;
    struct lpipe_copy_options wrong = LPIPE_COPY_OPTIONS_INIT;
    make_archive(&tar);
    wrong.compress = "none:such";
    assert_int_equal(lpipe_client_new(NULL, &client, NULL), 0);
    assert_int_equal(lpipe_ref_parse("null:", 0, &dest, NULL), 0);
    const struct {
        lpipe_client *client;
        const lpipe_ref *dest;
        const struct lpipe_copy_options *options;
        int status;
    } calls[] = { { client, dest, NULL, LPIPE_NOT_TAR },
                  { client, dest, &wrong, LPIPE_INVALID_ARGUMENT },
                  { NULL, dest, NULL, LPIPE_INVALID_ARGUMENT },
                  { client, NULL, NULL, LPIPE_INVALID_ARGUMENT } };
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        struct input input = { .bytes = &tar, .piece = 1000 };
        const struct lpipe_source source = { input_read, input_close, NULL, &input };
        assert_int_equal(lpipe_copy_archive(calls[i].client, &source, calls[i].dest,
                                            calls[i].options, NULL, NULL),
                         calls[i].status);
        assert_int_equal(input.closed, 1);
    }
    assert_int_equal(lpipe_copy_archive(client, NULL, dest, NULL, NULL, NULL),
                     LPIPE_INVALID_ARGUMENT);
    assert_int_equal(lpipe_copy_archive_fd(client, -1, dest, NULL, NULL, NULL),
                     LPIPE_INVALID_ARGUMENT);
    lpipe_client_free(client);
    lpipe_ref_free(dest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),           cmocka_unit_test(test_digests_in_names),
        cmocka_unit_test(test_pieces),          cmocka_unit_test(test_links),
        cmocka_unit_test(test_docker_manifest), cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_close_runs_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
