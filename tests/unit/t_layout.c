/* SPDX-License-Identifier: Apache-2.0 */
/* The layout store on real directories: what it writes, what it refuses, killed writers. */
#include "support/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/macros.h"
#include "layout/layout_store.h"
#include "oci/json_read.h"
#include "oci/media_type.h"
#include "oci/null_store.h"

#define OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define LAYOUT_FILE "{\"imageLayoutVersion\":\"1.0.0\"}"
#define EMPTY_INDEX                                                                                \
    "{\"schemaVersion\":2,\"mediaType\":\"application/"                                            \
    "vnd.oci.image.index.v1+json\",\"manifests\":[]}"

struct scene {
    char root[64]; /* a temporary directory */
    char dir[96];  /* path of the layout in root; not created yet */
};

static int setup(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    assert_non_null(scene);
    (void)snprintf(scene->root, sizeof scene->root, "/tmp/t_layout.XXXXXX");
    assert_non_null(mkdtemp(scene->root));
    (void)snprintf(scene->dir, sizeof scene->dir, "%s/a/layout", scene->root);
    *state = scene;
    return 0;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

static int teardown(void **state)
{
    struct scene *scene = *state;
    (void)nftw(scene->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(scene);
    return 0;
}

static char *path_in(const struct scene *scene, const char *name)
{
    static char paths[4][384];
    static unsigned next;
    char *path = paths[next++ % 4];
    (void)snprintf(path, sizeof paths[0], "%s/%s", scene->dir, name);
    return path;
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static char *read_text(const char *path)
{
    static char text[1 << 20];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t size = fread(text, 1, sizeof text - 1, file);
    text[size] = '\0';
    assert_int_equal(fclose(file), 0);
    return text;
}

static void check_file(const struct scene *scene, const char *name, const char *text)
{
    assert_string_equal(read_text(path_in(scene, name)), text);
}

/* Names in the layout directory that are temporary files. */
static size_t count_temps(const struct scene *scene)
{
    size_t count = 0;
    DIR *dir = opendir(scene->dir);
    assert_non_null(dir);
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        count += strncmp(entry->d_name, ".lp-", 4) == 0 ? 1 : 0;
    }
    closedir(dir);
    return count;
}

static struct store *open_store(const struct scene *scene, bool create)
{
    struct store *store = NULL;
    struct lpipe_error err = { 0 };
    if (layout_store_open(scene->dir, create, NULL, &store, &err) != 0) {
        fail_msg("%s", err.message);
    }
    return store;
}

static void make_document(const char *text, struct document *document)
{
    AUTO_BUF struct buf bytes = BUF_INIT(10000);
    assert_int_equal(buf_append_text(&bytes, text), 0);
    assert_int_equal(document_make(&bytes, OCI_MANIFEST, NULL, document, NULL), 0);
}

static void put(struct store *store, const char *text, const char *tag)
{
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
    struct lpipe_error err = { 0 };
    make_document(text, &document);
    if (store->ops->manifest_put(store, &document, tag, &err) != 0 ||
        store_finish(store, &err) != 0) {
        fail_msg("%s", err.message);
    }
}

/* Gets the manifest of a tag or digest as text. Returns the status. */
static int get(struct store *store, const char *reference, char *text, size_t size)
{
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
    int status = store->ops->manifest_get(store, reference, &document, NULL);
    if (status == 0) {
        (void)snprintf(text, size, "%s", document.bytes.data);
    }
    return status;
}

static void check_get(struct store *store, const char *reference, const char *wanted)
{
    char text[200] = "";
    assert_int_equal(get(store, reference, text, sizeof text), 0);
    assert_string_equal(text, wanted);
}

static void put_blob(struct store *store, const char *text, struct descriptor *ret_blob)
{
    struct blob_writer *writer AUTO_BLOB_WRITER = NULL;
    struct descriptor blob = { .media_type = "a/b", .size = strlen(text) };
    struct lpipe_error err = { 0 };
    assert_int_equal(digest_of(DIGEST_SHA256, text, strlen(text), blob.digest, NULL), 0);
    assert_int_equal(store->ops->blob_begin(store, NULL, &writer, &err), 0);
    for (size_t i = 0; i < strlen(text); i += 3) {
        assert_int_equal(
            writer->ops->write(writer, text + i, MIN_OF((size_t)3, strlen(text) - i), &err), 0);
    }
    if (writer->ops->finish(writer, blob.digest, blob.size, &err) != 0) {
        fail_msg("%s", err.message);
    }
    *ret_blob = blob;
}

static char *blob_path(const struct scene *scene, const char *digest)
{
    char name[200];
    (void)snprintf(name, sizeof name, "blobs/%s/%s", digest_alg_name(digest_alg_of(digest)),
                   digest_hex_of(digest));
    return path_in(scene, name);
}

static void test_new_layout(void **state)
{
    struct scene *scene = *state;
    struct store *store AUTO_STORE = open_store(scene, true);
    struct stat info;
    check_file(scene, "oci-layout", LAYOUT_FILE);
    check_file(scene, "index.json", EMPTY_INDEX);
    assert_int_equal(stat(path_in(scene, "blobs/sha256"), &info), 0);
    assert_true(S_ISDIR(info.st_mode));
    assert_int_equal(count_temps(scene), 0);
    assert_true(strncmp(store->name, "oci:/tmp/t_layout.", 18) == 0);
    assert_int_equal(store->ops->referrers_native(store), 1);
}

static void test_missing(void **state)
{
    struct scene *scene = *state;
    struct store *store = NULL;
    assert_int_equal(layout_store_open(scene->dir, false, NULL, &store, NULL), LPIPE_NOT_FOUND);
    assert_int_equal(access(scene->dir, F_OK), -1);
    store = store_free(open_store(scene, true));
    assert_int_equal(unlink(path_in(scene, "oci-layout")), 0);
    assert_int_equal(layout_store_open(scene->dir, false, NULL, &store, NULL), LPIPE_NOT_FOUND);
}

static void test_blobs(void **state)
{
    struct scene *scene = *state;
    struct store *store AUTO_STORE = open_store(scene, true);
    struct descriptor blob;
    struct blob_reader *reader AUTO_BLOB_READER = NULL;
    char text[20] = "";
    size_t got = 0;
    put_blob(store, "hello layout", &blob);
    put_blob(store, "hello layout", &blob); /* reused */
    assert_string_equal(read_text(blob_path(scene, blob.digest)), "hello layout");
    assert_int_equal(store->ops->blob_exists(store, &blob, NULL), 1);
    assert_int_equal(store_blob_mount(store, &blob, "x", NULL), 0);
    assert_int_equal(count_temps(scene), 0);
    assert_int_equal(store->ops->blob_open(store, &blob, &reader, NULL), 0);
    assert_int_equal(reader->ops->read(reader, text, sizeof text, &got, NULL), 0);
    assert_int_equal(got, 12);
    assert_memory_equal(text, "hello layout", 12);
    assert_int_equal(reader->ops->read(reader, text, sizeof text, &got, NULL), 0);
    assert_int_equal(got, 0);
    struct descriptor other = blob;
    other.digest[10] = other.digest[10] == '0' ? '1' : '0';
    assert_int_equal(store->ops->blob_exists(store, &other, NULL), 0);
    struct blob_reader *none = NULL;
    assert_int_equal(store->ops->blob_open(store, &other, &none, NULL), LPIPE_NOT_FOUND);
    blob.size = 13;
    assert_int_equal(store->ops->blob_open(store, &blob, &none, NULL), LPIPE_INTEGRITY);
    assert_int_equal(store->ops->blob_exists(store, &blob, NULL), 0);
}

static void test_abandoned_writer(void **state)
{
    struct scene *scene = *state;
    struct store *store AUTO_STORE = open_store(scene, true);
    struct blob_writer *writer = NULL;
    assert_int_equal(store->ops->blob_begin(store, NULL, &writer, NULL), 0);
    assert_int_equal(writer->ops->write(writer, "abc", 3, NULL), 0);
    assert_int_equal(count_temps(scene), 1);
    /* A size that is not what was written publishes nothing. */
    assert_int_equal(writer->ops->finish(writer, EMPTY_JSON_DIGEST, 2, NULL), LPIPE_INTEGRITY);
    assert_int_equal(access(blob_path(scene, EMPTY_JSON_DIGEST), F_OK), -1);
    assert_null(blob_writer_free(writer));
    assert_int_equal(count_temps(scene), 0);
}

static void test_modes(void **state)
{
    struct scene *scene = *state;
    static const mode_t masks[] = { 022, 027, 077 };
    for (size_t i = 0; i < ARRAY_LEN(masks); i++) {
        mode_t before = umask(masks[i]);
        struct store *store AUTO_STORE = open_store(scene, true);
        struct descriptor blob;
        struct stat info;
        char text[8];
        (void)snprintf(text, sizeof text, "m%zu", i);
        put_blob(store, text, &blob);
        put(store, text, text);
        umask(before);
        assert_int_equal(stat(blob_path(scene, blob.digest), &info), 0);
        assert_int_equal(info.st_mode & 0777, 0666 & ~masks[i]);
        assert_int_equal(stat(path_in(scene, "index.json"), &info), 0);
        assert_int_equal(info.st_mode & 0777, 0666 & ~masks[i]);
    }
}

#define ENTRY(digest, size)                                                                        \
    "{\"mediaType\":\"" OCI_MANIFEST "\",\"digest\":\"" digest "\",\"size\":" #size
#define TAGGED(tag) ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"" tag "\"}}"
#define D_A "sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
#define D_B "sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d"
#define INDEX(entries)                                                                             \
    "{\"schemaVersion\":2,\"mediaType\":\"application/"                                            \
    "vnd.oci.image.index.v1+json\",\"manifests\":[" entries "]}"

static void test_tags(void **state)
{
    struct scene *scene = *state;
    struct store *store AUTO_STORE = open_store(scene, true);
    put(store, "a", "one");
    check_file(scene, "index.json", INDEX(ENTRY(D_A, 1) TAGGED("one")));
    put(store, "b", "two");
    put(store, "a", "three");
    check_file(scene, "index.json",
               INDEX(ENTRY(D_A, 1) TAGGED("one") "," ENTRY(D_B, 1) TAGGED("two") "," ENTRY(D_A, 1)
                         TAGGED("three")));
    put(store, "b", "one"); /* the tag moves; the entry keeps its position */
    check_file(scene, "index.json",
               INDEX(ENTRY(D_B, 1) TAGGED("one") "," ENTRY(D_B, 1) TAGGED("two") "," ENTRY(D_A, 1)
                         TAGGED("three")));
    check_get(store, "one", "b");
    check_get(store, "three", "a");
    check_get(store, D_A, "a");
    char text[10];
    assert_int_equal(get(store, "four", text, sizeof text), LPIPE_NOT_FOUND);
    assert_int_equal(get(store, "", text, sizeof text), LPIPE_NOT_FOUND);
    assert_int_equal(get(store, EMPTY_JSON_DIGEST, text, sizeof text), LPIPE_NOT_FOUND);
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
    struct lpipe_error err = { 0 };
    assert_int_equal(store->ops->manifest_get(store, "four", &document, &err), LPIPE_NOT_FOUND);
    assert_non_null(strstr(err.message, "one, two, three"));
    assert_int_equal(store->ops->manifest_get(store, "one", &document, &err), 0);
    assert_string_equal(document.descriptor.media_type, OCI_MANIFEST);
}

static void test_untagged(void **state)
{
    struct scene *scene = *state;
    struct store *store AUTO_STORE = open_store(scene, true);
    put(store, "a", NULL);
    put(store, "a", NULL);
    check_file(scene, "index.json", INDEX(ENTRY(D_A, 1) "}"));
    check_get(store, "", "a"); /* the only one */
    put(store, "b", "x");
    put(store, "b", NULL); /* has an entry with a tag already */
    check_file(scene, "index.json", INDEX(ENTRY(D_A, 1) "}," ENTRY(D_B, 1) TAGGED("x")));
    put(store, "a", "x"); /* the entry without a tag gets the tag */
    check_file(scene, "index.json", INDEX(ENTRY(D_A, 1) TAGGED("x")));
    put(store, "b", NULL);
    put(store, "b", "y");
    check_file(scene, "index.json", INDEX(ENTRY(D_A, 1) TAGGED("x") "," ENTRY(D_B, 1) TAGGED("y")));
}

static void test_same_again_writes_nothing(void **state)
{
    struct scene *scene = *state;
    struct store *store AUTO_STORE = open_store(scene, true);
    struct stat before;
    struct stat after;
    put(store, "a", "x");
    assert_int_equal(stat(path_in(scene, "index.json"), &before), 0);
    put(store, "a", "x");
    assert_int_equal(stat(path_in(scene, "index.json"), &after), 0);
    assert_true(before.st_ino == after.st_ino);
}

/* Entries of other programs, their order and unknown fields are kept. */
static void test_fields_of_other_programs(void **state)
{
    struct scene *scene = *state;
    store_free(open_store(scene, true));
    write_text(
        path_in(scene, "index.json"),
        "{\n \"x\": [1, null],\n \"manifests\": [{\"size\": 1, \"digest\": \"md9:zz\", \"q\": 1.5},"
        "{\"annotations\":{\"org.opencontainers.image.ref.name\":\"t\",\"k\":\"v\"}}],"
        "\"schemaVersion\": 2, \"annotations\": {\"n\": \"<\"}}\n");
    struct store *store AUTO_STORE = open_store(scene, true);
    put(store, "a", "new");
    check_file(scene, "index.json",
               "{\"x\":[1,null],\"manifests\":[{\"size\":1,\"digest\":\"md9:zz\",\"q\":1.5},{"
               "\"annotations\":"
               "{\"org.opencontainers.image.ref.name\":\"t\",\"k\":\"v\"}}," ENTRY(D_A, 1)
                   TAGGED("new") "],\"schemaVersion\":2,\"annotations\":{\"n\":\"\\u003c\"}}");
}

static void check_refused(const struct scene *scene, const char *why)
{
    struct store *store = NULL;
    struct lpipe_error err = { 0 };
    int status = layout_store_open(scene->dir, true, NULL, &store, &err);
    if (status != LPIPE_OUTPUT_IO || store != NULL || strstr(err.message, why) == NULL) {
        fail_msg("%d: %s (wanted %s)", status, err.message, why);
    }
}

static void test_corrupt_layouts(void **state)
{
    struct scene *scene = *state;
    static const struct {
        const char *name;
        const char *text;
        const char *why;
    } rows[] = {
        { "oci-layout", "", "empty" },
        { "oci-layout", "{}", "imageLayoutVersion: must be" },
        { "oci-layout", "{\"imageLayoutVersion\":\"2.0.0\"}", "must be \"1.0.0\"" },
        { "oci-layout", "{\"imageLayoutVersion\":1}", "must be a string" },
        { "oci-layout", "[]", "must be a JSON object" },
        { "index.json", "", "empty" },
        { "index.json", "{", "not valid JSON" },
        { "index.json", "{}", "manifests: missing" },
        { "index.json", "{\"manifests\":{}}", "manifests: must be an array" },
        { "index.json", "{\"manifests\":[1]}", "manifests[0]: must be an object" },
        { "index.json", "{\"manifests\":[{\"annotations\":1}]}", "annotations: must be an object" },
        { "index.json", "{\"manifests\":[],\"manifests\":[]}", "duplicate" },
    };
    store_free(open_store(scene, true));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        write_text(path_in(scene, rows[i].name), rows[i].text);
        check_refused(scene, rows[i].why);
        check_file(scene, rows[i].name, rows[i].text);
        write_text(path_in(scene, "oci-layout"), LAYOUT_FILE);
        write_text(path_in(scene, "index.json"), EMPTY_INDEX);
    }
    assert_int_equal(unlink(path_in(scene, "index.json")), 0);
    check_refused(scene, "no index.json");
}

static void test_other_directories(void **state)
{
    struct scene *scene = *state;
    store_free(open_store(scene, true));
    assert_int_equal(unlink(path_in(scene, "oci-layout")), 0);
    /* A run that was killed before it wrote oci-layout leaves this; the next run can use it. */
    store_free(open_store(scene, true));
    check_file(scene, "oci-layout", LAYOUT_FILE);
    assert_int_equal(unlink(path_in(scene, "oci-layout")), 0);
    write_text(path_in(scene, "index.json"), INDEX(ENTRY(D_A, 1) "}"));
    check_refused(scene, "no oci-layout");
    write_text(path_in(scene, "index.json"), EMPTY_INDEX);
    write_text(path_in(scene, "thesis.txt"), "mine");
    check_refused(scene, "neither empty nor an OCI image layout");
    assert_int_equal(access(path_in(scene, "oci-layout"), F_OK), -1);
}

/* Replaces a file by another kind of file. It must not be followed, waited for or changed. */
static void test_hostile_files(void **state)
{
    struct scene *scene = *state;
    static const char *const names[] = { "index.json", "oci-layout", "blobs", "blobs/sha256" };
    char target[128];
    (void)snprintf(target, sizeof target, "%s/target", scene->root);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        for (int kind = 0; kind < 4; kind++) {
            bool directory = i >= 2;
            store_free(open_store(scene, true));
            char *path = path_in(scene, names[i]);
            (void)rename(path, target);
            int code = kind == 0   ? symlink(target, path)
                       : kind == 1 ? symlink("/nonexistent", path)
                       : kind == 2 ? mkfifo(path, 0600)
                       : directory ? mknod(path, S_IFREG | 0600, 0)
                                   : mkdir(path, 0700);
            assert_int_equal(code, 0);
            check_refused(scene, directory  ? "is not a directory, or is a symbolic link"
                                 : kind < 2 ? "symbolic link"
                                            : "not a regular file");
            assert_int_equal(remove(path), 0);
            assert_int_equal(rename(target, path), 0);
        }
    }
}

