/* SPDX-License-Identifier: Apache-2.0 */
/* What an upload does next: a pure function of its state, what has just happened, and what is true
 * of the upload at this moment. No I/O, clock or memory. The rules are rows of one table, which is
 * also what docs/upload.md shows. Any thread. */
#ifndef UPLOAD_UPLOAD_MACHINE_H
#define UPLOAD_UPLOAD_MACHINE_H

#include <stddef.h>

enum upload_state {
    UPLOAD_BUFFERING = 0,   /* nothing was asked: the blob may end before anything must be sent */
    UPLOAD_CHECKING_BLOB,   /* the whole blob is here: does the registry have it? */
    UPLOAD_OPENING,         /* a session is asked for */
    UPLOAD_SENDING,         /* bytes are on their way */
    UPLOAD_RENEWING_TOKEN,  /* they were refused for want of a good token */
    UPLOAD_QUERYING_OFFSET, /* how much of them has arrived? */
    UPLOAD_QUERYING_OFFSET_AFTER_416, /* the same, after the registry denied our count */
    UPLOAD_WAITING,    /* the session is open, the stream has no more at the moment */
    UPLOAD_COMMITTING, /* all has been sent, the digest is told */
    UPLOAD_RENEWING_TOKEN_FOR_COMMIT, /* which was refused for want of a good token */
    UPLOAD_CHECKING_BLOB_AFTER_ERROR, /* no clear answer: is the blob there? */
    UPLOAD_CHECKING_SESSION,          /* it is not: what of the session? */
    UPLOAD_VERIFYING_BLOB,            /* yes, says the registry: is the blob there? */
    UPLOAD_CHANGING_METHOD,  /* this way does not work: the session ends, another way is tried */
    UPLOAD_RESTARTING,       /* the session is lost, the bytes are not: another session */
    UPLOAD_DELETING_SESSION, /* it has failed: the session ends */
    UPLOAD_DONE,
    UPLOAD_FAILED,
    UPLOAD_STATE_COUNT
};

enum upload_event {
    /* Of the stream. */
    UPLOAD_FILLED = 0, /* there is enough to send */
    UPLOAD_ENDED,      /* it has ended, digest and size are known */
    UPLOAD_ABANDONED,  /* nobody wants the blob any more */
    /* Of any request. */
    UPLOAD_OK,        /* done as asked */
    UPLOAD_BROKEN,    /* no answer: the connection failed or fell silent */
    UPLOAD_BUSY,      /* an answer that asks to come again: 429, 5xx and the like */
    UPLOAD_HTTP_401,  /* 401 */
    UPLOAD_GONE,      /* 404, 410 */
    UPLOAD_REFUSED,   /* any other refusal */
    UPLOAD_ERROR,     /* nothing that could be helped: cancelled, no memory, a bad address */
    UPLOAD_EXHAUSTED, /* the pause before it was one too many */
    /* Of requests with bytes. */
    UPLOAD_SHORT,          /* accepted, but fewer bytes than were sent; or before they were sent */
    UPLOAD_HTTP_416,       /* 416 */
    UPLOAD_HTTP_413,       /* 413 */
    UPLOAD_HTTP_411,       /* 411 */
    UPLOAD_HTTP_417,       /* 417 */
    UPLOAD_DIGEST_REFUSED, /* the registry's digest or size is another */
    /* Of the question for the offset. */
    UPLOAD_OFFSET_COMPLETE, /* all that was sent has arrived */
    UPLOAD_OFFSET_BEHIND,   /* less, and what is missing is held */
    UPLOAD_OFFSET_INVALID,  /* something that cannot be gone on from */
    UPLOAD_OFFSET_UNSTABLE, /* an offset that may still move */
    /* Of the question for the blob. */
    UPLOAD_BLOB_FOUND,
    UPLOAD_BLOB_MISSING,
    UPLOAD_BLOB_SIZE_MISMATCH, /* under this digest there is something else */
    UPLOAD_BLOB_CHECK_FAILED,  /* a refusal of the question */
    UPLOAD_EVENT_COUNT
};

