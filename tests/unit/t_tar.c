/* SPDX-License-Identifier: Apache-2.0 */
/* What of tar's framing is accepted and what is not, in pieces of every size. */
#include "support/tar_make.h"

#include "base/limits.h"
#include "base/macros.h"
#include "codec/tar_header.h"
#include "codec/tar_scan.h"

/* The verdict on an archive that is read in pieces of the given size. */
static int judge(const struct bytes *tar, size_t piece, unsigned flags, struct lpipe_error *err)
{
    struct tar_scan *scan = NULL;
    int status = tar_scan_new(flags, &scan, err);
    assert_int_equal(status, 0);
    for (size_t at = 0; at < tar->size && status == 0; at += piece) {
        status = tar_scan_bytes(scan, tar->data + at, MIN_OF(piece, tar->size - at), err);
    }
    if (status == 0) {
        status = tar_scan_end(scan, err);
    }
    tar_scan_free(scan);
    return status;
}

static void expect_flags(const char *name, const struct bytes *tar, unsigned flags, int status,
                         const char *words)
{
    static const size_t pieces[] = { 1, 7, 511, 512, 513, 4096, SIZE_MAX };
    uint64_t offset = UINT64_MAX;
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        struct lpipe_error err = { 0 };
        size_t piece = MIN_OF(pieces[i], tar->size > 0 ? tar->size : 1);
        int got = judge(tar, piece, flags, &err);
        if (got != status || (words != NULL && strstr(err.message, words) == NULL)) {
            fail_msg("%s, pieces of %zu: %s \"%s\"", name, piece, lpipe_status_name(got),
                     err.message);
        }
        if (status != 0) {
            assert_true(err.offset <= tar->size);
            assert_true(i == 0 || err.offset == offset);
            offset = err.offset;
        }
        assert_int_equal(judge(tar, piece, flags, NULL), status);
    }
}

static void expect(const char *name, const struct bytes *tar, int status, const char *words)
{
    expect_flags(name, tar, 0, status, words);
}

static void test_good(void **state)
{
    (void)state;
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    tar_end(&tar);
    expect("nothing in it", &tar, 0, NULL);
    bytes_done(&tar);
    tar_thousand(&tar);
    assert_int_equal(tar.size, 1025024);
    expect("1000 files", &tar, 0, NULL);
    bytes_fill(&tar, 0, 10240);
    expect("zeros after the end", &tar, 0, NULL);
    bytes_fill(&tar, 0, 100);
    expect("zeros that fill no block", &tar, 0, NULL);
}

static void test_names_are_not_judged(void **state)
{
    (void)state;
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    tar_file(&tar, "d/f", "one");
    tar_file(&tar, "d/f", "two");
    tar_file(&tar, "./d/f", "three");
    tar_file(&tar, "../evil", "x");
    tar_file(&tar, "/abs", "x");
    tar_put(&tar, "link-to-nothing", '1', NULL, 0);
    tar_put(&tar, "symlink", '2', NULL, 0);
    tar_put(&tar, "volume", 'V', NULL, 0);
    tar_put(&tar, "unknown", 'q', "body", 4);
    tar_file(&tar, ".wh.", "");
    tar_end(&tar);
    expect("odd names and types", &tar, 0, NULL);
}

static void test_missing_end(void **state)
{
    (void)state;
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    expect("empty", &tar, LPIPE_TRUNCATED, "empty");
    expect_flags("empty", &tar, TAR_SCAN_ALLOW_TRUNCATED, LPIPE_TRUNCATED, "empty");
    expect_flags("empty, allowed", &tar, TAR_SCAN_ALLOW_EMPTY, 0, NULL);
    tar_file(&tar, "a", "body");
    expect("no end", &tar, LPIPE_TRUNCATED, "without its end-of-archive");
    expect_flags("no end, allowed", &tar, TAR_SCAN_ALLOW_TRUNCATED, 0, NULL);
    expect_flags("no end, empty allowed", &tar, TAR_SCAN_ALLOW_EMPTY, LPIPE_TRUNCATED, NULL);
    bytes_fill(&tar, 0, 512);
    expect("one zero block", &tar, LPIPE_TRUNCATED, "within its end-of-archive");
    expect_flags("one zero block, allowed", &tar, TAR_SCAN_ALLOW_TRUNCATED, 0, NULL);
    bytes_fill(&tar, 0, 100);
    expect("half of the second", &tar, LPIPE_TRUNCATED, NULL);
    tar_file(&tar, "b", "body");
    expect_flags("zero block and more", &tar, TAR_SCAN_ALLOW_TRUNCATED, LPIPE_NOT_TAR, NULL);
}

