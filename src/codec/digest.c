/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 and SHA-512 over OpenSSL's EVP; SHA-256 over sha256_stream.h where the processor has its
 * instructions, because two digests can then be computed in the time of one. In OpenSSL's FIPS mode
 * only its own code is used. */
#include "codec/digest.h"

#include <assert.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "codec/sha256_stream.h"

struct digest {
    EVP_MD_CTX *ctx;             /* NULL: the next member is used */
    struct sha256_stream stream; /* SHA-256 without OpenSSL */
    enum digest_alg alg;
    bool failed; /* finished, or a call of the library failed since the last reset */
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

static bool use_own_code(enum digest_alg alg)
{
    return alg == DIGEST_SHA256 && sha256_blocks_supported() &&
           EVP_default_properties_is_fips_enabled(NULL) == 0;
}

static EVP_MD_CTX *context_new(const struct alg_row *row)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (ctx != NULL && EVP_DigestInit_ex(ctx, row->md(), NULL) != 1) {
        EVP_MD_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

/* NULL: no memory. */
static struct digest *digest_make(enum digest_alg alg, bool openssl)
{
    assert((size_t)alg < ARRAY_LEN(ALGS));
    struct digest *digest = NEW(struct digest);
    if (digest == NULL) {
        return NULL;
    }
    digest->alg = alg;
    if (!openssl) {
        sha256_stream_init(&digest->stream);
        return digest;
    }
    digest->ctx = context_new(&ALGS[alg]);
    return digest->ctx != NULL ? digest : digest_free(digest);
}

int digest_new(enum digest_alg alg, struct digest **ret_digest, struct lpipe_error *err)
{
    struct digest *digest = digest_make(alg, !use_own_code(alg));
    if (digest == NULL) {
        return fail_memory(err);
    }
    *ret_digest = digest;
    return 0;
}

int digest_new_openssl(enum digest_alg alg, struct digest **ret_digest, struct lpipe_error *err)
{
    struct digest *digest = digest_make(alg, true);
    if (digest == NULL) {
        return fail_memory(err);
    }
    *ret_digest = digest;
    return 0;
}

void digest_update(struct digest *digest, const void *data, size_t size)
{
    if (size == 0 || digest->failed) {
        return;
    }
    if (digest->ctx == NULL) {
        sha256_stream_update(&digest->stream, data, size);
    } else if (EVP_DigestUpdate(digest->ctx, data, size) != 1) {
        digest->failed = true;
    }
}

bool digest_pair_is_faster(const struct digest *a, const struct digest *b)
{
    return a->ctx == NULL && b->ctx == NULL;
}

void digest_update_pair(struct digest *a, const void *data_a, size_t size_a, struct digest *b,
                        const void *data_b, size_t size_b)
{
    assert(a != b);
    if (digest_pair_is_faster(a, b) && !a->failed && !b->failed && size_a > 0 && size_b > 0) {
        sha256_stream_update_pair(&a->stream, data_a, size_a, &b->stream, data_b, size_b);
    } else {
        digest_update(a, data_a, size_a);
        digest_update(b, data_b, size_b);
    }
}

static bool raw_finish(struct digest *digest, unsigned char raw[EVP_MAX_MD_SIZE])
{
    unsigned int size = SHA256_RAW_BYTES;
    if (digest->failed) {
        return false;
    }
    if (digest->ctx == NULL) {
        sha256_stream_finish(&digest->stream, raw);
    } else if (EVP_DigestFinal_ex(digest->ctx, raw, &size) != 1) {
        return false;
    }
    return size == ALGS[digest->alg].raw_size;
}

int digest_finish(struct digest *digest, char ret_text[DIGEST_TEXT_SIZE], struct lpipe_error *err)
{
    unsigned char raw[EVP_MAX_MD_SIZE] = { 0 };
    bool finished = raw_finish(digest, raw);
    digest->failed = true; /* until digest_reset(): a finished digest must not be updated */
    if (!finished) {
        return fail(err, LPIPE_UNSUPPORTED, "the crypto library failed to compute %s",
                    ALGS[digest->alg].name);
    }
    digest_format(digest->alg, raw, ret_text);
    return 0;
}

int digest_snapshot(const struct digest *digest, char ret_text[DIGEST_TEXT_SIZE],
                    struct lpipe_error *err)
{
    struct digest copy = *digest;
    if (digest->ctx == NULL) {
        return digest_finish(&copy, ret_text, err);
    }
    copy.ctx = EVP_MD_CTX_new();
    int status = copy.ctx == NULL || EVP_MD_CTX_copy_ex(copy.ctx, digest->ctx) != 1
                     ? fail_memory(err)
                     : digest_finish(&copy, ret_text, err);
    EVP_MD_CTX_free(copy.ctx);
    return status;
}

void digest_reset(struct digest *digest)
{
    if (digest->ctx == NULL) {
        sha256_stream_init(&digest->stream);
        digest->failed = false;
    } else {
        /* Without a type the context keeps its algorithm and its memory. */
        digest->failed = EVP_DigestInit_ex(digest->ctx, NULL, NULL) != 1;
    }
}

int digest_export(const struct digest *digest, struct digest_state *ret_state,
                  struct lpipe_error *err)
{
    if (digest->ctx != NULL || digest->failed) {
        return fail(err, LPIPE_UNSUPPORTED, "the state of this digest cannot be read");
    }
    const struct sha256_stream *stream = &digest->stream;
    *ret_state = (struct digest_state){ .size = stream->size };
    memcpy(ret_state->words, stream->state, sizeof ret_state->words);
    memcpy(ret_state->rest, stream->rest, stream->size % sizeof ret_state->rest);
    return 0;
}

int digest_import(struct digest *digest, const struct digest_state *state, struct lpipe_error *err)
{
    if (digest->ctx != NULL) {
        return fail(err, LPIPE_UNSUPPORTED, "the state of this digest cannot be set");
    }
    digest->stream.size = state->size;
    memcpy(digest->stream.state, state->words, sizeof state->words);
    memcpy(digest->stream.rest, state->rest, sizeof state->rest);
    digest->failed = false;
    return 0;
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
    struct digest *digest AUTO_DIGEST = digest_make(alg, !use_own_code(alg));
    if (digest == NULL) {
        return fail_memory(err);
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
