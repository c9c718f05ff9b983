/* SPDX-License-Identifier: Apache-2.0 */
/* Which retries were reported to the user. Several blobs meet the failure of one host at about the
 * same time, and each retries by itself: only the first one reports it. Any thread. */
#ifndef REQUEST_RETRY_NOTICES_H
#define REQUEST_RETRY_NOTICES_H

#include <pthread.h>

#include "auth/origin.h"
#include "base/limits.h"

/* As a cause: an upload is sent again from its first byte; the attempt is its session. Other
 * uploads may do the same later, so a request that works does not end it. */
#define RETRY_SESSION 0

struct retry_notice {
    char host[ORIGIN_TEXT_BYTES];
    int cause;         /* HTTP status, enum lpipe_status, or RETRY_SESSION */
    uint32_t attempt;  /* the last one that was reported */
    uint64_t until_ms; /* monotonic time; 0 = the row is free */
};

struct retry_notices {
    pthread_mutex_t mutex;
    struct retry_notice rows[RETRY_NOTICES_MAX]; /* by mutex */
};
void retry_notices_init(struct retry_notices *notices);
void retry_notices_dispose(struct retry_notices *notices);

/* Whether the user should get a notice that this attempt follows in wait_ms, for this cause.
 * False when the same or a later attempt for the same host and cause was reported, and neither has
 * the host worked again (retry_notices_end()) nor RETRY_NOTICE_LASTS_MS passed after that wait. */
MUST_CHECK bool retry_notices_add(struct retry_notices *notices, const char *host, int cause,
                                  uint32_t attempt, uint64_t wait_ms);
/* A request that was retried has worked: the next failed request to this host is reported again. */
void retry_notices_end(struct retry_notices *notices, const char *host);

#endif