static void test_behind_the_end(void **state)
{
    (void)state;
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    struct lpipe_error err = { 0 };
    tar_file(&tar, "a", "body");
    tar_end(&tar);
    size_t end = tar.size;
    bytes_fill(&tar, 0, TAR_RECORD_BYTES - end + 700);
    bytes_put(&tar, "junk", 4);
    expect("junk", &tar, LPIPE_NOT_TAR, "data follows its end-of-archive mark; head -c 2048");
    assert_int_equal(judge(&tar, 64, 0, &err), LPIPE_NOT_TAR);
    assert_int_equal(err.offset, TAR_RECORD_BYTES + 700);
    bytes_fill(&tar, 'x', 1000);
    expect("more junk", &tar, LPIPE_NOT_TAR, "data follows its end-of-archive mark; head -c 2048");
    assert_int_equal(judge(&tar, 64, 0, &err), LPIPE_NOT_TAR);
    assert_int_equal(err.offset, TAR_RECORD_BYTES + 700);
    expect_flags("junk", &tar, TAR_SCAN_ALLOW_TRUNCATED, LPIPE_NOT_TAR, NULL);
    bytes_done(&tar);
    tar_file(&tar, "a", "body");
    bytes_fill(&tar, 0, 512);
    tar_file(&tar, "b", "body");
    tar_end(&tar);
    expect("one zero block between", &tar, LPIPE_NOT_TAR, "single zero block");
}

/* What is left of the tape record that the end mark ends in is not looked at: old writers put there
 * what their buffer had. */
static void test_rest_of_the_record(void **state)
{
    (void)state;
    static const size_t ends[] = { 1, 512, 513, TAR_RECORD_BYTES - 2048 };
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    tar_file(&tar, "a", "body");
    tar_end(&tar);
    size_t end = tar.size;
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        tar.size = end;
        bytes_fill(&tar, 'x', ends[i]);
        expect("junk up to the record's end", &tar, 0, NULL);
    }
    bytes_fill(&tar, 0, 3000);
    expect("and zeros behind it", &tar, 0, NULL);
    bytes_fill(&tar, 'x', 1);
    expect("and junk behind these", &tar, LPIPE_NOT_TAR, "head -c 2048 leaves it out");
    tar.size = end;
    bytes_fill(&tar, 'x', TAR_RECORD_BYTES - end + 1);
    expect("a byte too many", &tar, LPIPE_NOT_TAR, "head -c 2048 leaves it out");
    tar.size = end;
    bytes_fill(&tar, 'x', 512);
    tar_file(&tar, "left", "over");
    expect("an old header behind junk", &tar, 0, NULL);
}

static void test_second_archive(void **state)
{
    (void)state;
    static const size_t zeros[] = { 0, 512, TAR_RECORD_BYTES - 2048, TAR_RECORD_BYTES };
    for (size_t i = 0; i < ARRAY_LEN(zeros); i++) {
        struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
        struct lpipe_error err = { 0 };
        tar_file(&tar, "a", "body");
        tar_end(&tar);
        bytes_fill(&tar, 0, zeros[i]);
        size_t second = tar.size;
        tar_file(&tar, "second", "archive");
        tar_end(&tar);
        expect("a second archive", &tar, LPIPE_NOT_TAR, "another archive follows");
        expect("the cure", &tar, LPIPE_NOT_TAR, "tar -A joins archives");
        assert_int_equal(judge(&tar, 64, 0, &err), LPIPE_NOT_TAR);
        assert_int_equal(err.offset, second);
    }
}

