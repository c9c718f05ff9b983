/* SPDX-License-Identifier: Apache-2.0 */
/* Headers that layerpipe writes: the tar check finds nothing odd in them, and the tar reader, and
 * libarchive where it is there, read what was written.
 *
 * Numbers first, then path, link target, and name and value of an attribute, each up to a NUL. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "tar/tar_reader.h"
#include "tar/tar_scan.h"
#include "tar/tar_write.h"
#ifdef HAVE_LIBARCHIVE
#include <archive.h>
#include <archive_entry.h>
#endif

#define XATTR "SCHILY.xattr."
#define IDS_MAX 0xfffffffeu
#define DEVICE_MAX 0xfffu

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

struct given {
    const uint8_t *data;
    size_t size;
};

static uint64_t take_number(struct given *given, size_t bytes)
{
    uint64_t number = 0;
    for (; bytes > 0 && given->size > 0; bytes--) {
        number = number << 8 | *given->data++;
        given->size--;
    }
    return number;
}

static char *take_text(struct given *given)
{
    char *text = mem_strndup((const char *)given->data, given->size);
    require(text != NULL);
    size_t size = MIN_OF(given->size, strlen(text) + 1);
    given->data += size;
    given->size -= size;
    return text;
}

/* An entry as directories have them. */
struct made {
    struct tar_write_entry entry;
    char *path;
    char *link;
    char *name; /* of the attribute; "" = none */
    char *value;
    struct buf xattrs;
};

static void dispose(struct made *made)
{
    free(made->path);
    free(made->link);
    free(made->name);
    free(made->value);
    buf_dispose(&made->xattrs);
}

static void take_numbers(struct given *given, struct tar_write_entry *entry)
{
    static const enum tar_entry_type types[] = { TAR_ENTRY_FILE,         TAR_ENTRY_HARD_LINK,
                                                 TAR_ENTRY_SYMLINK,      TAR_ENTRY_CHARACTER_DEVICE,
                                                 TAR_ENTRY_BLOCK_DEVICE, TAR_ENTRY_DIRECTORY,
                                                 TAR_ENTRY_FIFO };
    entry->type = types[take_number(given, 1) % ARRAY_LEN(types)];
    entry->size = entry->type == TAR_ENTRY_FILE ? take_number(given, 8) >> 2 : 0;
    entry->mtime = (int64_t)take_number(given, 8) >> 4;
    entry->mode = (unsigned)take_number(given, 2) & 07777;
    entry->uid = (unsigned)take_number(given, 4) & IDS_MAX;
    entry->gid = (unsigned)take_number(given, 4) & IDS_MAX;
    bool is_device =
        entry->type == TAR_ENTRY_CHARACTER_DEVICE || entry->type == TAR_ENTRY_BLOCK_DEVICE;
    entry->device_major = is_device ? (unsigned)take_number(given, 2) & DEVICE_MAX : 0;
    entry->device_minor = is_device ? (unsigned)take_number(given, 2) : 0;
}

/* Names as a directory has them: no part is empty, "." or "..". Only a directory's path ends with
 * '/'. */
static char *path_of(struct given *given, bool is_directory)
{
    AUTO_FREE char *text = take_text(given);
    AUTO_BUF struct buf path = BUF_INIT(MIB);
    for (const char *part = text + strspn(text, "/"); *part != '\0'; part += strspn(part, "/")) {
        size_t size = strcspn(part, "/");
        bool dots = strspn(part, ".") == size;
        require(buf_printf(&path, "%s%.*s%s", path.size > 0 ? "/" : "", (int)size, part,
                           dots ? "x" : "") == 0);
        part += size;
    }
    return mem_printf("%s%s", path.size == 0 ? "a" : path.data, is_directory ? "/" : "");
}

static void make(struct given *given, struct made *made)
{
    *made = (struct made){ .xattrs = BUF_INIT(MIB) };
    take_numbers(given, &made->entry);
    bool is_link = made->entry.type == TAR_ENTRY_HARD_LINK || made->entry.type == TAR_ENTRY_SYMLINK;
    made->path = path_of(given, made->entry.type == TAR_ENTRY_DIRECTORY);
    made->link = is_link ? path_of(given, false) : NULL;
    made->name = take_text(given);
    made->value = take_text(given);
    require(made->path != NULL && (made->link != NULL || !is_link));
    made->name[strcspn(made->name, "=")] = '\0';
    if (made->name[0] != '\0') {
        AUTO_FREE char *key = mem_printf(XATTR "%s", made->name);
        require(tar_write_pax_record(&made->xattrs, key, made->value, strlen(made->value)) == 0);
        made->entry.xattrs = &made->xattrs;
    }
    made->entry.path = made->path;
    made->entry.link = made->link;
}

