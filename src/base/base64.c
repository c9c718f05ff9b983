/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#include <string.h>

static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Groups that are appended at once. */
#define GROUPS 64

/* Three bytes, or one or two at the end, as four characters. */
static void encode_group(const unsigned char *bytes, size_t left, char out[4])
{
    uint32_t group = (uint32_t)bytes[0] << 16;
    group |= left > 1 ? (uint32_t)bytes[1] << 8 : 0;
    group |= left > 2 ? bytes[2] : 0;
    out[0] = ALPHABET[group >> 18];
    out[1] = ALPHABET[(group >> 12) & 63];
    out[2] = left > 1 ? ALPHABET[(group >> 6) & 63] : '=';
    out[3] = left > 2 ? ALPHABET[group & 63] : '=';
}

int base64_encode(const void *data, size_t size, struct buf *buf)
{
    const unsigned char *bytes = data;
    char out[4 * GROUPS];
    int status = buf_append(buf, NULL, 0);
    while (size > 0 && status == 0) {
        size_t part = MIN_OF(size, (size_t)3 * GROUPS);
        size_t made = 0;
        for (size_t i = 0; i < part; i += 3, made += 4) {
            encode_group(bytes + i, part - i, out + made);
        }
        status = buf_append(buf, out, made);
        bytes += part;
        size -= part;
    }
    explicit_bzero(out, sizeof out); /* the bytes may be a secret */
    return status;
}

/* Value of a character, or -1. */
static int value_of(char c)
{
    const char *at = c == '\0' ? NULL : strchr(ALPHABET, c);
    return at == NULL ? -1 : (int)(at - ALPHABET);
}

/* One group of four characters; the last may be padded. */
static int decode_group(const char *text, bool last, struct buf *buf)
{
    size_t padding = last ? (text[3] == '=') + (text[3] == '=' && text[2] == '=') : 0;
    uint32_t group = 0;
    for (size_t i = 0; i < 4; i++) {
        int value = i >= 4 - padding ? 0 : value_of(text[i]);
        if (value < 0) {
            return LPIPE_INVALID_ARGUMENT;
        }
        group = group << 6 | (uint32_t)value;
    }
    unsigned char out[3] = { (unsigned char)(group >> 16), (unsigned char)(group >> 8),
                             (unsigned char)group };
    /* Bits under the padding must be zero, so that each value has exactly one text. */
    bool canonical = (padding < 1 || out[2] == 0) && (padding < 2 || out[1] == 0);
    int status = canonical ? buf_append(buf, out, 3 - padding) : LPIPE_INVALID_ARGUMENT;
    explicit_bzero(out, sizeof out);
    return status;
}

int base64_decode(const char *text, size_t size, struct buf *buf)
{
    while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == '\r')) {
        size--;
    }
    int status = size % 4 == 0 ? buf_append(buf, NULL, 0) : LPIPE_INVALID_ARGUMENT;
    for (size_t i = 0; i < size && status == 0; i += 4) {
        status = decode_group(text + i, i + 4 == size, buf);
    }
    return status;
}
