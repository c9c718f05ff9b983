/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/digest.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

struct digest {
    EVP_MD_CTX *context;
    enum digest_kind kind;
    bool failed; /* an update failed: the sum would be wrong */
};

static const struct {
    const char *prefix;
    size_t hex_size;
} kinds[] = {
    [DIGEST_SHA256] = { "sha256:", 64 },
    [DIGEST_SHA512] = { "sha512:", 128 },
};

static bool kind_of(const char *text, enum digest_kind *ret_kind)
{
    for (size_t i = 0; text != NULL && i < ARRAY_LEN(kinds); i++) {
        size_t prefix = strlen(kinds[i].prefix);
        if (text_starts(text, kinds[i].prefix)) {
            *ret_kind = (enum digest_kind)i;
            return strlen(text) == prefix + kinds[i].hex_size &&
                   text_is_hex_lower(text + prefix, kinds[i].hex_size);
        }
    }
    return false;
}

bool digest_valid(const char *text)
{
    enum digest_kind kind;
    return kind_of(text, &kind);
}

static int fail_crypto(struct lpipe_error *err)
{
    return fail(err, LPIPE_NO_RESOURCES, "the cryptographic library refuses to compute a digest");
}

int digest_new(enum digest_kind kind, struct digest **ret_digest, struct lpipe_error *err)
{
    AUTO_FREE struct digest *digest = NEW(struct digest);
    EVP_MD_CTX *context = digest == NULL ? NULL : EVP_MD_CTX_new();
    if (context == NULL) {
        return fail_memory(err);
    }
    if (EVP_DigestInit_ex(context, kind == DIGEST_SHA512 ? EVP_sha512() : EVP_sha256(), NULL) !=
        1) {
        EVP_MD_CTX_free(context);
        return fail_crypto(err);
    }
    digest->context = context;
    digest->kind = kind;
    *ret_digest = TAKE(digest);
    return 0;
}

int digest_new_like(const char *text, struct digest **ret_digest, struct lpipe_error *err)
{
    enum digest_kind kind;
    if (!kind_of(text, &kind)) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "not a digest of a known kind");
    }
    return digest_new(kind, ret_digest, err);
}

void digest_update(struct digest *digest, const void *data, size_t size)
{
    if (EVP_DigestUpdate(digest->context, data, size) != 1) {
        digest->failed = true;
    }
}

int digest_finish(const struct digest *digest, char ret_text[DIGEST_TEXT_SIZE],
                  struct lpipe_error *err)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_MD_CTX *copy = EVP_MD_CTX_new();
    if (copy == NULL) {
        return fail_memory(err);
    }
    bool good = !digest->failed && EVP_MD_CTX_copy_ex(copy, digest->context) == 1 &&
                EVP_DigestFinal_ex(copy, sum, &size) == 1;
    EVP_MD_CTX_free(copy);
    if (!good) {
        return fail_crypto(err);
    }
    size_t prefix = strlen(kinds[digest->kind].prefix);
    memcpy(ret_text, kinds[digest->kind].prefix, prefix);
    text_hex(ret_text + prefix, sum, size);
    return 0;
}

struct digest *digest_free(struct digest *digest)
{
    if (digest != NULL) {
        EVP_MD_CTX_free(digest->context);
        free(digest);
    }
    return NULL;
}

static int digest_of_kind(enum digest_kind kind, const void *data, size_t size,
                          char ret_text[DIGEST_TEXT_SIZE], struct lpipe_error *err)
{
    struct digest *digest = NULL;
    int status = digest_new(kind, &digest, err);
    if (status == 0) {
        digest_update(digest, data, size);
        status = digest_finish(digest, ret_text, err);
    }
    digest_free(digest);
    return status;
}

int digest_of(const void *data, size_t size, char ret_text[DIGEST_TEXT_SIZE],
              struct lpipe_error *err)
{
    return digest_of_kind(DIGEST_SHA256, data, size, ret_text, err);
}

bool digest_matches(const char *text, const void *data, size_t size)
{
    enum digest_kind kind;
    char sum[DIGEST_TEXT_SIZE];
    return kind_of(text, &kind) && digest_of_kind(kind, data, size, sum, NULL) == 0 &&
           strcmp(sum, text) == 0;
}
