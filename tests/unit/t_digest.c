/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "base/macros.h"
#include "codec/digest.h"

#define SHA256_ABC "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define SHA256_NOTHING "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SHA512_ABC                                                                                 \
    "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"                      \
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"

static void test_known_values(void **state)
{
    (void)state;
    char text[DIGEST_TEXT_SIZE];
    assert_int_equal(digest_of(DIGEST_SHA256, "abc", 3, text, NULL), 0);
    assert_string_equal(text, SHA256_ABC);
    assert_int_equal(digest_of(DIGEST_SHA512, "abc", 3, text, NULL), 0);
    assert_string_equal(text, SHA512_ABC);
    assert_int_equal(digest_of(DIGEST_SHA256, NULL, 0, text, NULL), 0);
    assert_string_equal(text, SHA256_NOTHING);
}

static void test_pieces_and_reset(void **state)
{
    (void)state;
    struct digest *digest AUTO_DIGEST = NULL;
    struct lpipe_error err = { 0 };
    char text[DIGEST_TEXT_SIZE];
    assert_int_equal(digest_new(DIGEST_SHA256, &digest, NULL), 0);
    for (int round = 0; round < 2; round++) {
        digest_update(digest, "a", 1);
        digest_update(digest, NULL, 0);
        digest_update(digest, "bc", 2);
        assert_int_equal(digest_finish(digest, text, NULL), 0);
        assert_string_equal(text, SHA256_ABC);
        assert_int_equal(digest_finish(digest, text, &err), LPIPE_UNSUPPORTED);
        digest_reset(digest);
    }
    assert_null(digest_free(NULL));
}

/* Bytes without a pattern of 64. */
static void bytes_make(unsigned char *bytes, size_t size)
{
    uint32_t value = 1;
    for (size_t i = 0; i < size; i++) {
        value = value * 1664525u + 1013904223u;
        bytes[i] = (unsigned char)(value >> 24);
    }
}

static void openssl_digest_of(const unsigned char *data, size_t size,
                              char ret_text[DIGEST_TEXT_SIZE])
{
    struct digest *digest AUTO_DIGEST = NULL;
    assert_int_equal(digest_new_openssl(DIGEST_SHA256, &digest, NULL), 0);
    digest_update(digest, data, size);
    assert_int_equal(digest_finish(digest, ret_text, NULL), 0);
}

static void assert_finishes(struct digest *digest, const char *expected)
{
    char text[DIGEST_TEXT_SIZE];
    assert_int_equal(digest_finish(digest, text, NULL), 0);
    assert_string_equal(text, expected);
}

#define LENGTH_MAX 300
#define OFFSET_MAX 17

static void update_in_chunks(struct digest *one, struct digest *other, const unsigned char *data,
                             size_t size, size_t chunk_size)
{
    for (size_t done = 0; done < size; done += chunk_size) {
        size_t chunk = MIN_OF(chunk_size, size - done);
        digest_update_pair(one, data + done, chunk, other, data + done, chunk);
    }
}

/* Every length at every offset, in chunks of every kind, alone and as half of a pair. */
static void test_same_as_openssl(void **state)
{
    (void)state;
    static const size_t chunks[] = { 1, 7, 55, 56, 63, 64, 65, 128, LENGTH_MAX };
    unsigned char bytes[LENGTH_MAX + OFFSET_MAX];
    char expected[DIGEST_TEXT_SIZE];
    struct digest *one AUTO_DIGEST = NULL;
    struct digest *other AUTO_DIGEST = NULL;
    bytes_make(bytes, sizeof bytes);
    assert_int_equal(digest_new(DIGEST_SHA256, &one, NULL), 0);
    assert_int_equal(digest_new(DIGEST_SHA256, &other, NULL), 0);
    for (size_t size = 0; size <= LENGTH_MAX; size++) {
        for (size_t offset = 0; offset < OFFSET_MAX; offset++) {
            openssl_digest_of(bytes + offset, size, expected);
            for (size_t i = 0; i < ARRAY_LEN(chunks); i++) {
                digest_reset(one);
                digest_reset(other);
                update_in_chunks(one, other, bytes + offset, size, chunks[i]);
                assert_finishes(one, expected);
                assert_finishes(other, expected);
            }
        }
    }
}

/* Pairs of different lengths, which begin inside a block. */
static void test_pair_of_different_lengths(void **state)
{
    (void)state;
    unsigned char bytes[LENGTH_MAX + OFFSET_MAX];
    char expected[LENGTH_MAX + 1][DIGEST_TEXT_SIZE];
    struct digest *one AUTO_DIGEST = NULL;
    struct digest *other AUTO_DIGEST = NULL;
    bytes_make(bytes, sizeof bytes);
    assert_int_equal(digest_new(DIGEST_SHA256, &one, NULL), 0);
    assert_int_equal(digest_new(DIGEST_SHA256, &other, NULL), 0);
    for (size_t size = 0; size <= LENGTH_MAX; size++) {
        openssl_digest_of(bytes, size, expected[size]);
    }
    for (size_t size = 0; size <= LENGTH_MAX; size++) {
        for (size_t size_other = 0; size_other <= LENGTH_MAX; size_other += 13) {
            size_t begin = MIN_OF(size, size_other) / 3;
            digest_reset(one);
            digest_reset(other);
            digest_update(one, bytes, begin);
            digest_update_pair(one, bytes + begin, size - begin, other, bytes, size_other);
            assert_finishes(one, expected[size]);
            assert_finishes(other, expected[size_other]);
        }
    }
}

