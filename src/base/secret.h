/* SPDX-License-Identifier: Apache-2.0 */
/* A password or token in memory. There is no function that returns its text, so no message can
 * contain it: it leaves this file only as a header value, as input of a credential helper, or as
 * an entry of a credentials file, appended to a buffer that the caller wipes (buf_wipe()).
 * secret_dispose() wipes the secret itself. Texts that hold a secret before it is a struct
 * secret are wiped with mem_wipe_text(), JSON documents with json_doc_wipe(). */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/buf.h"

struct secret {
    struct {
        char *bytes; /* NUL-terminated; NULL = no secret, which differs from an empty one */
        size_t size;
    } hidden; /* for secret.c only */
};
#define SECRET_INIT                                                                                \
    {                                                                                              \
        {                                                                                          \
            NULL, 0                                                                                \
        }                                                                                          \
    }

/* Copies. The target must be empty. */
MUST_CHECK int secret_set(struct secret *secret, const char *bytes, size_t size);
MUST_CHECK int secret_copy(struct secret *secret, const struct secret *from);
bool secret_is_set(const struct secret *secret);
size_t secret_size(const struct secret *secret);
bool secret_equal(const struct secret *a, const struct secret *b);
/* True without control characters: such a secret can be a header value. */
bool secret_is_clean(const struct secret *secret);
/* Replaces each occurrence of the secret in a text by "***", or by as many stars as it has bytes if
 * these are fewer. The text never becomes longer; *size is its new length. */
void secret_mask(const struct secret *secret, char *text, size_t *size);
/* Overwrites and frees. */
void secret_dispose(struct secret *secret);
#define AUTO_SECRET CLEANUP(secret_dispose)

/* "Basic <base64 of name:secret>" and "Bearer <secret>", appended to a buffer that the caller
 * wipes. 0, NO_MEMORY, TOO_LARGE. */
MUST_CHECK int secret_append_basic(const char *username, const struct secret *secret,
                                   struct buf *buf);
MUST_CHECK int secret_append_bearer(const struct secret *secret, struct buf *buf);
/* Base64 of "name:secret", for a credentials file. */
MUST_CHECK int secret_append_entry(const char *username, const struct secret *secret,
                                   struct buf *buf);
/* The secret as a value of an HTML form, percent-encoded. */
MUST_CHECK int secret_append_form(const struct secret *secret, struct buf *buf);
/* The secret as a JSON string without its quotes. */
MUST_CHECK int secret_append_json(const struct secret *secret, struct buf *buf);

#endif
