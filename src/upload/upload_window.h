/* SPDX-License-Identifier: Apache-2.0 */
/* The window: the bytes of a blob that are buffered between its writer and its sender. They are the
 * unsent bytes and the replay buffer, that is the sent bytes that may have to be sent again. Memory
 * is allocated page by page up to a maximum, and reused. With a spool directory all bytes are also
 * in an unnamed file, so that every byte can be sent again.
 *
 * One thread writes, one sends, and the network thread pulls the bytes of a request. */
#ifndef UPLOAD_UPLOAD_WINDOW_H
#define UPLOAD_UPLOAD_WINDOW_H

#include <pthread.h>

#include "http/http.h"

struct upload_window {
    pthread_mutex_t mutex;  /* guards all below */
    pthread_cond_t changed; /* anything below has changed */
    char **pages;           /* a ring of page_count pages; NULL = not allocated */
    size_t page_count;
    char **spare; /* allocated pages that are not in use */
    size_t spare_count;
    uint64_t held_max;    /* capacity in bytes */
    uint64_t oldest;      /* first byte in memory; a multiple of the page size */
    uint64_t released;    /* bytes before this one may be dropped */
    uint64_t cursor;      /* next byte to be pulled */
    uint64_t end;         /* byte after the last one written */
    uint64_t request_end; /* byte after the request's last one; UINT64_MAX = unknown */
    /* Called after each pull, without the lock; NULL = not. The bytes end at `position`. */
    void (*pulled)(void *user, uint64_t position, uint64_t bytes);
    void *user;
    int spool_fd;     /* -1 = none */
    int spool_errno;  /* of a failed read of the spool file; 0 = none failed */
    int abandoned_fd; /* an eventfd, readable when the stream is abandoned */
    enum { WINDOW_OPEN = 0, WINDOW_ENDED, WINDOW_ABANDONED } stream;
    bool streaming;         /* sent bytes may be dropped before they are acknowledged */
    bool closed;            /* the sender has ended: no more bytes are accepted */
    struct http_call *call; /* the request that pulls; it is woken when there are more bytes */
    bool may_pull;          /* a request may pull at any moment, also before call is set */
};

/* spool_dir NULL = no spool file. OUTPUT_IO, NO_MEMORY. */
MUST_CHECK int window_init(struct upload_window *window, uint64_t held_max, const char *spool_dir,
                           struct lpipe_error *err);
void window_dispose(struct upload_window *window);

/* For the writer. Stops when the blob has `until` bytes (0 = no limit) and sets *ret_taken to the
 * number of bytes that it took. Blocks while the window is full. NO_MEMORY, OUTPUT_IO, or ABORTED
 * when the sender has ended; the sender's error is the one to report. */
MUST_CHECK int window_write(struct upload_window *window, const char *data, size_t size,
                            uint64_t until, size_t *ret_taken, struct lpipe_error *err);
/* The blob is complete. */
void window_end(struct upload_window *window);
/* The blob is not wanted any more. A request that is running has ABANDON_GRACE_S to end normally,
 * because many registries cannot delete a session during one; then it is aborted. Any thread. */
void window_abandon(struct upload_window *window);

/* For the sender. */

/* Blocks until the blob has `wanted` bytes, or the stream has ended or is abandoned. */
void window_await(struct upload_window *window, uint64_t wanted);
uint64_t window_size(struct upload_window *window);   /* bytes written so far */
uint64_t window_cursor(struct upload_window *window); /* next byte to be pulled */
bool window_has_ended(struct upload_window *window);
bool window_is_abandoned(struct upload_window *window);
/* Whether the bytes from offset on are still buffered. */
bool window_holds(struct upload_window *window, uint64_t offset);
/* The next request begins at offset; false when that byte is not buffered. */
MUST_CHECK bool window_seek(struct upload_window *window, uint64_t offset);
/* Bytes before offset are acknowledged and may be dropped. */
void window_release(struct upload_window *window, uint64_t offset);
/* The sender has ended: window_write() returns ABORTED from now on. */
void window_close(struct upload_window *window);
/* Sets the request that pulls. NULL when it has ended or did not start; then before http_wait(),
 * which frees it. */
void window_set_request(struct upload_window *window, struct http_call *call);
/* OUTPUT_IO when a request was aborted because reading the spool file failed, else 0. */
MUST_CHECK int window_spool_failure(struct upload_window *window, struct lpipe_error *err);
/* Sets the capacity, up to the one of window_init(). */
void window_set_limit(struct upload_window *window, uint64_t held_max);
/* While true, sent bytes are dropped when space is needed, and at most STREAM_AHEAD_BYTES are
 * unsent. */
void window_set_streaming(struct upload_window *window, bool streaming);
/* Sleeps. False when the stream was abandoned or the token was triggered meanwhile. */
bool window_sleep(struct upload_window *window, uint64_t time_ms, const lpipe_cancel *cancel);

/* A request body of size bytes from the cursor on; 0 = until the stream ends. It may be pulled
 * until window_set_request(NULL). */
struct http_body window_body(struct upload_window *window, uint64_t size);

#endif
