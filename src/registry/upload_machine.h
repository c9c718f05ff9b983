/* SPDX-License-Identifier: Apache-2.0 */
/* What an upload does next: a pure function of its state, what has just happened, and what is true
 * of the upload at this moment. No I/O, clock or memory. The rules are rows of one table, which is
 * also what docs/upload.md shows. Any thread. */
#ifndef REGISTRY_UPLOAD_MACHINE_H
#define REGISTRY_UPLOAD_MACHINE_H

#include <stddef.h>

enum upload_state {
    UPLOAD_GATHERING = 0, /* nothing was asked: the blob may end before anything must be sent */
    UPLOAD_CHECKING,      /* the whole blob is here: does the registry have it? */
    UPLOAD_OPENING,       /* a session is asked for */
    UPLOAD_SENDING,       /* bytes are on their way */
    UPLOAD_RENEWING,      /* they were refused for want of a good token */
    UPLOAD_ASKING,        /* how much of them has arrived? */
    UPLOAD_COMPARING,     /* the same, after the registry denied our count */
    UPLOAD_WAITING,       /* the session is open, the stream has no more at the moment */
    UPLOAD_COMMITTING,    /* all has been sent, the digest is told */
    UPLOAD_RENEWING_LAST, /* which was refused for want of a good token */
    UPLOAD_DOUBTING,      /* no clear answer: is the blob there? */
    UPLOAD_REVIEWING,     /* it is not: what of the session? */
    UPLOAD_CONFIRMING,    /* yes, says the registry: is the blob there? */
    UPLOAD_SWITCHING,     /* this way does not work: the session ends, another way is tried */
    UPLOAD_RESTARTING,    /* the session is lost, the bytes are not: another session */
    UPLOAD_CLOSING,       /* it has failed: the session ends */
    UPLOAD_DONE,
    UPLOAD_FAILED,
    UPLOAD_STATES
};

enum upload_event {
    /* Of the stream. */
    UPLOAD_FILLED = 0, /* there is enough to send */
    UPLOAD_ENDED,      /* it has ended, digest and size are known */
    UPLOAD_ABANDONED,  /* nobody wants the blob any more */
    /* Of any request. */
    UPLOAD_OK,           /* done as asked */
    UPLOAD_BROKEN,       /* no answer: the connection failed or fell silent */
    UPLOAD_BUSY,         /* an answer that asks to come again: 429, 5xx and the like */
    UPLOAD_UNAUTHORIZED, /* 401 */
    UPLOAD_GONE,         /* 404, 410 */
    UPLOAD_REFUSED,      /* any other refusal */
    UPLOAD_ERROR,        /* nothing that could be helped: cancelled, no memory, a bad address */
    UPLOAD_EXHAUSTED,    /* the pause before it was one too many */
    /* Of requests with bytes. */
    UPLOAD_SHORT,      /* accepted, but fewer bytes than were sent; or before they were sent */
    UPLOAD_RANGE,      /* 416 */
    UPLOAD_LARGE,      /* 413 */
    UPLOAD_LENGTH,     /* 411 */
    UPLOAD_UNEXPECTED, /* 417 */
    UPLOAD_MISMATCH,   /* the registry's digest or size is another */
    /* Of the question for the offset. */
    UPLOAD_WHOLE,   /* all that was sent has arrived */
    UPLOAD_PART,    /* less, and what is missing is held */
    UPLOAD_OUTSIDE, /* something that cannot be gone on from */
    UPLOAD_MOVING,  /* an offset that may still move */
    /* Of the question for the blob. */
    UPLOAD_FOUND,
    UPLOAD_ABSENT,
    UPLOAD_OTHER,   /* under this digest there is something else */
    UPLOAD_UNKNOWN, /* a refusal of the question */
    UPLOAD_EVENTS
};

/* What is to be done. Each ends in an event. */
enum upload_do {
    UPLOAD_DO_NOTHING = 0,    /* the end */
    UPLOAD_DO_WAIT,           /* for the stream */
    UPLOAD_DO_LOOK,           /* HEAD of the blob */
    UPLOAD_DO_OPEN,           /* POST */
    UPLOAD_DO_SEND,           /* PATCH */
    UPLOAD_DO_SEND_SMALLER,   /* PATCH, with a smaller chunk from now on */
    UPLOAD_DO_SEND_UNASKED,   /* PATCH, without "Expect" from now on */
    UPLOAD_DO_RENEW,          /* the token */
    UPLOAD_DO_ASK,            /* GET of the session */
    UPLOAD_DO_COMMIT,         /* PUT */
    UPLOAD_DO_COMMIT_UNASKED, /* PUT, without "Expect" from now on */
    UPLOAD_DO_CLOSE,          /* DELETE */
    UPLOAD_DO_SWITCH,         /* DELETE, and the other way from now on */
    UPLOAD_DOS
};

/* What to wait for before. */
enum upload_pause {
    UPLOAD_NO_PAUSE = 0,
    UPLOAD_BACK_OFF, /* longer each time, as the registry asks, until attempts are used up */
    UPLOAD_SETTLE,   /* for bytes still under way */
    UPLOAD_POLL,     /* for a registry that may still be at work */
    UPLOAD_PAUSES
};

/* What the failure is called. */
enum upload_cause {
    UPLOAD_NO_CAUSE = 0,
    UPLOAD_AS_TOLD,     /* by the last answer or failure */
    UPLOAD_LOST,        /* the session is gone and the bytes are too, or too many sessions were */
    UPLOAD_CHANGED,     /* the registry has other bytes */
    UPLOAD_UNCONFIRMED, /* all was sent; whether it is there is not known */
    UPLOAD_VANISHED,    /* confirmed, and then denied */
    UPLOAD_UNFIT,       /* too large for one request without a spool */
    UPLOAD_CAUSES
};

enum upload_way { UPLOAD_SINGLE = 0, UPLOAD_AT_ONCE, UPLOAD_CHUNKED, UPLOAD_STREAMED };

/* What is true of the upload when something happens. */
struct upload_facts {
    enum upload_way way; /* one PUT; one PATCH of known length; PATCHes; one PATCH without length */
    enum upload_rest { UPLOAD_REST_READY = 0, UPLOAD_REST_LATER, UPLOAD_REST_NONE } rest;
    enum upload_body { UPLOAD_UNTOUCHED = 0, UPLOAD_TOUCHED } body; /* of the last request */
    enum upload_source { UPLOAD_HELD = 0, UPLOAD_LET_GO } source;   /* the blob's first byte */
    enum upload_sessions { UPLOAD_SESSIONS_LEFT = 0, UPLOAD_SESSIONS_SPENT } sessions;
    enum upload_other_way { UPLOAD_ANOTHER_WAY = 0, UPLOAD_NO_OTHER_WAY } other_way;
    enum upload_times { UPLOAD_FIRST = 0, UPLOAD_AGAIN } times; /* this event, for this request */
    enum upload_digest {
        UPLOAD_DIGEST_NEW = 0,
        UPLOAD_DIGEST_ASKED
    } digest; /* was it looked for? */
    enum upload_commit { UPLOAD_COMMIT_OVER = 0, UPLOAD_COMMIT_AT_WORK } commit;
    enum upload_room { UPLOAD_SHRINKABLE = 0, UPLOAD_SMALLEST } size;         /* of the chunk */
    enum upload_promise { UPLOAD_PROMISED = 0, UPLOAD_NOT_PROMISED } promise; /* 201 to the PUT */
};

struct upload_action {
    enum upload_state next; /* UPLOAD_STATES: this cannot happen in this state */
    enum upload_do act;
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
