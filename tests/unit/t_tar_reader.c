/* SPDX-License-Identifier: Apache-2.0 */
/* Entries as the tar reader gives them: names from every kind of header, numbers, times, records,
 * contents; the same for any division of the archive into calls. */
#include "support/tar_make.h"

#include "tar/tar_reader.h"
#include "tar/tar_write.h"

/* Everything that a reader said, as text. */
struct seen {
    struct bytes text;
    uint64_t header_bytes;
    uint64_t content_bytes;
};

static void say(struct seen *seen, const char *format, ...) PRINTF_LIKE(2, 3);
static void say(struct seen *seen, const char *format, ...)
{
    char line[2048];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    assert_in_range(size, 0, sizeof line - 1);
    bytes_put(&seen->text, line, (size_t)size);
}

static void say_time(struct seen *seen, const char *name, const struct tar_time *time)
{
    if (time->given && (time->seconds != 0 || time->nanoseconds != 0)) {
        say(seen, " %s=%lld.%09u", name, (long long)time->seconds, time->nanoseconds);
    }
}

static int on_entry(void *ctx, const struct tar_reader_entry *entry, struct lpipe_error *err)
{
    (void)err;
    struct seen *seen = ctx;
    say(seen, "%llu %c %s", (unsigned long long)entry->offset, entry->type, entry->path);
    if (entry->link[0] != '\0') {
        say(seen, " -> %s", entry->link);
    }
    say(seen, " size=%llu mode=%llo uid=%lld gid=%lld", (unsigned long long)entry->size,
        (unsigned long long)entry->mode, (long long)entry->uid, (long long)entry->gid);
    if (entry->user[0] != '\0' || entry->group[0] != '\0') {
        say(seen, " %s:%s", entry->user, entry->group);
    }
    if (entry->device_major != 0 || entry->device_minor != 0) {
        say(seen, " device=%lld,%lld", (long long)entry->device_major,
            (long long)entry->device_minor);
    }
    say_time(seen, "mtime", &entry->mtime);
    say_time(seen, "atime", &entry->atime);
    say_time(seen, "ctime", &entry->ctime);
    for (size_t i = 0; i < entry->record_count; i++) {
        say(seen, " [%s=%s]", entry->records[i].key, entry->records[i].value);
    }
    say(seen, "%s headers=%zu\n", entry->is_sparse ? " sparse" : "", entry->headers_size);
    assert_int_equal(entry->headers_size % 512, 0);
    seen->header_bytes += entry->headers_size;
    return 0;
}

static int on_contents(void *ctx, const void *data, size_t size, struct lpipe_error *err)
{
    (void)err;
    struct seen *seen = ctx;
    bytes_put(&seen->text, data, size);
    seen->content_bytes += size;
    return 0;
}

static int on_entry_end(void *ctx, struct lpipe_error *err)
{
    (void)err;
    say(ctx, ".\n");
    return 0;
}

static int on_archive_end(void *ctx, struct lpipe_error *err)
{
    (void)err;
    say(ctx, "end\n");
    return 0;
}

static int read_all(const struct bytes *tar, size_t piece, struct seen *seen,
                    struct lpipe_error *err)
{
    struct tar_reader *reader = NULL;
    const struct tar_reader_sink sink = { on_entry, on_contents, on_entry_end, on_archive_end,
                                          seen };
    assert_int_equal(tar_reader_new(0, &sink, &reader, err), 0);
    int status = 0;
    for (size_t at = 0; at < tar->size && status == 0; at += piece) {
        status = tar_reader_bytes(reader, tar->data + at, MIN_OF(piece, tar->size - at), err);
    }
    status = status == 0 ? tar_reader_end(reader, err) : status;
    tar_reader_free(reader);
    return status;
}

/* The archive gives this text, in pieces of any size. */
static void check(const struct bytes *tar, const char *expected)
{
    static const size_t pieces[] = { 1, 7, 511, 512, 513, 1 << 20 };
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        struct seen seen = { 0 };
        struct lpipe_error err = { 0 };
        assert_int_equal(read_all(tar, pieces[i], &seen, &err), 0);
        bytes_put(&seen.text, "", 1);
        assert_string_equal((char *)seen.text.data, expected);
        bytes_dispose(&seen.text);
    }
}

static void put_pax(struct bytes *tar, char type, const char *const *pairs)
{
    AUTO_BUF struct buf records = BUF_INIT(10000);
    for (; *pairs != NULL; pairs += 2) {
        assert_int_equal(tar_write_pax_record(&records, pairs[0], pairs[1], strlen(pairs[1])), 0);
    }
    tar_put(tar, "pax", type, records.data, records.size);
}

