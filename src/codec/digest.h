/* SPDX-License-Identifier: Apache-2.0 */
/* Digests: SHA-256 and SHA-512 computed incrementally, and their text form "alg:hex".
 *
 * Everything that can fail for lack of memory fails in digest_new(); updating and finishing a
 * digest allocate nothing. A digest belongs to one thread at a time. Every folder may use this
 * file; no other file uses the crypto library. */
#ifndef CODEC_DIGEST_H
#define CODEC_DIGEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fail.h"

/* "sha512:" + 128 hex digits + NUL fits. */
#define DIGEST_TEXT_SIZE 144
#define DIGEST_RAW_BYTES_MAX 64

enum digest_alg { DIGEST_SHA256 = 0, DIGEST_SHA512 = 1 };

struct digest;

/* 0 or NO_MEMORY. */
MUST_CHECK int digest_new(enum digest_alg alg, struct digest **ret_digest, struct lpipe_error *err);
/* The same, but OpenSSL computes it also where other code is faster: for comparisons. */
MUST_CHECK int digest_new_openssl(enum digest_alg alg, struct digest **ret_digest,
                                  struct lpipe_error *err);
/* A failure of the crypto library is remembered and reported by digest_finish(). */
void digest_update(struct digest *digest, const void *data, size_t size);
/* Updates two different digests. Where digest_pair_is_faster(), this takes less time than one after
 * the other; on some processors no more than the longer of the two. */
void digest_update_pair(struct digest *a, const void *data_a, size_t size_a, struct digest *b,
                        const void *data_b, size_t size_b);
bool digest_pair_is_faster(const struct digest *a, const struct digest *b);
/* Writes "alg:hex" of all bytes so far. The digest then needs digest_reset() before more bytes. 0,
 * or UNSUPPORTED when the crypto library failed. */
MUST_CHECK int digest_finish(struct digest *digest, char ret_text[DIGEST_TEXT_SIZE],
                             struct lpipe_error *err);
/* The same for a digest that then takes more bytes. 0, NO_MEMORY or UNSUPPORTED. */
MUST_CHECK int digest_snapshot(const struct digest *digest, char ret_text[DIGEST_TEXT_SIZE],
                               struct lpipe_error *err);
/* Starts again with no bytes; allocates nothing. */
void digest_reset(struct digest *digest);

/* A SHA-256 that is not finished, so that another process can go on with it. */
struct digest_state {
    uint32_t words[8];
    uint64_t size;          /* bytes so far */
    unsigned char rest[64]; /* the last size % 64 of them */
};
/* 0, or UNSUPPORTED for a digest that OpenSSL computes or that is finished. */
MUST_CHECK int digest_export(const struct digest *digest, struct digest_state *ret_state,
                             struct lpipe_error *err);
/* Continues from the state, which must come from digest_export(). 0, or UNSUPPORTED for a digest
 * that OpenSSL computes. */
MUST_CHECK int digest_import(struct digest *digest, const struct digest_state *state,
                             struct lpipe_error *err);

struct digest *digest_free(struct digest *digest);
static inline void cleanup_digest(struct digest **digest)
{
    digest_free(*digest);
}
#define AUTO_DIGEST CLEANUP(cleanup_digest)

/* The digest of a block of memory. 0, NO_MEMORY or UNSUPPORTED. */
MUST_CHECK int digest_of(enum digest_alg alg, const void *data, size_t size,
                         char ret_text[DIGEST_TEXT_SIZE], struct lpipe_error *err);

/* "sha256" and "sha512". */
const char *digest_alg_name(enum digest_alg alg);
/* Hex digits of the text form: 64 or 128. */
size_t digest_hex_size(enum digest_alg alg);

/* True when the size bytes of text are a digest of a known algorithm in lower-case hex. ret_alg may
 * be NULL and is untouched on false. */
bool digest_parse(const char *text, size_t size, enum digest_alg *ret_alg);
/* The same for NUL-terminated text; NULL is not valid. */
bool digest_valid(const char *text);
/* Algorithm and hex part of a valid digest text. */
enum digest_alg digest_alg_of(const char *text);
const char *digest_hex_of(const char *text);
/* "alg:hex" from raw hash bytes. */
void digest_format(enum digest_alg alg, const unsigned char *raw, char ret_text[DIGEST_TEXT_SIZE]);

#endif
