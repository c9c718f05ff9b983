/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of a running call: gathered from the library's events, without any output. */
#ifndef CLI_PROGRESS_STATE_H
#define CLI_PROGRESS_STATE_H

#include <layerpipe.h>

#define PROGRESS_BLOBS_MAX 64 /* at the same time: as many jobs as a client may have */
#define PROGRESS_NAME_BYTES 64
#define METER_SAMPLES 16

/* The speed of a counter over the last three seconds. */
struct meter {
    uint64_t at_ms[METER_SAMPLES], value[METER_SAMPLES]; /* a ring */
    unsigned count, next;
    uint64_t moved_ms; /* when the counter changed last */
};

struct progress_blob {
    uint32_t index;
    char name[PROGRESS_NAME_BYTES];  /* "layer 1" */
    char input[PROGRESS_NAME_BYTES]; /* "gcc.tar", or "" */
    struct lpipe_event now;          /* the last event; its strings are not valid */
    uint64_t start_ms, phase_ms;     /* when the blob and its phase began */
    uint64_t read_ms;                /* when bytes were read last; 0 = never */
    struct meter meter; /* of the bytes that were read while hashing, else of those sent */
};

struct progress_state {
    struct progress_blob blobs[PROGRESS_BLOBS_MAX]; /* in work, ordered by index */
    size_t blob_count;
    uint64_t start_ms;  /* of the call */
    uint64_t now_ms;    /* of the last event */
    uint64_t active_ms; /* of the last event that was about something */
    struct meter meter; /* of all bytes that were sent */
    uint64_t counted;   /* bytes that the command itself has written */
    /* Of the blobs that have ended. */
    uint64_t ended_sent, ended_resent, ended_acked;
    uint64_t counts[LPIPE_ORIGIN_COPIED + 1]; /* by origin; failed ones are not counted */
};

uint64_t progress_now_ms(void);
/* A call begins: forgets all that was before. */
void progress_state_begin(struct progress_state *state, uint64_t now_ms);
/* Takes an event. For the end of a blob use progress_state_end(). */
void progress_state_take(struct progress_state *state, const struct lpipe_event *event,
                         uint64_t now_ms);
/* Takes the end of a blob, and copies it to *ret_blob. */
void progress_state_end(struct progress_state *state, const struct lpipe_event *event,
                        uint64_t now_ms, struct progress_blob *ret_blob);

struct progress_totals {
    uint64_t sent, resent, acked;
};
struct progress_totals progress_totals(const struct progress_state *state);

/* Bytes a second. */
uint64_t meter_rate(const struct meter *meter, uint64_t now_ms);
/* How many seconds nothing was read or sent, for all blobs or for this one; 0 when it is less than
 * two. */
uint64_t progress_stalled_s(const struct progress_state *state);
uint64_t progress_blob_stalled_s(const struct progress_state *state,
                                 const struct progress_blob *blob);

/* How much of the blob is done: of what is hashed, or of what is sent. */
struct progress_part {
    uint64_t done, total; /* bytes; total 0 = not known */
    bool is_estimate;     /* the total follows from the part of the input that was compressed */
};
struct progress_part progress_part(const struct progress_blob *blob);

#endif
