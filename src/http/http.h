/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP client: sends requests and returns answers. One network thread owns every connection;
 * any number of threads may send requests and wait for their answers. No redirects, no
 * authentication, no cookies, no retries: the callers decide about those. HTTP/1.1 only. */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "base/buf.h"
#include "layerpipe/client.h"
#include "layerpipe/observe.h"

struct http;
struct http_options {
    /* PEM text of additional CA certificates for https proxies; copied; NULL = only the
     * system's. */
    const char *proxy_ca_pem;
    /* The directory of the system's authorities if libcurl does not know it; a constant or NULL. */
    const char *ca_directory;
    bool tls_no_verify;
    uint64_t rate_bytes_max; /* upload limit of all calls together, bytes per second; 0 = none */
    void (*log)(void *user, enum lpipe_log_level level, const char *line); /* network thread */
    void *log_user;
};
int http_new(const struct http_options *options, struct http **ret_http, struct lpipe_error *err);
struct http *http_free(struct http *http);

/* Answers of http_body.pull. */
#define HTTP_PULL_WAIT (-1)  /* nothing now; http_call_wake() will follow */
#define HTTP_PULL_ABORT (-2) /* end the request with ABORTED */

struct http_body {
    const void *data; /* in memory, borrowed until the call is done ... */
    uint64_t size;
    /* ... or pulled by the network thread: >0 bytes put into buf, 0 = end, HTTP_PULL_*. Must not
     * block. With a size, exactly that many bytes are pulled and the size is announced; without
     * one, chunked transfer encoding is used. Pulled bytes are never sent a second time. */
    ptrdiff_t (*pull)(void *ctx, void *buf, size_t size);
    void *ctx;
};

enum http_address_policy {
    HTTP_ADDRESS_ANY = 0, /* the user named this host */
    HTTP_ADDRESS_LOCAL =
        2, /* the remote side named it, and the registry itself has a local address:
                                loopback and private addresses are allowed too */
    HTTP_ADDRESS_PUBLIC = 1 /* the remote side named it: loopback, private, link-local,
                                unspecified and multicast addresses are refused. The address of the
                                connection is checked, not the name */
};

struct http_request {
    const char *method;
    const char *url;            /* absolute; borrowed until the call is done, like all below */
    const char *const *headers; /* "Name: value" lines, checked for control characters */
    size_t header_count;
    struct http_body body; /* all zero = none; Content-Length: 0 for POST, PUT and PATCH */
    bool expect_continue;
    bool fresh_connection; /* do not reuse a connection: it may be dead by now */
    enum http_address_policy addresses;
    const char *secret;   /* value of Authorization, never logged; NULL = none */
    const char *pool_key; /* connections are shared only between equal keys, and equal address
                                    policies; NULL = "" */
    const char *ca_pem;   /* PEM text of CA certificates besides the system's; NULL = none */
    const char *cert;     /* client certificate, PEM file; NULL = none. key NULL = in cert */
    const char *key;
    size_t response_bytes_max;   /* of the body; more is TOO_LARGE. The rest is dropped instead when
                                    the status is an error, or the method is not GET and
                                    body_wanted is false */
    bool body_wanted;            /* the body is needed although the method is not GET */
    bool stream;                 /* a successful (2xx) body is read with http_read() and is not in
                                    response.body; the connection waits for the reader */
    size_t stream_bytes;         /* so many are received before that, HTTP_STREAM_BYTES at least */
    uint32_t connect_timeout_ms; /* 0 = 30 s */
    uint32_t stall_timeout_ms;   /* no byte was sent or received while a body is on its way; 0 =
                                    60 s; waiting for bytes of a pull body does not count */
    uint32_t answer_timeout_ms;  /* from the last byte sent to the end of the head; 0 = 60 s */
    lpipe_cancel *cancel;        /* borrowed; a trigger ends the call at once with CANCELLED */
    bool answer_after_cancel;    /* if it was sent, its answer is waited for CANCEL_GRACE_MS longer:
                                    the answer names what must be removed then */
};

struct http_response {
    int status;               /* final status; 0 = no answer, or one whose head is incomplete */
    struct buf headers;       /* "name: value\n" lines as received, names lower-cased */
    size_t header_count;      /* in headers */
    struct buf body;          /* up to response_bytes_max */
    uint64_t body_sent;       /* bytes of the request body given to the connection */
    bool body_complete;       /* the whole request body was given to it */
    bool speaks_tls;          /* the failure was about certificates: the server does use TLS */
    bool continued;           /* "100 Continue" was received */
    bool unexpected;          /* 417: repeated without "Expect"; status is that of the repetition */
    uint32_t time_ms;         /* from the established connection to the end */
    uint32_t rtt_us;          /* shortest round trip of the connection so far; 0 = not known */
    uint32_t connect_us;      /* time to make the connection; 0 = it was reused */
    char address[64];         /* peer connected to; "" behind a proxy */
    const char *url;          /* of the request: base for a relative Location */
    uint64_t token_serial;    /* set in src/request: the token it was sent with; 0 = none */
    uint64_t failures_before; /* set in src/request: the failures of the host when it was sent; of a
                               * request that took its body while it was sent: when it ended */
    bool is_trusted;          /* set in src/request: the registry itself has answered */
};
#define HTTP_RESPONSE_INIT                                                                         \
    {                                                                                              \
        .status = 0                                                                                \
    }
void http_response_dispose(struct http_response *response);
#define HTTP_HEADER_ABSENT (-1)
#define HTTP_HEADER_TOO_LONG (-2)
/* Copies the value of a header (lower-case name), trimmed, into buf. Returns its length, or one of
 * the two above. nth counts repeated headers from 0. */
int http_response_header(const struct http_response *response, const char *name, size_t nth,
                         char *buf, size_t buf_size);

struct http_call;
/* Queues a request. */
int http_start(struct http *http, const struct http_request *request, struct http_call **ret_call,
               struct lpipe_error *err);
/* Tells the network thread that the pull callback has bytes again. Any thread. */
void http_call_wake(struct http_call *call);
/* Blocks until the call has ended; it stays valid until http_wait(). */
void http_call_join(struct http_call *call);
/* True when an answer or a failure is there (so that a producer can stop early). Any thread. */
bool http_call_answered(const struct http_call *call);
/* The next bytes of a streamed body, at least one; blocks until there are some. 0 = the call has
 * ended: the body is complete, the answer has none, or a failure; http_wait() returns which. One
 * thread. */
size_t http_read(struct http_call *call, void *buf, size_t size);
/* Status and headers, once http_read() has returned. Borrowed until http_wait(). */
const struct http_response *http_call_head(const struct http_call *call);
/* Ends the call with ABORTED, unless it has ended. http_wait() must still be called. Any thread. */
void http_call_abort(struct http_call *call);
/* Blocks until the call has ended, fills the response and frees the call. An answer that arrives
 * before the body was sent is success too: 0. Failures: NETWORK, TIMEOUT, TLS, CANCELLED,
 * ABORTED, TOO_LARGE, PROTOCOL, REFUSED (address policy); body_sent is set also then. */
int http_wait(struct http_call *call, struct http_response *ret_response, struct lpipe_error *err);
/* http_start() and http_wait(). */
int http_send(struct http *http, const struct http_request *request,
              struct http_response *ret_response, struct lpipe_error *err);

#endif
