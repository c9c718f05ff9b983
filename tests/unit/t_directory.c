/* SPDX-License-Identifier: Apache-2.0 */
/* Directories as tars: headers to the byte, order, and what must never become a tar. What others
 * read out of them is tested with other people's readers in tests/wire. */
#include "support/layer_run.h"
#include "support/locales.h"
#include "support/scratch.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/xattr.h>

#include "flow/layer.h"
#include "tar/directory_source.h"
#include "tar/directory_xattr.h"
#include "tar/hard_links.h"
#include "tar/tar_header.h"
#include "tar/tar_write.h"

static const struct tar_write_entry PLAIN = {
    .type = TAR_ENTRY_FILE, .path = "file", .mode = 0644, .uid = 1, .gid = 2, .size = 5, .mtime = 8
};

static void header_of(const struct tar_write_entry *entry, struct buf *header)
{
    buf_clear(header);
    header->size_max = 1 << 22;
    assert_int_equal(tar_write_header(entry, header), 0);
    assert_int_equal(header->size % 512, 0);
    assert_true(tar_header_checksum_good((const unsigned char *)header->data + header->size - 512));
}

/* What the PAX header says, NULL without one. */
static const char *records_of(const struct buf *header, size_t *ret_size)
{
    uint64_t size = 0;
    if (header->size == 512) {
        return NULL;
    }
    assert_int_equal(header->data[156], 'x');
    assert_true(tar_header_checksum_good((const unsigned char *)header->data));
    assert_true(tar_header_size((const unsigned char *)header->data, &size));
    assert_int_equal(header->size, 1024 + size + tar_padding(size));
    *ret_size = (size_t)size;
    return header->data + 512;
}

static void expect_records(const struct tar_write_entry *entry, const char *expected)
{
    struct buf header AUTO_BUF = BUF_INIT(0);
    size_t size = 0;
    header_of(entry, &header);
    const char *records = records_of(&header, &size);
    if (expected == NULL) {
        assert_null(records);
        return;
    }
    assert_non_null(records);
    assert_int_equal(size, strlen(expected));
    assert_memory_equal(records, expected, size);
}

static void test_plain_header(void **state)
{
    (void)state;
    static const char expected[] = "0000644\0"
                                   "0000001\0"
                                   "0000002\0"
                                   "00000000005\0"
                                   "00000000010\0"
                                   "010404\0 "
                                   "0";
    struct buf header AUTO_BUF = BUF_INIT(0);
    header_of(&PLAIN, &header);
    assert_int_equal(header.size, 512);
    assert_string_equal(header.data, "file");
    assert_memory_equal(header.data + 100, expected, 48);
    assert_memory_equal(header.data + 156, "0", 1);
    assert_memory_equal(header.data + 257,
                        "ustar\0"
                        "00",
                        8);
    for (size_t i = 265; i < 329; i++) {
        assert_int_equal(header.data[i], 0); /* no names of users and groups */
    }
    assert_memory_equal(header.data + 329,
                        "0000000\0"
                        "0000000\0",
                        16);
}

/* Paths of each length, with a '/' at each place: in the header where they fit, else in a
 * record. */
static void test_paths(void **state)
{
    (void)state;
    struct buf header AUTO_BUF = BUF_INIT(0);
    for (size_t size = 90; size <= 270; size++) {
        for (size_t slash = 1; slash < size; slash++) {
            char path[300];
            char name[TAR_NAME_BYTES];
            size_t records_size = 0;
            struct tar_write_entry entry = PLAIN;
            memset(path, 'n', size);
            path[size] = '\0';
            path[slash] = '/';
            entry.path = path;
            header_of(&entry, &header);
            const char *records = records_of(&header, &records_size);
            bool splits = slash <= 155 && size - slash - 1 <= 100 && slash < size - 1;
            if (size <= 100 || splits) {
                assert_null(records);
                size_t known = size < sizeof name - 1 ? size : sizeof name - 1;
                assert_int_equal(tar_header_name((const unsigned char *)header.data, name), known);
                assert_memory_equal(name, path, known);
            } else {
                char expected[320];
                snprintf(expected, sizeof expected, "%zu path=%s\n", size + 10, path);
                assert_int_equal(records_size, size + 10);
                assert_memory_equal(records, expected, records_size);
            }
        }
    }
}