static void test_hostile_blob(void **state)
{
    struct scene *scene = *state;
    struct store *store AUTO_STORE = open_store(scene, true);
    struct lpipe_error err = { 0 };
    char target[128];
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
    (void)snprintf(target, sizeof target, "%s/target", scene->root);
    write_text(target, "a");
    make_document("a", &document);
    for (int kind = 0; kind < 2; kind++) {
        const char *path = blob_path(scene, D_A);
        assert_int_equal(kind == 0 ? symlink(target, path) : mkfifo(path, 0600), 0);
        assert_int_equal(store->ops->manifest_put(store, &document, "t", &err), LPIPE_OUTPUT_IO);
        assert_non_null(strstr(err.message, path));
        assert_non_null(strstr(err.message, kind == 0 ? "cp -rL" : "not a regular file"));
        assert_int_equal(store->ops->blob_exists(store, &document.descriptor, NULL),
                         LPIPE_OUTPUT_IO);
        char text[10];
        assert_int_equal(get(store, D_A, text, sizeof text), LPIPE_OUTPUT_IO);
        assert_int_equal(unlink(path), 0);
    }
    check_file(scene, "index.json", EMPTY_INDEX);
    assert_int_equal(count_temps(scene), 0);
}

static void check_listed(struct store *store, const char *reference, const char *wanted)
{
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
    struct lpipe_error err = { 0 };
    assert_int_equal(store->ops->manifest_get(store, reference, &document, &err), LPIPE_NOT_FOUND);
    if (strstr(err.message, wanted) == NULL) {
        fail_msg("%s (wanted %s)", err.message, wanted);
    }
}

