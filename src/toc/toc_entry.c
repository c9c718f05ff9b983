/* SPDX-License-Identifier: Apache-2.0 */
#include "toc/toc_entry.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "toc/json_text.h"

#define XATTR_PREFIX "SCHILY.xattr."
#define WHITEOUT_PREFIX ".wh."
#define WHITEOUT_META_PREFIX ".wh..wh."
#define HALF_SECOND 500000000

/* Names of the types, NULL for those that a table cannot have. */
static const char *type_name(char type)
{
    static const char *const names[] = { "reg",   "hardlink", "symlink", "char",
                                         "block", "dir",      "fifo" };
    return type >= '0' && type <= '6' ? names[type - '0'] : NULL;
}

static bool is_text(const char *text)
{
    return text_is_utf8(text, strlen(text));
}

static bool texts_are_good(const struct tar_reader_entry *entry)
{
    for (size_t i = 0; i < entry->record_count; i++) {
        if (text_starts(entry->records[i].key, XATTR_PREFIX) && !is_text(entry->records[i].key)) {
            return false;
        }
    }
    return is_text(entry->path) && is_text(entry->link) && is_text(entry->user) &&
           is_text(entry->group);
}

/* The last part of a path. */
static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static bool has_parent_part(const char *path)
{
    for (; *path != '\0'; path += strcspn(path, "/"), path += *path == '/') {
        if (strcspn(path, "/") == 2 && text_starts(path, "..")) {
            return true;
        }
    }
    return false;
}

/* "a/", "a/." and the root can only be directories. */
static bool names_directory(const char *path)
{
    const char *base = base_of(path);
    return base[0] == '\0' || strcmp(base, ".") == 0;
}

static bool is_whiteout(const struct tar_reader_entry *entry)
{
    const char *base = base_of(entry->path);
    return text_starts(base, WHITEOUT_PREFIX) && !text_starts(base, WHITEOUT_META_PREFIX);
}

int toc_entry_deleted(const struct tar_reader_entry *entry, char **ret_path,
                      struct lpipe_error *err)
{
    const char *base = base_of(entry->path);
    if (!is_whiteout(entry)) {
        return 0;
    }
    *ret_path = mem_printf("%.*s%s", (int)(base - entry->path), entry->path,
                           base + strlen(WHITEOUT_PREFIX));
    return *ret_path == NULL ? fail_memory(err) : 0;
}

const char *toc_entry_refusal(enum toc_format format, const struct tar_reader_entry *entry)
{
    const char *name = entry->path;
    while (text_starts(name, "./") || text_starts(name, "/")) {
        name += name[0] == '/' ? 1 : 2;
    }
    if (entry->type == 'g') {
        return "a global PAX header";
    }
    if (entry->is_sparse) {
        return "a sparse file";
    }
    if (type_name(entry->type) == NULL) {
        return "an entry of a type that the format does not have";
    }
    if (entry->stated_size != entry->size) {
        return "a size at an entry that has no contents";
    }
    if (!texts_are_good(entry)) {
        return "a name that is not UTF-8";
    }
    if (has_parent_part(entry->path)) {
        return "a path with \"..\"";
    }
    if (entry->type == '0' && names_directory(entry->path)) {
        return "a file with the name of a directory";
    }
    if (format == TOC_ZSTD_CHUNKED && entry->size > 0 && is_whiteout(entry)) {
        return "a whiteout with contents";
    }
    return format == TOC_ESTARGZ && strcmp(name, "stargz.index.json") == 0
               ? "a table of contents already"
               : NULL;
}

static int add_member(struct buf *text, const char *key, const char *value)
{
    return value[0] == '\0' ? 0 : json_text_member(text, key, value, strlen(value));
}

static int add_number(struct buf *text, const char *key, int64_t value)
{
    return value == 0 ? 0 : json_text_number(text, key, value);
}

static int add_time(struct buf *text, const char *key, const struct tar_time *time)
{
    return time->given ? json_text_time(text, key, time->seconds, time->nanoseconds) : 0;
}

static int add_xattrs(struct buf *text, const struct tar_reader_entry *entry)
{
    int status = 0;
    bool begun = false;
    for (size_t i = 0; i < entry->record_count && status == 0; i++) {
        const struct tar_record *record = &entry->records[i];
        if (!text_starts(record->key, XATTR_PREFIX)) {
            continue;
        }
        status = begun ? 0 : buf_append_text(text, ",\"xattrs\":{");
        begun = true;
        if (status == 0) {
            status = json_text_base64(text, record->key + strlen(XATTR_PREFIX), record->value,
                                      record->value_size);
        }
    }
    return begun && status == 0 ? buf_append(text, "}", 1) : status;
}

/* Times to the nanosecond, and every member of the header whatever the type. */
static int zstd_members(struct buf *text, const struct tar_reader_entry *entry)
{
    int status = add_member(text, "linkName", entry->link);
    status = status == 0 ? add_time(text, "modtime", &entry->mtime) : status;
    status = status == 0 ? add_time(text, "accesstime", &entry->atime) : status;
    status = status == 0 ? add_time(text, "changetime", &entry->ctime) : status;
    status = status == 0 ? add_number(text, "devMajor", entry->device_major) : status;
    return status == 0 ? add_number(text, "devMinor", entry->device_minor) : status;
}

/* Whole seconds, and only what the type has. */
static int estargz_members(struct buf *text, const struct tar_reader_entry *entry)
{
    bool is_link = entry->type == '1' || entry->type == '2';
    bool is_device = entry->type == '3' || entry->type == '4';
    struct tar_time mtime = {
        .given = true, .seconds = entry->mtime.seconds + (entry->mtime.nanoseconds >= HALF_SECOND)
    };
    int status = is_link ? add_member(text, "linkName", entry->link) : 0;
    if (status == 0 && mtime.seconds != 0) {
        status = add_time(text, "modtime", &mtime);
    }
    status = status == 0 ? add_member(text, "userName", entry->user) : status;
    status = status == 0 ? add_member(text, "groupName", entry->group) : status;
    if (status == 0 && is_device) {
        status = add_number(text, "devMajor", entry->device_major);
        status = status == 0 ? add_number(text, "devMinor", entry->device_minor) : status;
    }
    return status;
}

int toc_entry_text(enum toc_format format, const struct tar_reader_entry *entry, struct buf *text,
                   size_t *ret_name_size)
{
    const char *type = type_name(entry->type);
    int status = json_text_member(text, "name", entry->path, strlen(entry->path));
    *ret_name_size = text->size;
    status = status == 0 ? add_member(text, "type", type == NULL ? "" : type) : status;
    status = status == 0 ? add_number(text, "size", (int64_t)entry->size) : status;
    status = status == 0 ? add_number(text, "mode", entry->mode) : status;
    status = status == 0 ? add_number(text, "uid", entry->uid) : status;
    status = status == 0 ? add_number(text, "gid", entry->gid) : status;
    if (status == 0) {
        status = format == TOC_ESTARGZ ? estargz_members(text, entry) : zstd_members(text, entry);
    }
    return status == 0 ? add_xattrs(text, entry) : status;
}