static void test_values_that_a_header_field_cannot_hold(void **state)
{
    (void)state;
    char target[200];
    struct tar_write_entry entry = PLAIN;
    struct buf header AUTO_BUF = BUF_INIT(0);
    uint64_t value = 0;
    expect_records(&entry, NULL);

    entry.uid = 2097151;
    entry.gid = 2097151;
    entry.size = 8589934591;
    entry.mtime = 8589934591;
    expect_records(&entry, NULL);
    entry.uid = 2097152;
    entry.gid = 4294967294;
    entry.size = 8589934592;
    entry.mtime = 8589934592;
    expect_records(&entry, "18 gid=4294967294\n"
                           "20 mtime=8589934592\n"
                           "19 size=8589934592\n"
                           "15 uid=2097152\n");
    header_of(&entry, &header); /* for readers without PAX the size is in the header too */
    assert_true(tar_header_size((const unsigned char *)header.data + header.size - 512, &value));
    assert_int_equal(value, 8589934592);
    entry = PLAIN;
    entry.mtime = -1;
    expect_records(&entry, "12 mtime=-1\n");

    entry = PLAIN;
    entry.type = TAR_ENTRY_SYMLINK;
    entry.link = target;
    memset(target, 't', sizeof target);
    target[100] = '\0';
    expect_records(&entry, NULL);
    target[100] = 't';
    target[101] = '\0';
    char expected[300];
    snprintf(expected, sizeof expected, "115 linkpath=%s\n", target);
    assert_int_equal(strlen(expected), 115);
    expect_records(&entry, expected);
}

/* A name that is no text is marked where it is in a record, which is text otherwise. */
static void test_names_that_are_no_text(void **state)
{
    (void)state;
    char path[200];
    char expected[300];
    struct tar_write_entry entry = PLAIN;
    entry.path = "\xff";
    expect_records(&entry, NULL);
    memset(path, 'n', sizeof path);
    path[101] = '\0';
    entry.path = path;
    memcpy(path, "\xc3\xa4", 2);
    snprintf(expected, sizeof expected, "111 path=%s\n", path);
    expect_records(&entry, expected);
    memcpy(path, "\xc3\xc3", 2);
    snprintf(expected, sizeof expected, "21 hdrcharset=BINARY\n111 path=%s\n", path);
    expect_records(&entry, expected);
    entry.path = "short";
    entry.type = TAR_ENTRY_HARD_LINK;
    entry.link = path;
    snprintf(expected, sizeof expected, "21 hdrcharset=BINARY\n115 linkpath=%s\n", path);
    expect_records(&entry, expected);
}

/* The length of a record counts itself, also where it gains a digit. */
static void test_record_lengths(void **state)
{
    (void)state;
    for (size_t size = 0; size < 12000; size++) {
        struct buf records AUTO_BUF = BUF_INIT(1 << 20);
        char *value = malloc(size + 1);
        assert_non_null(value);
        memset(value, 'v', size);
        assert_int_equal(tar_write_pax_record(&records, "k", value, size), 0);
        assert_int_equal(strtoul(records.data, NULL, 10), records.size);
        assert_int_equal(records.data[records.size - 1], '\n');
        free(value);
    }
}

static void test_record_that_does_not_fit(void **state)
{
    (void)state;
    struct buf header AUTO_BUF = BUF_INIT(1 << 22);
    struct buf records AUTO_BUF = BUF_INIT(1 << 22);
    struct tar_write_entry entry = PLAIN;
    char *value = calloc(1, 1 << 20);
    assert_non_null(value);
    entry.xattrs = &records;
    assert_int_equal(tar_write_pax_record(&records, "SCHILY.xattr.user.a", value, 1000), 0);
    assert_int_equal(tar_write_header(&entry, &header), 0);
    assert_int_equal(tar_write_pax_record(&records, "SCHILY.xattr.user.b", value, 1 << 20), 0);
    assert_int_equal(tar_write_header(&entry, &header), LPIPE_TOO_LARGE);
    free(value);
}

static void test_links(void **state)
{
    (void)state;
    struct hard_links links = { NULL, 0, 0 };
    char path[32];
    const char *earlier = NULL;
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 20000; i++) {
            snprintf(path, sizeof path, "%u", i);
            assert_int_equal(hard_links_find_or_add(&links, i % 3, i / 3, path, &earlier), 0);
            if (round == 0) {
                assert_null(earlier);
            } else {
                assert_string_equal(earlier, path);
            }
        }
    }
    assert_int_equal(links.count, 20000);
    hard_links_dispose(&links);
}

