/* SPDX-License-Identifier: Apache-2.0 */
#include "toc/json_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/base64.h"

static bool needs_escape(unsigned char c)
{
    return c < 0x20 || c == '"' || c == '\\';
}

int json_text_string(struct buf *buf, const char *text, size_t size)
{
    int status = buf_append(buf, "\"", 1);
    for (size_t i = 0; i < size && status == 0;) {
        size_t plain = i;
        while (plain < size && !needs_escape((unsigned char)text[plain])) {
            plain++;
        }
        status = buf_append(buf, text + i, plain - i);
        if (status == 0 && plain < size) {
            status = buf_printf(buf, "\\u%04x", (unsigned char)text[plain++]);
        }
        i = plain;
    }
    return status != 0 ? status : buf_append(buf, "\"", 1);
}

static int member_begin(struct buf *buf, const char *key)
{
    bool first = buf->size == 0 || buf->data[buf->size - 1] == '{';
    int status = first ? 0 : buf_append(buf, ",", 1);
    status = status == 0 ? json_text_string(buf, key, strlen(key)) : status;
    return status == 0 ? buf_append(buf, ":", 1) : status;
}

int json_text_member(struct buf *buf, const char *key, const char *text, size_t size)
{
    int status = member_begin(buf, key);
    return status != 0 ? status : json_text_string(buf, text, size);
}

/* Printing takes a large part of the time that a small file needs, so numbers are not printed with
 * buf_printf(). */
static int add_number(struct buf *buf, int64_t value)
{
    char text[20];
    size_t at = sizeof text;
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        text[--at] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (value < 0) {
        text[--at] = '-';
    }
    return buf_append(buf, text + at, sizeof text - at);
}

int json_text_number(struct buf *buf, const char *key, int64_t value)
{
    int status = member_begin(buf, key);
    return status != 0 ? status : add_number(buf, value);
}

/* ".5" for 500000000; "" for 0. */
static void fraction_text(char text[12], uint32_t nanoseconds)
{
    size_t size = 0;
    (void)snprintf(text, 12, ".%09" PRIu32, nanoseconds % 1000000000);
    size = nanoseconds == 0 ? 0 : strlen(text);
    while (size > 0 && text[size - 1] == '0') {
        size--;
    }
    text[size] = '\0';
}

int json_text_add_time(struct buf *buf, int64_t seconds, uint32_t nanoseconds)
{
    time_t time = (time_t)seconds;
    struct tm parts;
    char fraction[12];
    if (gmtime_r(&time, &parts) == NULL || parts.tm_year < -1900 || parts.tm_year > 9999 - 1900) {
        return LPIPE_TOO_LARGE;
    }
    fraction_text(fraction, nanoseconds);
    return buf_printf(buf, "%04d-%02d-%02dT%02d:%02d:%02d%sZ", parts.tm_year + 1900,
                      parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                      fraction);
}

int json_text_time(struct buf *buf, const char *key, int64_t seconds, uint32_t nanoseconds)
{
    int status = member_begin(buf, key);
    status = status == 0 ? buf_append(buf, "\"", 1) : status;
    status = status == 0 ? json_text_add_time(buf, seconds, nanoseconds) : status;
    return status == 0 ? buf_append(buf, "\"", 1) : status;
}

int json_text_base64(struct buf *buf, const char *key, const void *data, size_t size)
{
    int status = member_begin(buf, key);
    status = status == 0 ? buf_append(buf, "\"", 1) : status;
    status = status == 0 ? base64_encode(data, size, buf) : status;
    return status == 0 ? buf_append(buf, "\"", 1) : status;
}
