/* SPDX-License-Identifier: Apache-2.0 */
#include "tar/tar_entry.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/text.h"

static void name_odd(struct tar_entry *entry, const struct tar_text *name)
{
    text_printable(entry->odd.name, sizeof entry->odd.name, name->bytes, name->size);
}

/* Counts an odd entry once, and keeps the first. name: NULL where it is not known yet. */
static void note_odd(struct tar_entry *entry, enum tar_odd_reason reason,
                     const struct tar_text *name, const char *cure, const char *what)
{
    entry->odd.reasons |= 1u << reason;
    if (entry->is_odd) {
        return;
    }
    entry->is_odd = true;
    entry->odd.count++;
    if (entry->odd.count > 1) {
        return;
    }
    entry->odd.reason = reason;
    entry->odd.offset = entry->offset;
    entry->odd.cure = cure == NULL ? tar_odd_cure(reason) : cure;
    if (name != NULL) {
        name_odd(entry, name);
    }
    (void)snprintf(entry->odd.what, sizeof entry->odd.what, "%s", what);
}

static void note_type(struct tar_entry *entry, char type, const struct tar_text *name)
{
    char what[sizeof entry->odd.what];
    tar_odd_type_text(type, what, sizeof what);
    note_odd(entry, TAR_ODD_TYPE, name, tar_odd_type_cure(type), what);
}

static void forget_extensions(struct tar_entry *entry)
{
    entry->has_pax = false;
    tar_name_begin(&entry->long_path.name);
    tar_name_begin(&entry->long_link.name);
}

static const struct tar_name *header_path(struct tar_entry *entry, const unsigned char *header)
{
    char text[TAR_NAME_BYTES];
    size_t size = tar_header_name(header, text);
    tar_name_begin(&entry->header_path);
    tar_name_feed(&entry->header_path, text, size);
    return &entry->header_path;
}

static void note_record(struct tar_entry *entry, enum tar_odd_reason reason, enum tar_pax_key key,
                        const struct tar_text *name)
{
    char what[sizeof entry->odd.what];
    if (reason == TAR_ODD_XATTR) {
        (void)snprintf(what, sizeof what,
                       "the name of an extended attribute is empty, or it or the value too long");
    } else {
        (void)snprintf(what, sizeof what, "its PAX record %s cannot be read",
                       tar_pax_key_name(key));
    }
    note_odd(entry, reason, name, NULL, what);
}

static void note_path(struct tar_entry *entry, const char *wrong, const struct tar_text *name)
{
    char what[sizeof entry->odd.what];
    if (wrong != NULL) {
        (void)snprintf(what, sizeof what, "its path %s", wrong);
        note_odd(entry, TAR_ODD_PATH, name, NULL, what);
    }
}

/* Unpackers look at the path of a global header as they look at that of an entry. */
static void judge_global(struct tar_entry *entry, const unsigned char *header)
{
    enum tar_pax_key key = TAR_PAX_OTHER;
    const struct tar_name *path =
        entry->pax.values[TAR_PAX_PATH].present ? &entry->pax.path : header_path(entry, header);
    if (tar_pax_odd(&entry->pax, &key) != TAR_ODD_NONE) {
        note_record(entry, entry->pax.odd, key, &path->text);
    }
    note_path(entry, tar_name_wrong_global(path), &path->text);
}

/* The path that runtimes take: GNU's long name goes before the record, and that before the
 * header. */
static const struct tar_name *find_path(struct tar_entry *entry, const unsigned char *header)
{
    if (entry->long_path.name.parts.size > 0) {
        return &entry->long_path.name;
    }
    if (entry->has_pax && entry->pax.values[TAR_PAX_PATH].present) {
        return &entry->pax.path;
    }
    return header_path(entry, header);
}