static void test_attributes_of_this_machine(void **state)
{
    (void)state;
    static const char *const kept[] = { "security.capability",     "user.x",
                                        "user.overlaid",           "trusted.x",
                                        "system.posix_acl_access", "system.posix_acl_default" };
    static const char *const local[] = { "security.selinux",       "security.ima",
                                         "security.evm",           "security.SMACK64EXEC",
                                         "trusted.overlay.opaque", "user.overlay.opaque",
                                         "system.nfs4_acl",        "btrfs.x" };
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        assert_true(xattr_is_kept(kept[i]));
    }
    for (size_t i = 0; i < ARRAY_LEN(local); i++) {
        assert_false(xattr_is_kept(local[i]));
    }
}

/* Reads a source to its end or failure, in pieces of the given size. */
static int drain(struct source *source, size_t piece, struct bytes *out, struct lpipe_error *err)
{
    char *buf = malloc(piece);
    ptrdiff_t got = 1;
    struct lpipe_error local = { 0 };
    err = err != NULL ? err : &local;
    assert_non_null(buf);
    while (got > 0) {
        got = source->ops->read(source, buf, piece, err);
        assert_true(got <= (ptrdiff_t)piece);
        if (got > 0) {
            bytes_put(out, buf, (size_t)got);
        }
    }
    free(buf);
    return got < 0 ? (int)got : 0;
}

static struct source *source_on(const char *path)
{
    struct lpipe_error err = { 0 };
    struct source *source = NULL;
    if (directory_source_new(path, NULL, INT64_MAX, &source, &err) != 0) {
        fail_msg("no source: %s", err.message);
    }
    return source;
}

static void write_tar(const char *path, size_t piece, struct bytes *out)
{
    struct lpipe_error err = { 0 };
    struct source *source = source_on(path);
    if (drain(source, piece, out, &err) != 0) {
        fail_msg("no tar: %s", err.message);
    }
    assert_int_equal(source->ops->read(source, (char[512]){ 0 }, 512, &err),
                     0); /* an end is an end */
    source_free(source);
}

/* Header after header of a tar of small entries: "type path link" lines. */
static void listing(const struct bytes *tar, struct buf *text)
{
    size_t at = 0;
    buf_clear(text);
    text->size_max = 1 << 20;
    while (tar->data[at] != 0) {
        const unsigned char *header = tar->data + at;
        char name[TAR_NAME_BYTES];
        uint64_t size = 0;
        tar_header_name(header, name);
        assert_true(tar_header_size(header, &size));
        assert_int_equal(
            buf_printf(text, "%c %s %.100s\n", header[156], name, (const char *)header + 157), 0);
        at += 512 + (size_t)size + tar_padding(size);
    }
    assert_int_equal(tar->size, at + 1024);
}

static void make_tree(const struct scratch *scratch, bool backwards)
{
    static const char *const names[] = { "b/file",   "a.txt",       "a/one",    "a/two/three",
                                         "Z",        "\xc3\xa4",    "\xff\xfe", "a-b",
                                         ".wh.gone", ".wh..wh..opq" };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *name = names[backwards ? ARRAY_LEN(names) - 1 - i : i];
        scratch_write(scratch, name, name, strlen(name), 0640);
    }
    assert_int_equal(mkdir(scratch_path(scratch, "empty"), 0700), 0);
    assert_int_equal(symlink("../nowhere", scratch_path(scratch, "link")), 0);
    assert_int_equal(mkfifo(scratch_path(scratch, "pipe"), 0600), 0);
    assert_int_equal(link(scratch_path(scratch, "a/one"), scratch_path(scratch, "same")), 0);
    assert_int_equal(link(scratch_path(scratch, "link"), scratch_path(scratch, "link2")), 0);
}

/* Sets all times in a tree, deepest first. */
static int age(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info;
    (void)type;
    (void)where;
    struct timespec times[2] = { { 1500000000, 999999999 }, { 1500000000, 999999999 } };
    return utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW);
}

