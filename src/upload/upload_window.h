/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a blob that are held: from the oldest that may be needed again to the newest that was
 * written. Memory is taken page by page as bytes come, up to a maximum, and used again; with a spool
 * directory every byte is in a file without name as well, and nothing is ever let go.
 *
 * One thread writes, one sends (and tells what is acknowledged), and the network thread pulls; each
 * function says whose it is. */
#ifndef UPLOAD_UPLOAD_WINDOW_H
#define UPLOAD_UPLOAD_WINDOW_H

#include <pthread.h>

#include "http/http.h"

struct upload_window {
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t moved;  /* whatever changes */
    char **pages;          /* a ring of page_count pages, NULL where there is none */
    size_t page_count;
    char **spare; /* pages without use */
    size_t spare_count;
    uint64_t held_max; /* bytes */
    uint64_t base;     /* first byte in memory; a multiple of the page size */
    uint64_t keep;     /* first byte that must not be let go */
    uint64_t cursor;   /* next byte to be pulled */
    uint64_t end;      /* byte after the last one written */
    uint64_t limit;    /* cursor stops here: end of a request of known length */
    int spool;         /* descriptor; -1 = none */
    int spool_code;    /* errno of a reading that failed; 0 = none did */
    int abandoned;     /* an eventfd, readable then */
    enum { WINDOW_OPEN = 0, WINDOW_ENDED, WINDOW_ABANDONED } input;
    enum { WINDOW_HELD_BACK = 0, WINDOW_FLOWING } flow; /* a stream may let go what it has sent */
    bool failed;            /* the sending side is through: nothing more is taken */
    struct http_call *call; /* to be woken when there is more */
    bool pulled;            /* a request may pull at any moment, whether it is known or not */
};

/* spool_dir NULL = none. OUTPUT_IO, NO_MEMORY. */
MUST_CHECK int window_init(struct upload_window *window, uint64_t held_max, const char *spool_dir,
                           struct lpipe_error *err);
void window_dispose(struct upload_window *window);

/* The writer. Blocks while there is no room; 0, NO_MEMORY, OUTPUT_IO, or ABORTED once the sender has
 * failed (whose error is the one to tell). Writes at most until there are `until` bytes (0 = no such
 * limit) and tells how many it took. */
MUST_CHECK int window_write(struct upload_window *window, const char *data, size_t size,
                            uint64_t until, size_t *ret_taken, struct lpipe_error *err);
void window_end(struct upload_window *window);
/* A request that is under way may end well within a moment: many registries cannot give up a session
 * in the middle of one. */
void window_abandon(struct upload_window *window);

/* The sender. */
/* Blocks until there are `wanted` bytes, or the stream has ended or is abandoned. */
void window_await(struct upload_window *window, uint64_t wanted);
uint64_t window_size(struct upload_window *window);   /* bytes written so far */
uint64_t window_cursor(struct upload_window *window); /* next byte to be pulled */
bool window_has_ended(struct upload_window *window);
bool window_is_abandoned(struct upload_window *window);
bool window_holds(struct upload_window *window, uint64_t offset);
/* The next request begins at that byte; false when it is not held any more. */
MUST_CHECK bool window_seek(struct upload_window *window, uint64_t offset);
/* Bytes before that one may be let go. */
void window_release(struct upload_window *window, uint64_t offset);
void window_fail(struct upload_window *window);
/* The request that pulls; NULL when it is over, or did not begin. Before http_wait() frees it. */
void window_set_request(struct upload_window *window, struct http_call *call);
/* A request that was given up because the spool could not be read: OUTPUT_IO. Else 0. */
MUST_CHECK int window_spool_failure(struct upload_window *window, struct lpipe_error *err);
/* How much may be held, within what window_init() was told. */
void window_set_limit(struct upload_window *window, uint64_t held_max);
/* While a stream flows, what was sent may go to make room, and only so much waits to be sent. */
void window_set_streaming(struct upload_window *window, bool flows);
/* Sleeps; false at once when the stream is abandoned or the token is triggered. */
bool window_sleep(struct upload_window *window, uint64_t time_ms, const lpipe_cancel *cancel);

/* A body of size bytes from the cursor on, or of all there is until the end of the stream. It may be
 * pulled until window_set_request() is told that the request is over. */
struct http_body window_body(struct upload_window *window, uint64_t size);

#endif
