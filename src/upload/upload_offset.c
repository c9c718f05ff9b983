/* SPDX-License-Identifier: Apache-2.0 */
#include "upload/upload_offset.h"

#include <string.h>

#include "base/text.h"

static size_t digits_of(const char *text)
{
    return strspn(text, "0123456789");
}

struct upload_range upload_range_parse(const char *value)
{
    struct upload_range none = { .kind = RANGE_NONE };
    struct upload_range range = { .kind = RANGE_LAST };
    uint64_t first = 0;
    value += strspn(value, " \t");
    if (text_same_start(value, "bytes", 5)) {
        range.has_unit = true;
        value += 5;
        value += strspn(value, "= \t");
    }
    size_t size = digits_of(value);
    if (!text_to_u64(value, size, UINT64_MAX, &first) || first != 0 || value[size] != '-') {
        return none;
    }
    value += size + 1;
    if (strncmp(value, "-1", 2) == 0 && digits_of(value + 1) == 1) {
        range.kind = RANGE_EMPTY;
        value += 2;
    } else {
        size = digits_of(value);
        if (!text_to_u64(value, size, UINT64_MAX - 1, &range.last)) {
            return none;
        }
        value += size;
    }
    return *value == '\0' || *value == '/' || *value == ' ' ? range : none;
}

/* Bytes are missing only when the range ends inside this PATCH and before its last byte. Exception:
 * some registries report the length of the last request instead of the session's. */
bool upload_range_is_short(const struct upload_range *range, uint64_t start, uint64_t size)
{
    return range->kind == RANGE_LAST && range->last >= start && range->last + 1 < start + size &&
           range->last + 1 != size;
}

/* "0-0" means no bytes when none were acknowledged: most registries write this for an empty
 * session. If it did mean one byte, the next request is refused or the digest does not match. A
 * range with a unit names the byte after the last one: the only registry that writes a unit counts
 * this way. */
uint64_t upload_range_offset(const struct upload_range *range, uint64_t start)
{
    if (range->kind == RANGE_NONE) {
        return UPLOAD_OFFSET_NONE;
    }
    if (range->kind == RANGE_EMPTY || (range->last == 0 && start == 0)) {
        return 0;
    }
    return range->has_unit ? range->last : range->last + 1;
}