static void make_old(const struct scratch *scratch)
{
    assert_int_equal(nftw(scratch->dir, age, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static void test_order(void **state)
{
    (void)state;
    struct scratch scratch;
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    struct buf text AUTO_BUF = BUF_INIT(0);
    scratch_begin(&scratch);
    make_tree(&scratch, false);
    write_tar(scratch.dir, 65536, &tar);
    listing(&tar, &text);
    assert_string_equal(text.data, "5 ./ \n"
                                   "0 .wh..wh..opq \n"
                                   "0 .wh.gone \n"
                                   "0 Z \n"
                                   "5 a/ \n"
                                   "0 a/one \n"
                                   "5 a/two/ \n"
                                   "0 a/two/three \n"
                                   "0 a-b \n"
                                   "0 a.txt \n"
                                   "5 b/ \n"
                                   "0 b/file \n"
                                   "5 empty/ \n"
                                   "2 link ../nowhere\n"
                                   "1 link2 link\n"
                                   "6 pipe \n"
                                   "1 same a/one\n"
                                   "0 \xc3\xa4 \n"
                                   "0 \xff\xfe \n");
    scratch_end(&scratch);
}

/* The same tree, made in another order, read in other pieces: the same bytes. */
static void test_reproducible(void **state)
{
    (void)state;
    struct bytes first AUTO_BYTES = { NULL, 0, 0 };
    for (size_t piece = 1; piece < 3000; piece = piece * 3 + 5) {
        struct scratch scratch;
        struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
        scratch_begin(&scratch);
        make_tree(&scratch, piece % 2 == 0);
        make_old(&scratch);
        write_tar(scratch.dir, piece, first.size == 0 ? &first : &tar);
        if (tar.size > 0) {
            assert_int_equal(tar.size, first.size);
            assert_memory_equal(tar.data, first.data, tar.size);
        }
        scratch_end(&scratch);
    }
    assert_true(first.size > 0);
}

/* Names of all kinds, short and long, so that each is in a header and in a record. */
static void make_names(const struct scratch *scratch)
{
    static const char *const parts[] = { "ascii I i", "\xc3\xa4 \xe4\xb8\xad", "\xff\xfe",
                                         "a\xcc\x88", "\xed\xa0\xbd\xed\xb8\x80" };
    char name[200];
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        scratch_text(scratch, parts[i], "x");
        snprintf(name, sizeof name, "%s%0150d", parts[i], 7);
        scratch_text(scratch, name, "x");
        assert_int_equal(
            setxattr(scratch_path(scratch, name), "user.x", "1", 1, 0) == 0 || errno == ENOTSUP, 1);
        assert_int_equal(symlink(name, scratch_path(scratch, strcat(name, "l"))), 0);
    }
}

/* The program's locale is the program's: it decides nothing, and nobody changes it. */
static void test_locales(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *charset;
    } cases[] = { { "C", NULL },
                  { "POSIX", NULL },
                  { "C.UTF-8", NULL },
                  { "de_DE.UTF-8", "UTF-8" },
                  { "tr_TR.ISO-8859-9", "ISO-8859-9" },
                  { "ja_JP.EUC-JP", "EUC-JP" } };
    struct scratch scratch;
    struct scratch places;
    struct bytes first AUTO_BYTES = { NULL, 0, 0 };
    scratch_begin(&places);
    scratch_begin(&scratch);
    make_tree(&scratch, false);
    make_names(&scratch);
    make_old(&scratch);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
        bool there = cases[i].charset == NULL
                         ? setlocale(LC_ALL, cases[i].name) != NULL
                         : make_locale(&places, cases[i].name, cases[i].charset);
        if (!there) {
            print_message("no locale %s here\n", cases[i].name);
            continue;
        }
        char *name = strdup(setlocale(LC_ALL, NULL));
        locale_t before = uselocale((locale_t)0);
        assert_non_null(name);
        write_tar(scratch.dir, 4096, i == 0 ? &first : &tar);
        assert_ptr_equal(uselocale((locale_t)0), before);
        assert_string_equal(setlocale(LC_ALL, NULL), name);
        free(name);
        if (i > 0) {
            assert_int_equal(tar.size, first.size);
            assert_memory_equal(tar.data, first.data, tar.size);
        }
    }
    assert_non_null(setlocale(LC_ALL, "C"));
    scratch_end(&scratch);
    scratch_end(&places);
}

