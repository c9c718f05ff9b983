/* SPDX-License-Identifier: Apache-2.0 */
/* The state machine of an upload: state, event and facts go in, the next state and an action come
 * out. It is a pure function: no I/O, no clock, no memory. The rules are the rows of one table;
 * docs/upload.md prints the same table. Any thread. */
#ifndef UPLOAD_UPLOAD_MACHINE_H
#define UPLOAD_UPLOAD_MACHINE_H

#include <stddef.h>

enum upload_state {
    UPLOAD_BUFFERING = 0,   /* no request was sent yet; the blob may end before one is needed */
    UPLOAD_CHECKING_BLOB,   /* the stream has ended before any request: HEAD of the blob */
    UPLOAD_OPENING,         /* POST opens a session */
    UPLOAD_SENDING,         /* PATCH sends bytes */
    UPLOAD_RENEWING_TOKEN,  /* the PATCH got a 401: a new token is fetched */
    UPLOAD_QUERYING_OFFSET, /* GET of the session: how many bytes has it? */
    UPLOAD_QUERYING_OFFSET_AFTER_416, /* the same, after a 416 refused our offset */
    UPLOAD_WAITING,                   /* the session is open, the next PATCH needs more bytes */
    UPLOAD_COMMITTING,                /* PUT names the digest, and may carry the last bytes */
    UPLOAD_RENEWING_TOKEN_FOR_COMMIT, /* the PUT got a 401: a new token is fetched */
    UPLOAD_CHECKING_BLOB_AFTER_ERROR, /* the PUT had no clear answer: HEAD of the blob */
    UPLOAD_CHECKING_SESSION,          /* that HEAD found no blob: GET of the session */
    UPLOAD_VERIFYING_BLOB,            /* the PUT succeeded: HEAD of the blob confirms it */
    UPLOAD_CHANGING_METHOD,           /* DELETE of the session, then another upload method */
    UPLOAD_RESTARTING,       /* DELETE of the session, then all bytes again in a new session */
    UPLOAD_DELETING_SESSION, /* the upload has failed: DELETE of the session */
    UPLOAD_DONE,
    UPLOAD_FAILED,
    UPLOAD_STATE_COUNT
};

enum upload_event {
    /* From the stream. */
    UPLOAD_BYTES_READY = 0, /* there are enough bytes for a request */
    UPLOAD_STREAM_ENDED,    /* digest and size of the blob are known */
    UPLOAD_ABANDONED,       /* the writer does not want the blob any more */
    /* From any request. */
    UPLOAD_OK,          /* success */
    UPLOAD_NO_ANSWER,   /* the connection failed or timed out */
    UPLOAD_RETRY_LATER, /* a status that is worth a retry: 429, 5xx and others */
    UPLOAD_HTTP_401,
    UPLOAD_GONE,      /* 404 or 410 */
    UPLOAD_REFUSED,   /* any other status that is no success */
    UPLOAD_ERROR,     /* a retry cannot help: cancelled, no memory, an invalid Location */
    UPLOAD_EXHAUSTED, /* all attempts are used; comes from the pause before a request */
    /* From requests with bytes. */
    UPLOAD_REDIRECTED,      /* 307 or 308: the same request belongs to another URL */
    UPLOAD_PARTLY_ACCEPTED, /* success, but the registry has not read or not kept all bytes */
    UPLOAD_HTTP_416,
    UPLOAD_HTTP_413,
    UPLOAD_HTTP_411,
    UPLOAD_HTTP_417,
    UPLOAD_DIGEST_REFUSED, /* the registry computed another digest or size */
    /* From GET of the session. */
    UPLOAD_OFFSET_COMPLETE, /* the session has all bytes that were sent */
    UPLOAD_OFFSET_BEHIND,   /* it has fewer, and the missing ones can be sent again */
    UPLOAD_OFFSET_INVALID,  /* the upload cannot continue at this offset */
    UPLOAD_OFFSET_UNSTABLE, /* the offset may still change */
    /* From HEAD of the blob. */
    UPLOAD_BLOB_FOUND,
    UPLOAD_BLOB_MISSING,
    UPLOAD_BLOB_MISMATCH,     /* the registry has another size, or its PUT answer another digest */
    UPLOAD_BLOB_CHECK_FAILED, /* the HEAD was refused */
    UPLOAD_EVENT_COUNT
};

/* What to do next. Each action ends in an event. */
enum upload_act {
    UPLOAD_ACT_NOTHING = 0, /* DONE or FAILED */
    UPLOAD_ACT_WAIT,        /* until the stream has more bytes, ends or is abandoned */
    UPLOAD_ACT_HEAD_BLOB,
    UPLOAD_ACT_OPEN_SESSION,        /* POST */
    UPLOAD_ACT_SEND,                /* PATCH */
    UPLOAD_ACT_SEND_SMALLER,        /* PATCH; chunks are smaller from now on */
    UPLOAD_ACT_SEND_WITHOUT_EXPECT, /* PATCH; no "Expect: 100-continue" from now on */
    UPLOAD_ACT_RENEW_TOKEN,
    UPLOAD_ACT_QUERY_OFFSET,          /* GET of the session */
    UPLOAD_ACT_COMMIT,                /* PUT */
    UPLOAD_ACT_COMMIT_WITHOUT_EXPECT, /* PUT; no "Expect: 100-continue" from now on */
    UPLOAD_ACT_DELETE_SESSION,        /* DELETE */
    UPLOAD_ACT_CHANGE_METHOD,         /* DELETE; the other upload method from now on */
    UPLOAD_ACT_COUNT
};

