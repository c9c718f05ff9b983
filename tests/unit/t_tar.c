/* SPDX-License-Identifier: Apache-2.0 */
/* What of tar's framing is accepted and what is not, in pieces of every size. */
#include "support/tar_make.h"

#include "base/limits.h"
#include "base/macros.h"
#include "tar/tar_header.h"
#include "tar/tar_odd.h"
#include "tar/tar_scan.h"
#include "tar/tar_tops.h"

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
    bytes_dispose(&tar);
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
    bytes_dispose(&tar);
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
    bytes_dispose(&tar);
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
    bytes_dispose(&tar);
    tar_file(&tar, "a", "");
    tar_end(&tar);
    expect("octal checksum", &tar, 0, NULL);
    unsigned whole = (unsigned)strtoul((const char *)tar.data + 148, NULL, 8);
    memset(tar.data + 148, 0, 8);
    tar.data[148] = 0x80;
    tar.data[154] = (unsigned char)(whole >> 8);
    tar.data[155] = (unsigned char)whole;
    expect("base-256 checksum", &tar, LPIPE_NOT_TAR, "does not begin");
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
    bytes_dispose(&tar);
    tar_put(&tar, "././@LongLink", 'L', "old-directory/\0file", 20);
    tar_put_header(&tar, "old-directory", '\0', 512);
    tar_end(&tar);
    expect("a directory", &tar, 0, NULL);
}

/* A header holds names of up to 256 bytes, the last of which tells a directory of old tar. */
static void test_longest_name_of_a_header(void **state)
{
    (void)state;
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    unsigned char header[512];
    tar_header(header, "", '\0', 512);
    memset(header, 'n', 100);
    memset(header + 345, 'p', 155);
    header[99] = '/';
    tar_sum(header);
    bytes_put(&tar, header, sizeof header);
    tar_end(&tar);
    expect("a directory", &tar, 0, NULL);
    bytes_dispose(&tar);
    header[99] = 'n';
    header[98] = '/';
    tar_sum(header);
    bytes_put(&tar, header, sizeof header);
    bytes_fill(&tar, 'x', 512);
    tar_end(&tar);
    expect("a file", &tar, 0, NULL);
}

/* GNU's long name goes before the record of a PAX header, in whatever order they come. */
static void test_long_name_goes_before_path(void **state)
{
    (void)state;
    for (int order = 0; order < 2; order++) {
        struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
        const char *pax = "9 path=a\n";
        if (order == 0) {
            tar_put(&tar, "PaxHeaders/x", 'x', pax, strlen(pax));
        }
        tar_put(&tar, "././@LongLink", 'L', "dir/", 5);
        if (order == 1) {
            tar_put(&tar, "PaxHeaders/x", 'x', pax, strlen(pax));
        }
        tar_put_header(&tar, "file", '\0', 512);
        tar_end(&tar);
        expect("a directory", &tar, 0, NULL);
    }
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
    bytes_dispose(&tar);
    put_pax(&tar, 'x', "12 size=600\n8 size=\n");
    tar_file(&tar, "short", "body");
    tar_end(&tar);
    expect("an empty value takes it back", &tar, 0, NULL);
    bytes_dispose(&tar);
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

    bytes_dispose(&tar);
    put_pax(&tar, 'g', "9 size=4\n");
    tar_file(&tar, "a", "body");
    tar_end(&tar);
    expect("a size for all", &tar, LPIPE_NOT_TAR, "global header sets a size");

    bytes_dispose(&tar);
    put_pax(&tar, 'x', "9 size=4\n");
    put_pax(&tar, 'x', "9 path=p\n");
    tar_file(&tar, "a", "body");
    tar_end(&tar);
    expect("two, a size in the first", &tar, LPIPE_NOT_TAR, "two PAX headers");

    bytes_dispose(&tar);
    put_pax(&tar, 'x', "9 path=p\n");
    put_pax(&tar, 'g', "20 comment=from git\n");
    tar_file(&tar, "a", "body");
    tar_end(&tar);
    expect("for all within one", &tar, LPIPE_NOT_TAR, "within the headers of an entry");

    static const char alone[] = "xLKX";
    for (const char *type = alone; *type != '\0'; type++) {
        bytes_dispose(&tar);
        tar_file(&tar, "a", "body");
        put_pax(&tar, *type, "9 path=p\n");
        tar_end(&tar);
        expect("no entry behind", &tar, LPIPE_NOT_TAR, "followed by no entry");
    }
    bytes_dispose(&tar);
    tar_file(&tar, "a", "body");
    put_pax(&tar, 'g', "20 comment=from git\n");
    tar_end(&tar);
    expect("for all that does not come", &tar, 0, NULL);

    bytes_dispose(&tar);
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

    bytes_dispose(&tar);
    bytes_put(&tar, header, sizeof header);
    map[504] = 1;
    for (size_t i = 0; i <= TAR_EXTENSION_BYTES_MAX / 512; i++) {
        bytes_put(&tar, map, sizeof map);
    }
    expect("endless map", &tar, LPIPE_NOT_TAR, "sparse map");
}

