/* SPDX-License-Identifier: Apache-2.0 */
/* State and functions that the files of one upload share. Only upload*.c include this. */
#ifndef UPLOAD_UPLOAD_RUN_H
#define UPLOAD_UPLOAD_RUN_H

#include "request/repository.h"
#include "request/retry.h"
#include "upload/upload.h"
#include "upload/upload_chunk_size.h"
#include "upload/upload_defaults.h"
#include "upload/upload_offset.h"
#include "upload/upload_window.h"

struct upload {
    struct blob_writer writer;
    const struct repository *repository;
    struct blob_hint hint;
    struct upload_window window;   /* between the writer's thread and the sender's */
    pthread_t thread;              /* the sender's, when has_thread */
    bool has_thread;               /* false: the sender runs in the writer's thread */
    bool is_started;               /* the sender was started, in either thread */
    char digest[DIGEST_TEXT_SIZE]; /* set before the window ends */
    int status;                    /* of the upload, when the sender has ended; with err */

    /* Only the sender uses these. */
    enum lpipe_upload_mode mode; /* what the user asked for */
    const struct upload_defaults *defaults;
    enum upload_method method;
    struct chunk_size chunk_size;
    struct retry retry;
    enum upload_state state;
    unsigned *sessions_opened; /* for this blob, by all its writers */
    unsigned own_sessions_opened;
    unsigned chunks_acked;   /* in this session */
    unsigned method_changes; /* after a refusal */
    bool resumed_in_chunks;  /* a stream broke, and this session continues in chunks */
    char *location;          /* newest URL of the session; NULL = no session */
    bool untrusted_url;      /* a cross-origin server chose it */
    char *redirect;          /* where a 307 or 308 sent the last PATCH or PUT; NULL = nowhere */
    bool untrusted_redirect; /* a cross-origin server chose it */
    unsigned redirects;      /* of one PATCH or PUT */
    bool gave_up;            /* the last request was not sent after all retries: see host_request */
    bool high_latency;       /* waiting for "100 Continue" would cost too much of a chunk's time */
    bool expect;             /* the registry answers "Expect: 100-continue" */
    uint64_t acked;          /* bytes that the registry has acknowledged in this session */
    uint64_t unacked;        /* bytes after these that the last request carried */
    uint64_t last_offset;    /* from the previous GET of the session, or UPLOAD_OFFSET_NONE */
    unsigned offset_queries; /* pauses between GETs of the session, since the last PATCH */
    unsigned commits;        /* PUTs in this session */
    unsigned commit_polls;   /* pauses between HEADs after a PUT, in this session */
    uint64_t connection_used_ms; /* when the last request with bytes ended; 0 = none did */
    unsigned char event_counts[UPLOAD_EVENT_COUNT]; /* since the last successful request */
    bool commit_was_slow;                    /* the last PUT took longer than COMMIT_SLOW_MS */
    enum upload_commit_answer commit_answer; /* to the last successful PUT */
    struct host_request request;   /* the last POST, PATCH or PUT; a new token is for it */
    struct http_response response; /* its answer; status 0 = no answer came */
    struct lpipe_error err;        /* the last failure, or the last refusal as an error */
};

/* Runs the upload until it is DONE or FAILED. */
void upload_run(struct upload *upload);

/* Each sends one request and returns its result as an event (upload_request.c,
 * upload_blob_check.c). */
enum upload_event upload_head_blob(struct upload *upload);
enum upload_event upload_open_session(struct upload *upload);
enum upload_event upload_send_chunk(struct upload *upload);
enum upload_event upload_renew_token(struct upload *upload);
enum upload_event upload_query_offset(struct upload *upload);
enum upload_event upload_commit(struct upload *upload);
void upload_delete_session(struct upload *upload);

/* How many bytes the writer has to deliver before the first request is sent. A shorter blob is sent
 * when it has ended. */
uint64_t upload_first_bytes(const struct upload *upload);

/* Sets upload->err to the error that the upload ends with (upload_messages.c). */
void upload_set_error(struct upload *upload, enum upload_cause cause);
/* Prints a notice when the upload restarts (upload_messages.c). */
void upload_announce(struct upload *upload, enum upload_state next);

#endif
