/* SPDX-License-Identifier: Apache-2.0 */
/* Two digests that are updated together, in pieces of any sizes, are those that OpenSSL
 * computes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "codec/digest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first bytes are the sizes of the pieces. */
#define SIZES 8

static void check(struct digest *digest, const uint8_t *data, size_t size)
{
    struct digest *openssl AUTO_DIGEST = NULL;
    char expected[DIGEST_TEXT_SIZE];
    char found[DIGEST_TEXT_SIZE];
    if (digest_new_openssl(DIGEST_SHA256, &openssl, NULL) != 0) {
        abort();
    }
    digest_update(openssl, data, size);
    if (digest_finish(openssl, expected, NULL) != 0 || digest_finish(digest, found, NULL) != 0 ||
        strcmp(expected, found) != 0) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct digest *one AUTO_DIGEST = NULL;
    struct digest *other AUTO_DIGEST = NULL;
    if (size < SIZES || digest_new(DIGEST_SHA256, &one, NULL) != 0 ||
        digest_new(DIGEST_SHA256, &other, NULL) != 0) {
        return 0;
    }
    const uint8_t *bytes = data + SIZES;
    size_t left = size - SIZES;
    size_t done_one = 0;
    size_t done_other = 0;
    for (size_t i = 0; i < SIZES; i += 2) {
        size_t more_one = MIN_OF((size_t)data[i] * 2, left - done_one);
        size_t more_other = MIN_OF((size_t)data[i + 1] * 2, left - done_other);
        digest_update_pair(one, bytes + done_one, more_one, other, bytes + done_other, more_other);
        done_one += more_one;
        done_other += more_other;
    }
    check(one, bytes, done_one);
    check(other, bytes, done_other);
    return 0;
}
