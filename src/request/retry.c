/* SPDX-License-Identifier: Apache-2.0 */
#include "request/retry.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"

#define SECOND_MS UINT64_C(1000)

void retry_init(struct retry *retry, struct context *context, const char *host)
{
    *retry = (struct retry){ .context = context,
                             .host = host,
                             .count_max = context->settings.retry_count,
                             .progress_ms = clock_ms() };
}

void retry_progress(struct retry *retry)
{
    if (retry->failures > 0) {
        retry_notices_end(&retry->context->retry_notices, retry->host);
    }
    retry->failures = 0;
    retry->progress_ms = clock_ms();
}

bool retry_worth_status(int http_status)
{
    bool never = http_status == 501 || http_status == 505;
    return http_status == 408 || http_status == 425 || http_status == 429 || http_status == 499 ||
           (http_status >= 500 && http_status <= 599 && !never);
}

bool retry_worth_failure(int status)
{
    return status == LPIPE_NETWORK || status == LPIPE_TIMEOUT;
}

/* Reads "Sun, 06 Nov 1994 08:49:37 GMT", in any locale. */
struct cursor {
    const char *at;
};

static bool skip(struct cursor *cursor, const char *text)
{
    size_t size = strlen(text);
    bool found = strncmp(cursor->at, text, size) == 0;
    cursor->at += found ? size : 0;
    return found;
}

static bool take_digits(struct cursor *cursor, size_t size, int *ret_number)
{
    uint64_t number = 0;
    if (strnlen(cursor->at, size) < size || !text_to_u64(cursor->at, size, 9999, &number)) {
        return false;
    }
    cursor->at += size;
    *ret_number = (int)number;
    return true;
}

/* Reads one of several three-letter names. */
static bool take_name(struct cursor *cursor, const char *names, int *ret_index)
{
    for (int i = 0; *names != '\0'; i++, names += 3) {
        if (strncmp(cursor->at, names, 3) == 0) {
            cursor->at += 3;
            *ret_index = i;
            return true;
        }
    }
    return false;
}

/* IMF-fixdate, the only form that may be generated (RFC 9110, 5.6.7). */
static bool parse_date(const char *text, int64_t *ret_s)
{
    struct cursor cursor = { text };
    struct tm tm = { 0 };
    int year = 0;
    bool good = take_name(&cursor, "MonTueWedThuFriSatSun", &tm.tm_wday) && skip(&cursor, ", ") &&
                take_digits(&cursor, 2, &tm.tm_mday) && skip(&cursor, " ") &&
                take_name(&cursor, "JanFebMarAprMayJunJulAugSepOctNovDec", &tm.tm_mon) &&
                skip(&cursor, " ") && take_digits(&cursor, 4, &year) && skip(&cursor, " ") &&
                take_digits(&cursor, 2, &tm.tm_hour) && skip(&cursor, ":") &&
                take_digits(&cursor, 2, &tm.tm_min) && skip(&cursor, ":") &&
                take_digits(&cursor, 2, &tm.tm_sec) && skip(&cursor, " GMT") && *cursor.at == '\0';
    if (!good) {
        return false;
    }
    tm.tm_year = year - 1900;
    *ret_s = timegm(&tm);
    return true;
}

bool retry_after_parse(const char *value, int64_t now_s, uint64_t *ret_ms)
{
    uint64_t seconds = 0;
    int64_t then_s = 0;
    if (text_to_u64(value, strlen(value), UINT64_MAX / SECOND_MS, &seconds)) {
        *ret_ms = seconds * SECOND_MS;
        return true;
    }
    if (!parse_date(value, &then_s)) {
        return false;
    }
    *ret_ms = then_s > now_s ? (uint64_t)(then_s - now_s) * SECOND_MS : 0;
    return true;
}

