/* SPDX-License-Identifier: Apache-2.0 */
#include "upload/upload_chunk_size.h"

#include <string.h>

#include "base/limits.h"
#include "base/macros.h"
#include "base/text.h"

#define LIMIT_MARGIN (64 * KIB)  /* a proxy may count more than the body */
#define LIMIT_WORD "permissible" /* in the text of a refusal, before the limit */

struct chunk_size chunk_size_init(uint64_t asked, uint64_t usual, uint64_t usual_max)
{
    uint64_t bytes = asked != 0 ? asked : usual;
    bytes = MIN_OF(bytes, MIN_OF(usual_max, (uint64_t)CHUNK_BYTES_MAX));
    return (struct chunk_size){ .bytes = bytes,
                                .bytes_min = 1,
                                .bytes_max =
                                    MAX_OF(bytes, MIN_OF(usual_max, CHUNK_BYTES_DEFAULT)) };
}

static uint64_t number_of(const char *text)
{
    uint64_t value = 0;
    return text_to_u64(text, strlen(text), UINT64_MAX, &value) ? value : 0;
}

bool chunk_size_set_announced(struct chunk_size *size, const char *min, const char *max)
{
    uint64_t least = number_of(min);
    uint64_t most = number_of(max);
    if (least > size->bytes_max || (most != 0 && (most < least || most < CHUNK_BYTES_FLOOR))) {
        return false;
    }
    size->bytes = MAX_OF(size->bytes, least);
    size->bytes_min = MAX_OF(size->bytes_min, least);
    if (most != 0) {
        size->bytes = MIN_OF(size->bytes, most);
        size->must_be_equal = true;
    }
    return true;
}

bool chunk_size_can_shrink(const struct chunk_size *size)
{
    return size->bytes > MAX_OF(size->bytes_min, CHUNK_BYTES_MIN);
}

void chunk_size_shrink(struct chunk_size *size, uint64_t limit)
{
    uint64_t least = MAX_OF(size->bytes_min, CHUNK_BYTES_MIN);
    uint64_t bytes = limit != 0 && limit < size->bytes ? limit : size->bytes / 2;
    size->bytes = MAX_OF(bytes, least);
}

void chunk_size_note_time(struct chunk_size *size, uint64_t time_ms)
{
    if (time_ms > CHUNK_SLOW_MS && !size->must_be_equal && chunk_size_can_shrink(size)) {
        chunk_size_shrink(size, 0);
    }
}

static uint64_t unit_of(const char *text, const char *end)
{
    size_t left = (size_t)(end - text);
    if (left >= 3 && text_same_start(text, "MiB", 3)) {
        return MIB;
    }
    if (left >= 3 && text_same_start(text, "KiB", 3)) {
        return KIB;
    }
    return left >= 2 && text_same_start(text, "MB", 2) ? 1000000 : 0;
}

/* "4MiB", "4.00 MiB": only the first digit of the fraction counts. */
static uint64_t amount_at(const char *text, const char *end)
{
    uint64_t tenths = 0;
    while (text < end && *text >= '0' && *text <= '9' && tenths < 100000000) {
        tenths = tenths * 10 + (uint64_t)(*text++ - '0');
    }
    tenths *= 10;
    if (end - text > 1 && *text == '.') {
        text++;
        tenths += *text >= '0' && *text <= '9' ? (uint64_t)(*text - '0') : 0;
        while (text < end && *text >= '0' && *text <= '9') {
            text++;
        }
    }
    while (text < end && *text == ' ') {
        text++;
    }
    return tenths * unit_of(text, end) / 10;
}

uint64_t chunk_size_limit_in_text(const char *text, uint64_t size)
{
    const char *end = text + size;
    const char *at = size == 0 ? NULL : memmem(text, size, LIMIT_WORD, strlen(LIMIT_WORD));
    while (at != NULL && at < end && (*at < '0' || *at > '9')) {
        at++;
    }
    uint64_t limit = at == NULL || at == end ? 0 : amount_at(at, end);
    return limit > 2 * LIMIT_MARGIN ? limit - LIMIT_MARGIN : 0;
}