/* What is to be done. Each ends in an event. */
enum upload_act {
    UPLOAD_ACT_NOTHING = 0,           /* the end */
    UPLOAD_ACT_WAIT,                  /* for the stream */
    UPLOAD_ACT_HEAD_BLOB,             /* HEAD of the blob */
    UPLOAD_ACT_OPEN_SESSION,          /* POST */
    UPLOAD_ACT_SEND,                  /* PATCH */
    UPLOAD_ACT_SEND_SMALLER,          /* PATCH, with a smaller chunk from now on */
    UPLOAD_ACT_SEND_WITHOUT_EXPECT,   /* PATCH, without "Expect" from now on */
    UPLOAD_ACT_RENEW_TOKEN,           /* the token */
    UPLOAD_ACT_QUERY_OFFSET,          /* GET of the session */
    UPLOAD_ACT_COMMIT,                /* PUT */
    UPLOAD_ACT_COMMIT_WITHOUT_EXPECT, /* PUT, without "Expect" from now on */
    UPLOAD_ACT_DELETE_SESSION,        /* DELETE */
    UPLOAD_ACT_CHANGE_METHOD,         /* DELETE, and the other way from now on */
    UPLOAD_ACT_COUNT
};

/* What to wait for before. */
enum upload_pause {
    UPLOAD_NO_PAUSE = 0,
    UPLOAD_BACK_OFF,        /* longer each time, as the registry asks, until attempts are used up */
    UPLOAD_WAIT_FOR_OFFSET, /* for bytes still under way */
    UPLOAD_POLL,            /* for a registry that may still be at work */
    UPLOAD_PAUSE_COUNT
};

/* What the failure is called. */
enum upload_cause {
    UPLOAD_NO_CAUSE = 0,
    UPLOAD_LAST_ERROR,    /* by the last answer or failure */
    UPLOAD_LOST,          /* the session is gone and the bytes are too, or too many sessions were */
    UPLOAD_OTHER_BYTES,   /* the registry has other bytes */
    UPLOAD_UNCONFIRMED,   /* all was sent; whether it is there is not known */
    UPLOAD_BLOB_VANISHED, /* confirmed, and then denied */
    UPLOAD_TOO_LARGE_FOR_ONE_REQUEST, /* too large for one request without a spool */
    UPLOAD_CAUSE_COUNT
};

enum upload_method { UPLOAD_SINGLE_PUT = 0, UPLOAD_SINGLE_PATCH, UPLOAD_CHUNKED, UPLOAD_STREAMED };

/* What is true of the upload when something happens. */
struct upload_facts {
    enum upload_method
        method; /* one PUT; one PATCH of known length; PATCHes; one PATCH without length */
    enum upload_rest { UPLOAD_REST_READY = 0, UPLOAD_REST_LATER, UPLOAD_REST_NONE } rest;
    enum upload_body { UPLOAD_NO_BODY_SENT = 0, UPLOAD_BODY_SENT } body; /* of the last request */
    enum upload_replay {
        UPLOAD_REPLAY_BUFFERED = 0,
        UPLOAD_REPLAY_DISCARDED
    } source; /* the blob's first byte */
    enum upload_sessions { UPLOAD_SESSIONS_LEFT = 0, UPLOAD_NO_SESSIONS_LEFT } sessions;
    enum upload_other_method { UPLOAD_METHOD_LEFT = 0, UPLOAD_NO_METHOD_LEFT } other_method;
    enum upload_times { UPLOAD_FIRST = 0, UPLOAD_AGAIN } times; /* this event, for this request */
    enum upload_digest {
        UPLOAD_DIGEST_NEW = 0,
        UPLOAD_DIGEST_CHECKED
    } digest; /* was it looked for? */
    enum upload_commit { UPLOAD_COMMIT_OVER = 0, UPLOAD_COMMIT_AT_WORK } commit;
    enum upload_chunk_size { UPLOAD_SHRINKABLE = 0, UPLOAD_SMALLEST } size; /* of the chunk */
    enum upload_commit_answer {
        UPLOAD_GOT_201 = 0,
        UPLOAD_NO_201
    } commit_answer; /* 201 to the PUT */
};

struct upload_action {
    enum upload_state next; /* UPLOAD_STATE_COUNT: this cannot happen in this state */
    enum upload_act act;
    enum upload_pause pause;
    enum upload_cause cause;
};

struct upload_action upload_step(enum upload_state state, enum upload_event event,
                                 const struct upload_facts *facts);

/* What the table says in words, for the documentation and for messages. */
struct upload_rule_text {
    const char *state;
    const char *event;
    const char *when; /* "" = always */
    const char *next;
    const char *act;
    const char *pause;
    const char *cause;
};
/* The rule of that number; false when there are no more. */
int upload_rule_at(size_t index, struct upload_rule_text *ret_text);
const char *upload_state_name(enum upload_state state);
const char *upload_event_name(enum upload_event event);

#endif
