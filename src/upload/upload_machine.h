/* SPDX-License-Identifier: Apache-2.0 */
/* The upload machine: decides what an upload does next, from its state, the last event and some facts.
 * A pure function: no I/O, no clock, no memory. The rules are one table, which docs/upload.md shows.
 * Any thread. */
#ifndef UPLOAD_UPLOAD_MACHINE_H
#define UPLOAD_UPLOAD_MACHINE_H

#include <stddef.h>

enum upload_state {
    UPLOAD_BUFFERING = 0,   /* no request yet: the blob may end before one is needed */
    UPLOAD_CHECKING_BLOB,   /* the whole blob is buffered: HEAD, does the registry have it? */
    UPLOAD_OPENING,         /* POST */
    UPLOAD_SENDING,         /* PATCH */
    UPLOAD_RENEWING_TOKEN,  /* the PATCH was answered with 401 */
    UPLOAD_QUERYING_OFFSET, /* GET of the session: how many bytes have arrived? */
    UPLOAD_QUERYING_OFFSET_AFTER_416, /* the same, after the registry refused our offset */
    UPLOAD_WAITING,                   /* the session is open, the stream has no bytes at present */
    UPLOAD_COMMITTING,                /* PUT with the digest */
    UPLOAD_RENEWING_TOKEN_FOR_COMMIT, /* the PUT was answered with 401 */
    UPLOAD_CHECKING_BLOB_AFTER_ERROR, /* the PUT had no clear answer: HEAD, is the blob there? */
    UPLOAD_CHECKING_SESSION,          /* it is not: GET, does the session still exist? */
    UPLOAD_VERIFYING_BLOB,            /* the PUT succeeded: HEAD, is the blob there? */
    UPLOAD_CHANGING_METHOD,           /* DELETE, then another session with the other method */
    UPLOAD_RESTARTING,                /* DELETE, then another session from the first byte */
    UPLOAD_DELETING_SESSION,          /* DELETE, then FAILED */
    UPLOAD_DONE,
    UPLOAD_FAILED,
    UPLOAD_STATE_COUNT
};

enum upload_event {
    /* From the stream. */
    UPLOAD_FILLED = 0, /* there are enough bytes for a request */
    UPLOAD_ENDED,      /* it has ended, digest and size are known */
    UPLOAD_ABANDONED,  /* the blob is not wanted any more */
    /* From any request. */
    UPLOAD_OK,     /* success */
    UPLOAD_BROKEN, /* no answer: the connection failed or stalled */
    UPLOAD_BUSY,   /* an answer after which a retry may help: 429, 5xx and the like */
    UPLOAD_HTTP_401,
    UPLOAD_GONE,      /* 404, 410 */
    UPLOAD_REFUSED,   /* any other refusal */
    UPLOAD_ERROR,     /* a retry does not help: cancelled, no memory, an invalid URL */
    UPLOAD_EXHAUSTED, /* no retry is left */
    /* From requests with a body. */
    UPLOAD_SHORT, /* accepted, but fewer bytes than were sent, or before all were sent */
    UPLOAD_HTTP_416,
    UPLOAD_HTTP_413,
    UPLOAD_HTTP_411,
    UPLOAD_HTTP_417,
    UPLOAD_DIGEST_REFUSED, /* the registry says that digest or size do not match the bytes */
    /* From an offset query. */
    UPLOAD_OFFSET_COMPLETE, /* all sent bytes have arrived */
    UPLOAD_OFFSET_BEHIND,   /* fewer, and the missing ones are held */
    UPLOAD_OFFSET_INVALID,  /* an offset from which the upload cannot continue */
    UPLOAD_OFFSET_UNSTABLE, /* an offset that may still change */
    /* From HEAD of the blob. */
    UPLOAD_BLOB_FOUND,
    UPLOAD_BLOB_MISSING,
    UPLOAD_BLOB_DIFFERS,      /* the registry has other bytes under this digest */
    UPLOAD_BLOB_CHECK_FAILED, /* the registry refused the HEAD */
    UPLOAD_EVENT_COUNT
};