/* What a message lists can be typed after oci:DIR: as it is; images that have no such name are
 * listed with their digests. */
static void test_listed_images_can_be_typed(void **state)
{
    struct scene *scene = *state;
    struct store *store AUTO_STORE = open_store(scene, true);
    check_listed(store, "", "has no images");
    check_listed(store, "x", "has no images");
    put(store, "a", NULL);
    put(store, "b", NULL);
    check_listed(store, "", "2 images; add :TAG or @DIGEST to the reference: @" D_A ", @" D_B);
    put(store, "a", "docker.io/library/x:1");
    check_get(store, "docker.io/library/x:1", "a");
    check_listed(store, "x:1", "has no tag or digest x:1; it has docker.io/library/x:1, @" D_B);
    write_text(path_in(scene, "index.json"),
               INDEX(ENTRY(D_A, 1) TAGGED("a b") "," ENTRY(D_A, 1) TAGGED("../x") "," ENTRY(D_B, 1)
                         TAGGED("x@" D_B) ",{}," ENTRY(D_A, 1) TAGGED("ok")));
    check_listed(store, "", ": @" D_A ", @" D_A ", @" D_B ", ok");
    write_text(path_in(scene, "index.json"),
               INDEX(ENTRY(D_A, 1) "}," ENTRY(D_B, 1) "}," ENTRY(D_A, 1) "}," ENTRY(D_B, 1) "}"));
    check_listed(store, "", ": @" D_A ", @" D_B ", @" D_A " and more");
    write_text(path_in(scene, "index.json"), INDEX("{},{}"));
    check_listed(store, "", "(none)");
}

