/* SPDX-License-Identifier: Apache-2.0 */
/* One upload under way, as the files that carry it out share it. For upload*.c alone. */
#ifndef UPLOAD_UPLOAD_RUN_H
#define UPLOAD_UPLOAD_RUN_H

#include "request/repository.h"
#include "request/retry.h"
#include "upload/upload.h"
#include "upload/upload_defaults.h"
#include "upload/upload_offset.h"
#include "upload/upload_size.h"
#include "upload/upload_window.h"

struct upload {
    struct blob_writer writer;
    const struct repository *repository;
    struct blob_hint hint;
    struct upload_window window; /* between the writer's thread and the sender's */
    pthread_t thread;            /* the sender's, once there is something to send before the end */
    bool threaded;
    bool begun;
    char digest[DIGEST_TEXT_SIZE]; /* set before the window ends */
    int status;                    /* of the whole, once the sender is through; with err */

    /* The sender's own. */
    enum lpipe_upload_mode mode; /* as asked for */
    const struct upload_defaults *host;
    enum upload_method method;
    struct upload_size size;
    struct retry retry;
    enum upload_state state;
    unsigned *sessions; /* opened so far for this blob */
    unsigned own_sessions;
    unsigned chunks; /* acknowledged in this session */
    unsigned switches;
    bool resumed;         /* a stream that broke goes on in chunks, for this session */
    char *location;       /* newest address of the session; NULL = there is none */
    bool untrusted_url;   /* a stranger named it */
    bool high_latency;    /* a round trip is a good part of the time of a chunk */
    bool expect;          /* "Expect: 100-continue" makes sense here */
    uint64_t acked;       /* bytes that the session has, as far as we know */
    uint64_t sent;        /* bytes of the last request from acked on */
    uint64_t offset_seen; /* by the last question for it; UPLOAD_OFFSET_NONE = none yet */
    unsigned questions;   /* in a row */
    unsigned polls;
    uint64_t moved_ms;                       /* when the connection was last in use */
    unsigned char times[UPLOAD_EVENT_COUNT]; /* of each event, for the request at hand */
    bool commit_slow;                        /* the last PUT was not soon over */
    bool got_201;                            /* by a 201 to it */
    struct host_request request;             /* the last one with bytes, for a new token */
    struct http_response response;           /* the last answer; status 0 = none came */
    struct lpipe_error err;                  /* the last failure, or what an answer meant */
};

/* To DONE or FAILED. */
void upload_run(struct upload *upload);

/* Each sends one request and tells what came of it (upload_request.c). */
enum upload_event upload_head_blob(struct upload *upload);
enum upload_event upload_open_session(struct upload *upload);
enum upload_event upload_send_chunk(struct upload *upload);
enum upload_event upload_renew_token(struct upload *upload);
enum upload_event upload_query_offset(struct upload *upload);
enum upload_event upload_commit(struct upload *upload);
void upload_delete_session(struct upload *upload);

/* Bytes of the next request from acked on; 0 = of unknown number. */
uint64_t upload_next_size(struct upload *upload);

/* Bytes at which the first request is made, if the blob is that long. */
uint64_t upload_first_bytes(const struct upload *upload);

/* The error that the upload ends with, in upload->err (upload_words.c). */
void upload_set_error(struct upload *upload, enum upload_cause cause);
/* A line for the user before a new session or another way. */
void upload_announce(struct upload *upload, enum upload_state next);

#endif