/* The odd entries of an archive that is read in pieces of the given size. */
static struct tar_odd find_odd(const struct bytes *tar, size_t piece)
{
    struct tar_scan *scan = NULL;
    struct tar_odd odd;
    assert_int_equal(tar_scan_new(0, &scan, NULL), 0);
    for (size_t at = 0; at < tar->size; at += piece) {
        assert_int_equal(tar_scan_bytes(scan, tar->data + at, MIN_OF(piece, tar->size - at), NULL),
                         0);
    }
    assert_int_equal(tar_scan_end(scan, NULL), 0);
    tar_scan_odd(scan, &odd);
    tar_scan_free(scan);
    return odd;
}

/* Expects one odd entry. */
static void expect_odd(const struct bytes *tar, enum tar_odd_reason reason, const char *name,
                       const char *words)
{
    static const size_t pieces[] = { 1, 7, 511, 512, 513, SIZE_MAX };
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        struct tar_odd odd = find_odd(tar, MIN_OF(pieces[i], tar->size));
        if (odd.reason != reason || strcmp(odd.name, name) != 0 ||
            (words != NULL && strstr(odd.what, words) == NULL)) {
            fail_msg("%s \"%s\": %d, entry \"%s\": \"%s\"", name, words == NULL ? "" : words,
                     (int)odd.reason, odd.name, odd.what);
        }
        assert_int_equal(odd.count, reason == TAR_ODD_NONE ? 0 : 1);
        assert_true(reason == TAR_ODD_NONE || (odd.reasons & 1u << reason) != 0);
        assert_true(reason == TAR_ODD_NONE || strlen(odd.cure) > 0);
    }
}

static void test_odd_types(void **state)
{
    (void)state;
    for (int type = 0; type < 256; type++) {
        struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
        bool known = type == 0 || (type >= '0' && type <= '6');
        if (type != 0 && strchr("xgLKX", type) != NULL) {
            continue;
        }
        tar_put_header(&tar, "entry", (char)type, 0);
        if (type == '1' || type == '2') {
            memcpy(tar.data + 157, "target", 6);
            tar_sum(tar.data);
        }
        tar_file(&tar, "next", "body");
        tar_end(&tar);
        expect_odd(&tar, known ? TAR_ODD_NONE : TAR_ODD_TYPE, known ? "" : "entry",
                   known ? NULL : "its type is ");
    }
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    put_pax(&tar, 'X', "9 path=p\n");
    tar_file(&tar, "entry", "body");
    tar_end(&tar);
    expect_odd(&tar, TAR_ODD_TYPE, "p", "its type is X");
}

static void test_odd_fields(void **state)
{
    (void)state;
    static const struct {
        const char *field;
        size_t offset;
        const char *bytes; /* 8 of them */
        bool odd;
    } rows[] = {
        { "mode", 100, "garbage\0", true },
        { "uid", 108, "0x00001\0", true },
        { "gid", 116, "-000001\0", true },
        { "mtime", 136, "\x80\0\0\0\xff\0\0\0", true },
        { "devmajor", 329, "0000008\0", true },
        { "devminor", 337, "1 1\0\0\0\0\0", true },
        { "mode", 100, "\0\0 644 \0", false },
        { "uid", 108, "\xff\xff\xff\xff\xff\xff\xff\xff", false },
        { "gid", 116, "        ", false },
        { "uid", 108, "17\0junk\0", false },
        { "mtime", 136, "\xff\xff\xff\xff\xff\0\0\0", false },
        { "devmajor", 329, "\0\0\0\0\0\0\0", false },
        { "uname", 265, "garbage", false },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
        unsigned char header[512];
        tar_header(header, "entry", '0', 0);
        memcpy(header + rows[i].offset, rows[i].bytes, 8);
        tar_sum(header);
        bytes_put(&tar, header, sizeof header);
        tar_end(&tar);
        expect_odd(&tar, rows[i].odd ? TAR_ODD_FIELD : TAR_ODD_NONE, rows[i].odd ? "entry" : "",
                   rows[i].odd ? rows[i].field : NULL);
    }
}

