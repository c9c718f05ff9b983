/* SPDX-License-Identifier: Apache-2.0 */
/* Growable buffer: it grows with the bytes that were received, never to a size that was only
 * announced. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

static int reserve(struct buf *buf, size_t more)
{
    if (more > buf->size_max || buf->size > buf->size_max - more) {
        return LPIPE_TOO_LARGE;
    }
    size_t wanted = buf->size + more + 1;
    if (wanted <= buf->capacity) {
        return 0;
    }
    size_t capacity = MAX_OF(wanted, buf->capacity + buf->capacity / 2);
    capacity = MAX_OF(capacity, (size_t)64);
    /* Not realloc(): it would free the old memory as it is, and a buffer may contain a secret. */
    char *data = mem_new(capacity);
    if (data == NULL) {
        return LPIPE_NO_MEMORY;
    }
    if (buf->data != NULL) {
        memcpy(data, buf->data, buf->size);
        explicit_bzero(buf->data, buf->capacity);
        free(buf->data);
    }
    buf->data = data;
    buf->capacity = capacity;
    return 0;
}

int buf_append(struct buf *buf, const void *data, size_t size)
{
    int status = reserve(buf, size);
    if (status == 0) {
        if (size > 0) {
            memcpy(buf->data + buf->size, data, size);
        }
        buf->size += size;
        buf->data[buf->size] = '\0';
    }
    return status;
}

int buf_append_text(struct buf *buf, const char *text)
{
    return buf_append(buf, text, strlen(text));
}

int buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (size < 0) {
        return LPIPE_INVALID_ARGUMENT;
    }
    int status = reserve(buf, (size_t)size);
    if (status == 0) {
        va_start(args, format);
        (void)vsnprintf(buf->data + buf->size, (size_t)size + 1, format, args);
        va_end(args);
        buf->size += (size_t)size;
    }
    return status;
}

void buf_clear(struct buf *buf)
{
    buf->size = 0;
    if (buf->data != NULL) {
        buf->data[0] = '\0';
    }
}

char *buf_take(struct buf *buf)
{
    if (reserve(buf, 0) != 0) {
        return NULL;
    }
    buf->data[buf->size] = '\0';
    char *data = TAKE(buf->data);
    buf->size = 0;
    buf->capacity = 0;
    return data;
}

void buf_dispose(struct buf *buf)
{
    free(buf->data);
    buf->data = NULL;
    buf->size = 0;
    buf->capacity = 0;
}

void buf_wipe(struct buf *buf)
{
    if (buf->data != NULL) {
        explicit_bzero(buf->data, buf->capacity);
    }
    buf_dispose(buf);
}
