/* SPDX-License-Identifier: Apache-2.0 */
#include "toc/ztoc_counts.h"

/* Numbers of the fields (soci-snapshotter, ztoc/fbs/ztoc.fbs). */
#define FIELD_TOC 4
#define FIELD_COMPRESSION 5
#define FIELD_METADATA 0
#define FIELD_MAX_SPAN_ID 1

/* The bytes of a flatbuffer. A place that is outside of them becomes 0, where no table can be. */
struct view {
    const unsigned char *data;
    size_t size;
};

static uint32_t number_at(const struct view *view, size_t at, size_t bytes)
{
    uint32_t value = 0;
    if (at > view->size || view->size - at < bytes) {
        return 0;
    }
    for (size_t i = bytes; i-- > 0;) {
        value = value << 8 | view->data[at + i];
    }
    return value;
}

/* The place to which the offset at this place leads. */
static size_t follow(const struct view *view, size_t at)
{
    uint32_t offset = number_at(view, at, 4);
    return at == 0 || offset == 0 || offset > view->size - MIN_OF(at, view->size) ? 0 : at + offset;
}

/* The place of a field of a table; 0 = the table does not have it. */
static size_t field_at(const struct view *view, size_t table, unsigned field)
{
    int64_t back = (int32_t)number_at(view, table, 4);
    int64_t vtable = (int64_t)table - back;
    if (table == 0 || vtable < 0 || (uint64_t)vtable > view->size) {
        return 0;
    }
    uint32_t bytes = number_at(view, (size_t)vtable, 2);
    size_t entry = 4 + 2 * (size_t)field;
    uint32_t offset = entry + 2 > bytes ? 0 : number_at(view, (size_t)vtable + entry, 2);
    return offset == 0 ? 0 : table + offset;
}

bool ztoc_counts(const unsigned char *data, size_t size, uint64_t *ret_entries, uint64_t *ret_spans)
{
    const struct view view = { data, size };
    size_t root = number_at(&view, 0, 4);
    size_t toc = follow(&view, field_at(&view, root, FIELD_TOC));
    size_t compression = follow(&view, field_at(&view, root, FIELD_COMPRESSION));
    size_t metadata = follow(&view, field_at(&view, toc, FIELD_METADATA));
    size_t span = field_at(&view, compression, FIELD_MAX_SPAN_ID);
    if (toc == 0 || compression == 0) {
        return false;
    }
    *ret_entries = metadata == 0 ? 0 : number_at(&view, metadata, 4);
    *ret_spans = (uint64_t)number_at(&view, span, span == 0 ? 0 : 4) + 1;
    return true;
}