static int check_entry(void *ctx, const struct tar_reader_entry *read, struct lpipe_error *err)
{
    struct made *made = ctx;
    const struct tar_write_entry *entry = &made->entry;
    (void)err;
    require(read->type == (char)entry->type && strcmp(read->path, entry->path) == 0);
    require(entry->link == NULL || strcmp(read->link, entry->link) == 0);
    require(read->size == entry->size && read->mode == entry->mode);
    require(read->uid == entry->uid && read->gid == entry->gid);
    require(read->mtime.seconds == entry->mtime && read->mtime.nanoseconds == 0);
    require(read->device_major == entry->device_major && read->device_minor == entry->device_minor);
    if (made->name[0] != '\0') {
        AUTO_FREE char *key = mem_printf(XATTR "%s", made->name);
        const struct tar_record *record = tar_reader_record(read, key);
        require(record != NULL && record->value_size == strlen(made->value) &&
                memcmp(record->value, made->value, record->value_size) == 0);
    }
    made->entry.type = 0; /* seen */
    return 0;
}

/* Whether a file system can have the path. */
static bool is_possible(const char *path)
{
    for (const char *part = path; *part != '\0'; part += strspn(part, "/")) {
        size_t size = strcspn(part, "/");
        if (size > TAR_PART_BYTES_MAX) {
            return false;
        }
        part += size;
    }
    return strlen(path) <= TAR_PATH_BYTES_MAX;
}

static void check_scan(const struct made *made, const struct buf *header)
{
    bool possible = is_possible(made->path) && (made->link == NULL || is_possible(made->link)) &&
                    strlen(made->name) <= TAR_XATTR_NAME_BYTES_MAX &&
                    strlen(made->value) <= TAR_XATTR_VALUE_BYTES_MAX;
    struct tar_scan *scan = NULL;
    struct tar_odd odd;
    require(tar_scan_new(0, &scan, NULL) == 0);
    require(tar_scan_bytes(scan, header->data, header->size, NULL) == 0);
    tar_scan_odd(scan, &odd);
    require(odd.count == 0 || !possible);
    tar_scan_free(scan);
}

#ifdef HAVE_LIBARCHIVE
/* libarchive keeps texts in the character set of the locale, so only ASCII is compared. */
static bool is_ascii(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text >= 0x80) {
            return false;
        }
    }
    return true;
}

static void check_with_libarchive(const struct made *made, const struct buf *header)
{
    const struct tar_write_entry *entry = &made->entry;
    struct archive *archive = archive_read_new();
    struct archive_entry *read = NULL;
    require(archive != NULL && archive_read_support_format_tar(archive) == ARCHIVE_OK);
    require(archive_read_open_memory(archive, header->data, header->size) == ARCHIVE_OK);
    if (is_ascii(made->path) && (made->link == NULL || is_ascii(made->link))) {
        require(archive_read_next_header(archive, &read) == ARCHIVE_OK);
        const char *link = entry->type == TAR_ENTRY_HARD_LINK ? archive_entry_hardlink(read)
                                                              : archive_entry_symlink(read);
        require(strcmp(archive_entry_pathname(read), entry->path) == 0);
        require(entry->link == NULL || (link != NULL && strcmp(link, entry->link) == 0));
        require((uint64_t)archive_entry_size(read) == entry->size);
        require(archive_entry_mtime(read) == entry->mtime);
        require(archive_entry_uid(read) == entry->uid && archive_entry_gid(read) == entry->gid);
        require((unsigned)archive_entry_perm(read) == entry->mode);
    }
    (void)archive_read_free(archive);
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct given given = { data, size };
    struct made made CLEANUP(dispose);
    AUTO_BUF struct buf header = BUF_INIT(4 * MIB);
    struct tar_reader *reader = NULL;
    const struct tar_reader_sink sink = { .entry = check_entry, .ctx = &made };
    make(&given, &made);
    require(tar_write_header(&made.entry, &header) == 0);
    require(header.size % TAR_WRITE_BLOCK_BYTES == 0);
    check_scan(&made, &header);
#ifdef HAVE_LIBARCHIVE
    check_with_libarchive(&made, &header);
#endif
    require(tar_reader_new(0, &sink, &reader, NULL) == 0);
    require(tar_reader_bytes(reader, header.data, header.size, NULL) == 0);
    require(made.entry.type == 0);
    tar_reader_free(reader);
    return 0;
}