/* Where devices' numbers and star's times are fields at all is for the magic to say. */
static void test_odd_fields_of_formats(void **state)
{
    (void)state;
    static const struct {
        const char *magic; /* 8 bytes */
        const char *trailer;
        enum tar_odd_reason device;
        enum tar_odd_reason time;
    } rows[] = {
        { "ustar\00000", "", TAR_ODD_FIELD, TAR_ODD_NONE },
        { "ustar\0xy", "tar", TAR_ODD_FIELD, TAR_ODD_FIELD },
        { "ustar  \0", "tar", TAR_ODD_FIELD, TAR_ODD_NONE },
        { "ustar 00", "tar", TAR_ODD_NONE, TAR_ODD_NONE },
        { "\0\0\0\0\0\0\0\0", "tar", TAR_ODD_NONE, TAR_ODD_NONE },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        static const size_t offsets[] = { 329, 337, 476, 488 };
        for (size_t j = 0; j < ARRAY_LEN(offsets); j++) {
            struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
            unsigned char header[512];
            tar_header(header, "entry", '0', 0);
            memcpy(header + 257, rows[i].magic, 8);
            memcpy(header + 508, rows[i].trailer, strlen(rows[i].trailer));
            memcpy(header + offsets[j], "garbage", 7);
            tar_sum(header);
            bytes_put(&tar, header, sizeof header);
            tar_end(&tar);
            enum tar_odd_reason reason = j < 2 ? rows[i].device : rows[i].time;
            expect_odd(&tar, reason, reason == TAR_ODD_NONE ? "" : "entry", NULL);
        }
    }
}

static void put_record(struct bytes *tar, char type, const char *key, const void *value,
                       size_t size)
{
    struct bytes record AUTO_BYTES = { NULL, 0, 0 };
    char text[400];
    size_t digits = 1;
    size_t whole = 0;
    do {
        whole = digits + 3 + strlen(key) + size;
        snprintf(text, sizeof text, "%zu", whole);
    } while (strlen(text) != digits++);
    snprintf(text, sizeof text, "%zu %s=", whole, key);
    bytes_put(&record, text, strlen(text));
    bytes_put(&record, value, size);
    bytes_put(&record, "\n", 1);
    tar_put(tar, "PaxHeaders/x", type, record.data, record.size);
}

