/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 and SHA-512 over OpenSSL's EVP. */
#include "codec/digest.h"

#include <assert.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

struct digest {
    EVP_MD_CTX *ctx;
    enum digest_alg alg;
    bool failed; /* a call of the library failed since the last reset */
};

struct alg_row {
    const char *name;
    size_t raw_size;
    const EVP_MD *(*md)(void);
};

static const struct alg_row ALGS[] = {
    [DIGEST_SHA256] = { "sha256", 32, EVP_sha256 },
    [DIGEST_SHA512] = { "sha512", 64, EVP_sha512 },
};

int digest_new(enum digest_alg alg, struct digest **ret_digest, struct lpipe_error *err)
{
    assert((size_t)alg < ARRAY_LEN(ALGS) && ret_digest != NULL);
    struct digest *digest = NEW(struct digest);
    if (digest == NULL) {
        return fail_memory(err);
    }
    digest->alg = alg;
    digest->ctx = EVP_MD_CTX_new();
    if (digest->ctx == NULL || EVP_DigestInit_ex(digest->ctx, ALGS[alg].md(), NULL) != 1) {
        digest_free(digest);
        return fail_memory(err);
    }
    *ret_digest = digest;
    return 0;
}

void digest_update(struct digest *digest, const void *data, size_t size)
{
    if (size > 0 && EVP_DigestUpdate(digest->ctx, data, size) != 1) {
        digest->failed = true;
    }
}

int digest_finish(struct digest *digest, char ret_text[DIGEST_TEXT_SIZE], struct lpipe_error *err)
{
    unsigned char raw[EVP_MAX_MD_SIZE] = { 0 };
    unsigned int size = 0;
    if (digest->failed || EVP_DigestFinal_ex(digest->ctx, raw, &size) != 1 ||
        size != ALGS[digest->alg].raw_size) {
        digest->failed = true;
        return fail(err, LPIPE_UNSUPPORTED, "the crypto library failed to compute %s",
                    ALGS[digest->alg].name);
    }
    digest->failed = true; /* until digest_reset(): a finished context must not be updated */
    digest_format(digest->alg, raw, ret_text);
    return 0;
}

void digest_reset(struct digest *digest)
{
    /* Without a type the context keeps its algorithm and its memory. */
    digest->failed = EVP_DigestInit_ex(digest->ctx, NULL, NULL) != 1;
}

struct digest *digest_free(struct digest *digest)
{
    if (digest != NULL) {
        EVP_MD_CTX_free(digest->ctx);
        free(digest);
    }
    return NULL;
}

int digest_of(enum digest_alg alg, const void *data, size_t size, char ret_text[DIGEST_TEXT_SIZE],
              struct lpipe_error *err)
{
    struct digest *digest AUTO_DIGEST = NULL;
    int status = digest_new(alg, &digest, err);
    if (status != 0) {
        return status;
    }
    digest_update(digest, data, size);
    return digest_finish(digest, ret_text, err);
}

const char *digest_alg_name(enum digest_alg alg)
{
    return ALGS[alg].name;
}

size_t digest_hex_size(enum digest_alg alg)
{
    return 2 * ALGS[alg].raw_size;
}

bool digest_parse(const char *text, size_t size, enum digest_alg *ret_alg)
{
    for (size_t i = 0; i < ARRAY_LEN(ALGS); i++) {
        size_t name_size = strlen(ALGS[i].name);
        if (size != name_size + 1 + 2 * ALGS[i].raw_size ||
            memcmp(text, ALGS[i].name, name_size) != 0 || text[name_size] != ':') {
            continue;
        }
        if (!text_is_hex_lower(text + name_size + 1, 2 * ALGS[i].raw_size)) {
            return false;
        }
        if (ret_alg != NULL) {
            *ret_alg = (enum digest_alg)i;
        }
        return true;
    }
    return false;
}

bool digest_valid(const char *text)
{
    return text != NULL && digest_parse(text, strlen(text), NULL);
}

enum digest_alg digest_alg_of(const char *text)
{
    enum digest_alg alg = DIGEST_SHA256;
    bool valid = digest_parse(text, strlen(text), &alg);
    assert(valid);
    (void)valid;
    return alg;
}

const char *digest_hex_of(const char *text)
{
    assert(digest_valid(text));
    return strchr(text, ':') + 1;
}

void digest_format(enum digest_alg alg, const unsigned char *raw, char ret_text[DIGEST_TEXT_SIZE])
{
    size_t name_size = strlen(ALGS[alg].name);
    memcpy(ret_text, ALGS[alg].name, name_size);
    ret_text[name_size] = ':';
    text_hex(ret_text + name_size + 1, raw, ALGS[alg].raw_size);
}
