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
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