static void test_odd_records(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        const char *value;
        size_t size;
        enum tar_odd_reason reason;
        bool for_all; /* odd in a global header too */
    } rows[] = {
        { "uid", "1000", 4, TAR_ODD_NONE, false },
        { "uid", "-1", 2, TAR_ODD_NONE, false },
        { "uid", "+1", 2, TAR_ODD_NONE, false },
        { "uid", "", 0, TAR_ODD_NONE, false },
        { "uid", "root", 4, TAR_ODD_RECORD, false },
        { "gid", "0x10", 4, TAR_ODD_RECORD, false },
        { "gid", "9223372036854775807", 19, TAR_ODD_NONE, false },
        { "gid", "9223372036854775808", 19, TAR_ODD_RECORD, false },
        { "gid", "-9223372036854775808", 20, TAR_ODD_NONE, false },
        { "gid", "-9223372036854775809", 20, TAR_ODD_RECORD, false },
        { "gid", "18446744073709551616", 20, TAR_ODD_RECORD, false },
        { "mtime", "1.5", 3, TAR_ODD_NONE, false },
        { "mtime", "-1.0123456789", 13, TAR_ODD_NONE, false },
        { "mtime", "1.", 2, TAR_ODD_NONE, false },
        { "mtime", ".5", 2, TAR_ODD_RECORD, false },
        { "mtime", "1.x", 3, TAR_ODD_RECORD, false },
        { "mtime", "1.5.5", 5, TAR_ODD_RECORD, false },
        { "atime", " 1", 2, TAR_ODD_RECORD, false },
        { "ctime", "1 ", 2, TAR_ODD_RECORD, false },
        { "linkpath", "a\0b", 3, TAR_ODD_RECORD, true },
        { "uname", "a\0b", 3, TAR_ODD_RECORD, true },
        { "gname", "\0", 1, TAR_ODD_RECORD, true },
        { "comment", "\0", 1, TAR_ODD_NONE, false },
        { "mtimes", "x", 1, TAR_ODD_NONE, false },
        { "SCHILY.xattr.user.x", "\0", 1, TAR_ODD_NONE, false },
        { "SCHILY.xattr.", "x", 1, TAR_ODD_XATTR, false },
        { "SCHILY.xattr", "x", 1, TAR_ODD_NONE, false },
        { "GNU.sparse.numbytes", "1", 1, TAR_ODD_SPARSE, true },
        { "GNU.sparse.offset", "1,2", 3, TAR_ODD_SPARSE, true },
        { "GNU.sparse.map", "0,4", 3, TAR_ODD_SPARSE, false },
        { "GNU.sparse.numblocks", "x", 1, TAR_ODD_NONE, false },
        { "GNU.sparse.major", "7", 1, TAR_ODD_NONE, false },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
        put_record(&tar, 'x', rows[i].key, rows[i].value, rows[i].size);
        tar_file(&tar, "entry", "body");
        tar_end(&tar);
        expect_odd(&tar, rows[i].reason, rows[i].reason == TAR_ODD_NONE ? "" : "entry", NULL);
        bytes_dispose(&tar);
        put_record(&tar, 'g', rows[i].key, rows[i].value, rows[i].size);
        tar_file(&tar, "entry", "body");
        tar_end(&tar);
        expect_odd(&tar, rows[i].for_all ? rows[i].reason : TAR_ODD_NONE,
                   rows[i].for_all ? "PaxHeaders/x" : "", NULL);
    }
}

static void test_last_record_counts(void **state)
{
    (void)state;
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    put_pax(&tar, 'x', "9 uid=xx\n8 uid=5\n");
    tar_file(&tar, "entry", "body");
    tar_end(&tar);
    expect_odd(&tar, TAR_ODD_NONE, "", NULL);
    bytes_dispose(&tar);
    put_pax(&tar, 'x', "8 uid=5\n9 uid=xx\n");
    tar_file(&tar, "entry", "body");
    tar_end(&tar);
    expect_odd(&tar, TAR_ODD_RECORD, "entry", "uid");
    bytes_dispose(&tar);
    put_pax(&tar, 'x', "9 uid=xx\n");
    put_pax(&tar, 'x', "8 gid=5\n");
    tar_file(&tar, "entry", "body");
    tar_end(&tar);
    expect_odd(&tar, TAR_ODD_NONE, "", NULL);
}

static void test_odd_attributes(void **state)
{
    (void)state;
    struct bytes value AUTO_BYTES = { NULL, 0, 0 };
    char key[300] = "SCHILY.xattr.";
    bytes_fill(&value, 'v', TAR_XATTR_VALUE_BYTES_MAX + 1);
    memset(key + 13, 'n', TAR_XATTR_NAME_BYTES_MAX + 1);
    for (size_t more = 0; more < 2; more++) {
        struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
        key[13 + TAR_XATTR_NAME_BYTES_MAX + more] = more == 0 ? '\0' : 'n';
        put_record(&tar, 'x', key, "v", 1);
        tar_file(&tar, "entry", "body");
        tar_end(&tar);
        expect_odd(&tar, more == 0 ? TAR_ODD_NONE : TAR_ODD_XATTR, more == 0 ? "" : "entry", NULL);
        bytes_dispose(&tar);
        put_record(&tar, 'x', "SCHILY.xattr.user.x", value.data, TAR_XATTR_VALUE_BYTES_MAX + more);
        tar_file(&tar, "entry", "body");
        tar_end(&tar);
        expect_odd(&tar, more == 0 ? TAR_ODD_NONE : TAR_ODD_XATTR, more == 0 ? "" : "entry", NULL);
        key[13 + TAR_XATTR_NAME_BYTES_MAX] = 'n';
    }
}

