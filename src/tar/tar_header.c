/* SPDX-License-Identifier: Apache-2.0 */
#include "tar/tar_header.h"

#include <string.h>

#include "base/macros.h"

enum {
    NAME_OFFSET = 0,
    NAME_SIZE = 100,
    NUMBER_SIZE = 8,
    TIME_SIZE = 12,
    SIZE_OFFSET = 124,
    SIZE_SIZE = 12,
    SUM_OFFSET = 148,
    SUM_SIZE = 8,
    TYPE_OFFSET = 156,
    LINK_OFFSET = 157,
    LINK_SIZE = 100,
    MAGIC_OFFSET = 257,
    DEVICE_MAJOR_OFFSET = 329,
    DEVICE_MINOR_OFFSET = 337,
    PREFIX_OFFSET = 345,
    PREFIX_SIZE = 155,
    STAR_PREFIX_SIZE = 131,
    STAR_TRAILER_OFFSET = 508,
    GNU_ATIME_OFFSET = 345,
    GNU_CTIME_OFFSET = 357,
    SPARSE_MORE_OFFSET = 482,
    SPARSE_BLOCK_MORE_OFFSET = 504,
};

static bool number_base256(const unsigned char *field, size_t width, uint64_t *ret_value)
{
    /* The first byte is 0x80 for positive numbers and 0xff for negative ones. */
    uint64_t value = field[0] & 0x3f;
    if ((field[0] & 0x40) != 0) {
        return false;
    }
    for (size_t i = 1; i < width; i++) {
        if (value >> 55 != 0) {
            return false;
        }
        value = value << 8 | field[i];
    }
    *ret_value = value;
    return true;
}

/* Nothing but blanks and NULs. */
static bool is_blank(const unsigned char *field, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (field[i] != ' ' && field[i] != '\0') {
            return false;
        }
    }
    return true;
}

/* A NUL ends the field whatever follows. Readers disagree on digits after a blank, or after a NUL
 * that the field begins with: these make no number. */
bool tar_number(const unsigned char *field, size_t width, uint64_t *ret_value)
{
    if ((field[0] & 0x80) != 0) {
        return number_base256(field, width, ret_value);
    }
    size_t at = 0;
    while (at < width && field[at] == ' ') {
        at++;
    }
    size_t begin = at;
    uint64_t value = 0;
    while (at < width && field[at] >= '0' && field[at] <= '7') {
        if (value >> 60 != 0) {
            return false;
        }
        value = value << 3 | (unsigned)(field[at++] - '0');
    }
    bool ended = at > begin && at < width && field[at] == '\0';
    if (!ended && !is_blank(field + at, width - at)) {
        return false;
    }
    *ret_value = value;
    return true;
}

static bool number_base256_signed(const unsigned char *field, size_t width, int64_t *ret_value)
{
    /* A negative number's bytes are those of the number -n-1, inverted. */
    bool negative = (field[0] & 0x40) != 0;
    unsigned char flip = negative ? 0xff : 0;
    uint64_t value = (field[0] ^ flip) & 0x7f;
    for (size_t i = 1; i < width; i++) {
        if (value >> 55 != 0) {
            return false;
        }
        value = value << 8 | (field[i] ^ flip);
    }
    *ret_value = negative ? -(int64_t)value - 1 : (int64_t)value;
    return true;
}

static bool is_filler(unsigned char c)
{
    return c == ' ' || c == '\0';
}

bool tar_number_of_go(const unsigned char *field, size_t width, int64_t *ret_value)
{
    if ((field[0] & 0x80) != 0) {
        return number_base256_signed(field, width, ret_value);
    }
    const unsigned char *end = field + width;
    while (field < end && is_filler(*field)) {
        field++;
    }
    while (field < end && is_filler(end[-1])) {
        end--;
    }
    int64_t value = 0; /* a field has at most 12 bytes: no overflow */
    while (field < end && *field >= '0' && *field <= '7') {
        value = value << 3 | (*field++ - '0');
    }
    *ret_value = value;
    return field == end || *field == '\0';
}

/* Loops without a condition: the compiler takes many bytes at once, and every header passes
 * here. */
static void add_bytes(const unsigned char *bytes, size_t size, unsigned *sum, unsigned *high)
{
    for (size_t i = 0; i < size; i++) {
        *sum += bytes[i];
        *high += bytes[i] >> 7;
    }
}

bool tar_header_checksum_good(const unsigned char *header)
{
    const size_t behind = SUM_OFFSET + SUM_SIZE;
    uint64_t wanted = 0;
    if ((header[SUM_OFFSET] & 0x80) != 0 || /* base-256, which is for other fields */
        !tar_number(header + SUM_OFFSET, SUM_SIZE, &wanted)) {
        return false;
    }
    unsigned sum = SUM_SIZE * ' '; /* what its own field counts as */
    unsigned high = 0;
    add_bytes(header, SUM_OFFSET, &sum, &high);
    add_bytes(header + behind, TAR_BLOCK_BYTES - behind, &sum, &high);
    /* Old programs took bytes for signed: those from 128 on count 256 less. */
    return wanted == sum || (int64_t)wanted == (int64_t)sum - 256 * (int64_t)high;
}