/* A file under a blob's name that has other bytes does not count, whatever its size is. The blob
 * replaces it when it is written again. */
static void test_damaged_blob(void **state)
{
    struct scene *scene = *state;
    static const char *const damaged[] = { "b", "longer", "" };
    struct store *store AUTO_STORE = open_store(scene, true);
    for (size_t i = 0; i < ARRAY_LEN(damaged); i++) {
        char text[10];
        struct descriptor blob;
        AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
        make_document("a", &document);
        write_text(blob_path(scene, D_A), damaged[i]);
        assert_int_equal(store->ops->blob_exists(store, &document.descriptor, NULL), 0);
        assert_int_equal(get(store, D_A, text, sizeof text), LPIPE_INTEGRITY);
        put(store, "a", "t");
        assert_string_equal(read_text(blob_path(scene, D_A)), "a");
        write_text(blob_path(scene, D_A), damaged[i]);
        put_blob(store, "a", &blob);
        assert_string_equal(read_text(blob_path(scene, D_A)), "a");
        assert_int_equal(store->ops->blob_exists(store, &blob, NULL), 1);
    }
    assert_int_equal(count_temps(scene), 0);
}

/* A blob that is there already keeps its file: it may have hard links. */
static void test_intact_blob_is_kept(void **state)
{
    struct scene *scene = *state;
    struct store *store AUTO_STORE = open_store(scene, true);
    struct descriptor blob;
    struct stat before;
    struct stat after;
    put_blob(store, "hello layout", &blob);
    assert_int_equal(stat(blob_path(scene, blob.digest), &before), 0);
    put_blob(store, "hello layout", &blob);
    assert_int_equal(stat(blob_path(scene, blob.digest), &after), 0);
    assert_true(before.st_ino == after.st_ino);
}

