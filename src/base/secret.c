/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"

#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

int secret_set(struct secret *secret, const char *bytes, size_t size)
{
    char *copy = mem_strndup(bytes, size);
    if (copy == NULL) {
        return LPIPE_NO_MEMORY;
    }
    secret->hidden.bytes = copy;
    secret->hidden.size = size;
    return 0;
}

int secret_copy(struct secret *secret, const struct secret *from)
{
    return from->hidden.bytes == NULL ? 0
                                      : secret_set(secret, from->hidden.bytes, from->hidden.size);
}

bool secret_is_set(const struct secret *secret)
{
    return secret->hidden.bytes != NULL;
}

size_t secret_size(const struct secret *secret)
{
    return secret->hidden.size;
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
    return secret_is_set(a) == secret_is_set(b) && a->hidden.size == b->hidden.size &&
           (a->hidden.size == 0 || memcmp(a->hidden.bytes, b->hidden.bytes, a->hidden.size) == 0);
}

bool secret_is_clean(const struct secret *secret)
{
    return secret->hidden.bytes == NULL || text_is_clean(secret->hidden.bytes, secret->hidden.size);
}

void secret_mask(const struct secret *secret, char *text, size_t *size)
{
    size_t stars = MIN_OF(secret->hidden.size, (size_t)3);
    char *at = text;
    char *end = text + *size;
    if (secret->hidden.size == 0) {
        return;
    }
    while ((at = memmem(at, (size_t)(end - at), secret->hidden.bytes, secret->hidden.size)) !=
           NULL) {
        char *rest = at + secret->hidden.size;
        memset(at, '*', stars);
        memmove(at + stars, rest, (size_t)(end - rest));
        at += stars;
        end -= secret->hidden.size - stars;
    }
    *size = (size_t)(end - text);
}

void secret_dispose(struct secret *secret)
{
    if (secret->hidden.bytes != NULL) {
        explicit_bzero(secret->hidden.bytes, secret->hidden.size);
        free(secret->hidden.bytes);
    }
    *secret = (struct secret)SECRET_INIT;
}

int secret_append_entry(const char *username, const struct secret *secret, struct buf *buf)
{
    struct buf pair CLEANUP(buf_wipe) = BUF_INIT(2 * PASSWORD_BYTES_MAX);
    int status = buf_append_text(&pair, username);
    status = status == 0 ? buf_append(&pair, ":", 1) : status;
    status = status == 0 ? buf_append(&pair, secret->hidden.bytes, secret->hidden.size) : status;
    return status == 0 ? base64_encode(pair.data, pair.size, buf) : status;
}

int secret_append_basic(const char *username, const struct secret *secret, struct buf *buf)
{
    int status = buf_append_text(buf, "Basic ");
    return status == 0 ? secret_append_entry(username, secret, buf) : status;
}

int secret_append_bearer(const struct secret *secret, struct buf *buf)
{
    int status = buf_append_text(buf, "Bearer ");
    return status == 0 ? buf_append(buf, secret->hidden.bytes, secret->hidden.size) : status;
}

int secret_append_form(const struct secret *secret, struct buf *buf)
{
    static const char unreserved[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    int status = buf_append(buf, NULL, 0);
    for (size_t i = 0; i < secret->hidden.size && status == 0; i++) {
        char c = secret->hidden.bytes[i];
        status = c != '\0' && strchr(unreserved, c) != NULL
                     ? buf_append(buf, &c, 1)
                     : buf_printf(buf, "%%%02X", (unsigned)(unsigned char)c);
    }
    return status;
}

int secret_append_json(const struct secret *secret, struct buf *buf)
{
    int status = buf_append(buf, NULL, 0);
    for (size_t i = 0; i < secret->hidden.size && status == 0; i++) {
        unsigned char c = (unsigned char)secret->hidden.bytes[i];
        if (c == '"' || c == '\\') {
            char pair[2] = { '\\', (char)c };
            status = buf_append(buf, pair, 2);
        } else if (c < 0x20) {
            status = buf_printf(buf, "\\u%04x", (unsigned)c);
        } else {
            status = buf_append(buf, &c, 1);
        }
    }
    return status;
}