static void test_odd_sparse_in_records(void **state)
{
    (void)state;
    static const struct {
        const char *blocks;
        const char *map;
        const char *size;
        bool odd;
    } rows[] = {
        { "1", "0,4", "4", false },     { "1", "4,4", "8", false },
        { "2", "0,2,2,2", "4", false }, { "2", "0,4,4,0", "4", false },
        { "1", "4,4", "7", true },      { "2", "0,4", "8", true },
        { "1", "0,4,4", "8", true },    { "2", "2,2,0,2", "4", true },
        { "1", "0,3", "4", true },      { "1", "0,5", "5", true },
        { "1", "-1,4", "4", true },     { "2", "0,5,4,-1", "9", true },
        { "1", "0,4", "-4", true },     { "1", "0,4", "x", true },
        { "x", "0,4", "4", true },      { "1", "0,x", "4", true },
        { "1", "0, 4", "4", true },     { "1", "9223372036854775807,4", "4", true },
        { "-1", "", "4", false },       { "", "0,4", "4", true },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
        char text[300];
        char record[3][80];
        const char *const keys[] = { "GNU.sparse.numblocks", "GNU.sparse.map", "GNU.sparse.size" };
        const char *const values[] = { rows[i].blocks, rows[i].map, rows[i].size };
        for (size_t j = 0; j < 3; j++) { /* all are of two digits */
            snprintf(record[j], sizeof record[j], "%zu %s=%s\n",
                     strlen(keys[j]) + strlen(values[j]) + 5, keys[j], values[j]);
        }
        snprintf(text, sizeof text, "%s%s%s", record[0], record[1], record[2]);
        put_pax(&tar, 'x', text);
        tar_file(&tar, "entry", "body");
        tar_end(&tar);
        expect_odd(&tar, rows[i].odd ? TAR_ODD_SPARSE : TAR_ODD_NONE, rows[i].odd ? "entry" : "",
                   NULL);
    }
}

static void test_odd_sparse_in_data(void **state)
{
    (void)state;
    static const struct {
        const char *map;
        size_t stored;
        bool odd;
    } rows[] = {
        { "1\n0\n4\n", 4, false },
        { "0\n", 0, false },
        { "2\n0\n4\n10\n4\n", 8, false },
        { "1\n0\n4\n", 5, true },
        { "1\n0\n4\n", 3, true },
        { "1\n20\n4\n", 4, true },
        { "x\n", 0, true },
        { "-1\n", 0, true },
        { "1\n0\n", 0, true },
        { "", 0, true },
        { "1\n0\nx\n", 4, true },
        { "2\n4\n4\n0\n4\n", 8, true },
        { "4611686018427387904\n", 0, true },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
        put_pax(&tar, 'x',
                "22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n26 GNU.sparse.realsize=20\n"
                "24 GNU.sparse.name=real\n");
        tar_put_header(&tar, "entry", '0', 512 + rows[i].stored);
        bytes_put(&tar, rows[i].map, strlen(rows[i].map));
        tar_pad(&tar);
        bytes_fill(&tar, 0, rows[i].map[0] == '\0' ? 512 : 0);
        bytes_fill(&tar, 'x', rows[i].stored);
        tar_pad(&tar);
        tar_file(&tar, "next", "body");
        tar_end(&tar);
        expect_odd(&tar, rows[i].odd ? TAR_ODD_SPARSE : TAR_ODD_NONE, rows[i].odd ? "real" : "",
                   NULL);
    }
}

static void test_odd_devices(void **state)
{
    (void)state;
    static const char types[] = "03456";
    for (const char *type = types; *type != '\0'; type++) {
        for (size_t offset = 329; offset <= 337; offset += 8) {
            for (int bits = 32; bits <= 33; bits++) {
                struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
                unsigned char header[512];
                bool odd = bits == 33 && *type != '0' && *type != '5';
                tar_header(header, "entry", *type, 0);
                memset(header + offset, bits == 33 ? 0xff : 0, 8);
                header[offset] = bits == 33 ? 0xff : 0x80;
                memset(header + offset + 4, 0xff, 4);
                tar_sum(header);
                bytes_put(&tar, header, sizeof header);
                tar_end(&tar);
                expect_odd(&tar, odd ? TAR_ODD_DEVICE : TAR_ODD_NONE, odd ? "entry" : "", NULL);
            }
        }
    }
}

