/* SPDX-License-Identifier: Apache-2.0 */
#include "request/retry_notices.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/sync.h"

void retry_notices_init(struct retry_notices *notices)
{
    *notices = (struct retry_notices){ .rows = { { .cause = 0 } } };
    pthread_mutex_init(&notices->mutex, NULL);
}

void retry_notices_dispose(struct retry_notices *notices)
{
    pthread_mutex_destroy(&notices->mutex);
}

/* The row of this host and cause, else the one that ends first. */
static struct retry_notice *find_row(struct retry_notices *notices, const char *host, int cause)
{
    struct retry_notice *oldest = &notices->rows[0];
    for (size_t i = 0; i < ARRAY_LEN(notices->rows); i++) {
        struct retry_notice *row = &notices->rows[i];
        if (row->cause == cause && strcmp(row->host, host) == 0) {
            return row;
        }
        oldest = row->until_ms < oldest->until_ms ? row : oldest;
    }
    oldest->until_ms = 0;
    return oldest;
}

bool retry_notices_add(struct retry_notices *notices, const char *host, int cause, uint32_t attempt,
                       uint64_t wait_ms)
{
    uint64_t now_ms = clock_ms();
    GUARD(&notices->mutex);
    struct retry_notice *row = find_row(notices, host, cause);
    if (row->until_ms > now_ms && row->attempt >= attempt) {
        return false;
    }
    (void)snprintf(row->host, sizeof row->host, "%s", host);
    row->cause = cause;
    row->attempt = attempt;
    row->until_ms = now_ms + wait_ms + RETRY_NOTICE_LASTS_MS;
    return true;
}

void retry_notices_end(struct retry_notices *notices, const char *host)
{
    GUARD(&notices->mutex);
    for (size_t i = 0; i < ARRAY_LEN(notices->rows); i++) {
        struct retry_notice *row = &notices->rows[i];
        if (row->cause != RETRY_SESSION && strcmp(row->host, host) == 0) {
            row->until_ms = 0;
        }
    }
}