/* A tar cut anywhere before the last byte of its end mark is never accepted. */
static void test_cut_anywhere(void **state)
{
    (void)state;
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    tar_file(&tar, "a", "some body");
    tar_put(&tar, "PaxHeaders/b", 'x', "12 path=b/c\n", 12);
    tar_file(&tar, "b", "more");
    tar_put(&tar, "././@LongLink", 'L', "long-name", 10);
    tar_put(&tar, "dir", '5', NULL, 0);
    tar_end(&tar);
    for (size_t cut = 0; cut < tar.size; cut++) {
        struct lpipe_error err = { 0 };
        struct bytes part = { tar.data, cut, 0 };
        assert_int_equal(judge(&part, 4096, 0, &err), LPIPE_TRUNCATED);
        assert_int_equal(err.offset, cut);
        /* What may be missing is the end mark, or something between two blocks of it; with the
         * permission to be cut off that is for the caller to know. */
        int allowed = judge(&part, 4096, TAR_SCAN_ALLOW_TRUNCATED, NULL);
        assert_int_equal(allowed, cut < 512 ? LPIPE_TRUNCATED : 0);
    }
    assert_int_equal(judge(&tar, 4096, 0, NULL), 0);
}

static void test_not_tar(void **state)
{
    (void)state;
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    bytes_put(&tar, "hello", 5);
    expect("hello", &tar, LPIPE_TRUNCATED, "too short");
    for (int i = 0; i < 400; i++) {
        bytes_put(&tar, "hello", 5);
    }
    expect("text", &tar, LPIPE_NOT_TAR, "does not begin with a tar header");
    expect_flags("text", &tar, TAR_SCAN_ALLOW_TRUNCATED | TAR_SCAN_ALLOW_EMPTY, LPIPE_NOT_TAR,
                 NULL);
    bytes_done(&tar);
    tar_file(&tar, "a", "body");
    tar_file(&tar, "b", "body");
    tar_end(&tar);
    tar.data[1024 + 3] ^= 1;
    expect("checksum", &tar, LPIPE_NOT_TAR, "checksum");
    expect("the entry before is named", &tar, LPIPE_NOT_TAR, "entry a");
}

static void test_checksum_kinds(void **state)
{
    (void)state;
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    unsigned char header[512];
    char text[32];
    int sum = 0;
    tar_header(header, "caf\xc3\xa9", '0', 0);
    memset(header + 148, ' ', 8);
    for (size_t i = 0; i < 512; i++) {
        sum += (signed char)header[i];
    }
    snprintf(text, sizeof text, "%06o", (unsigned)sum);
    memcpy(header + 148, text, 7);
    bytes_put(&tar, header, sizeof header);
    tar_end(&tar);
    expect("signed checksum", &tar, 0, NULL);
    tar.data[0] ^= 0x20;
    expect("wrong either way", &tar, LPIPE_NOT_TAR, "does not begin");
    memset(tar.data + 148, 0, 8);
    expect("blank checksum", &tar, LPIPE_NOT_TAR, NULL);
}

static void put_sized(struct bytes *tar, const void *field, size_t body)
{
    unsigned char header[512];
    tar_header(header, "sized", '0', 0);
    memcpy(header + 124, field, 12);
    tar_sum(header);
    bytes_put(tar, header, sizeof header);
    bytes_fill(tar, 'x', body);
    tar_pad(tar);
}

static void test_sizes(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *field; /* 12 bytes */
        size_t body;
        int status;
    } rows[] = {
        { "octal", "00000001274\0", 700, 0 },
        { "blanks before", "       1274 ", 700, 0 },
        { "all blank is none", "            ", 0, 0 },
        { "all NUL is none", "\0\0\0\0\0\0\0\0\0\0\0\0", 0, 0 },
        { "a blank behind", "0000001274 \0", 700, 0 },
        { "blanks behind", "1274        ", 700, 0 },
        { "a NUL ends it", "1274\0garbage", 700, 0 },
        { "digits behind a blank", "1274 0000000", 700, LPIPE_NOT_TAR },
        { "digits behind a NUL first",
          "\0"
          "00000001274",
          700, LPIPE_NOT_TAR },
        { "digits behind blank and NUL",
          "  \0"
          "000001274",
          700, LPIPE_NOT_TAR },
        { "base-256", "\x80\0\0\0\0\0\0\0\0\0\x02\xbc", 700, 0 },
        { "base-256 negative", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 0,
          LPIPE_NOT_TAR },
        { "base-256 over 63 bits", "\x80\0\0\0\x80\0\0\0\0\0\0\0", 0, LPIPE_NOT_TAR },
        { "base-256 in the first byte", "\x81\0\0\0\0\0\0\0\0\0\0\0", 0, LPIPE_NOT_TAR },
        { "the most there is", "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", 0, LPIPE_NOT_TAR },
        { "not octal", "00000000008\0", 0, LPIPE_NOT_TAR },
        { "a sign", "-0000000001\0", 0, LPIPE_NOT_TAR },
        { "a letter", "0x000000001\0", 0, LPIPE_NOT_TAR },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
        put_sized(&tar, rows[i].field, rows[i].body);
        tar_file(&tar, "next", "body");
        tar_end(&tar);
        expect(rows[i].name, &tar, rows[i].status, rows[i].status == 0 ? NULL : "size");
    }
}

