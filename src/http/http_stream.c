/* SPDX-License-Identifier: Apache-2.0 */
/* Passes a body from the network thread to a reader, in bounded memory. */
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/sync.h"
#include "http/http_call.h"

int stream_init(struct http_stream *stream, size_t size)
{
    *stream = (struct http_stream){ .bytes = BUF_INIT(size) };
    pthread_mutex_init(&stream->mutex, NULL);
    pthread_cond_init(&stream->more, NULL);
    if (size > 0) {
        stream->bytes.data = mem_new(size + 1);
        stream->bytes.capacity = size + 1;
    }
    return size > 0 && stream->bytes.data == NULL ? LPIPE_NO_MEMORY : 0;
}

void stream_dispose(struct http_stream *stream)
{
    buf_dispose(&stream->bytes);
    pthread_mutex_destroy(&stream->mutex);
    pthread_cond_destroy(&stream->more);
}

/* Moves the unread bytes to the front, so that the free space is at the end. */
static void compact(struct http_stream *stream)
{
    size_t left = stream->bytes.size - stream->read;
    if (stream->read > 0) {
        memmove(stream->bytes.data, stream->bytes.data + stream->read, left);
        stream->bytes.size = left;
        stream->read = 0;
    }
}

bool stream_put(struct http_stream *stream, const void *data, size_t size)
{
    GUARD(&stream->mutex);
    if (size > stream->bytes.size_max - stream->bytes.size) {
        compact(stream);
    }
    if (buf_append(&stream->bytes, data, size) != 0) {
        stream->is_full = true;
        return false;
    }
    pthread_cond_signal(&stream->more);
    return true;
}

void stream_end(struct http_stream *stream)
{
    GUARD(&stream->mutex);
    stream->ended = true;
    pthread_cond_signal(&stream->more);
}

size_t stream_take(struct http_stream *stream, void *buf, size_t size, bool *ret_wake)
{
    GUARD(&stream->mutex);
    while (stream->read == stream->bytes.size && !stream->ended) {
        pthread_cond_wait(&stream->more, &stream->mutex);
    }
    size_t left = stream->bytes.size - stream->read;
    size = MIN_OF(size, left);
    if (size > 0) {
        memcpy(buf, stream->bytes.data + stream->read, size);
    }
    stream->read += size;
    *ret_wake = stream->is_full && left - size <= stream->bytes.size_max / 2;
    stream->is_full = stream->is_full && !*ret_wake;
    return size;
}