static void test_plain_entries(void **state)
{
    (void)state;
    AUTO_BYTES struct bytes tar = { 0 };
    tar_file(&tar, "a", "hello\n");
    tar_put_header(&tar, "dir/", '5', 0);
    tar_put_header(&tar, "olddir/", '\0', 0);
    tar_file(&tar, "empty", "");
    tar_end(&tar);
    check(&tar, "0 0 a size=6 mode=600 uid=0 gid=0 headers=512\nhello\n.\n"
                "1024 5 dir/ size=0 mode=600 uid=0 gid=0 headers=512\n.\n"
                "1536 5 olddir/ size=0 mode=600 uid=0 gid=0 headers=512\n.\n"
                "2048 0 empty size=0 mode=600 uid=0 gid=0 headers=512\n.\nend\n");
}

static void test_pax_goes_before_the_header(void **state)
{
    (void)state;
    static const char *const pairs[] = { "path",
                                         "long/path",
                                         "linkpath",
                                         "target",
                                         "uid",
                                         "70000",
                                         "gid",
                                         "-3",
                                         "uname",
                                         "me",
                                         "gname",
                                         "us",
                                         "mtime",
                                         "12.25",
                                         "atime",
                                         "-1.5",
                                         "path",
                                         "last",
                                         "SCHILY.xattr.user.a",
                                         "v=1",
                                         "empty",
                                         "",
                                         NULL };
    AUTO_BYTES struct bytes tar = { 0 };
    put_pax(&tar, 'x', pairs);
    tar_put_header(&tar, "short", '1', 0);
    tar_end(&tar);
    check(&tar, "0 1 last -> target size=0 mode=600 uid=70000 gid=-3 me:us mtime=12.250000000 "
                "atime=-2.500000000 [path=long/path] [linkpath=target] [uid=70000] [gid=-3] "
                "[uname=me] [gname=us] [mtime=12.25] [atime=-1.5] [path=last] "
                "[SCHILY.xattr.user.a=v=1] [empty=] headers=1536\n.\nend\n");
}

static void test_second_pax_header_replaces_the_first(void **state)
{
    (void)state;
    static const char *const first[] = { "path", "forgotten", "uid", "7", NULL };
    static const char *const second[] = { "gid", "5", NULL };
    AUTO_BYTES struct bytes tar = { 0 };
    put_pax(&tar, 'x', first);
    put_pax(&tar, 'x', second);
    tar_put_header(&tar, "own", '5', 0);
    tar_end(&tar);
    check(&tar, "0 5 own size=0 mode=600 uid=0 gid=5 [gid=5] headers=2560\n.\nend\n");
}

static void test_pax_size_decides(void **state)
{
    (void)state;
    static const char *const pairs[] = { "size", "3", NULL };
    AUTO_BYTES struct bytes tar = { 0 };
    put_pax(&tar, 'x', pairs);
    tar_put_header(&tar, "f", '0', 0);
    bytes_put(&tar, "abc", 3);
    tar_pad(&tar);
    tar_end(&tar);
    check(&tar, "0 0 f size=3 mode=600 uid=0 gid=0 [size=3] headers=1536\nabc.\nend\n");
}

static void test_gnu_long_names(void **state)
{
    (void)state;
    static const char *const pairs[] = { "path", "of pax", NULL };
    AUTO_BYTES struct bytes tar = { 0 };
    tar_put(&tar, "././@LongLink", 'K', "a long target", 14);
    tar_put(&tar, "././@LongLink", 'L', "a long path", 12);
    put_pax(&tar, 'x', pairs);
    tar_put_header(&tar, "s", '2', 0);
    tar_file(&tar, "next", "");
    tar_end(&tar);
    check(&tar, "0 2 a long path -> a long target size=0 mode=600 uid=0 gid=0 [path=of pax] "
                "headers=3584\n.\n3584 0 next size=0 mode=600 uid=0 gid=0 headers=512\n.\nend\n");
}

/* Where one of GNU's times is no number, archive/tar has neither, and may take them for a prefix. */
static void test_gnu_times(void **state)
{
    (void)state;
    static const char *const times[] = { "00000000001", "00000000002", "no time" };
    AUTO_BYTES struct bytes tar = { 0 };
    for (unsigned i = 0; i < 2; i++) {
        unsigned char header[512];
        tar_header(header, "f", '0', 0);
        memcpy(header + 257, "ustar  ", 8);
        memcpy(header + 345, times[0], 12);
        memcpy(header + 357, times[1 + i], strlen(times[1 + i]) + 1);
        tar_sum(header);
        bytes_put(&tar, header, sizeof header);
    }
    tar_end(&tar);
    check(&tar, "0 0 f size=0 mode=600 uid=0 gid=0 atime=1.000000000 ctime=2.000000000 "
                "headers=512\n.\n"
                "512 0 00000000001/f size=0 mode=600 uid=0 gid=0 headers=512\n.\nend\n");
}