/* Whatever their size field says. */
static void test_bare_types(void **state)
{
    (void)state;
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    for (char type = '1'; type <= '6'; type++) {
        tar_put_header(&tar, "bare", type, 4096);
    }
    tar_put_header(&tar, "old-directory/", '\0', 512);
    tar_put(&tar, "old-file", '\0', "body", 4);
    tar_put(&tar, "contiguous", '7', "body", 4);
    tar_end(&tar);
    expect("types without data", &tar, 0, NULL);
}

/* A long name ends at its NUL, also where what is behind it comes in another piece. */
static void test_long_name_ends_at_its_nul(void **state)
{
    (void)state;
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    tar_put(&tar, "././@LongLink", 'L', "old-file\0/directory/", 20);
    tar_put(&tar, "old-file", '\0', "body", 4);
    tar_end(&tar);
    expect("a file", &tar, 0, NULL);
    bytes_done(&tar);
    tar_put(&tar, "././@LongLink", 'L', "old-directory/\0file", 20);
    tar_put_header(&tar, "old-directory", '\0', 512);
    tar_end(&tar);
    expect("a directory", &tar, 0, NULL);
}

static void put_pax(struct bytes *tar, char type, const char *records)
{
    tar_put(tar, "PaxHeaders/x", type, records, strlen(records));
}

static void test_pax_size_counts(void **state)
{
    (void)state;
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    put_pax(&tar, 'x', "21 comment=first one\n12 size=600\n14 path=a/b/c\n");
    tar_put_header(&tar, "short", '0', 5);
    bytes_fill(&tar, 'x', 600);
    tar_pad(&tar);
    tar_file(&tar, "next", "body");
    tar_end(&tar);
    expect("size of the header is overridden", &tar, 0, NULL);
    bytes_done(&tar);
    put_pax(&tar, 'x', "12 size=600\n8 size=\n");
    tar_file(&tar, "short", "body");
    tar_end(&tar);
    expect("an empty value takes it back", &tar, 0, NULL);
    bytes_done(&tar);
    put_pax(&tar, 'x', "12 size=600\n");
    tar_put(&tar, "dir", '5', NULL, 0);
    tar_end(&tar);
    expect("a directory has no data still", &tar, 0, NULL);
}