static void test_odd_paths(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        const char *words; /* NULL: not odd */
    } rows[] = {
        { "a", NULL },
        { "./a", NULL },
        { "./", NULL },
        { "/", NULL },
        { "/abs", NULL },
        { "/../a", NULL },
        { "a/../b", NULL },
        { "a//../b", NULL },
        { "..a/...", NULL },
        { "..", "leads out" },
        { "../a", "leads out" },
        { "a/../..", "leads out" },
        { "a/./../../a/b", "leads out" },
        { "a/..//..//b", "leads out" },
        { ".wh.a", NULL },
        { "a/.wh..wh..opq", NULL },
        { ".wh./a", NULL },
        { "a.wh.", NULL },
        { ".wh.", "deletion mark" },
        { "a/.wh..", "deletion mark" },
        { "a/.wh...", "deletion mark" },
        { "a/.wh.//", "deletion mark" },
        { "a/.wh./.", "deletion mark" },
        { "a/.wh.//..", NULL },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
        bool odd = rows[i].words != NULL;
        tar_file(&tar, rows[i].path, "");
        tar_end(&tar);
        expect_odd(&tar, odd ? TAR_ODD_PATH : TAR_ODD_NONE, odd ? rows[i].path : "", rows[i].words);
        bytes_dispose(&tar);
        put_record(&tar, 'x', "path", rows[i].path, strlen(rows[i].path));
        tar_file(&tar, "..", "");
        tar_end(&tar);
        expect_odd(&tar, odd ? TAR_ODD_PATH : TAR_ODD_NONE, odd ? rows[i].path : "", rows[i].words);
        bytes_dispose(&tar);
        tar_put(&tar, "././@LongLink", 'L', rows[i].path, strlen(rows[i].path));
        tar_file(&tar, "..", "");
        tar_end(&tar);
        expect_odd(&tar, odd ? TAR_ODD_PATH : TAR_ODD_NONE, odd ? rows[i].path : "", rows[i].words);
    }
}

/* Fills a path with parts of the given size. */
static void long_path(char *path, size_t part, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        path[i] = i % (part + 1) == part ? '/' : 'n';
    }
    path[size] = '\0';
}

static void test_odd_lengths(void **state)
{
    (void)state;
    static const struct {
        size_t part;
        size_t size;
        bool path_odd;
        bool target_odd;
    } rows[] = {
        { 255, 255, false, false }, { 255, 300, false, false },  { 256, 256, true, false },
        { 256, 300, true, false },  { 100, 4095, false, false }, { 100, 4096, true, true },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
        char path[5000];
        long_path(path, rows[i].part, rows[i].size);
        tar_put(&tar, "././@LongLink", 'L', path, strlen(path));
        tar_file(&tar, "a", "");
        tar_end(&tar);
        assert_int_equal(find_odd(&tar, 100).reason,
                         rows[i].path_odd ? TAR_ODD_PATH : TAR_ODD_NONE);
        bytes_dispose(&tar);
        tar_put(&tar, "././@LongLink", 'K', path, strlen(path));
        tar_put_header(&tar, "a", '2', 0);
        tar_end(&tar);
        assert_int_equal(find_odd(&tar, 100).reason,
                         rows[i].target_odd ? TAR_ODD_LINK : TAR_ODD_NONE);
        bytes_dispose(&tar);
        put_record(&tar, 'x', "linkpath", path, strlen(path));
        tar_put_header(&tar, "a", '1', 0);
        tar_end(&tar);
        assert_int_equal(find_odd(&tar, 100).reason,
                         rows[i].path_odd ? TAR_ODD_LINK : TAR_ODD_NONE);
    }
}

static void test_odd_links(void **state)
{
    (void)state;
    static const struct {
        char type;
        const char *target;
        bool odd;
    } rows[] = {
        { '1', "a/b", false },     { '1', "/a", false }, { '1', "", true },
        { '1', ".", true },        { '1', "/", true },   { '1', "../a", true },
        { '1', "/../a", true },    { '2', "", true },    { '2', "../../a", false },
        { '2', "/etc/..", false }, { '0', "", false },   { '0', "../a", false },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
        unsigned char header[512];
        tar_header(header, "link", rows[i].type, 0);
        memcpy(header + 157, rows[i].target, strlen(rows[i].target));
        tar_sum(header);
        bytes_put(&tar, header, sizeof header);
        tar_end(&tar);
        expect_odd(&tar, rows[i].odd ? TAR_ODD_LINK : TAR_ODD_NONE, rows[i].odd ? "link" : "",
                   rows[i].odd ? "its target " : NULL);
    }
}