static const char *wrong_link(const struct tar_entry *entry, const unsigned char *header)
{
    struct tar_name own;
    const struct tar_name *link = &own;
    if (entry->long_link.name.parts.size > 0) {
        link = &entry->long_link.name;
    } else if (entry->has_pax && entry->pax.values[TAR_PAX_LINKPATH].present) {
        link = &entry->pax.link;
    } else {
        const char *text = NULL;
        size_t size = tar_header_link(header, &text);
        tar_name_begin(&own);
        tar_name_feed(&own, text, size);
    }
    return tar_header_type(header) == '2' ? tar_name_wrong_symlink(link)
                                          : tar_name_wrong_link(link);
}

/* Oddities of the entry's own header, and of what extension headers said about its names. */
static void judge_entry(struct tar_entry *entry, const unsigned char *header,
                        const struct tar_name *path)
{
    char type = tar_header_type(header);
    char what[sizeof entry->odd.what];
    if (tar_type_is_odd(type)) {
        note_type(entry, type, &entry->name);
    }
    if ((type == '3' || type == '4' || type == '6') && !tar_header_device_fits(header)) {
        note_odd(entry, TAR_ODD_DEVICE, &entry->name, NULL,
                 "its device number has more than 32 bits");
    }
    note_path(entry, tar_name_wrong_path(path), &entry->name);
    const char *link_wrong = type == '1' || type == '2' ? wrong_link(entry, header) : NULL;
    if (link_wrong != NULL) {
        (void)snprintf(what, sizeof what, "its target %s", link_wrong);
        note_odd(entry, TAR_ODD_LINK, &entry->name, NULL, what);
    }
}

void tar_entry_sparse_wrong(struct tar_entry *entry)
{
    note_odd(entry, TAR_ODD_SPARSE, &entry->name, NULL, "its map of a sparse file is wrong");
}

/* Type S has a map of its own. */
static enum tar_pax_sparse sparse_kind(const struct tar_entry *entry, char type)
{
    return entry->has_pax && !entry->pax_is_odd && type != 'S' ? tar_pax_sparse(&entry->pax)
                                                               : TAR_PAX_SPARSE_NONE;
}

/* Oddities of the entry's PAX header. Returns whether a map stands in front of the data. */
static bool judge_pax(struct tar_entry *entry, enum tar_pax_sparse kind, bool has_data,
                      uint64_t size)
{
    enum tar_pax_key key = TAR_PAX_OTHER;
    enum tar_odd_reason reason = tar_pax_odd_entry(&entry->pax, &key);
    if (reason != TAR_ODD_NONE) {
        note_record(entry, reason, key, &entry->name);
    }
    if (kind == TAR_PAX_SPARSE_NONE) {
        return false;
    }
    bool in_data = kind == TAR_PAX_SPARSE_IN_DATA;
    if (!has_data || !tar_pax_sparse_size(&entry->pax, size, &entry->sparse_size) ||
        (in_data ? size == 0 : !tar_pax_sparse_fits(&entry->pax, size))) {
        tar_entry_sparse_wrong(entry);
        return false;
    }
    return in_data;
}

static void take_name(struct tar_entry *entry, const struct tar_name *path)
{
    entry->name.size = path->text.size;
    memcpy(entry->name.bytes, path->text.bytes, path->text.size);
    if (entry->is_odd && entry->odd.count == 1) { /* by what stands in front of the entry */
        name_odd(entry, &entry->name);
    }
}

/* The files at the top of an image archive. A file system may have one of them. */
enum image_mark {
    IMAGE_MANIFEST = 1u << 0,
    IMAGE_REPOSITORIES = 1u << 1,
    IMAGE_OCI_LAYOUT = 1u << 2,
    IMAGE_INDEX = 1u << 3
};

static void note_image_mark(struct tar_entry *entry)
{
    static const struct {
        const char *name;
        unsigned mark;
    } marks[] = { { "manifest.json", IMAGE_MANIFEST },
                  { "repositories", IMAGE_REPOSITORIES },
                  { "oci-layout", IMAGE_OCI_LAYOUT },
                  { "index.json", IMAGE_INDEX } };
    const char *name = entry->name.bytes;
    size_t size = entry->name.size;
    if (size > 2 && memcmp(name, "./", 2) == 0) {
        name += 2;
        size -= 2;
    }
    for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
        if (size == strlen(marks[i].name) && memcmp(name, marks[i].name, size) == 0) {
            entry->image_marks |= marks[i].mark;
        }
    }
}