static void test_pax_records(void **state)
{
    (void)state;
    static const struct {
        const char *records;
        const char *words; /* NULL = accepted */
    } rows[] = {
        { "", NULL },
        { "6 k=v\n", NULL },
        { "9 k=a\nb=\n", NULL },
        { "5 k=\n", NULL },
        { "22 LIBARCHIVE.xattr=x\n", NULL },
        { "6 k=v", "not of the form" },
        { "7 k=v\n", "not of the form" },
        { "5 k=v\n", "not of the form" },
        { "6 =vv\n", "not of the form" },
        { "6 kkv\n", "not of the form" },
        { "4 k=\n", "length" },
        { "0 k=v\n", "length" },
        { "k=v\n", "length" },
        { "-6 k=v\n", "length" },
        { " 6 k=v\n", "length" },
        { "999999999 k=v\n", "length" },
        { "11 size=-1\n", "not a number" },
        { "11 size=1x\n", "not a number" },
        { "29 size=99999999999999999999\n", "not a number" },
        { "8 path=x\n", "not of the form" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
        put_pax(&tar, 'x', rows[i].records);
        tar_file(&tar, "entry", "body");
        tar_end(&tar);
        expect(rows[i].records, &tar, rows[i].words == NULL ? 0 : LPIPE_NOT_TAR, rows[i].words);
    }
}

static void test_extensions(void **state)
{
    (void)state;
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    put_pax(&tar, 'g', "20 comment=from git\n");
    put_pax(&tar, 'x', "9 path=p\n");
    tar_put(&tar, "././@LongLink", 'L', "a/very/long/name", 17);
    tar_put(&tar, "././@LongLink", 'K', "a/very/long/target", 19);
    tar_file(&tar, "a/very", "body");
    tar_end(&tar);
    expect("all kinds", &tar, 0, NULL);

    bytes_done(&tar);
    put_pax(&tar, 'g', "9 size=4\n");
    tar_file(&tar, "a", "body");
    tar_end(&tar);
    expect("a size for all", &tar, LPIPE_NOT_TAR, "global header sets a size");

    bytes_done(&tar);
    put_pax(&tar, 'x', "9 size=4\n");
    put_pax(&tar, 'x', "9 path=p\n");
    tar_file(&tar, "a", "body");
    tar_end(&tar);
    expect("two, a size in the first", &tar, LPIPE_NOT_TAR, "two PAX headers");

    static const char alone[] = "xLKX";
    for (const char *type = alone; *type != '\0'; type++) {
        bytes_done(&tar);
        tar_file(&tar, "a", "body");
        put_pax(&tar, *type, "9 path=p\n");
        put_pax(&tar, 'g', "20 comment=from git\n");
        tar_end(&tar);
        expect("no entry behind", &tar, LPIPE_NOT_TAR, "followed by no entry");
    }
    bytes_done(&tar);
    tar_file(&tar, "a", "body");
    put_pax(&tar, 'g', "20 comment=from git\n");
    tar_end(&tar);
    expect("for all that does not come", &tar, 0, NULL);

    bytes_done(&tar);
    tar_put_header(&tar, "PaxHeaders/x", 'x', TAR_EXTENSION_BYTES_MAX + 1);
    bytes_fill(&tar, 'x', 512);
    expect("too large", &tar, LPIPE_NOT_TAR, "larger than any real one");
}

static void test_sparse(void **state)
{
    (void)state;
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    unsigned char header[512];
    unsigned char map[512] = { 0 };
    tar_header(header, "sparse", 'S', 5);
    memcpy(header + 257, "ustar  ", 8);
    header[482] = 1;
    tar_sum(header);
    bytes_put(&tar, header, sizeof header);
    map[504] = 1;
    bytes_put(&tar, map, sizeof map);
    map[504] = 0;
    bytes_put(&tar, map, sizeof map);
    bytes_put(&tar, "bytes", 5);
    tar_pad(&tar);
    tar_file(&tar, "next", "body");
    tar_end(&tar);
    expect("old GNU map in three blocks", &tar, 0, NULL);

    bytes_done(&tar);
    bytes_put(&tar, header, sizeof header);
    map[504] = 1;
    for (size_t i = 0; i <= TAR_EXTENSION_BYTES_MAX / 512; i++) {
        bytes_put(&tar, map, sizeof map);
    }
    expect("endless map", &tar, LPIPE_NOT_TAR, "sparse map");
}

static void test_message_is_printable(void **state)
{
    (void)state;
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    struct lpipe_error err = { 0 };
    tar_file(&tar, "evil\x1b[31m\nname", "body");
    bytes_fill(&tar, 'x', 512);
    assert_int_equal(judge(&tar, 512, 0, &err), LPIPE_NOT_TAR);
    assert_null(strchr(err.message, '\x1b'));
    assert_null(strchr(err.message, '\n'));
    assert_non_null(strstr(err.message, "evil?"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_names_are_not_judged),
        cmocka_unit_test(test_missing_end),
        cmocka_unit_test(test_behind_the_end),
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_not_tar),
        cmocka_unit_test(test_checksum_kinds),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_bare_types),
        cmocka_unit_test(test_long_name_ends_at_its_nul),
        cmocka_unit_test(test_pax_size_counts),
        cmocka_unit_test(test_pax_records),
        cmocka_unit_test(test_extensions),
        cmocka_unit_test(test_sparse),
        cmocka_unit_test(test_rest_of_the_record),
        cmocka_unit_test(test_second_archive),
        cmocka_unit_test(test_message_is_printable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
