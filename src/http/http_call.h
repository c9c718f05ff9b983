/* SPDX-License-Identifier: Apache-2.0 */
/* The state of one request. Only for the files of this folder that use libcurl. */
#ifndef HTTP_HTTP_CALL_H
#define HTTP_HTTP_CALL_H

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "http/http.h"
#include "http/http_rate.h"

struct http_pool;

/* A body between the network thread and its reader. */
struct http_stream {
    pthread_mutex_t mutex;
    pthread_cond_t more;
    struct buf bytes;
    size_t read;  /* of them */
    bool is_full; /* the network thread waits until there is free space */
    bool ended;
};
/* size: of the memory for a body that is not read yet; 0 = there is no body to read. */
MUST_CHECK int stream_init(struct http_stream *stream, size_t size);
void stream_dispose(struct http_stream *stream);
/* Network thread: false when there is not enough free space now. */
bool stream_put(struct http_stream *stream, const void *data, size_t size);
void stream_end(struct http_stream *stream);
/* The reader: waits for bytes and takes what there is; 0 at the end. *ret_wake: the network thread
 * waits for free space, and there is enough now. */
size_t stream_take(struct http_stream *stream, void *buf, size_t size, bool *ret_wake);

struct http_call {
    struct http_request request; /* shallow: everything in it is borrowed */
    struct http *http;
    struct http_rate *rate; /* of http */
    struct http_call *next; /* in the list of http */
    atomic_bool wake;       /* the call can continue to send or receive */
    atomic_bool aborted;
    struct http_stream stream;
    atomic_bool answered;
    bool done; /* guarded by the mutex of http */
    pthread_cond_t ended;

    /* For the network thread only until done is set. */
    CURL *easy;
    struct curl_slist *headers;
    struct http_response response;
    struct lpipe_error failure;
    char curl_text[CURL_ERROR_SIZE];
    bool attached; /* to the multi handle */
    bool proxied;
    char proxy[160];            /* host and port, for messages */
    const char *proxy_variable; /* that named it */
    bool head_complete;         /* the final answer's headers are complete */
    bool body_ended;            /* the whole body was handed to libcurl */
    bool send_paused;           /* by the producer or by the rate */
    bool rate_paused;
    bool receive_paused;
    uint64_t body_read;   /* bytes of the body handed to libcurl */
    unsigned send_count;  /* how often libcurl has sent the request: it may repeat one */
    uint64_t moved_bytes; /* bytes of bodies that were sent and received by moved_ms */
    uint64_t moved_ms;
    uint64_t start_ms;
    uint64_t head_ms;      /* the head was complete */
    uint64_t cancelled_ms; /* it was cancelled, and waits for its answer; 0 = it does not */
};

/* Makes the easy handle, complete except for its connection pool. */
MUST_CHECK int call_prepare(struct http_call *call, const struct http_options *options,
                            struct lpipe_error *err);
/* Sets the functions that libcurl calls during the transfer. */
void call_set_callbacks(struct http_call *call);
/* After libcurl has ended the transfer: sets the response or call->failure. */
void call_conclude(struct http_call *call, CURLcode code);
/* When the call is ended before libcurl has ended the transfer: sets what was sent of its body. */
void call_count_sent(struct http_call *call);
/* Sets call->failure for a reason that libcurl does not know. */
void call_fail(struct http_call *call, int status, const char *format, ...) PRINTF_LIKE(3, 4);
/* Whether the caller needs the body of the answer. */
bool call_wants_body(const struct http_call *call);
/* Fails a call that has made no progress for too long; then returns true. */
bool call_expired(struct http_call *call, uint64_t now_ms);
void call_log(const struct http_call *call, const struct http_options *options);
struct http_call *call_free(struct http_call *call);

#endif