/* Moves a file or directory of the layout elsewhere and puts a link in its place. */
static void replace_by_link(const struct scene *scene, const char *name)
{
    static int number;
    char target[128];
    (void)snprintf(target, sizeof target, "%s/moved%d", scene->root, number++);
    assert_int_equal(rename(path_in(scene, name), target), 0);
    assert_int_equal(symlink(target, path_in(scene, name)), 0);
}

/* Build tools make layouts of links. They can be read, and they cannot be written to. */
static void test_links_are_read(void **state)
{
    struct scene *scene = *state;
    char name[200];
    static const char *const names[] = { "index.json", "oci-layout", "blobs/sha256", "blobs" };
    struct store *store = open_store(scene, true);
    put(store, "a", "t");
    store = store_free(store);
    (void)snprintf(name, sizeof name, "blobs/sha256/%s", digest_hex_of(D_A));
    replace_by_link(scene, name);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        replace_by_link(scene, names[i]);
        store = open_store(scene, false);
        check_get(store, "t", "a");
        store = store_free(store);
    }
    check_refused(scene, "cp -rL");
}

/* The error for an input that cannot be read says so, with its path. */
static void test_unreadable_input(void **state)
{
    struct scene *scene = *state;
    char text[10];
    struct lpipe_error err = { 0 };
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
    struct store *store = open_store(scene, true);
    put(store, "a", "t");
    store = store_free(store);
    store = open_store(scene, false);
    write_text(blob_path(scene, D_A), "b");
    assert_int_equal(get(store, "t", text, sizeof text), LPIPE_INTEGRITY);
    assert_int_equal(unlink(blob_path(scene, D_A)), 0);
    assert_int_equal(get(store, "t", text, sizeof text), LPIPE_NOT_FOUND);
    assert_int_equal(mkfifo(blob_path(scene, D_A), 0600), 0);
    assert_int_equal(store->ops->manifest_get(store, "t", &document, &err), LPIPE_SOURCE_IO);
    assert_non_null(strstr(err.message, blob_path(scene, D_A)));
    store = store_free(store);
    write_text(path_in(scene, "index.json"), "secret text");
    assert_int_equal(layout_store_open(scene->dir, false, NULL, &store, &err), LPIPE_SOURCE_IO);
    assert_non_null(strstr(err.message, "index.json: not valid JSON (line 1"));
    assert_null(strstr(err.message, "secret"));
}