static void test_newest_time(void **state)
{
    (void)state;
    static const struct {
        int64_t newest;
        const char *field;
    } cases[] = {
        { INT64_MAX, "13132027400" }, /* 1500000000: no fraction is rounded up */
        { 1500000001, "13132027400" }, { 1500000000, "13132027400" },
        { 1499999999, "13132027377" }, { 0, "00000000000" },
    };
    struct scratch scratch;
    scratch_begin(&scratch);
    make_old(&scratch);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct source *source = NULL;
        struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
        assert_int_equal(directory_source_new(scratch.dir, NULL, cases[i].newest, &source, NULL),
                         0);
        assert_int_equal(drain(source, 512, &tar, NULL), 0);
        assert_string_equal((const char *)tar.data + 136, cases[i].field);
        source_free(source);
    }
    scratch_end(&scratch);
}

static void expect_broken(struct source *source, const char *message)
{
    struct bytes rest AUTO_BYTES = { NULL, 0, 0 };
    struct lpipe_error err = { 0 };
    assert_int_equal(drain(source, 4096, &rest, &err), LPIPE_SOURCE_IO);
    if (strstr(err.message, message) == NULL) {
        fail_msg("'%s' does not say '%s'", err.message, message);
    }
    source_free(source);
}

/* A tree of a large file "b" and others around it, read into the middle of b. */
static struct source *half_read(struct scratch *scratch)
{
    char buf[391 * 512];
    scratch_begin(scratch);
    char *data = calloc(1, 1000000);
    assert_non_null(data);
    scratch_text(scratch, "a", "first");
    scratch_write(scratch, "b", data, 1000000, 0600);
    scratch_text(scratch, "c", "third");
    scratch_text(scratch, "d/e", "fourth");
    scratch_text(scratch, "d/f", "fifth");
    free(data);
    make_old(scratch); /* a change shows even where clocks tick slowly */
    struct source *source = source_on(scratch->dir);
    assert_int_equal(source->ops->read(source, buf, sizeof buf, NULL), sizeof buf);
    return source;
}

static void swap_in_fifo(const struct scratch *scratch)
{
    assert_int_equal(unlink(scratch_path(scratch, "d/e")), 0);
    assert_int_equal(mkfifo(scratch_path(scratch, "d/e"), 0600), 0);
}

static void file_shrinks(const struct scratch *scratch)
{
    assert_int_equal(truncate(scratch_path(scratch, "b"), 500000), 0);
}

static void file_grows(const struct scratch *scratch)
{
    assert_int_equal(truncate(scratch_path(scratch, "b"), 1500000), 0);
}

static void file_is_written(const struct scratch *scratch)
{
    int fd = open(scratch_path(scratch, "b"), O_WRONLY);
    assert_int_equal(pwrite(fd, "x", 1, 999999), 1);
    close(fd);
}

static void file_is_removed(const struct scratch *scratch)
{
    assert_int_equal(unlink(scratch_path(scratch, "c")), 0);
}

static void file_becomes_link(const struct scratch *scratch)
{
    file_is_removed(scratch);
    assert_int_equal(symlink("a", scratch_path(scratch, "c")), 0);
}

static void file_becomes_fifo(const struct scratch *scratch)
{
    file_is_removed(scratch);
    assert_int_equal(mkfifo(scratch_path(scratch, "c"), 0600), 0);
}

static void file_becomes_directory(const struct scratch *scratch)
{
    file_is_removed(scratch);
    assert_int_equal(mkdir(scratch_path(scratch, "c"), 0700), 0);
}

static void directory_becomes_link(const struct scratch *scratch)
{
    assert_int_equal(rename(scratch_path(scratch, "d"), scratch_path(scratch, "elsewhere")), 0);
    assert_int_equal(symlink("elsewhere", scratch_path(scratch, "d")), 0);
}

static void file_is_added(const struct scratch *scratch)
{
    scratch_text(scratch, "new", "late");
}

static void file_is_renamed(const struct scratch *scratch)
{
    assert_int_equal(rename(scratch_path(scratch, "a"), scratch_path(scratch, "aa")), 0);
}