/* With random jitter, so that clients which failed together do not retry together. */
static uint64_t back_off_ms(uint32_t failures)
{
    static const uint32_t steps_ms[] = { RETRY_DELAYS_MS };
    uint64_t step = steps_ms[MIN_OF((size_t)failures, ARRAY_LEN(steps_ms) - 1)];
    uint32_t number = UINT32_MAX / 2;
    (void)getrandom(&number, sizeof number, GRND_NONBLOCK);
    return step - step / 4 + number % (step / 2 + 1);
}

static uint64_t wait_ms(const struct retry *retry, const struct http_response *response)
{
    char value[64];
    uint64_t asked_ms = 0;
    if (response != NULL &&
        http_response_header(response, "retry-after", 0, value, sizeof value) > 0 &&
        retry_after_parse(value, time(NULL), &asked_ms)) {
        return asked_ms;
    }
    return back_off_ms(retry->failures);
}

static int fail_long(const struct retry *retry, const struct http_response *response, uint64_t ms,
                     struct lpipe_error *err)
{
    char when[40] = "some later day";
    struct tm tm;
    time_t then = time(NULL) + (time_t)MIN_OF(ms / SECOND_MS, (uint64_t)INT32_MAX);
    if (gmtime_r(&then, &tm) != NULL) {
        (void)strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S UTC", &tm);
    }
    fail(err, LPIPE_RATE_LIMITED, "%s answered %d and asks to wait until %s", retry->host,
         response->status, when);
    if (err != NULL) {
        err->http_status = response->status;
        err->flags |= LPIPE_ERROR_RETRYABLE;
    }
    return LPIPE_RATE_LIMITED;
}

/* Other blobs may retry for the same reason: it is reported once for all. why: the failure, when
 * there is no response. */
static void announce(const struct retry *retry, const struct http_response *response, uint64_t ms,
                     const struct lpipe_error *why)
{
    char cause[sizeof why->message];
    unsigned seconds = (unsigned)((ms + SECOND_MS / 2) / SECOND_MS);
    unsigned next = retry->failures + 1;
    int number = response != NULL ? response->status : why != NULL ? why->status : LPIPE_NETWORK;
    if (ms < RETRY_NOTICE_MS ||
        !retry_notices_add(&retry->context->retry_notices, retry->host, number, next, ms)) {
        return;
    }
    if (response != NULL) {
        (void)snprintf(cause, sizeof cause, "%s answered %d", retry->host, response->status);
    } else if (why != NULL && why->message[0] != '\0') {
        (void)snprintf(cause, sizeof cause, "%s", why->message);
    } else {
        (void)snprintf(cause, sizeof cause, "%s cannot be reached", retry->host);
    }
    context_notice(retry->context, "%s; trying again in %u s (attempt %u of %u)", cause, seconds,
                   next, retry->count_max + 1);
}

void retry_note_attempts(const struct retry *retry, struct lpipe_error *err)
{
    if (err == NULL || retry->failures == 0) {
        return;
    }
    size_t size = strlen(err->message);
    (void)snprintf(err->message + size, sizeof err->message - size, " (%u attempts)",
                   retry->failures + 1);
}

int retry_next(struct retry *retry, const struct http_response *response, uint64_t *ret_ms,
               struct lpipe_error *err)
{
    uint64_t ms = wait_ms(retry, response);
    if (retry->failures >= retry->count_max ||
        clock_ms() + MIN_OF(ms, (uint64_t)RETRY_AFTER_MS_MAX) >
            retry->progress_ms + RETRY_GIVE_UP_MS) {
        return LPIPE_SERVER;
    }
    if (ms > RETRY_AFTER_MS_MAX) {
        return fail_long(retry, response, ms, err);
    }
    retry->failures++;
    announce(retry, response, ms, err);
    *ret_ms = ms;
    return 0;
}

int retry_wait(struct retry *retry, const struct http_response *response, struct lpipe_error *err)
{
    struct lpipe_error why = { 0 };
    uint64_t ms = 0;
    int status = retry_next(retry, response, &ms, err);
    if (status != 0) {
        return status;
    }
    status = cancel_sleep(retry->context->cancel, ms, &why);
    if (status != 0 && err != NULL) {
        *err = why;
    }
    return status;
}
