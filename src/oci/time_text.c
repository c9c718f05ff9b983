/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/time_text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"

/* 9999-12-31T23:59:59Z, the last second of a year with four digits. */
#define SECONDS_MAX INT64_C(253402300799)

bool time_format(int64_t seconds, char ret_text[TIME_TEXT_SIZE])
{
    struct tm parts;
    time_t when = (time_t)seconds;
    if (seconds < 0 || seconds > SECONDS_MAX || (int64_t)when != seconds ||
        gmtime_r(&when, &parts) == NULL) {
        return false;
    }
    (void)snprintf(ret_text, TIME_TEXT_SIZE, "%04d-%02d-%02dT%02d:%02d:%02dZ",
                   (parts.tm_year + 1900) % 10000, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
                   parts.tm_min, parts.tm_sec);
    return true;
}

/* True when text starts with exactly count digits, whose number is in the range. */
static bool is_number(const char *text, size_t count, uint64_t min, uint64_t max)
{
    uint64_t value = 0;
    return strnlen(text, count) == count && text_to_u64(text, count, 9999, &value) &&
           value >= min && value <= max;
}

static unsigned two_digits(const char *text)
{
    return (unsigned)(text[0] - '0') * 10 + (unsigned)(text[1] - '0');
}

/* True when the month has the day. */
static bool day_exists(const char *text)
{
    static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    unsigned year = two_digits(text) * 100 + two_digits(text + 2);
    unsigned month = two_digits(text + 5);
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return two_digits(text + 8) <= days[month - 1] + (leap && month == 2 ? 1u : 0u);
}

/* True when the whole text is "Z", "+hh:mm" or "-hh:mm". */
static bool is_zone(const char *text)
{
    if (strcmp(text, "Z") == 0) {
        return true;
    }
    return strlen(text) == 6 && (text[0] == '+' || text[0] == '-') &&
           is_number(text + 1, 2, 0, 23) && text[3] == ':' && is_number(text + 4, 2, 0, 59);
}

static bool is_rfc3339(const char *text)
{
    bool shape = strlen(text) >= 20 && text[4] == '-' && text[7] == '-' && text[10] == 'T' &&
                 text[13] == ':' && text[16] == ':' && is_number(text, 4, 0, 9999) &&
                 is_number(text + 5, 2, 1, 12) && is_number(text + 8, 2, 1, 31) &&
                 is_number(text + 11, 2, 0, 23) && is_number(text + 14, 2, 0, 59) &&
                 is_number(text + 17, 2, 0, 59) && day_exists(text);
    if (!shape) {
        return false;
    }
    text += 19;
    if (text[0] == '.') {
        size_t digits = strspn(text + 1, "0123456789");
        if (digits == 0 || digits > 9) {
            return false;
        }
        text += digits + 1;
    }
    return is_zone(text);
}

int time_parse(const char *text, char ret_text[TIME_TEXT_SIZE], struct lpipe_error *err)
{
    char shown[64];
    uint64_t seconds = 0;
    size_t size = strlen(text);
    if (text_to_u64(text, size, (uint64_t)SECONDS_MAX, &seconds)) {
        (void)time_format((int64_t)seconds, ret_text);
        return 0;
    }
    if (size < TIME_TEXT_SIZE && is_rfc3339(text)) {
        (void)snprintf(ret_text, TIME_TEXT_SIZE, "%s", text);
        return 0;
    }
    return fail(err, LPIPE_INVALID_ARGUMENT,
                "time '%s': write it as 2026-01-02T03:04:05Z or as seconds since 1970",
                text_printable(shown, sizeof shown, text, size));
}