static void test_changes(void **state)
{
    (void)state;
    static const struct {
        void (*change)(const struct scratch *);
        const char *message;
    } cases[] = {
        { file_shrinks, ": b was changed" },
        { file_grows, ": b was changed" },
        { file_is_written, ": b was changed" },
        { file_is_removed, ": c was removed" },
        { file_becomes_link, ": c was changed" },
        { file_becomes_fifo, ": c was changed" },
        { file_becomes_directory, ": c was changed" },
        { directory_becomes_link, ": d was changed" },
        { file_is_added, ": . was changed" },
        { file_is_renamed, ": . was changed" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct scratch scratch;
        struct source *source = half_read(&scratch);
        cases[i].change(&scratch);
        expect_broken(source, cases[i].message);
        scratch_end(&scratch);
    }
}

/* Changes in a directory that has been entered. */
static void test_changes_below(void **state)
{
    (void)state;
    struct scratch scratch;
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    char buf[512];
    struct source *source = half_read(&scratch);
    do {
        assert_int_equal(source->ops->read(source, buf, sizeof buf, NULL), sizeof buf);
    } while (strncmp(buf, "d/e", 3) != 0);
    assert_int_equal(unlink(scratch_path(&scratch, "d/f")), 0);
    expect_broken(source, ": d/f was removed");
    scratch_end(&scratch);

    /* Moved away while it is inside: the way back leads elsewhere. */
    source = half_read(&scratch);
    do {
        assert_int_equal(source->ops->read(source, buf, sizeof buf, NULL), sizeof buf);
    } while (strncmp(buf, "d/e", 3) != 0);
    assert_int_equal(mkdir(scratch_path(&scratch, "else"), 0700), 0);
    assert_int_equal(rename(scratch_path(&scratch, "d"), scratch_path(&scratch, "else/d")), 0);
    expect_broken(source, ": d was changed");
    scratch_end(&scratch);
    source = half_read(&scratch);
    swap_in_fifo(&scratch); /* before it is listed: simply what is there */
    assert_int_equal(drain(source, 4096, &tar, NULL), 0);
    source_free(source);
    scratch_end(&scratch);
}

/* A tree far deeper than there may be descriptors, or bytes in a path that the system takes. */
static void test_deep(void **state)
{
    (void)state;
    struct scratch scratch;
    struct rlimit before;
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    scratch_begin(&scratch);
    char name[101];
    memset(name, 'd', 100);
    name[100] = '\0';
    int fd = open(scratch.dir, O_RDONLY | O_DIRECTORY);
    for (int i = 0; i < 300; i++) {
        assert_int_equal(mkdirat(fd, name, 0700), 0);
        int next = openat(fd, name, O_RDONLY | O_DIRECTORY);
        assert_true(next >= 0);
        close(fd);
        fd = next;
    }
    close(fd);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit few = { 30, before.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    write_tar(scratch.dir, 65536, &tar);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_true(tar.size > (size_t)300 * 300 * 100 / 2);
    scratch_end(&scratch);
    if (access(scratch.dir, F_OK) == 0) { /* too deep for nftw() */
        char command[128];
        snprintf(command, sizeof command, "rm -rf '%s'", scratch.dir);
        assert_int_equal(system(command), 0);
    }
}

static void test_sockets(void **state)
{
    (void)state;
    struct scratch scratch;
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    struct buf text AUTO_BUF = BUF_INIT(0);
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    scratch_begin(&scratch);
    struct source *source = source_on(scratch.dir);
    assert_int_equal(drain(source, 512, &tar, NULL), 0);
    assert_null(source_notice(source));
    source_free(source);
    bytes_dispose(&tar);

    scratch_text(&scratch, "file", "x");
    for (int i = 0; i < 2; i++) {
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        snprintf(address.sun_path, sizeof address.sun_path, "%s/%d.sock", scratch.dir, i);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
        close(fd);
    }
    source = source_on(scratch.dir);
    assert_int_equal(drain(source, 512, &tar, NULL), 0);
    listing(&tar, &text);
    assert_string_equal(text.data, "5 ./ \n0 file \n");
    assert_non_null(source_notice(source));
    assert_non_null(strstr(source_notice(source), " 2 sockets"));
    assert_non_null(strstr(source_notice(source), "0.sock"));
    assert_null(strstr(source_notice(source), ".wh."));
    source_free(source);
    scratch_end(&scratch);
}

/* A file that will be a deletion mark is written, and the notice reports it. */
static void test_whiteouts(void **state)
{
    (void)state;
    struct scratch scratch;
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    scratch_begin(&scratch);
    scratch_text(&scratch, ".wh.old", "");
    scratch_text(&scratch, "d/.wh..wh..opq", "");
    scratch_text(&scratch, "d/a.wh.b", "");
    scratch_text(&scratch, ".wh.d/f", "");
    struct source *source = source_on(scratch.dir);
    assert_int_equal(drain(source, 512, &tar, NULL), 0);
    assert_non_null(source_notice(source));
    assert_non_null(strstr(source_notice(source), "layers below: 3 (the first: .wh.d)"));
    source_free(source);
    scratch_end(&scratch);
}

static void test_attributes(void **state)
{
    (void)state;
    struct scratch scratch;
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    scratch_begin(&scratch);
    const char *path = scratch_text(&scratch, "file", "x");
    if (setxattr(path, "user.b", "2\0", 2, 0) != 0) {
        scratch_end(&scratch);
        skip(); /* a file system without attributes */
    }
    assert_int_equal(setxattr(path, "user.a", "", 0, 0), 0);
    assert_int_equal(setxattr(path, "user.c=d", "x", 1, 0), 0);
    assert_int_equal(link(path, scratch_path(&scratch, "second")), 0);
    struct source *source = source_on(scratch.dir);
    assert_int_equal(drain(source, 512, &tar, NULL), 0);
    /* "./", x, records, file, data, second, two zero blocks */
    assert_int_equal(tar.size, 512 * 8);
    assert_int_equal(tar.data[512 + 156], 'x');
    assert_memory_equal(tar.data + 1024,
                        "24 SCHILY.xattr.user.a=\n"
                        "26 SCHILY.xattr.user.b=2\0\n\0",
                        24 + 26 + 1);
    assert_non_null(strstr(source_notice(source), " 1 attribute with"));
    source_free(source);
    scratch_end(&scratch);
}

/* As a user who may not read everything. */
static void test_unreadable(void **state)
{
    (void)state;
    static const char *const names[] = { "file", "directory" };
    uid_t user = geteuid();
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct scratch scratch;
        scratch_begin(&scratch);
        assert_int_equal(chmod(scratch.dir, 0755), 0);
        scratch_write(&scratch, "file", "x", 1, i == 0 ? 0 : 0644);
        assert_int_equal(mkdir(scratch_path(&scratch, "directory"), i == 1 ? 0 : 0755), 0);
        assert_int_equal(seteuid(user == 0 ? 65534 : user), 0);
        struct source *source = source_on(scratch.dir);
        char expected[64];
        snprintf(expected, sizeof expected, ": cannot open %s: Permission denied", names[i]);
        expect_broken(source, expected);
        assert_int_equal(seteuid(user), 0);
        assert_int_equal(chmod(scratch_path(&scratch, names[i]), 0700), 0);
        scratch_end(&scratch);
    }
}

static lpipe_layer *layer_on(const char *path, struct lpipe_error *err)
{
    struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
    lpipe_layer *layer = NULL;
    options.compress = "none";
    return lpipe_layer_new_directory(path, &options, &layer, err) == 0 ? layer : NULL;
}

static void test_layer(void **state)
{
    (void)state;
    struct scratch scratch;
    struct lpipe_error err = { 0 };
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    struct bytes out AUTO_BYTES = { NULL, 0, 0 };
    struct bytes again AUTO_BYTES = { NULL, 0, 0 };
    char digest[DIGEST_TEXT_SIZE];
    scratch_begin(&scratch);
    make_tree(&scratch, false);
    write_tar(scratch.dir, 4096, &tar);
    assert_int_equal(digest_of(DIGEST_SHA256, tar.data, tar.size, digest, NULL), 0);

    lpipe_layer *layer = layer_on(scratch.dir, &err);
    assert_non_null(layer);
    assert_int_equal(layer_can_rewind(layer), 1);
    assert_int_equal(layer_drain(layer, 1000, &out, &err), 0);
    expect_values(layer, &out, digest);
    assert_int_equal(layer_rewind(layer, &err), 0);
    expect_no_values(layer, LPIPE_NOT_COMPUTED);
    assert_int_equal(layer_drain(layer, 777, &again, &err), 0);
    expect_values(layer, &again, digest);

    assert_int_equal(layer_rewind(layer, &err), 0);
    scratch_text(&scratch, "more", "x");
    assert_int_equal(layer_drain(layer, 777, NULL, &err), LPIPE_INTEGRITY);
    expect_no_values(layer, LPIPE_INTEGRITY);
    lpipe_layer_free(layer);
    scratch_end(&scratch);
}

/* What broke an earlier pass does not stay. */
static void test_layer_breaks_and_begins_again(void **state)
{
    (void)state;
    struct scratch scratch;
    struct lpipe_error err = { 0 };
    lpipe_reader *reader = NULL;
    static unsigned char buf[100000];
    size_t got = 0;
    source_free(half_read(&scratch));
    lpipe_layer *layer = layer_on(scratch.dir, &err);
    assert_non_null(layer);
    assert_int_equal(lpipe_layer_open(layer, &reader, &err), 0);
    assert_int_equal(lpipe_reader_read(reader, buf, sizeof buf, &got, &err), 0);
    assert_int_equal(lpipe_reader_close(reader, &err), 0);
    expect_no_values(layer, LPIPE_ABORTED);
    assert_int_equal(layer_rewind(layer, &err), 0);
    assert_int_equal(chmod(scratch_path(&scratch, "c"), 0600), 0);
    assert_int_equal(unlink(scratch_path(&scratch, "c")), 0);
    assert_int_equal(layer_drain(layer, sizeof buf, NULL, &err), 0);
    lpipe_layer_free(layer);
    scratch_end(&scratch);
}

static void test_refused(void **state)
{
    (void)state;
    struct scratch scratch;
    struct lpipe_error err = { 0 };
    struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
    lpipe_layer *layer = NULL;
    scratch_begin(&scratch);
    assert_int_equal(lpipe_layer_new_directory(NULL, NULL, &layer, &err), LPIPE_INVALID_ARGUMENT);
    assert_int_equal(lpipe_layer_new_directory(scratch.dir, NULL, NULL, &err),
                     LPIPE_INVALID_ARGUMENT);
    assert_int_equal(lpipe_layer_new_directory(scratch_path(&scratch, "no"), NULL, &layer, &err),
                     LPIPE_SOURCE_IO);
    assert_non_null(strstr(err.message, "No such file"));
    assert_int_equal(
        lpipe_layer_new_directory(scratch_text(&scratch, "file", "x"), NULL, &layer, &err),
        LPIPE_SOURCE_IO);
    assert_non_null(strstr(err.message, "Not a directory"));
    options.compress = "gzip:99";
    assert_int_equal(lpipe_layer_new_directory(scratch.dir, &options, &layer, &err),
                     LPIPE_INVALID_ARGUMENT);
    assert_int_equal(setenv("SOURCE_DATE_EPOCH", "yesterday", 1), 0);
    assert_int_equal(lpipe_layer_new_directory(scratch.dir, NULL, &layer, &err),
                     LPIPE_INVALID_ARGUMENT);
    assert_non_null(strstr(err.message, "SOURCE_DATE_EPOCH"));
    assert_int_equal(unsetenv("SOURCE_DATE_EPOCH"), 0);
    assert_null(layer);
    scratch_end(&scratch);
}

/* A size that is known only after the bytes is written over a block that was reserved. */
static void test_any_size_fits_in_one_block(void **state)
{
    (void)state;
    const uint64_t sizes[] = { 5, (UINT64_C(1) << 33) - 1, UINT64_C(1) << 33, UINT64_C(1) << 40 };
    struct buf header AUTO_BUF = BUF_INIT(1 << 22);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct tar_write_entry entry = PLAIN;
        uint64_t size = 0;
        entry.size = sizes[i];
        entry.in_one_block = true;
        header_of(&entry, &header);
        assert_int_equal(header.size, 512);
        assert_true(tar_header_size((const unsigned char *)header.data, &size));
        assert_int_equal(size, sizes[i]);
    }
}

int main(void)
{
    (void)unsetenv(
        "SOURCE_DATE_EPOCH"); /* a package's build sets it; it changes the times in a tar */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_header),
        cmocka_unit_test(test_any_size_fits_in_one_block),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_values_that_a_header_field_cannot_hold),
        cmocka_unit_test(test_names_that_are_no_text),
        cmocka_unit_test(test_record_lengths),
        cmocka_unit_test(test_record_that_does_not_fit),
        cmocka_unit_test(test_links),
        cmocka_unit_test(test_attributes_of_this_machine),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_reproducible),
        cmocka_unit_test(test_locales),
        cmocka_unit_test(test_newest_time),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_changes_below),
        cmocka_unit_test(test_deep),
        cmocka_unit_test(test_sockets),
        cmocka_unit_test(test_whiteouts),
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_layer),
        cmocka_unit_test(test_layer_breaks_and_begins_again),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