static void test_check_of_a_blob_is_cancelled(void **state)
{
    struct scene *scene = *state;
    struct store *store = NULL;
    struct descriptor blob;
    lpipe_cancel *cancel = NULL;
    assert_int_equal(lpipe_cancel_new(&cancel, NULL), 0);
    assert_int_equal(layout_store_open(scene->dir, true, cancel, &store, NULL), 0);
    put_blob(store, "a", &blob);
    lpipe_cancel_trigger(cancel);
    assert_int_equal(store->ops->blob_exists(store, &blob, NULL), LPIPE_CANCELLED);
    store_free(store);
    (void)lpipe_cancel_unref(cancel);
}

/* Each manifest that index.json names may have to be read. */
static void test_search_for_referrers_is_cancelled(void **state)
{
    struct scene *scene = *state;
    struct store *store = NULL;
    struct descriptor_list list = { .count = 0 };
    lpipe_cancel *cancel = NULL;
    assert_int_equal(lpipe_cancel_new(&cancel, NULL), 0);
    assert_int_equal(layout_store_open(scene->dir, true, cancel, &store, NULL), 0);
    put(store, "one", "t");
    assert_int_equal(store->ops->referrers_list(store, EMPTY_JSON_DIGEST, &list, NULL), 0);
    lpipe_cancel_trigger(cancel);
    assert_int_equal(store->ops->referrers_list(store, EMPTY_JSON_DIGEST, &list, NULL),
                     LPIPE_CANCELLED);
    descriptor_list_dispose(&list);
    store_free(store);
    (void)lpipe_cancel_unref(cancel);
}

/* umoci's new layouts, written in Go. */
static void test_null_list(void **state)
{
    struct scene *scene = *state;
    static const char text[] = "{\"schemaVersion\":2,\"manifests\":null}";
    char got[10];
    store_free(open_store(scene, true));
    write_text(path_in(scene, "index.json"), text);
    struct store *store = open_store(scene, false);
    assert_int_equal(get(store, "", got, sizeof got), LPIPE_NOT_FOUND);
    store = store_free(store);
    store = open_store(scene, true);
    check_file(scene, "index.json", text);
    put(store, "a", "t");
    store_free(store);
    check_file(scene, "index.json",
               "{\"schemaVersion\":2,\"manifests\":[" ENTRY(D_A, 1) TAGGED("t") "]}");
    write_text(path_in(scene, "index.json"),
               "{\"manifests\":[" ENTRY(D_A, 1) ",\"annotations\":null,\"urls\":null}]}");
    store = open_store(scene, true);
    put(store, "a", "t");
    check_get(store, "t", "a");
    store_free(store);
}