/* What to do. Each ends in an event. */
enum upload_act {
    UPLOAD_ACT_NOTHING = 0, /* the upload has ended */
    UPLOAD_ACT_WAIT,        /* for the stream */
    UPLOAD_ACT_HEAD_BLOB,
    UPLOAD_ACT_OPEN_SESSION,        /* POST */
    UPLOAD_ACT_SEND,                /* PATCH */
    UPLOAD_ACT_SEND_SMALLER,        /* PATCH, with smaller chunks from now on */
    UPLOAD_ACT_SEND_WITHOUT_EXPECT, /* PATCH, without "Expect" from now on */
    UPLOAD_ACT_RENEW_TOKEN,
    UPLOAD_ACT_QUERY_OFFSET,          /* GET of the session */
    UPLOAD_ACT_COMMIT,                /* PUT */
    UPLOAD_ACT_COMMIT_WITHOUT_EXPECT, /* PUT, without "Expect" from now on */
    UPLOAD_ACT_DELETE_SESSION,        /* DELETE */
    UPLOAD_ACT_CHANGE_METHOD,         /* DELETE, and the other method from now on */
    UPLOAD_ACT_COUNT
};

/* The wait before the action. */
enum upload_pause {
    UPLOAD_NO_PAUSE = 0,
    UPLOAD_BACK_OFF,        /* longer each time, or as the registry asks, until no retry is left */
    UPLOAD_WAIT_FOR_OFFSET, /* until bytes on their way have arrived */
    UPLOAD_POLL,            /* the registry may still be working on the commit */
    UPLOAD_PAUSE_COUNT
};

/* Why the upload failed. */
enum upload_cause {
    UPLOAD_NO_CAUSE = 0,
    UPLOAD_LAST_ERROR,    /* the last answer or failure */
    UPLOAD_LOST,          /* the session is lost, and the bytes cannot be sent again */
    UPLOAD_OTHER_BYTES,   /* the registry has other bytes than were sent */
    UPLOAD_UNCONFIRMED,   /* all bytes were sent; whether the blob is there is not known */
    UPLOAD_BLOB_VANISHED, /* the commit succeeded, but the blob is missing */
    UPLOAD_TOO_LARGE_FOR_ONE_REQUEST, /* and there is no spool */
    UPLOAD_CAUSE_COUNT
};

/* One PUT; one PATCH of known length; PATCH in chunks; one PATCH of unknown length. */
enum upload_method { UPLOAD_SINGLE_PUT = 0, UPLOAD_SINGLE_PATCH, UPLOAD_CHUNKED, UPLOAD_STREAMED };

/* The facts about the upload at the moment of an event. */
struct upload_facts {
    enum upload_method method;
    /* Bytes to send: enough for a request, not yet, none. */
    enum upload_rest { UPLOAD_REST_READY = 0, UPLOAD_REST_LATER, UPLOAD_REST_NONE } rest;
    /* Whether a byte of the last request's body was sent. */
    enum upload_body { UPLOAD_NO_BODY_SENT = 0, UPLOAD_BODY_SENT } body;
    /* Whether the blob's first byte is still held. */
    enum upload_replay { UPLOAD_REPLAY_BUFFERED = 0, UPLOAD_REPLAY_DISCARDED } replay;
    enum upload_sessions { UPLOAD_SESSIONS_LEFT = 0, UPLOAD_NO_SESSIONS_LEFT } sessions;
    enum upload_other_method { UPLOAD_METHOD_LEFT = 0, UPLOAD_NO_METHOD_LEFT } other_method;
    /* Whether this event has happened to this request before. */
    enum upload_times { UPLOAD_FIRST = 0, UPLOAD_AGAIN } times;
    /* Whether the caller has checked that the registry does not have the blob. */
    enum upload_digest { UPLOAD_DIGEST_NEW = 0, UPLOAD_DIGEST_CHECKED } digest;
    /* Whether the registry may still be working on the commit. */
    enum upload_commit { UPLOAD_COMMIT_OVER = 0, UPLOAD_COMMIT_AT_WORK } commit;
    enum upload_chunk_size { UPLOAD_SHRINKABLE = 0, UPLOAD_SMALLEST } size;
    enum upload_commit_answer { UPLOAD_GOT_201 = 0, UPLOAD_NO_201 } commit_answer;
};

struct upload_action {
    enum upload_state next; /* UPLOAD_STATE_COUNT: there is no such rule */
    enum upload_act act;
    enum upload_pause pause;
    enum upload_cause cause;
};

struct upload_action upload_step(enum upload_state state, enum upload_event event,
                                 const struct upload_facts *facts);

/* A rule of the table as text, for the documentation and for messages. */
struct upload_rule_text {
    const char *state;
    const char *event;
    const char *when; /* "" = always */
    const char *next;
    const char *act;
    const char *pause;
    const char *cause;
};
/* Rule number index; 0 when there are no more. */
int upload_rule_at(size_t index, struct upload_rule_text *ret_text);
const char *upload_state_name(enum upload_state state);
const char *upload_event_name(enum upload_event event);

#endif
