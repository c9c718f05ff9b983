/* SPDX-License-Identifier: Apache-2.0 */
#include "tar/tar_write.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"

/* POSIX ustar; a text may fill its field completely, then it has no NUL. */
struct ustar {
    char name[100];
    char mode[8];
    char uid[8];
    char gid[8];
    char size[12];
    char mtime[12];
    char checksum[8];
    char type;
    char link[100];
    char magic[6];
    char version[2];
    char user[32];
    char group[32];
    char device_major[8];
    char device_minor[8];
    char prefix[155];
    char rest[12];
};
_Static_assert(sizeof(struct ustar) == TAR_WRITE_BLOCK_BYTES, "a header is one block");

#define OCTAL_7 UINT64_C(07777777)
#define OCTAL_11 UINT64_C(077777777777)

size_t tar_padding(uint64_t size)
{
    return (size_t)(-size % TAR_WRITE_BLOCK_BYTES);
}

/* Digits with leading zeros and a NUL; the value is known to fit. */
static void put_octal(char *field, size_t width, uint64_t value)
{
    field[--width] = '\0';
    while (width > 0) {
        field[--width] = (char)('0' + (value & 7));
        value >>= 3;
    }
}

/* GNU's base-256, for readers that do not support PAX. */
static void put_binary(char *field, size_t width, uint64_t value)
{
    for (size_t i = width; i-- > 1;) {
        field[i] = (char)(value & 0xff);
        value >>= 8;
    }
    field[0] = (char)0x80;
}

static void put_text(char *field, size_t width, const char *text)
{
    memcpy(field, text, strnlen(text, width));
}

/* Where a path that is too long for the name field can be split, or 0. The '/' at the end of a
 * directory's path is not such a place. */
static size_t split_of(const char *path, size_t size)
{
    struct ustar *header = NULL;
    size_t last = MIN_OF(size - 2, sizeof header->prefix);
    for (size_t i = last; i > 0 && size - i - 1 <= sizeof header->name; i--) {
        if (path[i] == '/') {
            return i;
        }
    }
    return 0;
}

/* False when the path needs a PAX header; then the field has the beginning of the path. */
static bool put_path(struct ustar *header, const char *path)
{
    size_t size = strlen(path);
    size_t split = size <= sizeof header->name ? 0 : split_of(path, size);
    memcpy(header->prefix, path, split);
    put_text(header->name, sizeof header->name, path + (split > 0 ? split + 1 : 0));
    return size <= sizeof header->name || split > 0;
}

static void put_checksum(struct ustar *header)
{
    unsigned sum = 0;
    memset(header->checksum, ' ', sizeof header->checksum);
    for (size_t i = 0; i < sizeof *header; i++) {
        sum += ((const unsigned char *)header)[i];
    }
    put_octal(header->checksum, sizeof header->checksum - 1, sum);
}

void tar_write_checksum(unsigned char header[TAR_WRITE_BLOCK_BYTES])
{
    struct ustar fields;
    memcpy(&fields, header, sizeof fields);
    put_checksum(&fields);
    memcpy(header, &fields, sizeof fields);
}

static size_t decimal_digits(size_t value)
{
    size_t digits = 1;
    while (value >= 10) {
        value /= 10;
        digits++;
    }
    return digits;
}

/* "LENGTH KEY=VALUE\n", where LENGTH counts its own digits. */
int tar_write_pax_record(struct buf *records, const char *key, const void *value, size_t size)
{
    size_t rest = strlen(key) + size + 3;
    size_t length = rest + decimal_digits(rest);
    length = rest + decimal_digits(length);
    int status = buf_printf(records, "%zu %s=", length, key);
    status = status == 0 ? buf_append(records, value, size) : status;
    return status == 0 ? buf_append(records, "\n", 1) : status;
}

static int pax_text(struct buf *records, const char *key, const char *value)
{
    return tar_write_pax_record(records, key, value, strlen(value));
}

static int pax_number(struct buf *records, const char *key, int64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRId64, value);
    return pax_text(records, key, text);
}

