/* SPDX-License-Identifier: Apache-2.0 */
/* Retries: which failures may be retried, how long to wait before, when to stop. The wait ends
 * at once when the client is cancelled. A retry object belongs to one thread. An upload also
 * waits for its offset and its commit (upload/upload_run.c); all delays are in base/limits.h. */
#ifndef REQUEST_RETRY_H
#define REQUEST_RETRY_H

#include "http/http.h"
#include "request/context.h"

struct retry {
    struct context *context; /* borrowed: its retry_count and cancel token */
    const char *host;        /* borrowed; host[:port], for notices and messages */
    uint32_t count_max;      /* retries after the first attempt */
    uint32_t failures;       /* in a row */
    uint64_t progress_ms;    /* monotonic time of the last progress; see RETRY_GIVE_UP_MS */
};
void retry_init(struct retry *retry, struct context *context, const char *host);
/* Progress was made: failures are counted from 0 again. */
void retry_progress(struct retry *retry);

/* 408, 425, 429, 499 and every 5xx except for 501 and 505, which a retry does not change. */
bool retry_worth_status(int http_status);
/* NETWORK and TIMEOUT; never TLS, CANCELLED and the like. */
bool retry_worth_failure(int status);

/* As retry_wait(), but returns the time in *ret_ms instead of waiting. */
MUST_CHECK int retry_next(struct retry *retry, const struct http_response *response,
                          uint64_t *ret_ms, struct lpipe_error *err);
/* Waits before the next attempt: RETRY_DELAYS_MS with a quarter of jitter, or what the answer's
 * Retry-After says (response may be NULL). 0 = retry now. SERVER when no attempt is left, or
 * RETRY_GIVE_UP_MS have passed without progress: then *err is not changed, because it has the
 * cause. RATE_LIMITED, with the time of day in *err, when the registry asks to wait for longer
 * than RETRY_AFTER_MS_MAX. CANCELLED, in *err too, at once. */
MUST_CHECK int retry_wait(struct retry *retry, const struct http_response *response,
                          struct lpipe_error *err);

/* Adds the number of attempts to the message of the last one's failure. */
void retry_note_attempts(const struct retry *retry, struct lpipe_error *err);

/* Value of a Retry-After header (RFC 9110, 10.2.3) in milliseconds from now: seconds or a date, a
 * past date is 0. False when it is neither. */
bool retry_after_parse(const char *value, int64_t now_s, uint64_t *ret_ms);

#endif
