/* SPDX-License-Identifier: Apache-2.0 */
#include "toc/json_text.h"

#include <assert.h>
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

/* A layer has some hundred thousand members. So a short one is put together here and appended at
 * once. */
struct member {
    char text[128];
    size_t size;
};

static void add(struct member *member, const char *text, size_t size)
{
    assert(size <= sizeof member->text - member->size);
    memcpy(member->text + member->size, text, size);
    member->size += size;
}

/* A comma, where it is needed, key and colon. */
static void begin(struct member *member, const struct buf *buf, const char *key)
{
    bool first = buf->size == 0 || buf->data[buf->size - 1] == '{';
    member->size = 0;
    add(member, ",\"", first ? 0 : 1);
    add(member, "\"", 1);
    add(member, key, strlen(key));
    add(member, "\":", 2);
}

static int append(struct buf *buf, const struct member *member)
{
    return buf_append(buf, member->text, member->size);
}

int json_text_member(struct buf *buf, const char *key, const char *text, size_t size)
{
    struct member member;
    begin(&member, buf, key);
    int status = append(buf, &member);
    return status != 0 ? status : json_text_string(buf, text, size);
}

int json_text_word(struct buf *buf, const char *key, const char *word)
{
    struct member member;
    begin(&member, buf, key);
    add(&member, "\"", 1);
    add(&member, word, strlen(word));
    add(&member, "\"", 1);
    return append(buf, &member);
}

/* Printing takes a large part of the time that a small file needs, so numbers are not printed with
 * buf_printf(). */
int json_text_number(struct buf *buf, const char *key, int64_t value)
{
    struct member member;
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
    begin(&member, buf, key);
    add(&member, text + at, sizeof text - at);
    return append(buf, &member);
}

/* A character, and digits with zeros before them. */
static char *put_part(char *to, char before, uint32_t value, size_t digits)
{
    *to++ = before;
    for (size_t i = digits; i-- > 0; value /= 10) {
        to[i] = (char)('0' + value % 10);
    }
    return to + digits;
}

/* ".5" for 500000000; nothing for 0. */
static char *put_fraction(char *to, uint32_t nanoseconds)
{
    char *end = put_part(to, '.', nanoseconds, 9);
    while (nanoseconds > 0 && end[-1] == '0') {
        end--;
    }
    return nanoseconds == 0 ? to : end;
}

int json_text_add_time(struct buf *buf, int64_t seconds, uint32_t nanoseconds)
{
    time_t time = (time_t)seconds;
    struct tm parts;
    char text[sizeof "-2006-01-02T15:04:05.123456789Z"];
    if (gmtime_r(&time, &parts) == NULL || parts.tm_year < -1900 || parts.tm_year > 9999 - 1900) {
        return LPIPE_TOO_LARGE;
    }
    char *end = put_part(text, ' ', (uint32_t)(parts.tm_year + 1900), 4);
    end = put_part(end, '-', (uint32_t)(parts.tm_mon + 1), 2);
    end = put_part(end, '-', (uint32_t)parts.tm_mday, 2);
    end = put_part(end, 'T', (uint32_t)parts.tm_hour, 2);
    end = put_part(end, ':', (uint32_t)parts.tm_min, 2);
    end = put_part(end, ':', (uint32_t)parts.tm_sec, 2);
    end = put_fraction(end, nanoseconds);
    *end++ = 'Z';
    return buf_append(buf, text + 1, (size_t)(end - text - 1));
}

int json_text_time(struct buf *buf, const char *key, int64_t seconds, uint32_t nanoseconds)
{
    struct member member;
    begin(&member, buf, key);
    add(&member, "\"", 1);
    int status = append(buf, &member);
    status = status == 0 ? json_text_add_time(buf, seconds, nanoseconds) : status;
    return status == 0 ? buf_append(buf, "\"", 1) : status;
}

int json_text_base64(struct buf *buf, const char *key, const void *data, size_t size)
{
    bool first = buf->size == 0 || buf->data[buf->size - 1] == '{';
    int status = first ? 0 : buf_append(buf, ",", 1);
    status = status == 0 ? json_text_string(buf, key, strlen(key)) : status;
    status = status == 0 ? buf_append(buf, ":\"", 2) : status;
    status = status == 0 ? base64_encode(data, size, buf) : status;
    return status == 0 ? buf_append(buf, "\"", 1) : status;
}