static void test_stale_temps(void **state)
{
    struct scene *scene = *state;
    store_free(open_store(scene, true));
    write_text(path_in(scene, ".lp-0123456789abcdef"), "dead");
    write_text(path_in(scene, ".lp-00000000000000aa"), "live");
    write_text(path_in(scene, ".lp-other"), "somebody's");
    int live = open(path_in(scene, ".lp-00000000000000aa"), O_RDONLY);
    assert_int_equal(flock(live, LOCK_EX), 0);
    store_free(open_store(scene, true));
    assert_int_equal(access(path_in(scene, ".lp-0123456789abcdef"), F_OK), -1);
    assert_int_equal(access(path_in(scene, ".lp-00000000000000aa"), F_OK), 0);
    assert_int_equal(access(path_in(scene, ".lp-other"), F_OK), 0);
    close(live);
    store_free(open_store(scene, true));
    assert_int_equal(access(path_in(scene, ".lp-00000000000000aa"), F_OK), -1);
}

static void test_not_a_directory(void **state)
{
    struct scene *scene = *state;
    struct store *store = NULL;
    struct lpipe_error err = { 0 };
    char path[128];
    (void)snprintf(path, sizeof path, "%s/file", scene->root);
    write_text(path, "x");
    assert_int_equal(layout_store_open(path, true, NULL, &store, &err), LPIPE_OUTPUT_IO);
    assert_non_null(strstr(err.message, path));
    (void)snprintf(path, sizeof path, "%s/file/sub", scene->root);
    assert_int_equal(layout_store_open(path, true, NULL, &store, &err), LPIPE_OUTPUT_IO);
    char longer[400];
    (void)snprintf(longer, sizeof longer, "%s/%0300d", scene->root, 0);
    assert_int_equal(layout_store_open(longer, true, NULL, &store, &err), LPIPE_OUTPUT_IO);
    assert_int_equal(err.sys_errno, ENAMETOOLONG);
    /* A name of the longest length allowed still works: temporary names do not grow with it. */
    (void)snprintf(longer, sizeof longer, "%s/%0255d", scene->root, 0);
    assert_int_equal(layout_store_open(longer, true, NULL, &store, &err), 0);
    store_free(store);
}

