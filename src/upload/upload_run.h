/* SPDX-License-Identifier: Apache-2.0 */
/* The state of one upload, shared by the files that run it. For upload*.c only. */
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
    pthread_t thread;            /* the sender; started when bytes must be sent before the end */
    bool threaded;
    bool begun;
    char digest[DIGEST_TEXT_SIZE]; /* set before the window ends */
    int status;                    /* of the upload, when the sender has ended; see err */

    /* Used by the sender only. */
    enum lpipe_upload_mode mode; /* what the user asked for */
    const struct upload_defaults *defaults;
    enum upload_method method;
    struct upload_size size;
    struct retry retry;
    enum upload_state state;
    unsigned *sessions; /* upload sessions opened for this blob so far */
    unsigned own_sessions;
    unsigned chunks;         /* acknowledged in this session */
    unsigned method_changes; /* how often the upload method was changed */
    bool resumed;            /* a broken stream continues in chunks until this session ends */
    char *location;          /* newest URL of the session; NULL = no session */
    bool untrusted_url;      /* a cross-origin server chose the URL: no secret is sent there */
    bool high_latency;       /* a round trip takes 2 % of a chunk's time or more */
    bool expect;             /* "Expect: 100-continue" may be sent to this registry */
    uint64_t acked;          /* acknowledged bytes of this session */
    uint64_t sent;           /* bytes that the last request sent after acked */
    uint64_t last_offset;    /* answer to the previous offset query; UPLOAD_OFFSET_NONE = none */
    unsigned offset_waits;   /* waits for a stable offset since the last PATCH */
    unsigned commit_checks;  /* how often the result of a commit was checked */
    uint64_t connection_ms;  /* when the connection was last used */
    unsigned char event_counts[UPLOAD_EVENT_COUNT]; /* for the current request */
    bool commit_slow;              /* the last PUT took longer than COMMIT_SOON_MS */
    bool got_201;                  /* the last PUT was answered with 201 */
    struct host_request request;   /* the last one with a body; needed to renew its token */
    struct http_response response; /* the last answer; status 0 = no answer */
    struct lpipe_error err;        /* the last failure, or the meaning of an answer */
};

/* Runs until the state is DONE or FAILED. */
void upload_run(struct upload *upload);

/* Each sends one request and returns its outcome as an event (upload_request.c). */
enum upload_event upload_head_blob(struct upload *upload);
enum upload_event upload_open_session(struct upload *upload);
enum upload_event upload_send_chunk(struct upload *upload);
enum upload_event upload_renew_token(struct upload *upload);
enum upload_event upload_query_offset(struct upload *upload);
enum upload_event upload_commit(struct upload *upload);
void upload_delete_session(struct upload *upload);

/* Size of the next request's body, which begins at acked; 0 = not known. */
uint64_t upload_next_size(struct upload *upload);

/* The first request is sent when the blob has this many bytes, or has ended. */
uint64_t upload_first_bytes(const struct upload *upload);

/* Puts the error that the upload ends with into upload->err (upload_messages.c). */
void upload_set_error(struct upload *upload, enum upload_cause cause);
/* Tells the user that a new session is opened. */
void upload_announce(struct upload *upload, enum upload_state next);

#endif