bool tar_entry_is_image_archive(const struct tar_entry *entry)
{
    unsigned docker = (unsigned)IMAGE_MANIFEST | (unsigned)IMAGE_REPOSITORIES;
    unsigned both = (unsigned)IMAGE_MANIFEST | (unsigned)IMAGE_OCI_LAYOUT;
    unsigned oci = (unsigned)IMAGE_OCI_LAYOUT | (unsigned)IMAGE_INDEX;
    unsigned marks = entry->image_marks;
    return (marks & docker) == docker || (marks & both) == both || (marks & oci) == oci;
}

bool tar_entry_done(struct tar_entry *entry, const unsigned char *header, uint64_t *io_size)
{
    char type = tar_header_type(header);
    bool has_map = false;
    const struct tar_name *path = find_path(entry, header);
    enum tar_pax_sparse kind = sparse_kind(entry, type);
    /* Before directories had a type of their own they were files with a name ending in '/'. */
    bool bare = tar_type_is_bare(type) || (type == '\0' && path->last == '/');
    if (kind != TAR_PAX_SPARSE_NONE && entry->pax.values[TAR_PAX_SPARSE_NAME].present) {
        path = &entry->pax.sparse_name;
    }
    take_name(entry, path);
    note_image_mark(entry);
    tar_tops_add(&entry->tops, &entry->name, type, type == '5' || path->last == '/');
    if (entry->has_pax) {
        (void)tar_pax_size(&entry->pax, io_size);
    }
    if (bare) {
        *io_size = 0;
    }
    judge_entry(entry, header, path);
    if (entry->has_pax && !entry->pax_is_odd) {
        has_map = judge_pax(entry, kind, !bare, *io_size);
    }
    forget_extensions(entry);
    return has_map;
}

void tar_entry_header(struct tar_entry *entry, const unsigned char *header, uint64_t offset,
                      bool first)
{
    const char *field = tar_header_not_numeric(header);
    entry->offset = offset;
    entry->is_odd = entry->is_odd && !first;
    if (field != NULL) {
        char what[sizeof entry->odd.what];
        (void)snprintf(what, sizeof what, "the field %s of its header is not a number", field);
        note_odd(entry, TAR_ODD_FIELD, NULL, NULL, what);
    }
    if (tar_header_type(header) == 'X') {
        note_type(entry, 'X', NULL);
    }
}

void tar_entry_extension_begin(struct tar_entry *entry, char type)
{
    if (type == 'L' || type == 'K') {
        struct tar_long_name *name = type == 'L' ? &entry->long_path : &entry->long_link;
        name->ended = false;
        tar_name_begin(&name->name);
        return;
    }
    tar_pax_begin(&entry->pax);
    entry->has_pax = type != 'g';
    entry->pax_is_odd = type == 'X';
}

void tar_entry_long_bytes(struct tar_entry *entry, char type, const unsigned char *data,
                          size_t size)
{
    struct tar_long_name *name = type == 'L' ? &entry->long_path : &entry->long_link;
    if (name->ended) {
        return;
    }
    const unsigned char *end = memchr(data, '\0', size);
    if (end != NULL) {
        name->ended = true;
        size = (size_t)(end - data);
    }
    tar_name_feed(&name->name, (const char *)data, size);
}

void tar_entry_extension_end(struct tar_entry *entry, char type, const unsigned char *header)
{
    enum tar_pax_key key = TAR_PAX_OTHER;
    if (type == 'g') {
        judge_global(entry, header);
    } else if (type == 'x' && tar_pax_odd(&entry->pax, &key) != TAR_ODD_NONE) {
        /* Unreadable as a whole: a second header would not mend it. */
        note_record(entry, entry->pax.odd, key, NULL);
    }
}

bool tar_entry_has_pax_size(const struct tar_entry *entry)
{
    uint64_t size = 0;
    return entry->has_pax && tar_pax_size(&entry->pax, &size);
}