static void test_wait_for_the_lock_is_cancelled(void **state)
{
    struct scene *scene = *state;
    struct store *store = open_store(scene, true);
    struct lpipe_error err = { 0 };
    lpipe_cancel *cancel = NULL;
    store_free(store);
    store = NULL;
    AUTO_FD int held = open(scene->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(flock(held, LOCK_EX), 0);
    assert_int_equal(lpipe_cancel_new(&cancel, &err), 0);
    lpipe_cancel_trigger(cancel);
    assert_int_equal(layout_store_open(scene->dir, true, cancel, &store, &err), LPIPE_CANCELLED);
    assert_null(store);
    /* A free lock is taken even after a cancel: layout_lock() only checks for it while it waits. */
    assert_int_equal(flock(held, LOCK_UN), 0);
    assert_int_equal(layout_store_open(scene->dir, true, cancel, &store, &err), 0);
    store_free(store);
    (void)lpipe_cancel_unref(cancel);
}

/* All tags get into index.json in one step, so none of them is set when a later put fails. */
static void test_tags_are_set_at_the_end(void **state)
{
    struct scene *scene = *state;
    struct store *store AUTO_STORE = open_store(scene, true);
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
    char text[100];
    make_document("one", &document);
    for (int i = 0; i < 2000; i++) {
        char tag[20];
        (void)snprintf(tag, sizeof tag, "t%d", i);
        assert_int_equal(store->ops->manifest_put(store, &document, tag, NULL), 0);
    }
    assert_int_equal(get(store, "t0", text, sizeof text), LPIPE_NOT_FOUND);
    assert_int_equal(store_finish(store, NULL), 0);
    assert_int_equal(get(store, "t0", text, sizeof text), 0);
    assert_int_equal(get(store, "t1999", text, sizeof text), 0);
    assert_string_equal(text, "one");
}

#define WRITERS 32
#define TAGS_EACH 8

static void write_tags(const struct scene *scene, int writer)
{
    struct store *store = NULL;
    struct descriptor blob;
    if (layout_store_open(scene->dir, true, NULL, &store, NULL) != 0) {
        _exit(1);
    }
    for (int i = 0; i < TAGS_EACH; i++) {
        char tag[40];
        AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
        (void)snprintf(tag, sizeof tag, "w%d-%d", writer, i);
        put_blob(store, tag, &blob);
        make_document(tag, &document);
        if (store->ops->manifest_put(store, &document, tag, NULL) != 0 ||
            store_finish(store, NULL) != 0) {
            _exit(2);
        }
    }
    store_free(store);
    _exit(0);
}

static void test_many_writers(void **state)
{
    struct scene *scene = *state;
    pid_t pids[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0) {
            write_tags(scene, i);
        }
    }
    for (int i = 0; i < WRITERS; i++) {
        int status = -1;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    struct store *store AUTO_STORE = open_store(scene, false);
    for (int i = 0; i < WRITERS * TAGS_EACH; i++) {
        char tag[40];
        (void)snprintf(tag, sizeof tag, "w%d-%d", i / TAGS_EACH, i % TAGS_EACH);
        check_get(store, tag, tag);
    }
    assert_int_equal(count_temps(scene), 0);
}

/* Writes tags until it is killed, and reports each tag with a byte in a pipe. Wherever it is
 * killed, the layout can be opened, every reported tag gives its manifest, and the next run removes
 * the temporary files. */
static void write_until_killed(const struct scene *scene, int round, int report)
{
    struct store *store = NULL;
    if (layout_store_open(scene->dir, true, NULL, &store, NULL) != 0) {
        _exit(1);
    }
    for (int i = 0; i < 250; i++) {
        char tag[40];
        struct descriptor blob;
        (void)snprintf(tag, sizeof tag, "r%d-%d", round, i);
        put_blob(store, tag, &blob);
        put(store, tag, tag);
        if (write(report, "x", 1) != 1) {
            _exit(2);
        }
    }
    _exit(0);
}

static void test_killed_writer(void **state)
{
    struct scene *scene = *state;
    for (int round = 0; round < 20; round++) {
        int report[2];
        char bytes[300];
        assert_int_equal(pipe(report), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            close(report[0]);
            write_until_killed(scene, round, report[1]);
        }
        close(report[1]);
        ssize_t done = round % 4 == 0 ? 0 : read(report[0], bytes, 1);
        usleep((useconds_t)(round * 700));
        (void)kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        for (ssize_t more = 1; more > 0; done += more) {
            more = read(report[0], bytes, sizeof bytes);
            assert_true(more >= 0);
        }
        close(report[0]);
        struct store *store AUTO_STORE = open_store(scene, true);
        assert_int_equal(count_temps(scene), 0);
        for (ssize_t i = 0; i < done; i++) {
            char tag[40];
            (void)snprintf(tag, sizeof tag, "r%d-%d", round, (int)i);
            check_get(store, tag, tag);
        }
    }
}

static void test_null_store(void **state)
{
    (void)state;
    struct store *store AUTO_STORE = NULL;
    struct blob_writer *writer AUTO_BLOB_WRITER = NULL;
    struct descriptor blob = { .digest = EMPTY_JSON_DIGEST, .size = 2 };
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
    assert_int_equal(null_store_open(&store, NULL), 0);
    /* A blob with a known digest does not have to be copied. */
    assert_int_equal(store->ops->blob_exists(store, &blob, NULL), 1);
    assert_int_equal(store->ops->blob_begin(store, NULL, &writer, NULL), 0);
    assert_int_equal(writer->ops->write(writer, "{}", 2, NULL), 0);
    assert_int_equal(writer->ops->finish(writer, blob.digest, 3, NULL), LPIPE_INTEGRITY);
    assert_int_equal(writer->ops->finish(writer, blob.digest, 2, NULL), 0);
    put(store, "a", "t");
    assert_int_equal(store->ops->manifest_get(store, "t", &document, NULL), LPIPE_NOT_FOUND);
}

#define ON_DISK(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_DISK(test_new_layout),
        ON_DISK(test_missing),
        ON_DISK(test_blobs),
        ON_DISK(test_abandoned_writer),
        ON_DISK(test_modes),
        ON_DISK(test_tags),
        ON_DISK(test_untagged),
        ON_DISK(test_same_again_writes_nothing),
        ON_DISK(test_fields_of_other_programs),
        ON_DISK(test_corrupt_layouts),
        ON_DISK(test_other_directories),
        ON_DISK(test_hostile_files),
        ON_DISK(test_hostile_blob),
        ON_DISK(test_listed_images_can_be_typed),
        ON_DISK(test_damaged_blob),
        ON_DISK(test_intact_blob_is_kept),
        ON_DISK(test_links_are_read),
        ON_DISK(test_unreadable_input),
        ON_DISK(test_check_of_a_blob_is_cancelled),
        ON_DISK(test_search_for_referrers_is_cancelled),
        ON_DISK(test_null_list),
        ON_DISK(test_stale_temps),
        ON_DISK(test_not_a_directory),
        ON_DISK(test_wait_for_the_lock_is_cancelled),
        ON_DISK(test_tags_are_set_at_the_end),
        ON_DISK(test_many_writers),
        ON_DISK(test_killed_writer),
        cmocka_unit_test(test_null_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