static void test_global_header_is_an_entry(void **state)
{
    (void)state;
    static const char *const pairs[] = { "comment", "abc", NULL };
    AUTO_BYTES struct bytes tar = { 0 };
    put_pax(&tar, 'g', pairs);
    tar_file(&tar, "f", "x");
    tar_end(&tar);
    check(&tar, "0 g pax size=0 mode=600 uid=0 gid=0 [comment=abc] headers=1024\n.\n"
                "1024 0 f size=1 mode=600 uid=0 gid=0 headers=512\nx.\nend\n");
}

static void test_sparse_contents_are_as_stored(void **state)
{
    (void)state;
    static const char *const pairs[] = { "GNU.sparse.major",
                                         "1",
                                         "GNU.sparse.minor",
                                         "0",
                                         "GNU.sparse.name",
                                         "real",
                                         "GNU.sparse.realsize",
                                         "9",
                                         NULL };
    AUTO_BYTES struct bytes tar = { 0 };
    struct bytes body = { 0 };
    bytes_put(&body, "1\n6\n3\n", 6);
    bytes_fill(&body, 0, 506);
    bytes_put(&body, "abc", 3);
    put_pax(&tar, 'x', pairs);
    tar_put(&tar, "GNUSparseFile/real", '0', body.data, body.size);
    tar_end(&tar);
    struct seen seen = { 0 };
    struct lpipe_error err = { 0 };
    assert_int_equal(read_all(&tar, 100, &seen, &err), 0);
    assert_int_equal(seen.content_bytes, body.size);
    bytes_put(&seen.text, "", 1);
    assert_non_null(strstr((char *)seen.text.data, "0 0 real size=515"));
    assert_non_null(strstr((char *)seen.text.data, " sparse headers=1536"));
    bytes_dispose(&seen.text);
    bytes_dispose(&body);
}

/* Headers, contents and padding are the whole archive. */
static void test_all_bytes_are_given(void **state)
{
    (void)state;
    AUTO_BYTES struct bytes tar = { 0 };
    struct seen seen = { 0 };
    struct lpipe_error err = { 0 };
    tar_thousand(&tar);
    assert_int_equal(read_all(&tar, 1000, &seen, &err), 0);
    uint64_t padding = tar.size - 1024 - seen.header_bytes - seen.content_bytes;
    assert_int_equal(seen.header_bytes, 1000 * 512);
    assert_in_range(padding, 1000 * (512 - 30), 1000 * 511);
    bytes_dispose(&seen.text);
}

static int refuse(void *ctx, const struct tar_reader_entry *entry, struct lpipe_error *err)
{
    (void)ctx;
    (void)entry;
    return fail(err, LPIPE_REFUSED, "no");
}

static void test_failures(void **state)
{
    (void)state;
    AUTO_BYTES struct bytes tar = { 0 };
    struct seen seen = { 0 };
    struct lpipe_error err = { 0 };
    struct tar_reader *reader = NULL;
    const struct tar_reader_sink sink = { .entry = refuse };
    tar_file(&tar, "a", "hello\n");
    assert_int_equal(read_all(&tar, 100, &seen, &err), LPIPE_TRUNCATED);
    bytes_dispose(&seen.text);
    assert_int_equal(tar_reader_new(0, &sink, &reader, &err), 0);
    assert_int_equal(tar_reader_bytes(reader, tar.data, tar.size, &err), LPIPE_REFUSED);
    reader = tar_reader_free(reader);
    tar.data[0] ^= 1;
    assert_int_equal(read_all(&tar, 100, &seen, &err), LPIPE_NOT_TAR);
    assert_int_equal(err.offset, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_entries),
        cmocka_unit_test(test_pax_goes_before_the_header),
        cmocka_unit_test(test_second_pax_header_replaces_the_first),
        cmocka_unit_test(test_pax_size_decides),
        cmocka_unit_test(test_gnu_long_names),
        cmocka_unit_test(test_gnu_times),
        cmocka_unit_test(test_global_header_is_an_entry),
        cmocka_unit_test(test_sparse_contents_are_as_stored),
        cmocka_unit_test(test_all_bytes_are_given),
        cmocka_unit_test(test_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
