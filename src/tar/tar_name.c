/* SPDX-License-Identifier: Apache-2.0 */
#include "tar/tar_name.h"

#include <string.h>

#include "base/limits.h"
#include "base/macros.h"

void tar_name_begin(struct tar_name *name)
{
    name->parts = (struct tar_parts){ 0 };
    name->last = '\0';
    name->text.size = 0; /* its bytes stay */
}

static bool part_is(const struct tar_parts *parts, const char *text)
{
    return parts->part_size == strlen(text) && memcmp(parts->part, text, parts->part_size) == 0;
}

/* A mark deletes what its name has after ".wh."; these would delete the directory or its
 * parent. */
static bool part_marks_none(const struct tar_parts *parts)
{
    return part_is(parts, ".wh.") || part_is(parts, ".wh..") || part_is(parts, ".wh...");
}

static void part_end(struct tar_parts *parts)
{
    if (part_is(parts, "..")) {
        parts->leads_out = parts->leads_out || parts->depth == 0;
        parts->depth -= parts->depth > 0 ? 1 : 0;
        parts->long_depth = parts->long_depth > parts->depth ? 0 : parts->long_depth;
        parts->marks_none = false;
    } else if (parts->part_size > 0 && !part_is(parts, ".")) {
        parts->depth++;
        if (parts->part_size > TAR_PART_BYTES_MAX && parts->long_depth == 0) {
            parts->long_depth = parts->depth;
        }
        parts->marks_none = part_marks_none(parts);
    }
    parts->part_size = 0;
    parts->part_ended = false;
}

static void part_bytes(struct tar_parts *parts, const char *bytes, size_t size)
{
    if (parts->part_ended) {
        part_end(parts);
    }
    if (parts->part_size < sizeof parts->part) {
        memcpy(parts->part + parts->part_size, bytes,
               MIN_OF(size, sizeof parts->part - parts->part_size));
    }
    parts->part_size += size;
    parts->size += size;
}

static void keep_text(struct tar_name *name, const char *bytes, size_t size)
{
    struct tar_text *text = &name->text;
    size_t kept = MIN_OF(size, sizeof text->bytes - text->size);
    memcpy(text->bytes + text->size, bytes, kept);
    text->size += kept;
    name->last = bytes[size - 1];
    name->parts.has_nul = name->parts.has_nul || memchr(bytes, '\0', size) != NULL;
}

void tar_name_feed(struct tar_name *name, const char *bytes, size_t size)
{
    struct tar_parts *parts = &name->parts;
    if (size > 0) {
        keep_text(name, bytes, size);
    }
    while (size > 0) {
        const char *slash = memchr(bytes, '/', size);
        size_t part = slash == NULL ? size : (size_t)(slash - bytes);
        if (part > 0) {
            part_bytes(parts, bytes, part);
        }
        if (slash == NULL) {
            return;
        }
        parts->absolute = parts->absolute || parts->size == 0;
        parts->size += parts->part_ended ? 0 : 1;
        parts->part_ended = true;
        bytes += part + 1;
        size -= part + 1;
    }
}

static const char *wrong_length(const struct tar_parts *whole)
{
    if (whole->size > TAR_PATH_BYTES_MAX) {
        return "is longer than 4095 bytes";
    }
    return whole->long_depth > 0 ? "has a part that is longer than 255 bytes" : NULL;
}

const char *tar_name_wrong_global(const struct tar_name *name)
{
    struct tar_parts whole = name->parts;
    part_end(&whole);
    if (whole.leads_out && !whole.absolute) {
        return "leads out of the image";
    }
    return whole.marks_none ? "is the deletion mark of no name" : NULL;
}

const char *tar_name_wrong_path(const struct tar_name *name)
{
    struct tar_parts whole = name->parts;
    part_end(&whole);
    if (whole.has_nul) {
        return "has a NUL";
    }
    const char *wrong = tar_name_wrong_global(name);
    return wrong != NULL ? wrong : wrong_length(&whole);
}

const char *tar_name_wrong_link(const struct tar_name *name)
{
    struct tar_parts whole = name->parts;
    part_end(&whole);
    if (whole.depth == 0 && !whole.leads_out) {
        return "is no file";
    }
    return whole.leads_out ? "leads out of the image" : wrong_length(&whole);
}

const char *tar_name_wrong_symlink(const struct tar_name *name)
{
    if (name->parts.size == 0) {
        return "is empty";
    }
    return name->parts.size > TAR_PATH_BYTES_MAX ? "is longer than 4095 bytes" : NULL;
}