/* The pause before the action. */
enum upload_pause {
    UPLOAD_NO_PAUSE = 0,
    UPLOAD_BACK_OFF,        /* the delay before a retry, see request/retry.h */
    UPLOAD_WAIT_FOR_OFFSET, /* the registry may still be reading bytes: OFFSET_QUERY_DELAY_MS */
    UPLOAD_WAIT_FOR_COMMIT, /* the registry may still be at the commit: COMMIT_POLL_DELAYS_MS */
    UPLOAD_PAUSE_COUNT
};

/* Which error a failed upload reports. */
enum upload_cause {
    UPLOAD_NO_CAUSE = 0,
    UPLOAD_LAST_ERROR,   /* the last answer or failure */
    UPLOAD_SESSION_LOST, /* the session is lost, and bytes or sessions for another try are too */
    UPLOAD_CONTENT_MISMATCH,          /* the registry has other bytes than were sent */
    UPLOAD_COMMIT_UNCONFIRMED,        /* the PUT was sent; whether it succeeded is unknown */
    UPLOAD_BLOB_MISSING_AFTER_COMMIT, /* the PUT succeeded, then HEAD found no blob */
    UPLOAD_TOO_LARGE_FOR_ONE_REQUEST, /* one PUT, but the blob does not fit in memory */
    UPLOAD_CAUSE_COUNT
};

enum upload_method {
    UPLOAD_SINGLE_PUT = 0, /* all bytes in the PUT */
    UPLOAD_SINGLE_PATCH,   /* one PATCH of known length */
    UPLOAD_CHUNKED,        /* a PATCH for each chunk */
    UPLOAD_STREAMED        /* one PATCH of unknown length */
};

/* What is true of the upload when an event happens. */
struct upload_facts {
    enum upload_method method;
    /* READY: the next PATCH can be sent. LATER: it needs more bytes. NONE: only the PUT is left. */
    enum upload_next_patch {
        UPLOAD_PATCH_READY = 0,
        UPLOAD_PATCH_LATER,
        UPLOAD_PATCH_NONE
    } next_patch;
    /* Whether any body byte of the last request was sent. */
    enum upload_body { UPLOAD_NO_BODY_SENT = 0, UPLOAD_BODY_SENT } body;
    /* Whether the blob can be sent again from its first byte. */
    enum upload_replay { UPLOAD_REPLAY_BUFFERED = 0, UPLOAD_REPLAY_DISCARDED } replay;
    /* Whether another session may be opened for this blob. */
    enum upload_sessions { UPLOAD_SESSIONS_LEFT = 0, UPLOAD_NO_SESSIONS_LEFT } sessions;
    /* Whether another upload method may be tried. */
    enum upload_other_method { UPLOAD_METHOD_LEFT = 0, UPLOAD_NO_METHOD_LEFT } other_method;
    /* How often this event has happened to this request. */
    enum upload_repetition { UPLOAD_FIRST_TIME = 0, UPLOAD_REPEATED } repetition;
    /* Whether HEAD asks for a blob whose digest is known before the first request. */
    enum upload_first_head { UPLOAD_HEAD_NEEDED = 0, UPLOAD_HEAD_NOT_NEEDED } first_head;
    /* Whether the registry may still be working on the last PUT. */
    enum upload_commit { UPLOAD_COMMIT_ENDED = 0, UPLOAD_COMMIT_MAY_STILL_RUN } commit;
    /* Whether a smaller chunk is possible. */
    enum upload_chunk_size { UPLOAD_SHRINKABLE_CHUNK = 0, UPLOAD_SMALLEST_CHUNK } chunk_size;
    /* How the successful PUT was answered. STORED: the PUT carried the whole blob, and the
     * answer is a 201 that names its digest. */
    enum upload_commit_answer {
        UPLOAD_COMMIT_STORED = 0,
        UPLOAD_COMMIT_201,
        UPLOAD_COMMIT_2XX
    } commit_answer;
    /* Whether the bytes of the last request can be sent again: those after the acknowledged
     * ones. */
    enum upload_unacked { UPLOAD_UNACKED_BUFFERED = 0, UPLOAD_UNACKED_DISCARDED } unacked;
};

struct upload_action {
    enum upload_state next; /* UPLOAD_STATE_COUNT: the event is impossible in this state */
    enum upload_act act;
    enum upload_pause pause;
    enum upload_cause cause; /* set when the upload fails */
};

struct upload_action upload_step(enum upload_state state, enum upload_event event,
                                 const struct upload_facts *facts);

/* One rule as text, for docs/upload.md and for tests. */
struct upload_rule_text {
    const char *state;
    const char *event;
    const char *condition; /* "" = always */
    const char *next;
    const char *act;
    const char *pause;
    const char *cause;
};
/* The rule at index, in table order; false past the last one. */
int upload_rule_at(size_t index, struct upload_rule_text *ret_text);
const char *upload_state_name(enum upload_state state);
const char *upload_event_name(enum upload_event event);

#endif
