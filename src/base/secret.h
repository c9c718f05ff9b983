/* SPDX-License-Identifier: Apache-2.0 */
/* A secret: bytes that can be sent where secrets belong, and nowhere else. There is no way to get
 * its text for a message: what leaves this file is a header value in a buffer that is wiped, bytes
 * for a helper's stdin, or the entry of a file of credentials. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/buf.h"

struct secret {
    struct {
        char *bytes; /* NUL-terminated; NULL = no secret, which differs from an empty one */
        size_t size;
    } hidden; /* for secret_text.c alone */
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
/* No control characters: fit for a header as it stands. */
bool secret_is_clean(const struct secret *secret);
/* Overwrites and frees. */
void secret_dispose(struct secret *secret);
#define AUTO_SECRET CLEANUP(secret_dispose)

/* "Basic <base64 of name:secret>" and "Bearer <secret>", appended to a buffer that the caller
 * wipes. 0, NO_MEMORY, TOO_LARGE. */
MUST_CHECK int secret_append_basic(const char *username, const struct secret *secret,
                                   struct buf *buf);
MUST_CHECK int secret_append_bearer(const struct secret *secret, struct buf *buf);
/* Base64 of "name:secret" alone, for a file of credentials. */
MUST_CHECK int secret_append_entry(const char *username, const struct secret *secret,
                                   struct buf *buf);
/* The secret as a value of an HTML form, percent-encoded. */
MUST_CHECK int secret_append_form(const struct secret *secret, struct buf *buf);
/* The secret as a JSON string without its quotes. */
MUST_CHECK int secret_append_json(const struct secret *secret, struct buf *buf);

#endif
