/* SPDX-License-Identifier: Apache-2.0 */
/* Writes JSON as text while entries pass: a tree in memory would be too large for a layer with a
 * million files. All functions append to a buffer and return 0, NO_MEMORY or TOO_LARGE. */
#ifndef TOC_JSON_TEXT_H
#define TOC_JSON_TEXT_H

#include "base/buf.h"

/* "text" with quotes and escapes. The bytes must be valid UTF-8. */
MUST_CHECK int json_text_string(struct buf *buf, const char *text, size_t size);
/* ,"key":"text" -- without the comma at the start of an object, that is after '{' or in an empty
 * buffer. Here and in the next functions the key is a constant of up to 20 characters that need no
 * escape. */
MUST_CHECK int json_text_member(struct buf *buf, const char *key, const char *text, size_t size);
/* The same for a constant or a digest: a word of up to 80 characters that need no escape. */
MUST_CHECK int json_text_word(struct buf *buf, const char *key, const char *word);
/* ,"key":value */
MUST_CHECK int json_text_number(struct buf *buf, const char *key, int64_t value);
/* 2006-01-02T15:04:05.123Z: a time in UTC (RFC 3339, section 5.6), without zeros at the end of the
 * fraction. TOO_LARGE also for a year that does not have four digits. */
MUST_CHECK int json_text_add_time(struct buf *buf, int64_t seconds, uint32_t nanoseconds);
/* ,"key":"2006-01-02T15:04:05.123Z" */
MUST_CHECK int json_text_time(struct buf *buf, const char *key, int64_t seconds,
                              uint32_t nanoseconds);
/* ,"key":"base64", for any key that is valid UTF-8 */
MUST_CHECK int json_text_base64(struct buf *buf, const char *key, const void *data, size_t size);

#endif