/* If a text is not UTF-8, the record hdrcharset=BINARY is added (POSIX pax). */
static int pax_charset(struct buf *records, const char *path, const char *link)
{
    bool text = (path == NULL || text_is_utf8(path, strlen(path))) &&
                (link == NULL || text_is_utf8(link, strlen(link)));
    return text ? 0 : pax_text(records, "hdrcharset", "BINARY");
}

static int put_id(struct buf *records, char field[8], const char *key, unsigned value)
{
    if (value <= OCTAL_7) {
        put_octal(field, 8, value);
        return 0;
    }
    put_binary(field, 8, value);
    return pax_number(records, key, value);
}

static int put_size(struct buf *records, struct ustar *header, uint64_t size, bool in_one_block)
{
    if (size <= OCTAL_11) {
        put_octal(header->size, sizeof header->size, size);
        return 0;
    }
    put_binary(header->size, sizeof header->size, size);
    return in_one_block ? 0 : pax_number(records, "size", (int64_t)size);
}

static int put_mtime(struct buf *records, struct ustar *header, int64_t mtime)
{
    bool fits = mtime >= 0 && (uint64_t)mtime <= OCTAL_11;
    put_octal(header->mtime, sizeof header->mtime, fits ? (uint64_t)mtime : 0);
    return fits ? 0 : pax_number(records, "mtime", mtime);
}

static void put_rest(struct ustar *header, const struct tar_write_entry *entry)
{
    put_octal(header->mode, sizeof header->mode, entry->mode);
    put_octal(header->device_major, sizeof header->device_major, entry->device_major);
    put_octal(header->device_minor, sizeof header->device_minor, entry->device_minor);
    put_text(header->magic, sizeof header->magic, "ustar");
    put_text(header->version, sizeof header->version, "00");
    header->type = (char)entry->type;
}

/* Fills the header; values that do not fit become PAX records, sorted by their keys. */
static int fill(const struct tar_write_entry *entry, struct ustar *header, struct buf *records)
{
    const char *link = entry->link != NULL ? entry->link : "";
    put_rest(header, entry);
    put_text(header->link, sizeof header->link, link);
    const char *long_link = strlen(link) > sizeof header->link ? link : NULL;
    const char *long_path = put_path(header, entry->path) ? NULL : entry->path;

    int status = put_id(records, header->gid, "gid", entry->gid);
    status = status == 0 ? pax_charset(records, long_path, long_link) : status;
    if (status == 0 && long_link != NULL) {
        status = pax_text(records, "linkpath", long_link);
    }
    status = status == 0 ? put_mtime(records, header, entry->mtime) : status;
    if (status == 0 && long_path != NULL) {
        status = pax_text(records, "path", long_path);
    }
    status = status == 0 ? put_size(records, header, entry->size, entry->in_one_block) : status;
    return status == 0 ? put_id(records, header->uid, "uid", entry->uid) : status;
}

int tar_write_pax_header(const struct buf *records, struct buf *ret_header)
{
    static const char zeros[TAR_WRITE_BLOCK_BYTES];
    struct ustar header = { .type = 0 };
    struct buf none = BUF_INIT(0);
    struct tar_write_entry entry = {
        .type = TAR_ENTRY_PAX, .path = "././@PaxHeader", .size = records->size, .mode = 0644
    };
    int status = fill(&entry, &header, &none);
    put_checksum(&header);
    status = status == 0 ? buf_append(ret_header, &header, sizeof header) : status;
    status = status == 0 ? buf_append(ret_header, records->data, records->size) : status;
    return status == 0 ? buf_append(ret_header, zeros, tar_padding(records->size)) : status;
}

int tar_write_header(const struct tar_write_entry *entry, struct buf *ret_header)
{
    struct buf records AUTO_BUF = BUF_INIT(TAR_EXTENSION_BYTES_MAX);
    struct ustar header = { .type = 0 };
    int status = 0;
    if (entry->xattrs != NULL && entry->xattrs->size > 0) {
        status = buf_append(&records, entry->xattrs->data, entry->xattrs->size);
    }
    status = status == 0 ? fill(entry, &header, &records) : status;
    put_checksum(&header);
    if (status == 0 && records.size > 0) {
        status = tar_write_pax_header(&records, ret_header);
    }
    return status == 0 ? buf_append(ret_header, &header, sizeof header) : status;
}
