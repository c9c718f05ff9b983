/* SPDX-License-Identifier: Apache-2.0 */
/* Digests: computing them and telling a well-formed one. The only room for OpenSSL. */
#ifndef CODEC_DIGEST_H
#define CODEC_DIGEST_H

#include "base/fail.h"

#define DIGEST_TEXT_SIZE 144 /* "sha512:" + 128 digits + NUL, rounded up */

enum digest_kind {
    DIGEST_SHA256 = 0, /* "sha256:" + 64 hex digits: all that this library writes */
    DIGEST_SHA512 = 1  /* "sha512:" + 128 hex digits: accepted where others wrote it */
};

struct digest; /* a running computation; one thread at a time */

MUST_CHECK int digest_new(enum digest_kind kind, struct digest **ret_digest,
                          struct lpipe_error *err);
/* For bytes that must have a given digest; INVALID_ARGUMENT when text is no valid digest. */
MUST_CHECK int digest_new_like(const char *text, struct digest **ret_digest,
                               struct lpipe_error *err);
void digest_update(struct digest *digest, const void *data, size_t size);
/* Writes "alg:hex" of all bytes so far; more may follow, so this serves as a check point too. */
MUST_CHECK int digest_finish(const struct digest *digest, char ret_text[DIGEST_TEXT_SIZE],
                             struct lpipe_error *err);
struct digest *digest_free(struct digest *digest);

/* SHA-256 of a buffer. */
MUST_CHECK int digest_of(const void *data, size_t size, char ret_text[DIGEST_TEXT_SIZE],
                         struct lpipe_error *err);
/* True for "sha256:" or "sha512:" with exactly the right number of lower-case hex digits. NULL is
 * false. */
bool digest_valid(const char *text);
/* True when data has the given digest; false also when text is no valid digest. */
bool digest_matches(const char *text, const void *data, size_t size);

#endif