bool tar_header_size(const unsigned char *header, uint64_t *ret_size)
{
    return tar_number(header + SIZE_OFFSET, SIZE_SIZE, ret_size);
}

char tar_header_type(const unsigned char *header)
{
    return (char)header[TYPE_OFFSET];
}

bool tar_type_is_bare(char type)
{
    return type >= '1' && type <= '6';
}

bool tar_header_sparse_continues(const unsigned char *header)
{
    return header[SPARSE_MORE_OFFSET] != 0;
}

bool tar_sparse_block_continues(const unsigned char *block)
{
    return block[SPARSE_BLOCK_MORE_OFFSET] != 0;
}

enum tar_format tar_header_format(const unsigned char *header)
{
    const unsigned char *magic = header + MAGIC_OFFSET;
    if (memcmp(magic, "ustar\0", 6) == 0) {
        return memcmp(header + STAR_TRAILER_OFFSET, "tar\0", 4) == 0 ? TAR_FORMAT_STAR
                                                                     : TAR_FORMAT_USTAR;
    }
    return memcmp(magic, "ustar  \0", 8) == 0 ? TAR_FORMAT_GNU : TAR_FORMAT_V7;
}

const char *tar_header_not_numeric(const unsigned char *header)
{
    static const struct {
        const char *name;
        unsigned offset;
        unsigned size;
        unsigned formats; /* as bits */
    } fields[] = {
        { "mode", 100, NUMBER_SIZE, ~0u },
        { "uid", 108, NUMBER_SIZE, ~0u },
        { "gid", 116, NUMBER_SIZE, ~0u },
        { "mtime", 136, TIME_SIZE, ~0u },
        { "devmajor", DEVICE_MAJOR_OFFSET, NUMBER_SIZE, ~(1u << TAR_FORMAT_V7) },
        { "devminor", DEVICE_MINOR_OFFSET, NUMBER_SIZE, ~(1u << TAR_FORMAT_V7) },
        { "atime", 476, TIME_SIZE, 1u << TAR_FORMAT_STAR },
        { "ctime", 488, TIME_SIZE, 1u << TAR_FORMAT_STAR },
    };
    unsigned format = 1u << tar_header_format(header);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        int64_t value = 0;
        if ((fields[i].formats & format) != 0 &&
            !tar_number_of_go(header + fields[i].offset, fields[i].size, &value)) {
            return fields[i].name;
        }
    }
    return NULL;
}

bool tar_header_device_fits(const unsigned char *header)
{
    int64_t major = 0;
    int64_t minor = 0;
    return tar_header_format(header) == TAR_FORMAT_V7 ||
           (tar_number_of_go(header + DEVICE_MAJOR_OFFSET, NUMBER_SIZE, &major) &&
            tar_number_of_go(header + DEVICE_MINOR_OFFSET, NUMBER_SIZE, &minor) && major >= 0 &&
            major <= UINT32_MAX && minor >= 0 && minor <= UINT32_MAX);
}

size_t tar_header_link(const unsigned char *header, const char **ret_link)
{
    *ret_link = (const char *)header + LINK_OFFSET;
    return strnlen(*ret_link, LINK_SIZE);
}

static bool gnu_time_good(const unsigned char *field)
{
    int64_t value = 0;
    return field[0] == '\0' || tar_number_of_go(field, TIME_SIZE, &value);
}

bool tar_header_has_gnu_times(const unsigned char *header)
{
    return gnu_time_good(header + GNU_ATIME_OFFSET) && gnu_time_good(header + GNU_CTIME_OFFSET);
}

static bool is_ascii(const unsigned char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

/* GNU's format has times where others have a prefix. Go's writer put a prefix there for a while, so
 * its reader takes for one what is no time. */
static size_t prefix_size(const unsigned char *header)
{
    const unsigned char *prefix = header + PREFIX_OFFSET;
    size_t size = strnlen((const char *)prefix, PREFIX_SIZE);
    switch (tar_header_format(header)) {
    case TAR_FORMAT_USTAR:
        return size;
    case TAR_FORMAT_STAR:
        return MIN_OF(size, (size_t)STAR_PREFIX_SIZE);
    case TAR_FORMAT_GNU:
        if (tar_header_has_gnu_times(header)) {
            return 0;
        }
        return is_ascii(prefix, size) ? size : 0;
    case TAR_FORMAT_V7:
        break;
    }
    return 0;
}

size_t tar_header_name(const unsigned char *header, char ret_name[TAR_NAME_BYTES])
{
    size_t size = prefix_size(header);
    memcpy(ret_name, header + PREFIX_OFFSET, size);
    if (size > 0) {
        ret_name[size++] = '/';
    }
    size_t name = strnlen((const char *)header + NAME_OFFSET, NAME_SIZE);
    memcpy(ret_name + size, header + NAME_OFFSET, name);
    ret_name[size + name] = '\0';
    return size + name;
}