/* Either of a pair may be computed by OpenSSL, or be another algorithm. */
static void test_pair_of_different_kinds(void **state)
{
    (void)state;
    struct digest *fast AUTO_DIGEST = NULL;
    struct digest *openssl AUTO_DIGEST = NULL;
    struct digest *sha512 AUTO_DIGEST = NULL;
    assert_int_equal(digest_new(DIGEST_SHA256, &fast, NULL), 0);
    assert_int_equal(digest_new_openssl(DIGEST_SHA256, &openssl, NULL), 0);
    assert_int_equal(digest_new(DIGEST_SHA512, &sha512, NULL), 0);
    assert_false(digest_pair_is_faster(fast, openssl));
    assert_false(digest_pair_is_faster(sha512, fast));
    digest_update_pair(fast, "ab", 2, openssl, "a", 1);
    digest_update_pair(openssl, "bc", 2, sha512, "abc", 3);
    digest_update_pair(sha512, NULL, 0, fast, "c", 1);
    assert_finishes(fast, SHA256_ABC);
    assert_finishes(openssl, SHA256_ABC);
    assert_finishes(sha512, SHA512_ABC);
}

static void test_state_is_moved(void **state)
{
    (void)state;
    unsigned char bytes[LENGTH_MAX];
    char expected[DIGEST_TEXT_SIZE];
    struct digest_state middle;
    struct digest *one AUTO_DIGEST = NULL;
    struct digest *other AUTO_DIGEST = NULL;
    bytes_make(bytes, sizeof bytes);
    openssl_digest_of(bytes, sizeof bytes, expected);
    assert_int_equal(digest_new(DIGEST_SHA256, &one, NULL), 0);
    assert_int_equal(digest_new(DIGEST_SHA256, &other, NULL), 0);
    if (!digest_pair_is_faster(one, other)) {
        assert_int_equal(digest_export(one, &middle, NULL), LPIPE_UNSUPPORTED);
        skip();
    }
    for (size_t size = 0; size <= sizeof bytes; size++) {
        digest_reset(one);
        digest_update(one, bytes, size);
        assert_int_equal(digest_export(one, &middle, NULL), 0);
        assert_int_equal(middle.size, size);
        assert_int_equal(digest_import(other, &middle, NULL), 0);
        digest_update(other, bytes + size, sizeof bytes - size);
        assert_finishes(other, expected);
    }
    assert_int_equal(digest_export(other, &middle, NULL), LPIPE_UNSUPPORTED);
}

static void test_state_of_openssl_is_not_moved(void **state)
{
    (void)state;
    struct digest_state middle = { .size = 0 };
    struct digest *openssl AUTO_DIGEST = NULL;
    assert_int_equal(digest_new_openssl(DIGEST_SHA256, &openssl, NULL), 0);
    assert_int_equal(digest_export(openssl, &middle, NULL), LPIPE_UNSUPPORTED);
    assert_int_equal(digest_import(openssl, &middle, NULL), LPIPE_UNSUPPORTED);
}

static void test_text(void **state)
{
    (void)state;
    enum digest_alg alg = DIGEST_SHA256;
    static const char *const bad[] = {
        "",
        "sha256",
        "sha256:",
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a",
        (SHA256_ABC "0"),
        "sha256:BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "SHA256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "sha256-ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "sha512:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "sha384:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "sha256:../../../../etc/passwd5dae2223b00361a396177a9cb410ff61f20015adx",
        (" " SHA256_ABC),
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(digest_valid(bad[i]));
    }
    assert_false(digest_valid(NULL));
    assert_true(digest_valid(SHA256_ABC));
    assert_true(digest_parse(SHA512_ABC, strlen(SHA512_ABC), &alg));
    assert_int_equal(alg, DIGEST_SHA512);
    assert_true(digest_parse(SHA256_ABC "rest", strlen(SHA256_ABC), NULL));
    assert_int_equal(digest_alg_of(SHA512_ABC), DIGEST_SHA512);
    assert_string_equal(digest_hex_of(SHA256_ABC), &SHA256_ABC[7]);
    assert_string_equal(digest_alg_name(DIGEST_SHA512), "sha512");
    assert_int_equal(digest_hex_size(DIGEST_SHA512), 128);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_values),
        cmocka_unit_test(test_pieces_and_reset),
        cmocka_unit_test(test_same_as_openssl),
        cmocka_unit_test(test_pair_of_different_lengths),
        cmocka_unit_test(test_pair_of_different_kinds),
        cmocka_unit_test(test_state_is_moved),
        cmocka_unit_test(test_state_of_openssl_is_not_moved),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