/* An entry counts once; the first one is kept, with the header at fault. */
static void test_odd_entries_are_counted(void **state)
{
    (void)state;
    struct bytes tar AUTO_BYTES = { NULL, 0, 0 };
    tar_file(&tar, "good", "body");
    size_t first = tar.size;
    put_pax(&tar, 'x', "9 uid=xx\n");
    size_t entry = tar.size;
    tar_put(&tar, "../odd\x1b[31m", 'V', NULL, 0);
    tar_put(&tar, "odd too", 'S', NULL, 0);
    tar_file(&tar, "good", "body");
    tar_file(&tar, "../odd", "body");
    tar_end(&tar);
    struct tar_odd odd = find_odd(&tar, 512);
    assert_int_equal(odd.count, 3);
    assert_int_equal(odd.reason, TAR_ODD_TYPE);
    assert_string_equal(odd.name, "../odd?[31m");
    assert_int_equal(odd.offset, entry);
    assert_int_equal(odd.reasons, 1u << TAR_ODD_TYPE | 1u << TAR_ODD_PATH | 1u << TAR_ODD_RECORD);
    /* Of an entry's extension header: the name is still the entry's. */
    tar.data[first + 100] = 'x';
    tar_sum(tar.data + first);
    odd = find_odd(&tar, 512);
    assert_int_equal(odd.count, 3);
    assert_int_equal(odd.reason, TAR_ODD_FIELD);
    assert_string_equal(odd.name, "../odd?[31m");
    assert_int_equal(odd.offset, first);
}

static void add_top(struct tar_tops *tops, const char *path, char type)
{
    struct tar_text name = { .size = strlen(path) };
    memcpy(name.bytes, path, name.size);
    tar_tops_add(tops, &name, type, type == '5');
}

static void test_tops(void **state)
{
    struct tar_tops tops = { { 0 }, { 0 }, { 0 } };
    (void)state;
    add_top(&tops, "./", '5');
    add_top(&tops, "./bin/", '5');
    add_top(&tops, "//var/run/", '5');
    add_top(&tops, "var/lib/dpkg/", '5');
    add_top(&tops, "a-name-of-twenty-eight-bytes/", '5');
    add_top(&tops, "bin", '5');
    add_top(&tops, "./lib64", '2');
    add_top(&tops, "file", '0');
    add_top(&tops, ".wh.lib", '0');
    add_top(&tops, "./var/.wh.lock", '0');
    add_top(&tops, "var/.wh..wh..opq", '0');
    assert_int_equal(tops.directories.count, 2);
    assert_true(tar_top_has(&tops.directories, "bin"));
    assert_true(tar_top_has(&tops.directories, "var/run"));
    assert_int_equal(tops.links.count, 1);
    assert_true(tar_top_has(&tops.links, "lib64"));
    assert_int_equal(tops.whiteouts.count, 2);
    assert_true(tar_top_has(&tops.whiteouts, "lib"));
    assert_true(tar_top_has(&tops.whiteouts, "var/lock"));
    for (int i = 0; i < 2 * TAR_TOPS_MAX; i++) {
        char path[16];
        (void)snprintf(path, sizeof path, "l%d", i);
        add_top(&tops, path, '2');
    }
    assert_int_equal(tops.links.count, TAR_TOPS_MAX);
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
        cmocka_unit_test(test_longest_name_of_a_header),
        cmocka_unit_test(test_long_name_goes_before_path),
        cmocka_unit_test(test_odd_types),
        cmocka_unit_test(test_odd_fields),
        cmocka_unit_test(test_odd_fields_of_formats),
        cmocka_unit_test(test_odd_records),
        cmocka_unit_test(test_last_record_counts),
        cmocka_unit_test(test_odd_attributes),
        cmocka_unit_test(test_odd_sparse_in_records),
        cmocka_unit_test(test_odd_sparse_in_data),
        cmocka_unit_test(test_odd_devices),
        cmocka_unit_test(test_odd_paths),
        cmocka_unit_test(test_odd_lengths),
        cmocka_unit_test(test_odd_links),
        cmocka_unit_test(test_odd_entries_are_counted),
        cmocka_unit_test(test_tops),
        cmocka_unit_test(test_message_is_printable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
