/* SPDX-License-Identifier: Apache-2.0 */
/* The replay buffer of an upload: the bytes from the oldest one that may have to be sent again to the
 * newest one that was written. Memory is allocated page by page up to a maximum, and reused. With a
 * spool directory all bytes are also kept in a file without a name, so none is ever discarded.
 *
 * Three threads use it: the writer, the sender, and the network thread, which reads request bodies.
 * Each function says for which thread it is. */
#ifndef UPLOAD_UPLOAD_WINDOW_H
#define UPLOAD_UPLOAD_WINDOW_H

#include <pthread.h>

#include "http/http.h"

struct upload_window {
    pthread_mutex_t mutex;  /* guards all below */
    pthread_cond_t changed; /* any member has changed */
    char **pages;           /* a ring of page_count pages, NULL where there is none */
    size_t page_count;
    char **spare; /* unused pages */
    size_t spare_count;
    uint64_t held_max; /* bytes */
    uint64_t base;     /* first byte in memory; a multiple of the page size */
    uint64_t keep;     /* first byte that must not be discarded */
    uint64_t cursor;   /* next byte to be pulled */
    uint64_t end;      /* byte after the last one written */
    uint64_t limit;    /* the request's body ends here; the cursor stops */
    int spool;         /* descriptor; -1 = none */
    int spool_errno;   /* of a failed read of the spool; 0 = none failed */
    int abandoned_fd;  /* an eventfd, readable once the upload is abandoned */
    enum { WINDOW_OPEN = 0, WINDOW_ENDED, WINDOW_ABANDONED } input;
    bool streaming;         /* bytes may be discarded as soon as they are sent */
    bool failed;            /* the sender has ended: the writer must stop */
    struct http_call *call; /* to be woken when there are more bytes */
    bool pulled;            /* the network thread may read at any moment, also before call is set */
};

/* spool_dir NULL = none. OUTPUT_IO, NO_MEMORY. */
MUST_CHECK int window_init(struct upload_window *window, uint64_t held_max, const char *spool_dir,
                           struct lpipe_error *err);
void window_dispose(struct upload_window *window);

/* Writer. Blocks while the window is full. 0, NO_MEMORY, OUTPUT_IO, or ABORTED after the sender has
 * failed (then the sender's error is the one to report). Stops when the window has received `until`
 * bytes in all (0 = no limit). *ret_taken: bytes taken from data. */
MUST_CHECK int window_write(struct upload_window *window, const char *data, size_t size,
                            uint64_t until, size_t *ret_taken, struct lpipe_error *err);
void window_end(struct upload_window *window);
/* The blob is not wanted any more. A running request gets ABANDON_GRACE_S to end by itself, because many
 * registries cannot delete a session while a request to it runs; then it is aborted. */
void window_abandon(struct upload_window *window);

/* Sender. */
/* Blocks until there are `wanted` bytes, or the blob has ended or is abandoned. */
void window_await(struct upload_window *window, uint64_t wanted);
uint64_t window_size(struct upload_window *window);   /* bytes written so far */
uint64_t window_cursor(struct upload_window *window); /* next byte to be pulled */
bool window_has_ended(struct upload_window *window);
bool window_is_abandoned(struct upload_window *window);
bool window_holds(struct upload_window *window, uint64_t offset);
/* The next request begins at that byte; false when the byte was discarded. */
MUST_CHECK bool window_seek(struct upload_window *window, uint64_t offset);
/* Bytes before that one may be discarded. */
void window_release(struct upload_window *window, uint64_t offset);
void window_fail(struct upload_window *window);
/* The request that reads from the window; NULL when it has ended or did not start. To be called before
 * http_wait() frees the request. */
void window_set_request(struct upload_window *window, struct http_call *call);
/* OUTPUT_IO when the last request failed because the spool could not be read. Else 0. */
MUST_CHECK int window_spool_failure(struct upload_window *window, struct lpipe_error *err);
/* Changes how many bytes may be held, up to the maximum given to window_init(). */
void window_set_limit(struct upload_window *window, uint64_t held_max);
/* While streaming, sent bytes may be discarded to make room, and at most STREAM_AHEAD_BYTES wait to be
 * sent. */
void window_set_streaming(struct upload_window *window, bool streaming);
/* Sleeps. Returns false at once when the blob is abandoned or the cancel token is triggered. */
bool window_sleep(struct upload_window *window, uint64_t time_ms, const lpipe_cancel *cancel);

/* A request body of size bytes from the cursor on; size 0: all bytes until the blob ends. The network
 * thread may read it until window_set_request(window, NULL). */
struct http_body window_body(struct upload_window *window, uint64_t size);

#endif
